import type { RouterOptions } from 'inferlane';
import { createTestRouter, formatRuns, simulate, testClock } from 'inferlane/testing';
import { box } from './box.ts';

// Yesterday: 300 calls, half of them for each of two boxes, one of which is twice as fast. In virtual time, so that it takes a moment.
const clock = testClock({ seed: 7 });
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
