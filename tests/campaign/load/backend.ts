import { type Adapter, type ChatAnswer, defineAdapter, RouterError } from '../../../src/index.ts';
import { kindsIn } from '../_kit/planted-chat.ts';
import type { HandClock } from './hand-clock.ts';
import type { Setting } from './measure.ts';

/** What a backend does with one call: nothing for an answer, an error, or no word at all. */
export type Fate = 'answer' | 'refuse' | 'fail' | 'overloaded' | 'hang';

export interface Backend {
  readonly adapter: Adapter;
  calls(): number;
  /** Those that were not answered. */
  faults(): number;
}

/** `fateOf` is asked when a call comes in, with the number of calls before it; `latencyMs` is how long any word takes. */
export function backend(
  clock: HandClock,
  { canaries: { of }, planted }: Setting,
  fateOf: (call: number) => Fate,
  latencyMs: (fate: Fate) => number = () => 20,
): Backend {
  const counts = { calls: 0, faults: 0 };
  const wait = (delayMs: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const cancel = clock.schedule(delayMs, resolve);
      const onAbort = (): void => {
        cancel();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
  const adapter = defineAdapter({
    name: 'virtual',
    modelName: 'optional',
    capabilities: { tools: true, vision: true, jsonSchema: true },
    async chat({ request, signal, model }) {
      const fate = fateOf(counts.calls);
      counts.calls += 1;
      // Looking at all of them would tell no more.
      if (counts.calls < 10) for (const kind of kindsIn(JSON.stringify([request, of.completion, of.reasoning]))) planted.add(kind);
      if (fate !== 'answer') counts.faults += 1;
      await wait(fate === 'hang' ? Infinity : latencyMs(fate), signal);
      if (fate !== 'answer') throw errorOf(fate, counts.faults);
      return answerOf(model, of.completion, of.reasoning);
    },
  });
  return { adapter, calls: () => counts.calls, faults: () => counts.faults };
}

/** What fails in the same way may say so in several. */
function errorOf(fate: Fate, count: number): RouterError {
  if (fate === 'refuse') return new RouterError('unavailable', 'no connection.', { phase: 'connect', reason: 'ECONNREFUSED' });
  if (fate === 'overloaded') return new RouterError('overloaded', 'it has no room.', { status: 503 });
  if (count % 3 === 0) return new RouterError('unavailable', 'the connection was reset.', { reason: 'ECONNRESET' });
  if (count % 3 === 1) return new RouterError('bad_response', 'the answer is no JSON.', { status: 200 });
  return new RouterError('unavailable', 'it failed.', { status: 500 });
}

function answerOf(model: string | undefined, content: string, reasoning: string): ChatAnswer {
  const message = { role: 'assistant' as const, content, reasoning_content: reasoning };
  return { id: 'c', object: 'chat.completion', created: 1, model: model ?? 'm', choices: [{ index: 0, message, finish_reason: 'stop' }] };
}
