import { type Adapter, defineAdapter, type RouterOptions } from 'inferlane';
import { createTestRouter, formatRuns, simulate, testClock, type TestClock } from 'inferlane/testing';

// Yesterday: 300 calls, half of them for each of two boxes, one of which is twice as fast. In virtual time, so that it takes a moment.
const clock = testClock({ seed: 7 });
const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.schedule(ms, resolve));

/** A server with a time to the first token and a speed. Yours are real, and so is their record. */
function box(firstMs: number, tokenMs: number, { random }: TestClock): Adapter {
  return defineAdapter({
    name: 'box',
    async stream({ model = 'm' }) {
      await wait(firstMs * (0.8 + 0.4 * random()));
      const base = { id: 'c', object: 'chat.completion.chunk', created: 0, model } as const;
      const tokens = 40 + Math.floor(160 * random());
      const usage = { prompt_tokens: 30, completion_tokens: tokens, total_tokens: 30 + tokens };
      return (async function* () {
        yield [{ ...base, choices: [{ index: 0, delta: { content: 'tokens' } }] }];
        await wait(tokens * tokenMs);
        yield [{ ...base, choices: [{ index: 0, delta: {}, finish_reason: 'stop' as const }], usage }];
      })();
    },
  });
}

const [fast, slow] = [box(150, 10, clock), box(300, 20, clock)];
const share = (first: number, second: number): Omit<RouterOptions, 'clock'> => ({
  balance: 'weighted',
  providers: {
    fast: { type: 'custom', device: 'gpu', weight: first, maxConcurrent: 8, adapter: fast },
    slow: { type: 'custom', device: 'gpu', weight: second, maxConcurrent: 8, adapter: slow },
  },
});

const { router, close } = createTestRouter(share(50, 50), { clock });
const lines: string[] = [];
const stop = router.record((line) => lines.push(line));
async function ask(): Promise<void> {
  const stream = await router.stream({ model: 'm', messages: [{ role: 'user', content: 'Why is the sky blue?' }] });
  for await (const _chunk of stream);
}
const asked: Promise<void>[] = [];
for (let call = 0; call < 300; call += 1) {
  asked.push(ask());
  await clock.advance(-450 * Math.log(1 - clock.random()));
}
await clock.run(Promise.all(asked));
stop();
await close();

// Today: what would other shares have made of the same calls?
const [same, other] = [await simulate(share(50, 50), lines), await simulate(share(70, 30), lines)];
console.log(formatRuns({ recorded: same.recorded, '50:50 again': same.replayed, '70:30': other.replayed }));
