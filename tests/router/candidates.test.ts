import { describe, expect, test } from 'vitest';
import type { ErrorDetails } from '../../src/core/errors.ts';
import type { ErrorCode } from '../../src/core/error-codes.ts';
import type { Router } from '../../src/router/router.ts';
import { after, fault, hang, type Outcome, refused } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

const driver = fault('driver', { status: 500 });
const once = { maxAttempts: 1 };

/** What other calls may learn of a provider while a call is somewhere else. */
const troubles: Record<
  string,
  {
    readonly code: ErrorCode;
    readonly details?: ErrorDetails;
    readonly calls: number;
    readonly skipped: ErrorCode;
    readonly reason: RegExp;
  }
> = {
  'a breaker that others opened': {
    code: 'driver',
    details: { status: 500 },
    calls: 3,
    skipped: 'circuit_open',
    reason: /breaker has just opened/,
  },
  'a breaker that refused connections opened': {
    code: 'unavailable',
    details: { phase: 'connect' },
    calls: 3,
    skipped: 'circuit_open',
    reason: /breaker has just opened/,
  },
  'a rest that it asked others for': {
    code: 'rate_limited',
    details: { retryAfterMs: 60_000 },
    calls: 1,
    skipped: 'rate_limited',
    reason: /asked for a pause/,
  },
  'a pin that others made': { code: 'out_of_memory', calls: 1, skipped: 'out_of_memory', reason: /just run out of memory/ },
  'credentials that were refused to others': {
    code: 'auth',
    details: { status: 401 },
    calls: 1,
    skipped: 'auth',
    reason: /credentials have just been refused/,
  },
  'a quota that others have used up': {
    code: 'quota_exhausted',
    details: { status: 429 },
    calls: 1,
    skipped: 'quota_exhausted',
    reason: /no credit left/,
  },
};

/** Calls that learn it. */
async function learn(router: Router, provider: string, times: number): Promise<void> {
  for (let count = 0; count < times; count++) await failureOf(router.chat(hello, { provider, ...once }));
}

describe.each(Object.entries(troubles))('%s, made since the call began,', (_, { code, details, calls, skipped, reason }) => {
  const spoilt = (call: number): Outcome => (call < calls ? fault(code, details) : 'never');

  test('holds for it too: the next candidate gets its turn', async () => {
    const { router, clock, fakes } = fakeRouter({ a: after(1_000, driver), b: spoilt, c: 'yes' });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(500);
    await learn(router, 'b', calls);
    await clock.advance(500);
    expect(call.value?.route.attempts.map(({ provider }) => provider)).toEqual(['a', 'c']);
    expect(fakes.b.calls).toHaveLength(calls);
  });

  test('is told by the error where nobody is left', async () => {
    const { router, clock, fakes } = fakeRouter({ a: after(1_000, driver), b: spoilt });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(500);
    await learn(router, 'b', calls);
    await clock.advance(500);
    expect(call.error).toMatchObject({
      code: 'all_failed',
      stoppedBecause: 'exhausted',
      skipped: [{ provider: 'b', code: skipped, reason: expect.stringMatching(reason) }],
    });
    expect(fakes.b.calls).toHaveLength(calls);
    expect(clock.timers()).toBe(0);
  });

  test('makes the candidate before it the last one: it gets the rest of the deadline', async () => {
    const { router, clock } = fakeRouter({ a: after(1_000, driver), b: hang, c: spoilt }, { deadlineMs: 10_000 });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(500);
    await learn(router, 'c', calls);
    await clock.advance(9_499);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.error).toMatchObject({ code: 'timeout', phase: 'deadline' });
  });
});

test('a quota that others have used up is not waited for, however soon the next one begins', async () => {
  const spent = fault('quota_exhausted', { status: 429, retryAfterMs: 5_000 });
  const { router, clock, fakes } = fakeRouter({ a: after(1_000, driver), b: [spent, 'never'] });
  const call = outcomeOf(router.chat(hello));
  await clock.advance(500);
  await learn(router, 'b', 1);
  await clock.advance(500);
  expect(call.error).toMatchObject({ code: 'all_failed', skipped: [{ provider: 'b', code: 'quota_exhausted' }] });
  expect(fakes.b.calls).toHaveLength(1);
});

test('what ended before its turn is no obstacle', async () => {
  const { router, clock } = fakeRouter({ a: after(1_000, driver), b: [fault('rate_limited', { retryAfterMs: 400 }), 'yes'], c: 'never' });
  const call = outcomeOf(router.chat(hello));
  await clock.advance(500);
  await learn(router, 'b', 1);
  await clock.advance(500);
  expect(call.value?.route.provider).toBe('b');
});

test('a pin of another model is no obstacle', async () => {
  const { router, clock } = fakeRouter({ a: after(1_000, driver), b: [fault('out_of_memory'), 'yes'] });
  const call = outcomeOf(router.chat(hello));
  await clock.advance(500);
  await failureOf(router.chat({ ...hello, model: 'larger' }, { provider: 'b', ...once }));
  await clock.advance(500);
  expect(call.value?.route.provider).toBe('b');
});

test('after a pin one call at a time finds out whether the model fits again, a failover included', async () => {
  const script = { a: [after(100, driver), after(100, driver)], b: [fault('out_of_memory'), after(5_000, 'fits')], c: 'yes' };
  const { router, clock, fakes } = fakeRouter(script, { pinMs: 1_000 });
  await learn(router, 'b', 1);
  await clock.advance(1_000);
  const calls = [outcomeOf(router.chat(hello)), outcomeOf(router.chat(hello))];
  await clock.advance(5_100);
  expect(calls.map(({ value }) => value?.route.provider)).toEqual(['b', 'c']);
  expect(fakes.b.calls).toHaveLength(2);
});

test('and that holds in the very moment in which the pin ends', async () => {
  const script = { a: after(1_000, driver), b: [fault('out_of_memory'), after(5_000, 'fits')], c: 'yes' };
  const { router, clock, fakes } = fakeRouter(script, { pinMs: 500 });
  const calls = [outcomeOf(router.chat(hello)), outcomeOf(router.chat(hello))];
  await clock.advance(500);
  await learn(router, 'b', 1);
  await clock.advance(5_500);
  expect(calls.map(({ value }) => value?.route.provider)).toEqual(['b', 'c']);
  expect(fakes.b.calls).toHaveLength(2);
});

test('and where nobody else is left, the error says that another call is finding out', async () => {
  const { router, clock } = fakeRouter({ a: after(100, driver), b: [fault('out_of_memory'), after(5_000, 'fits')] }, { pinMs: 1_000 });
  await learn(router, 'b', 1);
  await clock.advance(1_000);
  const calls = [outcomeOf(router.chat(hello)), outcomeOf(router.chat(hello))];
  await clock.advance(5_100);
  expect(calls[0]?.value?.route.provider).toBe('b');
  const skipped = [{ provider: 'b', code: 'out_of_memory', reason: expect.stringContaining('another call finds out') as string }];
  expect(calls[1]?.error).toMatchObject({ code: 'all_failed', skipped });
});

describe('the last attempt of a call', () => {
  /** `b` has failed once of late, and answers all the same. */
  async function withRecord(maxAttempts: number, names: readonly ['a', 'b', 'c', 'd'] = ['a', 'b', 'c', 'd']) {
    const [a, b, c, d] = names;
    const made = fakeRouter({ [a]: driver, [b]: [driver, 'from b'], [c]: 'from c', [d]: 'from d' }, { maxAttempts });
    await learn(made.router, b, 1);
    return made;
  }

  test('goes to the one with the best record', async () => {
    const { router } = await withRecord(2);
    expect((await router.chat(hello)).route.attempts.map(({ provider }) => provider)).toEqual(['a', 'c']);
  });

  test('and those before it go in order', async () => {
    const { router } = await withRecord(3);
    expect((await router.chat(hello)).route.attempts.map(({ provider }) => provider)).toEqual(['a', 'b']);
  });

  test('goes to the next in order where the records are equal', async () => {
    const { router } = fakeRouter({ a: driver, b: 'yes', c: 'never' }, { maxAttempts: 2 });
    await router.chat(hello, { provider: 'b' });
    expect((await router.chat(hello)).route.provider).toBe('b');
  });

  test('goes to one that can be asked, whatever its record', async () => {
    const script = { a: driver, b: [driver, 'from b'], c: fault('rate_limited', { retryAfterMs: 60_000 }) };
    const { router, clock } = fakeRouter({ ...script, a: after(100, driver) }, { maxAttempts: 2 });
    await learn(router, 'b', 1);
    const call = outcomeOf(router.chat(hello));
    await clock.advance(50);
    await learn(router, 'c', 1);
    await clock.advance(50);
    expect(call.value?.route.provider).toBe('b');
  });

  test('is no longer kept from a provider that has recovered better than the others', async () => {
    const { router } = fakeRouter({ a: driver, b: [driver, ...Array(8).fill('from b')], c: [driver, 'from c'] }, { maxAttempts: 2 });
    await learn(router, 'b', 1);
    await learn(router, 'c', 1);
    for (let count = 0; count < 5; count++) await router.chat(hello, { provider: 'b' });
    expect((await router.chat(hello)).route.provider).toBe('b');
  });

  test('of a call that has only one goes to the first in order', async () => {
    const { router } = fakeRouter({ a: [driver, 'from a'], b: 'from b' });
    await learn(router, 'a', 1);
    expect((await router.chat(hello, once)).route.provider).toBe('a');
  });
});

describe('an attempt that nobody could follow gets the whole deadline', () => {
  const calm = { breaker: { failureThreshold: 1_000, minimumOutcomes: 1_000, windowMs: 1 }, deadlineMs: 10_000 };
  const firstTokenMs = 3_000;

  /** When does a call to `a`, which hangs, stop waiting for it? */
  async function waitsFor(
    verb: 'chat' | 'stream',
    b: Outcome | readonly Outcome[] | ((call: number) => Outcome),
    failures: number,
    options = {},
  ): Promise<number> {
    const { router, clock, fakes } = fakeRouter({ a: hang, b }, { ...calm, timeouts: { firstTokenMs } });
    for (let count = 0; count < failures; count++) {
      await learn(router, 'b', 1);
      await clock.advance(2);
    }
    const startMs = clock.nowMs();
    void outcomeOf<unknown>(router[verb](hello, options));
    await clock.settle();
    let endMs = Infinity;
    fakes.a.calls[0]?.signal.addEventListener('abort', () => (endMs = clock.nowMs()));
    await clock.advance(20_000);
    return endMs - startMs;
  }

  test.each([
    ['chat', 5_000],
    ['stream', firstTokenMs],
  ] as const)('and a %s that somebody could follow gets %d ms', async (verb, ms) => expect(await waitsFor(verb, 'yes', 0)).toBe(ms));

  test.each(['chat', 'stream'] as const)('where the other gets first attempts only (%s)', async (verb) => {
    expect(await waitsFor(verb, driver, 10)).toBe(10_000);
  });

  test.each(['chat', 'stream'] as const)('where the other rests, and gets first attempts only (%s)', async (verb) => {
    const resting = (call: number): Outcome => (call < 10 ? driver : fault('rate_limited', { retryAfterMs: 2_000 }));
    expect(await waitsFor(verb, resting, 11)).toBe(10_000);
  });

  test.each([
    ['chat', 5_000],
    ['stream', firstTokenMs],
  ] as const)('but a %s gets %d ms where the other rests for a moment only, which is waited for', async (verb, ms) => {
    expect(await waitsFor(verb, [fault('rate_limited', { retryAfterMs: 6_000 }), 'rested'], 1)).toBe(ms);
  });

  test.each(['chat', 'stream'] as const)('where the other rests for longer than is waited for (%s)', async (verb) => {
    expect(await waitsFor(verb, fault('rate_limited', { retryAfterMs: 10_010 }), 1)).toBe(10_000);
  });

  test.each(['chat', 'stream'] as const)('where the call has no second attempt (%s)', async (verb) => {
    expect(await waitsFor(verb, 'yes', 0, once)).toBe(10_000);
  });

  test.each(['chat', 'stream'] as const)('where the other’s breaker is open (%s)', async (verb) => {
    const { router, clock, fakes } = fakeRouter({ a: hang, b: refused() }, { deadlineMs: 10_000 });
    await learn(router, 'b', 3);
    const call = outcomeOf<unknown>(router[verb](hello));
    await clock.advance(9_999);
    expect(fakes.a.calls[0]?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(call.error).toMatchObject({ code: 'timeout', phase: 'deadline' });
  });
});

test('a model that another call has just found missing is not asked for', async () => {
  const made = fakeRouter({ a: after(10, fault('driver')), b: { does: after(5, fault('model_not_found', { status: 404 })) }, c: 'yes' });
  const first = outcomeOf(made.router.chat(hello));
  const other = outcomeOf(made.router.chat(hello, { provider: 'b' }));
  await made.clock.advance(10);
  expect(other.error).toMatchObject({ code: 'all_failed' });
  expect(first.value?.route.attempts).toMatchObject([{ provider: 'a' }, { provider: 'c' }]);
  expect(made.fakes.b.calls).toHaveLength(1);
});

test('and the error of the call says why it was not', async () => {
  const made = fakeRouter({ a: after(10, fault('driver')), b: { does: after(5, fault('model_not_found', { status: 404 })) } });
  const first = outcomeOf(made.router.chat(hello));
  void outcomeOf(made.router.chat(hello, { provider: 'b' }));
  await made.clock.advance(10);
  expect(first.error).toMatchObject({
    skipped: [{ provider: 'b', code: 'model_not_found', reason: 'it has just said that it does not serve the model' }],
  });
});

test('a pin that is made in the very moment in which a call was planned holds for that call, too', async () => {
  const made = fakeRouter({ a: after(0, fault('driver')), b: [fault('out_of_memory'), 'never asked'], c: 'yes' });
  const call = outcomeOf(made.router.chat(hello));
  const other = outcomeOf(made.router.chat(hello, { provider: 'b' }));
  await made.clock.settle();
  expect(other.error).toMatchObject({ code: 'all_failed' });
  await made.clock.advance(0);
  expect(call.value?.route.attempts).toMatchObject([{ provider: 'a' }, { provider: 'c' }]);
});
