import { type Adapter, defineAdapter } from 'inferlane';
import type { TestClock } from 'inferlane/testing';

/** A server with a time to the first token and a speed, in virtual time. Yours are real, and so is their record. */
export function box(firstMs: number, tokenMs: number, clock: TestClock): Adapter {
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.schedule(ms, resolve));
  return defineAdapter({
    name: 'box',
    async stream({ model = 'm' }) {
      await wait(firstMs * (0.8 + 0.4 * clock.random()));
      const base = { id: 'c', object: 'chat.completion.chunk', created: 0, model } as const;
      const tokens = 40 + Math.floor(160 * clock.random());
      const usage = { prompt_tokens: 30, completion_tokens: tokens, total_tokens: 30 + tokens };
      return (async function* () {
        yield [{ ...base, choices: [{ index: 0, delta: { content: 'tokens' } }] }];
        await wait(tokens * tokenMs);
        yield [{ ...base, choices: [{ index: 0, delta: {}, finish_reason: 'stop' as const }], usage }];
      })();
    },
  });
}
