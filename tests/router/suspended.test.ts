import { expect, test } from 'vitest';
import type { Clock } from '../../src/lib/clock.ts';
import { fault, type Outcome, pieces } from '../_kit/fake-adapter.ts';
import { fakeRouter, type FakeRouter, hello } from '../_kit/fake-router.ts';
import { readText } from '../_kit/stream-parts.ts';
import { testClock } from '../_kit/test-clock.ts';

/** Two providers; each attempt at the first one lasts for so long on the wall clock alone, as where the process was suspended. */
function suspendedFor(ms: number, does: Outcome): FakeRouter<'a' | 'b'> {
  const inner = testClock();
  let sleptMs = 0;
  const clock: Clock = { nowMs: inner.nowMs, wallMs: () => inner.wallMs() + sleptMs, schedule: inner.schedule };
  const first = (): Outcome => {
    sleptMs += ms;
    return does;
  };
  return fakeRouter({ a: first, b: 'yes' }, { clock });
}

const reset = fault('unavailable', { reason: 'ECONNRESET' });

test('what fails in an attempt during which the process was suspended is not held against the provider, and another one answers', async () => {
  const { router, fakes, events } = suspendedFor(10_001, reset);
  for (let calls = 0; calls < 12; calls++) {
    expect((await router.chat(hello)).route).toMatchObject({
      provider: 'b',
      attempts: [{ provider: 'a', error: { code: 'unavailable' } }, {}],
    });
  }
  expect(fakes.a.calls).toHaveLength(12);
  expect(events.of('breaker:open')).toEqual([]);
  expect(router.snapshot()).toMatchObject({ providers: [{ provider: 'a', failures: 0, inFlight: 0 }, {}] });
});

test.each([10_000, 0, -3_600_000])('a wall clock that moved by %i ms excuses nothing', async (ms) => {
  const { router, events } = suspendedFor(ms, reset);
  for (let calls = 0; calls < 3; calls++) await router.chat(hello);
  expect(events.of('breaker:open')).toMatchObject([{ provider: 'a' }]);
  expect(router.snapshot()).toMatchObject({ providers: [{ failures: 3 }, {}] });
});

test('a stream that broke meanwhile restarts elsewhere', async () => {
  const { router } = suspendedFor(60_000, pieces('half', reset));
  expect(await readText(await router.stream(hello, { onStreamFailure: 'restart' }))).toEqual({ text: 'yes', failure: undefined });
  expect(router.snapshot()).toMatchObject({ providers: [{ failures: 0 }, {}] });
});

test('a timeout meanwhile is excused like a reset', async () => {
  const { router } = suspendedFor(60_000, fault('timeout', { phase: 'total' }));
  await router.chat(hello);
  expect(router.snapshot()).toMatchObject({ providers: [{ failures: 0 }, {}] });
});

test.each([
  ['an answer that was an error', fault('unavailable', { status: 500 })],
  ['refused credentials', fault('auth', { status: 401 })],
  ['an answer that was none', fault('bad_response')],
])('%s was heard, however the wall clock moved', async (_name, heard) => {
  const { router } = suspendedFor(60_000, heard);
  await router.chat(hello);
  expect(router.snapshot()).toMatchObject({ providers: [{ failures: 1 }, {}] });
});
