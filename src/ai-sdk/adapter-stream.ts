import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { type Call, type ChatChunk, type ChatRequest, type ChunkBatches, type ChunkDelta, RouterError } from '../index.ts';
import { headOf, toFinishReason, toUsage } from './adapter-answer.ts';
import { refuseDropped, toRouterError } from './adapter-errors.ts';

/** The AI SDK's parts as our chunks. They end well only behind the part that says that the answer is whole. */
export async function* toChunks(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  call: Call<ChatRequest>,
  modelId: string,
  name: string,
): ChunkBatches {
  const translate = createTranslator(call.requestId, modelId, name);
  try {
    for await (const part of stream) {
      const chunks = translate(part);
      if (chunks.length > 0) yield chunks;
      if (part.type === 'finish') return;
    }
  } catch (error) {
    throw await toRouterError(error, call, name);
  }
  throw new RouterError('bad_response', `${name}: the stream ended before its last part.`, { provider: name });
}

type Translate = (part: LanguageModelV4StreamPart) => readonly ChatChunk[];

const nothing: readonly ChatChunk[] = [];

function createTranslator(requestId: string, modelId: string, name: string): Translate {
  let head = headOf(requestId, modelId);
  const indexes = new Map<string, number>();
  const chunk = (delta: ChunkDelta): ChatChunk[] => [
    { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: null }] },
  ];
  const begin = (id: string, toolName: string, input: string): ChatChunk[] => {
    const index = indexes.size;
    indexes.set(id, index);
    return chunk({ tool_calls: [{ index, id, type: 'function', function: { name: toolName, arguments: input } }] });
  };
  return (part) => {
    switch (part.type) {
      case 'stream-start':
        refuseDropped(part.warnings, name);
        return nothing;
      case 'response-metadata':
        head = headOf(requestId, modelId, part);
        return nothing;
      case 'text-delta':
        return chunk({ content: part.delta });
      case 'reasoning-delta':
        return chunk({ reasoning_content: part.delta });
      case 'tool-input-start':
        // A tool that the provider runs by itself is its own matter.
        return part.providerExecuted === true ? nothing : begin(part.id, part.toolName, '');
      case 'tool-input-delta': {
        const index = indexes.get(part.id);
        return index === undefined ? nothing : chunk({ tool_calls: [{ index, function: { arguments: part.delta } }] });
      }
      case 'tool-call':
        return part.providerExecuted === true || indexes.has(part.toolCallId) ? nothing : begin(part.toolCallId, part.toolName, part.input);
      case 'finish':
        return lastChunks(head, part, name);
      case 'error':
        throw part.error;
      default:
        return nothing;
    }
  };
}

function lastChunks(
  head: ReturnType<typeof headOf>,
  { finishReason, usage }: Extract<LanguageModelV4StreamPart, { readonly type: 'finish' }>,
  name: string,
): ChatChunk[] {
  const counts = toUsage(usage);
  const common = { ...head, object: 'chat.completion.chunk' as const };
  const last: ChatChunk = { ...common, choices: [{ index: 0, delta: {}, finish_reason: toFinishReason(finishReason, name) }] };
  return counts === undefined ? [last] : [last, { ...common, choices: [], usage: counts }];
}
