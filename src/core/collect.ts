import { RouterError } from './errors.ts';
import type {
  AssistantMessage,
  ChatAnswer,
  ChatChoice,
  ChatChunk,
  ChunkBatches,
  ChunkDelta,
  FinishReason,
  ThinkingBlock,
  ToolCall,
  ToolCallDelta,
  Usage,
} from './types.ts';

interface ChoiceParts {
  content: string;
  reasoning: string;
  refusal: string;
  thinkingBlocks: ThinkingBlock[];
  toolCalls: Map<number, { id: string; name: string; arguments: string }>;
  finishReason: FinishReason | undefined;
  logprobs: unknown[];
}

/** Puts the chunks of one stream together again. Chunks go in one by one; the answer may be read at any time. */
export interface Collector {
  add(chunk: ChatChunk): void;
  /** Throws `bad_response` where no choice came at all. */
  answer(): ChatAnswer;
}

export function createCollector(): Collector {
  let first: ChatChunk | undefined;
  let usage: Usage | undefined;
  const choices = new Map<number, ChoiceParts>();
  return {
    add(chunk) {
      first ??= chunk;
      if (chunk.usage) usage = chunk.usage;
      for (const choice of chunk.choices) {
        const parts = partsOf(choices, choice.index);
        addDelta(parts, choice.delta);
        // A second finish reason for the same choice changes nothing: the first one ended it.
        parts.finishReason ??= choice.finish_reason ?? undefined;
        if (choice.logprobs) parts.logprobs.push(choice.logprobs);
      }
    },
    answer() {
      if (first === undefined || choices.size === 0) throw new RouterError('bad_response', 'The stream held no choice.');
      return {
        id: first.id,
        object: 'chat.completion',
        created: first.created,
        model: first.model,
        choices: [...choices].sort(([left], [right]) => left - right).map(([index, parts]) => toChoice(index, parts)),
        ...(usage && { usage }),
        ...(first.system_fingerprint && { system_fingerprint: first.system_fingerprint }),
        ...(first.degraded && { degraded: true as const }),
      };
    },
  };
}

/** Reads a stream of batches to its end. Rejects with whatever ended the stream early. */
export async function collectChunks(batches: ChunkBatches): Promise<ChatAnswer> {
  const collector = createCollector();
  for await (const batch of batches) for (const chunk of batch) collector.add(chunk);
  return collector.answer();
}

/** A finished answer as the chunks of a stream: one with everything, one with the finish reason, one with the usage. */
export function answerToChunks(answer: ChatAnswer): readonly ChatChunk[] {
  const head = {
    id: answer.id,
    object: 'chat.completion.chunk' as const,
    created: answer.created,
    model: answer.model,
    ...(answer.system_fingerprint && { system_fingerprint: answer.system_fingerprint }),
    ...(answer.degraded && { degraded: true as const }),
  };
  const content = answer.choices.map(({ index, message, logprobs }) => ({
    index,
    delta: toDelta(message),
    finish_reason: null,
    ...(logprobs !== undefined && { logprobs }),
  }));
  const finish = answer.choices.map(({ index, finish_reason }) => ({ index, delta: {}, finish_reason }));
  const chunks: ChatChunk[] = [
    { ...head, choices: content },
    { ...head, choices: finish },
  ];
  if (answer.usage) chunks.push({ ...head, choices: [], usage: answer.usage });
  return chunks;
}

/** True where a chunk carries something a reader would miss: text, reasoning, a tool call, a refusal or the end of a choice. */
export function hasContent(chunk: ChatChunk): boolean {
  return chunk.choices.some(
    ({ delta, finish_reason }) =>
      Boolean(delta.content) ||
      Boolean(finish_reason) ||
      Boolean(delta.reasoning_content) ||
      Boolean(delta.refusal) ||
      (delta.tool_calls !== undefined && delta.tool_calls.length > 0),
  );
}

/** Characters that a reader gets of some chunks: text, reasoning, refusals and the arguments of tool calls. */
export function textLength(chunks: readonly ChatChunk[]): number {
  let length = 0;
  for (const { choices } of chunks) {
    for (const { delta } of choices) {
      length += (delta.content?.length ?? 0) + (delta.reasoning_content?.length ?? 0) + (delta.refusal?.length ?? 0);
      for (const call of delta.tool_calls ?? []) length += call.function?.arguments?.length ?? 0;
    }
  }
  return length;
}

function partsOf(choices: Map<number, ChoiceParts>, index: number): ChoiceParts {
  let parts = choices.get(index);
  if (parts === undefined) {
    parts = { content: '', reasoning: '', refusal: '', thinkingBlocks: [], toolCalls: new Map(), finishReason: undefined, logprobs: [] };
    choices.set(index, parts);
  }
  return parts;
}

function addDelta(parts: ChoiceParts, delta: ChunkDelta): void {
  if (delta.content) parts.content += delta.content;
  if (delta.reasoning_content) parts.reasoning += delta.reasoning_content;
  if (delta.refusal) parts.refusal += delta.refusal;
  if (delta.thinking_blocks) parts.thinkingBlocks.push(...delta.thinking_blocks);
  for (const call of delta.tool_calls ?? []) addToolCall(parts, call);
}

function addToolCall(parts: ChoiceParts, delta: ToolCallDelta): void {
  const call = parts.toolCalls.get(delta.index) ?? { id: '', name: '', arguments: '' };
  // Some servers repeat id and name on every delta (TGI), so they are set once and not joined.
  call.id ||= delta.id ?? '';
  call.name ||= delta.function?.name ?? '';
  call.arguments += delta.function?.arguments ?? '';
  parts.toolCalls.set(delta.index, call);
}

function toChoice(index: number, parts: ChoiceParts): ChatChoice {
  const toolCalls: ToolCall[] = [...parts.toolCalls]
    .sort(([left], [right]) => left - right)
    .map(([, call]) => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } }));
  const message: AssistantMessage = {
    role: 'assistant',
    content: parts.content === '' && (toolCalls.length > 0 || parts.refusal !== '') ? null : parts.content,
    ...(parts.reasoning !== '' && { reasoning_content: parts.reasoning }),
    ...(parts.thinkingBlocks.length > 0 && { thinking_blocks: parts.thinkingBlocks }),
    ...(parts.refusal !== '' && { refusal: parts.refusal }),
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
  };
  const logprobs = joinLogprobs(parts.logprobs);
  return { index, message, finish_reason: parts.finishReason ?? 'unknown', ...(logprobs !== undefined && { logprobs }) };
}

/** Streams carry the tokens of `logprobs` piece by piece, for text and for refusals; the answer carries one list of each. */
function joinLogprobs(pieces: readonly unknown[]): unknown {
  if (pieces.length === 0) return undefined;
  const refusal = tokensOf(pieces, 'refusal');
  return { content: tokensOf(pieces, 'content'), ...(refusal.length > 0 && { refusal }) };
}

function tokensOf(pieces: readonly unknown[], list: 'content' | 'refusal'): unknown[] {
  return pieces.flatMap((piece) => (piece as Partial<Record<typeof list, unknown[] | null>>)[list] ?? []);
}

function toDelta(message: AssistantMessage): ChunkDelta {
  return {
    role: 'assistant',
    content: message.content,
    ...(message.reasoning_content && { reasoning_content: message.reasoning_content }),
    ...(message.thinking_blocks && { thinking_blocks: message.thinking_blocks }),
    ...(message.refusal && { refusal: message.refusal }),
    ...(message.tool_calls && { tool_calls: message.tool_calls.map((call, index) => ({ index, ...call })) }),
  };
}
