import { type Adapter, type Call, type ChatAnswer, type ChatRequest, defineAdapter, RouterError } from '../../../src/index.ts';
import type { Canaries } from '../_kit/canaries.ts';
import { kindsIn } from '../_kit/planted-chat.ts';

/** A backend that does with each call what it is told at that moment: it answers, refuses, fails, or holds it until it is let go. */
export interface HeldBackend {
  readonly adapter: Adapter;
  does: 'answer' | 'refuse' | 'fail' | 'hold';
  /** Calls that came in so far. */
  readonly entered: () => number;
  /** Calls that are held and have not been given up by the router. */
  readonly held: () => number;
  /** Answers the calls that are held, the oldest first. */
  letGo(count: number): void;
}

/** `planted`: gets the kinds of canaries that come in and go out. `hears`: an aborted call ends; a backend that does not hear keeps it. */
export function heldBackend({ of }: Canaries, planted: Set<string>, hears = true): HeldBackend {
  const held: (() => void)[] = [];
  let entered = 0;
  const answer = (call: Call<ChatRequest>): ChatAnswer => ({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: call.model ?? 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: of.completion, reasoning_content: of.reasoning }, finish_reason: 'stop' }],
  });
  const hold = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      held.push(resolve);
      if (!hears) return;
      signal.addEventListener('abort', () => {
        held.splice(held.indexOf(resolve), 1);
        reject(signal.reason as Error);
      });
    });
  const backend: HeldBackend = {
    does: 'answer',
    entered: () => entered,
    held: () => held.length,
    letGo(count) {
      for (const resolve of held.splice(0, count)) resolve();
    },
    adapter: defineAdapter({
      name: 'held',
      modelName: 'optional',
      capabilities: { tools: true, vision: true, jsonSchema: true },
      async chat(call) {
        entered += 1;
        // Looking at all of a crowd would tell no more.
        if (entered < 10) for (const kind of kindsIn(JSON.stringify([call.request, answer(call)]))) planted.add(kind);
        if (backend.does === 'refuse') throw new RouterError('unavailable', 'no connection.', { phase: 'connect', reason: 'ECONNREFUSED' });
        if (backend.does === 'fail') throw new RouterError('unavailable', 'it failed.', { status: 500 });
        if (backend.does === 'hold') await hold(call.signal);
        return answer(call);
      },
    }),
  };
  return backend;
}
