import { type Adapter, type Call, defineAdapter } from '../core/adapter.ts';
import { answerToChunks } from '../core/collect.ts';
import type { ChatAnswer, ChatChunk, ChatRequest, ChunkBatches } from '../core/types.ts';
import type { AdapterContext } from './context.ts';

const honestReply =
  'No language model answered this request. This is the fixed reply of the stub provider, which stands in when no other can.';

/**
 * What an answer in plain text can satisfy, or what only shapes the sampling. Not here: whatever promises a form of the
 * answer (JSON, several choices, a forced tool call, log probabilities), because the stub would break that promise.
 */
const capabilities = { tools: true, vision: true, logitBias: true, reasoningEffort: true } as const;

/**
 * A provider in this process that always answers, with `reply` or a sentence saying that no model did. Its answers are marked
 * `degraded`, carry no usage, and are dated 0, since adapters see no clock. Opt-in: it is only there where it was configured.
 */
export function stub(context: AdapterContext): Adapter {
  const reply = context.reply ?? honestReply;
  return defineAdapter({
    name: 'stub',
    capabilities,
    modelName: 'ignored',
    async chat(call) {
      call.signal.throwIfAborted();
      return toAnswer(reply, call);
    },
    async stream(call) {
      call.signal.throwIfAborted();
      return readPieces(toAnswer(reply, call), reply, call.signal);
    },
    async health() {
      return { state: 'ok' };
    },
  });
}

function toAnswer(reply: string, call: Call<ChatRequest>): ChatAnswer {
  return {
    id: `chatcmpl-${call.requestId}`,
    object: 'chat.completion',
    created: 0,
    model: 'stub',
    choices: [{ index: 0, message: { role: 'assistant', content: reply }, finish_reason: 'stop' }],
    degraded: true,
  };
}

/** One batch for each word of the reply, then the end, so that an application sees a stream as it will be. */
async function* readPieces(answer: ChatAnswer, reply: string, signal: AbortSignal): ChunkBatches {
  const { id, created, model } = answer;
  const head = { id, object: 'chat.completion.chunk' as const, created, model, degraded: true as const };
  for (const [at, piece] of (reply.match(/^\s*\S+\s*|\S+\s*/g) ?? [reply]).entries()) {
    signal.throwIfAborted();
    const chunk: ChatChunk = { ...head, choices: [{ index: 0, delta: { ...(at === 0 && { role: 'assistant' }), content: piece } }] };
    yield [chunk];
  }
  yield answerToChunks(answer).slice(1);
}
