import { type Adapter, type AdapterDefinition, type Call, defineAdapter } from '../../src/core/adapter.ts';
import type { ErrorCode } from '../../src/core/error-codes.ts';
import { type ErrorDetails, RouterError } from '../../src/core/errors.ts';
import type { ChatAnswer, ChatChunk, ChatRequest, ChunkBatches, EmbedAnswer, EmbedRequest } from '../../src/core/types.ts';
import { type Clock, sleep } from '../../src/lib/clock.ts';

/**
 * One thing that happens in a stream: a text is a batch with one content chunk, `role` a chunk without content, a list one
 * batch of several texts, a number a pause in ms of the clock, `hang` silence until the signal aborts, an error is thrown.
 */
export type StreamStep = string | readonly string[] | { readonly role: true } | number | 'hang' | Error;

/**
 * What a provider does with one call: a text answers, an error is thrown, `hang` waits until the signal aborts, `deaf` waits
 * for ever, `afterMs` waits before it does the rest. `pieces` is for streams.
 */
export type Outcome =
  | string
  | Error
  | { readonly hang: true }
  | { readonly deaf: true }
  | { readonly afterMs: number; readonly next: Outcome }
  | { readonly pieces: readonly StreamStep[] };

export interface FakeCall {
  readonly verb: 'chat' | 'stream' | 'embed';
  readonly model: string | undefined;
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly request: ChatRequest | EmbedRequest;
  readonly atMs: number;
}

export interface Fake {
  readonly adapter: Adapter;
  /** Every call that reached the provider. */
  readonly calls: readonly FakeCall[];
  /** Streams that were begun and whose source has not been closed yet. */
  openStreams(): number;
  /** Pieces that the streams have given out. */
  piecesRead(): number;
}

export type FakeOptions = Partial<Omit<AdapterDefinition, 'chat' | 'stream'>> & { readonly clock?: Clock; readonly dimensions?: number };

export const hang: Outcome = { hang: true };
export const deaf: Outcome = { deaf: true };
export const after = (afterMs: number, next: Outcome): Outcome => ({ afterMs, next });
export const pieces = (...steps: readonly StreamStep[]): Outcome => ({ pieces: steps });
export const role: StreamStep = { role: true };

/** An error as an adapter throws it: without a provider's name, which the router adds. */
export function fault(code: ErrorCode, details: ErrorDetails = {}): RouterError {
  return new RouterError(code, `it said ${code}.`, details);
}

/** A connection that did not come about. */
export const refused = (): RouterError => fault('unavailable', { phase: 'connect', reason: 'ECONNREFUSED' });

/** An adapter that does what the script says, call by call; the last outcome is repeated. A function is asked with the number of the call. */
export function fake(script: Outcome | readonly Outcome[] | ((call: number) => Outcome), options: FakeOptions = {}): Fake {
  const { clock, dimensions = 2, ...definition } = options;
  const calls: FakeCall[] = [];
  const counts = { open: 0, read: 0 };
  const outcomeOf = (index: number): Outcome => {
    if (typeof script === 'function') return script(index);
    const list = Array.isArray(script) ? (script as readonly Outcome[]) : [script as Outcome];
    return list[Math.min(index, list.length - 1)] ?? 'nothing scripted';
  };
  const enter = (verb: FakeCall['verb'], { model, requestId, signal, request }: Call<ChatRequest | EmbedRequest>): Promise<Outcome> => {
    calls.push({ verb, model, requestId, signal, request, atMs: clock?.nowMs() ?? 0 });
    return reach(outcomeOf(calls.length - 1), signal, clock);
  };
  const adapter = defineAdapter({
    name: 'fake',
    modelName: 'optional',
    chat: async (call) => toAnswer(textOf(await enter('chat', call)), call.model),
    stream: async (call) => readSteps(stepsOf(await enter('stream', call)), call, clock, counts),
    embed: async (call) => {
      const text = textOf(await enter('embed', call));
      return toVectors(call.request, text, dimensions);
    },
    ...definition,
  });
  return { adapter, calls, openStreams: () => counts.open, piecesRead: () => counts.read };
}

/** Waits and throws what is to be waited for and thrown; what is left is an answer. */
async function reach(outcome: Outcome, signal: AbortSignal, clock: Clock | undefined): Promise<Outcome> {
  if (outcome instanceof Error) throw outcome;
  if (typeof outcome === 'string' || 'pieces' in outcome) return outcome;
  if ('hang' in outcome) return untilAborted(signal);
  if ('deaf' in outcome) return new Promise<never>(() => undefined);
  if (clock === undefined) throw new Error('A fake that waits needs a clock.');
  await sleep(clock, outcome.afterMs, signal);
  return reach(outcome.next, signal, clock);
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function textOf(outcome: Outcome): string {
  return typeof outcome === 'string' ? outcome : 'a stream';
}

function stepsOf(outcome: Outcome): readonly StreamStep[] {
  return typeof outcome === 'object' && 'pieces' in outcome ? outcome.pieces : [role, textOf(outcome)];
}

async function* readSteps(
  steps: readonly StreamStep[],
  { model, signal }: Call<ChatRequest>,
  clock: Clock | undefined,
  counts: { open: number; read: number },
): ChunkBatches {
  counts.open++;
  try {
    for (const step of steps) {
      signal.throwIfAborted();
      if (step instanceof Error) throw step;
      if (step === 'hang') await untilAborted(signal);
      else if (typeof step === 'number' && clock !== undefined) await sleep(clock, step, signal);
      else if (typeof step !== 'number') {
        counts.read++;
        yield batchOf(step, model);
      }
    }
  } finally {
    counts.open--;
  }
}

function batchOf(step: string | readonly string[] | { readonly role: true }, model: string | undefined): ChatChunk[] {
  if (typeof step === 'object' && 'role' in step) return [toChunk({ role: 'assistant', content: '' }, model)];
  return (typeof step === 'string' ? [step] : step).map((content) => toChunk({ content }, model));
}

export function toChunk(delta: ChatChunk['choices'][number]['delta'], model: string | undefined): ChatChunk {
  return {
    id: 'c',
    object: 'chat.completion.chunk',
    created: 1,
    model: model ?? 'fake',
    choices: [{ index: 0, delta, finish_reason: null }],
  };
}

function toAnswer(content: string, model: string | undefined): ChatAnswer {
  const choice = { index: 0, message: { role: 'assistant' as const, content }, finish_reason: 'stop' as const };
  return { id: 'c', object: 'chat.completion', created: 1, model: model ?? 'fake', choices: [choice] };
}

/** A text that is a number gives that many vectors. */
function toVectors({ input }: EmbedRequest, text: string, dimensions: number): EmbedAnswer {
  const count = /^\d+$/.test(text) ? Number(text) : typeof input === 'string' ? 1 : input.length;
  const data = Array.from({ length: count }, (_, index) => ({
    object: 'embedding' as const,
    index,
    embedding: Array(dimensions).fill(index) as number[],
  }));
  return { object: 'list', data, model: 'fake' };
}
