import { describe, expect, test } from 'vitest';
import type { RouterOptions } from '../../src/config/options.ts';
import type { ErrorCode } from '../../src/core/error-codes.ts';
import type { Router } from '../../src/router/router.ts';
import { after, type Fake, fault, hang, type Outcome, pieces } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';
import type { TestClock } from '../_kit/test-clock.ts';

/** Breakers that stay out of it: outcomes are forgotten as soon as the clock goes on. */
const calm: Omit<RouterOptions, 'providers'> = { breaker: { failureThreshold: 1_000, minimumOutcomes: 1_000, windowMs: 1 } };
const driver = fault('driver', { status: 500 });

/** First attempts at one provider, for what they do to its tokens. */
async function ask({ router, clock }: { router: Router; clock: TestClock }, provider: string, times: number): Promise<void> {
  for (let count = 0; count < times; count++) {
    await router.chat(hello, { provider, maxAttempts: 1 }).catch(() => undefined);
    await clock.advance(2);
  }
}

/** Fails for `failures` calls, then answers. */
const failing =
  (failures: number, error: Outcome = driver) =>
  (call: number): Outcome =>
    call < failures ? error : 'yes';

/** Of two providers, does a call that failed at the first one move to the second? */
async function movesTo(made: { router: Router; fakes: { second: Fake } }): Promise<boolean> {
  const before = made.fakes.second.calls.length;
  await made.router.chat(hello).catch(() => undefined);
  return made.fakes.second.calls.length > before;
}

describe('a provider that has failed ten times more than it may', () => {
  test('gets calls of others up to then', async () => {
    const made = fakeRouter({ first: driver, second: failing(9) }, calm);
    await ask(made, 'second', 9);
    expect(await movesTo(made)).toBe(true);
  });

  test('gets no failover, and the error says why', async () => {
    const made = fakeRouter({ first: driver, second: failing(10) }, calm);
    await ask(made, 'second', 10);
    const error = await failureOf(made.router.chat(hello));
    expect(error).toMatchObject({ code: 'all_failed', stoppedBecause: 'retry-budget', attempts: [{ provider: 'first' }] });
    expect(error).toMatchObject({
      skipped: [{ provider: 'second', code: 'no_provider', reason: expect.stringContaining('first attempts') }],
    });
    expect(made.fakes.second.calls).toHaveLength(10);
  });

  test('is asked first all the same', async () => {
    const made = fakeRouter({ first: failing(10), second: 'yes' }, calm);
    await ask(made, 'first', 10);
    expect((await made.router.chat(hello)).route.attempts).toMatchObject([{ provider: 'first' }]);
  });

  test('gets no retry of its own', async () => {
    const made = fakeRouter({ only: failing(11, fault('unavailable', { status: 502 })) }, calm);
    await ask(made, 'only', 10);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(10_000);
    expect(call.error).toMatchObject({ stoppedBecause: 'retry-budget', attempts: [{ provider: 'only' }] });
    expect(made.fakes.only.calls).toHaveLength(11);
    expect(made.events.of('retry')).toEqual([]);
  });

  test('is not waited for while it rests, once somebody else was asked', async () => {
    const script = (call: number): Outcome => (call < 9 ? driver : call === 9 ? fault('rate_limited', { retryAfterMs: 5_000 }) : 'yes');
    const made = fakeRouter({ first: driver, second: script }, calm);
    await ask(made, 'second', 10);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(20_000);
    expect(call.error).toMatchObject({ code: 'all_failed', attempts: [{ provider: 'first' }] });
    expect(made.fakes.second.calls).toHaveLength(10);
  });

  test('gets failovers again after one success', async () => {
    const made = fakeRouter({ first: driver, second: failing(10) }, calm);
    await ask(made, 'second', 10);
    expect(await movesTo(made)).toBe(false);
    await ask(made, 'second', 1);
    expect(await movesTo(made)).toBe(true);
  });

  test('that failed twelve times needs eleven successes', async () => {
    const made = fakeRouter({ first: driver, second: failing(12) }, calm);
    await ask(made, 'second', 12 + 10);
    expect(await movesTo(made)).toBe(false);
    await ask(made, 'second', 1);
    expect(await movesTo(made)).toBe(true);
  });

  test('is passed over for one that may be asked', async () => {
    const made = fakeRouter({ first: driver, second: failing(10), third: 'yes' }, calm);
    await ask(made, 'second', 10);
    expect((await made.router.chat(hello)).route.attempts).toMatchObject([{ provider: 'first' }, { provider: 'third' }]);
  });
});

describe('tokens are charged', () => {
  test.each(['driver', 'unavailable', 'timeout', 'bad_response', 'limit_exceeded', 'overloaded', 'rate_limited'] as const)(
    'for %s',
    async (code) => expect(await movesAfter(code)).toBe(false),
  );

  test.each([
    'auth',
    'quota_exhausted',
    'model_not_found',
    'model_loading',
    'out_of_memory',
    'context_length',
    'content_filtered',
    'bad_request',
    'unsupported',
  ] as const)('and not for %s', async (code) => expect(await movesAfter(code)).toBe(true));

  async function movesAfter(code: ErrorCode): Promise<boolean> {
    const made = fakeRouter({ first: driver, second: failing(10, fault(code, { status: 500 })) }, { ...calm, pinMs: 1 });
    for (let count = 0; count < 10; count++) {
      await ask(made, 'second', 1);
      // Beyond every rest, pin and mark that the error left.
      await made.clock.advance(14_400_000);
    }
    expect(made.fakes.second.calls).toHaveLength(10);
    return movesTo(made);
  }

  test('neither for callers who abort nor for readers who leave', async () => {
    const made = fakeRouter({ first: driver, second: (call) => (call < 20 ? hang : call < 40 ? pieces('one', 'hang') : 'yes') }, calm);
    for (let count = 0; count < 20; count++) {
      const controller = new AbortController();
      const call = outcomeOf(made.router.chat(hello, { provider: 'second', signal: controller.signal }));
      controller.abort();
      await made.clock.settle();
      expect(call.settled).toBe(true);
    }
    for (let count = 0; count < 20; count++) for await (const _ of await made.router.stream(hello, { provider: 'second' })) break;
    expect(made.fakes.second.calls).toHaveLength(40);
    expect(await movesTo(made)).toBe(true);
  });

  test('to the provider that failed: when a busy one dies, all its calls move', async () => {
    const { router, clock, fakes } = fakeRouter({ first: after(100, driver), second: after(100, 'yes') }, calm);
    const calls = Array.from({ length: 64 }, () => outcomeOf(router.chat(hello)));
    await clock.advance(200);
    expect(calls.filter(({ value }) => value?.route.provider === 'second')).toHaveLength(64);
    expect(fakes.first.calls).toHaveLength(64);
  });
});

test('when everything fails, calls soon make no second attempts', async () => {
  const { router, clock, fakes } = fakeRouter({ a: driver, b: driver, c: driver }, calm);
  for (let count = 0; count < 200; count++) {
    const call = outcomeOf(router.chat(hello));
    await clock.advance(2);
    expect(call.settled).toBe(true);
  }
  const attempts = fakes.a.calls.length + fakes.b.calls.length + fakes.c.calls.length;
  // Ten second attempts at each of the two that calls move to.
  expect(attempts).toBe(200 + 20);
});

test('nor when everything hangs until the usual deadline, short as that may be', async () => {
  const { router, clock, fakes } = fakeRouter({ a: hang, b: hang, c: hang }, { deadlineMs: 5_000 });
  for (let count = 0; count < 100; count++) {
    const call = outcomeOf(router.chat(hello));
    await clock.advance(5_000);
    expect(call.settled).toBe(true);
  }
  const attempts = fakes.a.calls.length + fakes.b.calls.length + fakes.c.calls.length;
  expect(attempts).toBeLessThanOrEqual(150);
});

test('"availability" allows 25 failures, and a success counts half', async () => {
  const made = fakeRouter({ first: driver, second: failing(25) }, { ...calm, retry: 'availability' });
  await ask(made, 'second', 24);
  // The failover itself is the 25th failure.
  expect(await movesTo(made)).toBe(true);
  expect(await movesTo(made)).toBe(false);
  await ask(made, 'second', 1);
  expect(await movesTo(made)).toBe(true);
});

test('numbers of one’s own hold', async () => {
  const made = fakeRouter({ first: driver, second: failing(3) }, { ...calm, retry: { maxTokens: 4, tokensPerSuccess: 3 } });
  await ask(made, 'second', 1);
  expect(await movesTo(made)).toBe(true);
  expect(await movesTo(made)).toBe(false);
  await ask(made, 'second', 2);
  expect(await movesTo(made)).toBe(true);
});

test('a caller in a hurry costs a healthy provider no token', async () => {
  const { router, clock } = fakeRouter({ a: after(200, 'slow but sound') });
  for (let count = 0; count < 12; count++) {
    const call = outcomeOf(router.chat(hello, { deadlineMs: 100 }));
    await clock.advance(100);
    expect(call.error).toMatchObject({ code: 'timeout', phase: 'deadline' });
  }
  expect(router.snapshot().providers[0]?.retryTokens).toBe(20);
});
