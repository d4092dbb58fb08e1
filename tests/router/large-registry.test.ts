import { describe, expect, test } from 'vitest';
import type { RouterOptions } from '../../src/config/options.ts';
import { fault, hang, type Outcome, refused } from '../_kit/fake-adapter.ts';
import type { Router } from '../../src/router/router.ts';
import { failureOf, type FakeProvider, type FakeRouter, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

// A first plan has as many candidates as a call usually needs. What it does not have must still be reached.

const balances = ['priority', 'weighted', 'least-busy', 'expected-ttft'] as const;

/** So many GPUs that do what `does` says of each, and with them, unless it is left out, a CPU. */
function farm(
  count: number,
  does: (index: number) => Outcome,
  options: Omit<RouterOptions, 'providers'> = {},
  { hasCpu = true, ...more }: { readonly hasCpu?: boolean; readonly maxConcurrent?: number } = {},
): FakeRouter<string> {
  const devices = Array.from({ length: count }, (_, index): [string, FakeProvider] => [
    `gpu${index}`,
    { device: 'gpu', does: does(index), ...more },
  ]);
  if (hasCpu) devices.push(['cpu', { does: 'the processor', ...more }]);
  return fakeRouter(Object.fromEntries(devices), options);
}

/** Who answered, if anybody did. */
async function outcome(router: Router): Promise<string | undefined> {
  try {
    return (await router.chat(hello)).route.provider;
  } catch {
    return undefined;
  }
}

describe.each(balances)('of 60 equal providers under %s', (balance) => {
  test('the only one that works is found by the calls that come, wherever it stands', async () => {
    for (const good of [0, 15, 16, 31, 32, 59, 60]) {
      const { router, fakes } = farm(60, (index) => (index === good ? 'found' : refused()), { balance });
      let failures = 0;
      while (failures < 100 && (await outcome(router)) === undefined) failures += 1;
      expect((await router.chat(hello)).route.provider).toBe(good === 60 ? 'cpu' : `gpu${good}`);
      // Two refused connections open a breaker.
      expect(Math.max(...Object.values(fakes).map(({ calls }) => calls.length))).toBeLessThanOrEqual(3);
    }
  });

  test.each([true, false])(
    'each call gets a free slot while there is one, and the next one waits, with a CPU behind: %s',
    async (hasCpu) => {
      const { router, clock, fakes, events } = farm(
        40,
        () => hang,
        { balance, health: false, pollMs: false },
        { maxConcurrent: 1, hasCpu },
      );
      const calls = Array.from({ length: 40 }, () => outcomeOf(router.chat(hello)));
      await clock.settle();
      expect(Object.entries(fakes).filter(([id, { calls: asked }]) => asked.length !== (id === 'cpu' ? 0 : 1))).toEqual([]);
      expect(events.of('queue:enter')).toEqual([]);
      calls.push(outcomeOf(router.chat(hello)));
      await clock.settle();
      expect(events.of('queue:enter').map(({ providers }) => providers.length)).toEqual([40]);
    },
  );
});

test.each([true, false])(
  'those that others lock before their turn make room for those behind them, with a CPU behind: %s',
  async (hasCpu) => {
    const slow = { afterMs: 1_000, next: fault('driver', { status: 500 }) };
    const does = (index: number): Outcome => (index === 0 ? slow : index < 30 ? refused() : 'found');
    const { router, clock, fakes } = farm(40, does, { balance: 'priority' }, { hasCpu });
    const call = outcomeOf(router.chat({ ...hello }));
    await clock.advance(10);
    for (let index = 1; index < 30; index++) {
      for (let again = 0; again < 3; again++) await failureOf(router.chat(hello, { provider: `gpu${index}`, maxAttempts: 1 }));
    }
    const before = Object.values(fakes).map(({ calls }) => calls.length);
    await clock.advance(2_000);
    expect(call).toMatchObject({ settled: true, value: { route: { provider: 'gpu30' } } });
    expect(fakes['gpu1']?.calls.length).toBe(before[1]);
  },
);

test('a call makes no attempt more where all of its first plan are used up', async () => {
  const tooLong = fault('context_length', { status: 400 });
  const windows = [4_000, 8_000, ...Array.from({ length: 38 }, () => 4_000), 100_000];
  const providers = windows.map((contextLength, index): [string, FakeProvider] => [
    `gpu${index}`,
    { device: 'gpu', contextLength, does: index < 2 ? tooLong : 'found' },
  ]);
  const { router, events } = fakeRouter(Object.fromEntries(providers), { maxAttempts: 2 });
  expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'context_length' });
  expect(events.of('attempt:start').map(({ provider }) => provider)).toEqual(['gpu0', 'gpu1']);
});

test.each([3, 40])('one behind %i busy ones, which rests for a moment, is waited for', async (count) => {
  const rested = fault('overloaded', { status: 503, retryAfterMs: 500 });
  const busy = Array.from({ length: count }, (_, index): [string, FakeProvider] => [
    `gpu${index}`,
    { device: 'gpu', does: hang, maxConcurrent: 1 },
  ]);
  const { router, clock } = fakeRouter(
    { ...Object.fromEntries(busy), cpu: { does: [rested, 'the processor'] } },
    { pollMs: false, queue: { limit: 0 } },
  );
  for (const [provider] of busy) void outcomeOf(router.chat(hello, { provider, deadlineMs: 600_000 }));
  await clock.settle();
  const { route } = await clock.run(router.chat(hello));
  expect(route.attempts.map(({ provider, startedMs }) => `${provider} at ${startedMs}`)).toEqual(['cpu at 0', 'cpu at 500']);
  expect(route.skipped).toHaveLength(count);
});

test('a plan for a person has them all', () => {
  const { router } = farm(60, () => 'found');
  expect(router.explain(hello).candidates).toHaveLength(61);
});

test('a stub behind 40 providers that fail answers in the end', async () => {
  const providers = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`gpu${index}`, { device: 'gpu' as const, does: refused() }]),
  );
  const { router } = fakeRouter({ ...providers, last: { does: 'unused', type: 'stub', adapter: undefined } as never });
  expect((await router.chat(hello)).route).toMatchObject({ provider: 'last', degraded: true });
});
