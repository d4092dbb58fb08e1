import { describe, expect, test } from 'vitest';
import type { RouterOptions } from '../../src/config/options.ts';
import { after, fault, hang, type Outcome, pieces, refused } from '../_kit/fake-adapter.ts';
import { failureOf, type FakeProvider, type FakeRouter, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

type Options = Omit<RouterOptions, 'providers'>;

const driver = fault('driver', { status: 500 });
const once = { maxAttempts: 1 };
const limited = (retryAfterMs: number) => fault('rate_limited', { status: 429, retryAfterMs });

/** Refuses three connections, which opens its breaker for 30 s; then what the script says. */
const broken =
  (...script: readonly Outcome[]) =>
  (call: number): Outcome =>
    call < 3 ? refused() : (script[Math.min(call - 3, script.length - 1)] ?? refused());

/** A provider's list: the context window of its model. */
const listing = (contextLength: number) => async () => [{ id: 'm', contextLength }];

/** A server that says nothing about how it is. */
const silence = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));

/** A router all of whose breakers are open, from this moment on; one second lies between those of two providers. */
async function allOpen<Id extends string>(providers: Readonly<Record<Id, FakeProvider>>, options: Options = {}): Promise<FakeRouter<Id>> {
  const made = fakeRouter(providers, options);
  for (const [index, provider] of Object.keys(providers).entries()) {
    if (index > 0) await made.clock.advance(1_000);
    for (let count = 0; count < 3; count++) await failureOf(made.router.chat(hello, { provider, ...once }));
  }
  made.events.clear();
  return made;
}

function expectQuiet({ router, clock, events }: FakeRouter<string>): void {
  expect(clock.timers()).toBe(0);
  expect(router.snapshot().inFlight).toBe(0);
  for (const { inFlight, models } of router.snapshot().providers) {
    expect(inFlight).toBe(0);
    expect(models.filter((model) => model.inFlight !== 0)).toEqual([]);
  }
  expect(events.of('attempt:end').length + events.of('attempt:error').length).toBe(events.of('attempt:start').length);
  expect(events.of('request:end').length + events.of('request:error').length).toBe(events.of('request:start').length);
}

describe('with every breaker open', () => {
  test('a call fails at once, and says when the first one may be asked again', async () => {
    const made = await allOpen({ a: broken('never'), b: broken('never') });
    await made.clock.advance(500);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.settle();
    // That of `a` opened 1.5 s ago.
    expect(call.error).toMatchObject({ code: 'no_provider', stoppedBecause: 'exhausted', retryAfterMs: 28_500 });
    expect(call.error).toMatchObject({
      skipped: [
        { provider: 'a', code: 'circuit_open' },
        { provider: 'b', code: 'circuit_open' },
      ],
    });
    expect([made.fakes.a.calls.length, made.fakes.b.calls.length]).toEqual([3, 3]);
    expect(made.events.lines()).toEqual(['request:start', 'request:error']);
    expectQuiet(made);
  });

  test.each([undefined, 'fail'] as const)(
    'that holds for onAllOpen: %s, with a breaker that is nearly ready as well',
    async (onAllOpen) => {
      const made = await allOpen({ a: broken('never') }, { onAllOpen });
      await made.clock.advance(29_000);
      const call = outcomeOf(made.router.chat(hello));
      await made.clock.settle();
      expect(call.error).toMatchObject({ code: 'no_provider', retryAfterMs: 1_000 });
      expect(made.fakes.a.calls).toHaveLength(3);
    },
  );

  test('a call that was planned before does not wait for them either', async () => {
    const made = fakeRouter({ a: after(1_000, driver), b: refused() }, { breaker: { openMs: 5_000 } });
    const call = outcomeOf(made.router.chat(hello));
    for (let count = 0; count < 3; count++) await failureOf(made.router.chat(hello, { provider: 'b', ...once }));
    await made.clock.advance(1_000);
    expect(call.error).toMatchObject({
      code: 'all_failed',
      stoppedBecause: 'exhausted',
      attempts: [{ provider: 'a' }],
      skipped: [{ code: 'circuit_open' }],
      retryAfterMs: 4_000,
    });
    expect(made.fakes.b.calls).toHaveLength(3);
    expectQuiet(made);
  });
});

test('a provider whose breaker has closed since the call was planned is asked, where the others have failed', async () => {
  const made = fakeRouter({ a: broken('back'), b: after(10_000, driver) });
  for (let count = 0; count < 3; count++) await failureOf(made.router.chat(hello, { provider: 'a', ...once }));
  await made.clock.advance(25_000);
  const call = outcomeOf(made.router.chat(hello));
  await made.clock.advance(5_000);
  await made.router.chat(hello, { provider: 'a' });
  await made.clock.advance(6_000);
  expect(call.value?.route.attempts).toMatchObject([{ provider: 'b' }, { provider: 'a' }]);
  expectQuiet(made);
});

test('and not where the breaker is still open, or a probe is out', async () => {
  const made = fakeRouter({ a: broken(hang), b: after(10_000, driver) });
  for (let count = 0; count < 3; count++) await failureOf(made.router.chat(hello, { provider: 'a', ...once }));
  await made.clock.advance(25_000);
  const call = outcomeOf(made.router.chat(hello));
  await made.clock.advance(5_000);
  const probe = outcomeOf(made.router.chat(hello, { provider: 'a' }));
  await made.clock.advance(5_000);
  expect(call.error).toMatchObject({ code: 'all_failed', stoppedBecause: 'exhausted', attempts: [{ provider: 'b' }] });
  expect(probe.settled).toBe(false);
  expect(made.fakes.a.calls).toHaveLength(4);
});

test('the probe of another call is not waited for, by a call that has failed at the same provider', async () => {
  const older = after(35_000, fault('unavailable', { status: 502 }));
  const made = fakeRouter({ a: [older, refused(), refused(), refused(), hang] });
  const call = outcomeOf(made.router.chat(hello));
  for (let count = 0; count < 3; count++) await failureOf(made.router.chat(hello, once));
  await made.clock.advance(30_000);
  void outcomeOf(made.router.chat(hello));
  await made.clock.advance(5_000);
  expect(call.error).toMatchObject({ code: 'all_failed', stoppedBecause: 'exhausted' });
  expect(made.fakes.a.calls).toHaveLength(5);
});

describe("panic: 'soonest'", () => {
  const panic: Options = { panic: 'soonest' };

  test('sends a call to the provider that is nearest to its probe, and success closes the breaker', async () => {
    const made = await allOpen({ a: broken('back'), b: broken('never') }, panic);
    const { route } = await made.router.chat(hello);
    expect(route.attempts).toMatchObject([{ provider: 'a' }]);
    expect(made.events.lines().slice(1)).toEqual([
      'breaker:half-open a',
      'attempt:start a',
      'breaker:close a',
      'attempt:end a',
      'request:end a',
    ]);
    expect(made.fakes.b.calls).toHaveLength(3);
    expect((await made.router.chat(hello)).route.provider).toBe('a');
    expectQuiet(made);
  });

  test('opens it again where it fails, for as long as before, and the call fails', async () => {
    const made = await allOpen({ a: broken(refused()) }, panic);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.settle();
    expect(call.error).toMatchObject({ code: 'all_failed', stoppedBecause: 'exhausted', attempts: [{ provider: 'a' }] });
    expect(made.events.of('breaker:open')).toMatchObject([{ provider: 'a', untilMs: made.clock.nowMs() + 30_000 }]);
    expect(made.fakes.a.calls).toHaveLength(4);
    expectQuiet(made);
  });

  test.each(['chat', 'stream', 'embed'] as const)('sends one %s at a time; the others fail at once', async (verb) => {
    const made = await allOpen({ a: broken(after(1_000, '1')), b: broken('never') }, panic);
    const calls = Array.from({ length: 100 }, () =>
      outcomeOf<unknown>(verb === 'embed' ? made.router.embed({ model: 'm', input: 'text' }) : made.router[verb](hello)),
    );
    await made.clock.settle();
    expect(made.fakes.a.calls).toHaveLength(4);
    expect(made.fakes.b.calls).toHaveLength(3);
    expect(calls.filter(({ error }) => (error as { code?: string } | undefined)?.code === 'no_provider')).toHaveLength(99);
    await made.clock.advance(1_000);
    expect(calls[0]?.value).toBeDefined();
  });

  test('looks at another one next, where that is nearer by then', async () => {
    const made = await allOpen({ a: broken(refused()), b: broken('back') }, panic);
    await made.clock.advance(1);
    await failureOf(made.router.chat(hello));
    expect((await made.router.chat(hello)).route.attempts).toMatchObject([{ provider: 'b' }]);
  });

  test('lets the next call look when the one before it has failed', async () => {
    const made = await allOpen({ a: broken(refused(), 'back') }, panic);
    await failureOf(made.router.chat(hello));
    expect((await made.router.chat(hello)).route.provider).toBe('a');
    expectQuiet(made);
  });

  test('gives the place of a call that was aborted to the next one', async () => {
    const made = await allOpen({ a: broken(hang, 'back') }, panic);
    const controller = new AbortController();
    const call = outcomeOf(made.router.chat(hello, { signal: controller.signal }));
    await made.clock.settle();
    controller.abort('enough');
    await made.clock.settle();
    expect(call.error).toBe('enough');
    expect((await made.router.chat(hello)).route.provider).toBe('a');
    expectQuiet(made);
  });

  test('does nothing while anybody can be asked, or is being looked at already', async () => {
    const made = fakeRouter({ a: broken('never'), b: (call) => (call < 3 ? 'yes' : after(1_000, driver)) }, panic);
    for (let count = 0; count < 3; count++) await made.router.chat(hello);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(1_000);
    expect(call.error).toMatchObject({ code: 'all_failed', attempts: [{ provider: 'b' }] });
    expect(made.fakes.a.calls).toHaveLength(3);
  });

  test('waits for a provider that only rests instead, where that is not long', async () => {
    const made = fakeRouter({ a: broken('never'), b: [limited(2_000), 'rested'] }, panic);
    for (let count = 0; count < 3; count++) await failureOf(made.router.chat(hello, { provider: 'a', ...once }));
    await failureOf(made.router.chat(hello, { provider: 'b', ...once }));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(2_000);
    expect(call.value?.route.attempts).toMatchObject([{ provider: 'b' }]);
    expect(made.fakes.a.calls).toHaveLength(3);
  });

  test('and looks early where the rest is long', async () => {
    const made = fakeRouter({ a: broken('back'), b: [limited(60_000), 'never'] }, panic);
    for (let count = 0; count < 3; count++) await failureOf(made.router.chat(hello, { provider: 'a', ...once }));
    await failureOf(made.router.chat(hello, { provider: 'b', ...once }));
    expect((await made.router.chat(hello)).route.provider).toBe('a');
  });

  test('and not at one that rests for long, although that ends before the open time', async () => {
    const made = fakeRouter({ a: broken('back'), b: [limited(12_000), 'never'] }, panic);
    for (let count = 0; count < 3; count++) await failureOf(made.router.chat(hello, { provider: 'a', ...once }));
    await failureOf(made.router.chat(hello, { provider: 'b', ...once }));
    expect((await made.router.chat(hello)).route.provider).toBe('a');
    expect(made.fakes.b.calls).toHaveLength(1);
  });

  test.each(['auth', 'model_not_found'] as const)('asks nobody for whom waiting is no cure (%s)', async (code) => {
    const made = fakeRouter({ a: [fault(code, { status: 401 }), 'never'], b: broken('back') }, panic);
    for (const provider of ['a', 'b', 'b', 'b'] as const) await failureOf(made.router.chat(hello, { provider, ...once }));
    expect((await made.router.chat(hello)).route.attempts).toMatchObject([{ provider: 'b' }]);
    expect(made.fakes.a.calls).toHaveLength(1);
  });
});

describe("onAllOpen: 'wait'", () => {
  const wait: Options = { onAllOpen: 'wait' };

  test('waits for the earliest one', async () => {
    const made = await allOpen({ a: broken('back'), b: broken('never') }, wait);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(28_999);
    expect(call.settled).toBe(false);
    expect(made.events.of('retry')).toMatchObject([{ provider: 'a', reason: 'circuit_open', delayMs: 29_000 }]);
    await made.clock.advance(1);
    expect(call.value?.route.attempts).toMatchObject([{ provider: 'a', startedMs: 29_000 }]);
    expect(made.fakes.b.calls).toHaveLength(3);
    expectQuiet(made);
  });

  test('fails at once where the deadline comes before', async () => {
    const made = await allOpen({ a: broken('never') }, wait);
    const call = outcomeOf(made.router.chat(hello, { deadlineMs: 30_049 }));
    await made.clock.settle();
    expect(call.error).toMatchObject({ code: 'no_provider', retryAfterMs: 30_000 });
    expectQuiet(made);
    const other = outcomeOf(made.router.chat(hello, { deadlineMs: 30_050 }));
    await made.clock.advance(30_000);
    expect(other.value?.route.provider).toBe('a');
  });

  test('goes on waiting where the probe failed, as often as the call has attempts', async () => {
    const made = await allOpen({ a: broken(refused(), refused(), 'never') }, { ...wait, deadlineMs: 300_000, maxAttempts: 2 });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(30_000);
    expect(made.fakes.a.calls).toHaveLength(4);
    await made.clock.advance(59_999);
    expect(call.settled).toBe(false);
    await made.clock.advance(1);
    expect(call.error).toMatchObject({ code: 'all_failed', stoppedBecause: 'max-attempts' });
    expect(made.fakes.a.calls).toHaveLength(5);
    expectQuiet(made);
  });

  test.each([1, 3])(
    'sends one probe for a hundred waiters, and the others go on waiting until they are let in (maxAttempts: %d)',
    async (maxAttempts) => {
      const made = await allOpen({ a: broken(after(5_000, 'back'), after(10, 'back')) }, { ...wait, maxAttempts });
      const calls = Array.from({ length: 100 }, () => outcomeOf(made.router.chat(hello)));
      await made.clock.advance(30_000);
      expect(made.fakes.a.calls).toHaveLength(4);
      await made.clock.advance(4_999);
      expect(made.fakes.a.calls).toHaveLength(4);
      expect(calls.some(({ settled }) => settled)).toBe(false);
      await made.clock.advance(60_000);
      expect(calls.filter(({ value }) => value !== undefined)).toHaveLength(100);
      expect(made.fakes.a.calls).toHaveLength(103);
      expect(made.events.of('breaker:half-open')).toHaveLength(1);
      expectQuiet(made);
    },
  );

  test('and where the probe fails, they wait for the next one', async () => {
    const made = await allOpen({ a: broken(after(1_000, refused()), 'back') }, { ...wait, maxAttempts: 1 });
    const calls = Array.from({ length: 20 }, () => outcomeOf(made.router.chat(hello)));
    await made.clock.advance(31_000);
    expect(calls.filter(({ settled }) => settled)).toHaveLength(1);
    await made.clock.advance(85_000);
    expect(calls.filter(({ value }) => value !== undefined)).toHaveLength(19);
    expectQuiet(made);
  });

  test('a caller who aborts while waiting is answered at once, and nothing is left', async () => {
    const made = await allOpen({ a: broken('never') }, wait);
    const controller = new AbortController();
    const call = outcomeOf(made.router.stream(hello, { signal: controller.signal }));
    await made.clock.advance(10_000);
    controller.abort('a reason that is no error');
    await made.clock.settle();
    expect(call).toMatchObject({ settled: true, error: 'a reason that is no error' });
    expect(made.events.of('request:error')).toMatchObject([{ aborted: true, attempts: 0 }]);
    expect(made.fakes.a.calls).toHaveLength(3);
    expectQuiet(made);
  });

  test('a router that closes does not wait', async () => {
    const made = await allOpen({ a: broken('never') }, wait);
    const call = outcomeOf(made.router.chat(hello));
    const closing = outcomeOf(made.router.close({ drainMs: 100 }));
    await made.clock.advance(100);
    expect(call.error).toMatchObject({ code: 'closed' });
    expect(closing.settled).toBe(true);
    expectQuiet(made);
  });

  test('waits for a rest that ends after the open time', async () => {
    const first = after(1_000, limited(60_000));
    const made = fakeRouter({ a: (call) => (call === 0 ? first : call < 4 ? refused() : 'rested') }, { ...wait, deadlineMs: 300_000 });
    void outcomeOf(made.router.chat(hello, once));
    for (let count = 0; count < 3; count++) await failureOf(made.router.chat(hello, once));
    await made.clock.advance(1_000);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(59_999);
    expect(made.fakes.a.calls).toHaveLength(4);
    await made.clock.advance(1);
    expect(call.value?.choices[0].message.content).toBe('rested');
    expectQuiet(made);
  });

  test('holds for a call during which the last breaker opened', async () => {
    const made = fakeRouter({ a: after(1_000, driver), b: broken('back') }, wait);
    const call = outcomeOf(made.router.chat(hello));
    for (let count = 0; count < 3; count++) await failureOf(made.router.chat(hello, { provider: 'b', deadlineMs: 1_000, ...once }));
    await made.clock.advance(30_000);
    expect(call.value?.route.attempts).toMatchObject([{ provider: 'a' }, { provider: 'b', startedMs: 30_000 }]);
    expectQuiet(made);
  });

  test('leaves time for the others: a probe that hangs is given up while somebody else may still be asked', async () => {
    const made = await allOpen({ a: broken(hang), b: broken('back') }, wait);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(119_000);
    expect(call.value?.route.attempts).toMatchObject([{ provider: 'a', error: { code: 'timeout' } }, { provider: 'b' }]);
    expectQuiet(made);
  });

  test.each(['driver', 'timeout', 'limit_exceeded'] as const)(
    'does not ask a provider again that failed its probe with %s',
    async (code) => {
      const made = await allOpen({ a: broken(fault(code, { status: 500 }), 'never') }, wait);
      const call = outcomeOf(made.router.chat(hello));
      await made.clock.advance(120_000);
      expect(call.error).toMatchObject({ code: 'all_failed', stoppedBecause: 'exhausted' });
      expect(made.fakes.a.calls).toHaveLength(4);
      expectQuiet(made);
    },
  );

  test('is never stuck: a provider that is never ready is given up with the deadline', async () => {
    const made = await allOpen({ a: broken(hang) }, { ...wait, random: () => 0, deadlineMs: 120_000 });
    const probe = outcomeOf(made.router.stream(hello, { deadlineMs: 1_000_000 }));
    await made.clock.advance(29_000);
    const call = outcomeOf(made.router.chat(hello, { deadlineMs: 3_000 }));
    await made.clock.advance(3_000);
    expect(call.error).toMatchObject({ code: 'no_provider', stoppedBecause: 'exhausted' });
    expect(probe.settled).toBe(false);
    expect(made.fakes.a.calls).toHaveLength(4);
  });

  test('never asks a provider whose credentials were refused meanwhile', async () => {
    const script = (call: number): Outcome => (call < 3 ? driver : call === 3 ? fault('auth', { status: 401 }) : 'never');
    const made = fakeRouter({ a: script }, wait);
    for (let count = 0; count < 3; count++) await failureOf(made.router.chat(hello, once));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(10);
    await failureOf(made.router.chat({ ...hello, model: 'other' }, once));
    await made.clock.advance(40_000);
    expect(call.error).toMatchObject({ code: 'no_provider', stoppedBecause: 'exhausted' });
    expect(made.fakes.a.calls).toHaveLength(4);
    expectQuiet(made);
  });
});

describe('a provider that rests', () => {
  test('and asks for more when it is asked again is waited for once more', async () => {
    const made = fakeRouter({ only: [limited(2_000), limited(5_000), 'rested'] });
    await failureOf(made.router.chat(hello, once));
    await made.clock.advance(1_000);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(5_999);
    expect(made.fakes.only.calls).toHaveLength(2);
    await made.clock.advance(1);
    expect(call.value?.choices[0].message.content).toBe('rested');
  });

  test.each([
    ['asked for more', limited(6_000), 7_000, 'rested'],
    ['ran out of memory', fault('out_of_memory'), 20_000, undefined],
    ['refused the credentials', fault('auth', { status: 401 }), 20_000, undefined],
  ] as const)('and %s while a call waited is not asked at the end of the first rest', async (_, trouble, ms, text) => {
    const made = fakeRouter({ only: [after(1_000, trouble), limited(3_000), 'rested'] });
    const older = outcomeOf(made.router.chat(hello, once));
    await failureOf(made.router.chat(hello, once));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(1_000);
    expect(older.settled).toBe(true);
    await made.clock.advance(2_999);
    await made.clock.advance(1);
    expect(made.fakes.only.calls).toHaveLength(2);
    await made.clock.advance(ms - 4_000);
    expect(call.settled).toBe(true);
    expect(call.value?.choices[0].message.content).toBe(text);
    expectQuiet(made);
  });

  test('longer than 10 s because of others is not waited for any more, and the error says for how long it rests', async () => {
    const made = fakeRouter({ only: [after(1_000, limited(60_000)), limited(3_000), 'never'] });
    void outcomeOf(made.router.chat(hello, once));
    await failureOf(made.router.chat(hello, once));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(3_000);
    expect(call.error).toMatchObject({ code: 'no_provider', stoppedBecause: 'exhausted' });
    expect(made.fakes.only.calls).toHaveLength(2);
    expectQuiet(made);
  });

  test('is asked once its rest is over, by a call that failed elsewhere', async () => {
    const made = fakeRouter({ a: after(100, driver), b: [limited(2_000), 'rested'] });
    await failureOf(made.router.chat(hello, { provider: 'b', ...once }));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(2_000);
    expect(call.value?.route.attempts).toMatchObject([{ provider: 'a' }, { provider: 'b', startedMs: 2_000 }]);
  });

  test('and is known to hold no more than the one that the prompt was too long for is not asked', async () => {
    const script = {
      a: { does: fault('context_length', { status: 400 }), fake: { models: listing(4_096) } },
      b: { does: [limited(2_000), 'never'], fake: { models: listing(2_048) } },
    };
    const made = fakeRouter(script);
    await made.router.models();
    await failureOf(made.router.chat(hello, { provider: 'b', ...once }));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(20_000);
    expect(call.error).toMatchObject({ code: 'context_length' });
    expect(made.fakes.b.calls).toHaveLength(1);
  });

  test('is asked again after its own pause, however early another one would be ready', async () => {
    const made = fakeRouter({ a: [limited(4_000), 'rested'], b: [limited(9_000), 'never'] });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(3_999);
    expect(call.settled).toBe(false);
    await made.clock.advance(1);
    expect(call.value?.route.attempts).toMatchObject([{ provider: 'a' }, { provider: 'b' }, { provider: 'a', startedMs: 4_000 }]);
  });

  test('by its own word is waited for, where nobody else was told to rest', async () => {
    const made = fakeRouter({ only: [fault('unavailable', { status: 502, retryAfterMs: 3_000 }), 'back'] });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(2_999);
    expect(made.fakes.only.calls).toHaveLength(1);
    await made.clock.advance(1);
    expect(call.value?.choices[0].message.content).toBe('back');
  });

  test('counts its own word from the end of its attempt, however long the others take', async () => {
    const own = fault('unavailable', { status: 502, retryAfterMs: 5_000 });
    const made = fakeRouter({ a: [after(1_000, own), 'back'], b: after(3_000, driver) });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(5_999);
    expect(made.fakes.a.calls).toHaveLength(1);
    await made.clock.advance(1);
    expect(call.value?.route.attempts).toMatchObject([{ provider: 'a' }, { provider: 'b' }, { provider: 'a', startedMs: 6_000 }]);
  });

  test('as long as another one comes after that one, where that was the order', async () => {
    const made = fakeRouter({ a: [limited(2_000), 'first'], b: [limited(2_000), 'never'] });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(2_000);
    expect(call.value?.route.attempts.map(({ provider }) => provider)).toEqual(['a', 'b', 'a']);
  });

  test('for exactly 10 s is waited for', async () => {
    const made = fakeRouter({ only: [limited(10_000), 'rested'] });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(10_000);
    expect(call.value?.choices[0].message.content).toBe('rested');
  });

  test('is the only one that is waited for: who may not answer the call is never asked', async () => {
    const made = fakeRouter({
      a: { does: [limited(1_000), 'rested'], fake: { capabilities: { tools: true } } },
      paid: { does: 'never', cost: 'paid', fake: { capabilities: { tools: true } } },
      b: 'never',
    });
    const tools = [{ type: 'function' as const, function: { name: 'look', parameters: {} } }];
    const call = outcomeOf(made.router.chat({ ...hello, tools }, { allowPaid: false }));
    await made.clock.advance(20_000);
    expect(call.value?.route.attempts).toMatchObject([{ provider: 'a' }, { provider: 'a' }]);
    expect([made.fakes.paid.calls.length, made.fakes.b.calls.length]).toEqual([0, 0]);
  });

  test('and whose pin is on trial keeps its trial', async () => {
    const made = fakeRouter({ only: [fault('out_of_memory'), limited(1_000), 'it fits'] });
    await failureOf(made.router.chat(hello));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(1_000);
    expect(call.value?.route.attempts).toMatchObject([{ error: { code: 'rate_limited' } }, { provider: 'only' }]);
    expect(made.events.of('model:unpinned')).toHaveLength(1);
  });

  test('gets all the time there is in the last attempt of the call', async () => {
    const made = fakeRouter(
      { a: [limited(1_000), after(15_000, 'slow')], b: [limited(2_000), 'never'] },
      { maxAttempts: 3, deadlineMs: 20_000 },
    );
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(20_000);
    expect(call.value?.route.attempts.map(({ provider }) => provider)).toEqual(['a', 'b', 'a']);
  });

  test('by its own word is waited for, although it has answered others since', async () => {
    const made = fakeRouter({ only: [after(1_000, 'older'), limited(5_000), 'rested'] });
    const older = outcomeOf(made.router.chat(hello));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(4_999);
    expect(older.value).toBeDefined();
    expect(made.fakes.only.calls).toHaveLength(2);
    await made.clock.advance(1);
    expect(call.value?.choices[0].message.content).toBe('rested');
  });

  test('and then hangs is given up in time for another one that rests', async () => {
    const made = fakeRouter({ a: [limited(1_000), hang], b: [limited(2_000), 'rested'] }, { maxAttempts: 5, deadlineMs: 20_000 });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(20_000);
    expect(call.value?.route.attempts.map(({ provider }) => provider)).toEqual(['a', 'b', 'a', 'b']);
    expectQuiet(made);
  });

  test('gets all the time there is where it is the only one', async () => {
    const made = fakeRouter({ a: [limited(1_000), after(100_000, 'slow but sure')] });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(101_000);
    expect(call.value?.choices[0].message.content).toBe('slow but sure');
  });
});

test('a provider that failed, and neither rests nor has a substitute, gets a pause all the same', async () => {
  const made = fakeRouter({ only: [fault('unavailable', { status: 502 }), 'back'] });
  const call = outcomeOf(made.router.chat(hello));
  await made.clock.advance(124);
  expect(made.fakes.only.calls).toHaveLength(1);
  await made.clock.advance(1);
  expect(call.value?.choices[0].message.content).toBe('back');
  expect(made.events.of('retry')).toMatchObject([{ delayMs: 125 }]);
});

test('a call that has used up its attempts says so, and waits for nothing', async () => {
  const made = fakeRouter({ only: limited(1_000) });
  const call = outcomeOf(made.router.chat(hello, once));
  await made.clock.settle();
  expect(call.error).toMatchObject({ code: 'all_failed', stoppedBecause: 'max-attempts', retryAfterMs: 1_000 });
});

describe.each(['chat', 'stream'] as const)('a %s that hangs', (verb) => {
  test('is given up for a provider that rests for a moment', async () => {
    const made = fakeRouter({ b: [limited(2_000), 'rested'], a: (call): Outcome => (call === 0 ? 'yes' : hang) });
    await made.router.chat(hello);
    const call = outcomeOf<unknown>(made.router[verb](hello));
    await made.clock.advance(120_000);
    expect(call.value).toMatchObject({ route: { provider: 'b' } });
    expect(made.fakes.a.calls[1]?.signal).toMatchObject({ aborted: true, reason: { code: 'timeout' } });
  });
});

describe('a model that is being loaded', () => {
  const loading = fault('model_loading', { status: 503 });
  const warming = { health: async () => ({ state: 'warming' as const }) };

  test.each([
    ['rests', limited(2_000)],
    ['named a time', fault('unavailable', { status: 502, retryAfterMs: 2_000 })],
  ])('for ever does not keep a call from a provider that %s and is ready before', async (_, error) => {
    const made = fakeRouter({ a: { does: loading, fake: warming }, b: [error, 'ready'] });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(1_999);
    expect(made.fakes.b.calls).toHaveLength(1);
    await made.clock.advance(1);
    expect(call.value?.route.attempts.map(({ provider }) => provider)).toEqual(['a', 'b', 'b']);
    expect(made.events.of('retry')).toMatchObject([{ provider: 'a', reason: 'model_loading' }, { provider: 'b' }]);
    expectQuiet(made);
  });

  test('is waited for where the others are ready after the deadline', async () => {
    let checks = 0;
    const health = async () => ({ state: checks++ < 5 ? ('warming' as const) : ('ok' as const) });
    const made = fakeRouter({ a: { does: [loading, 'loaded'], fake: { health } }, b: limited(8_500) }, { deadlineMs: 8_000 });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(8_000);
    expect(call.value?.route.attempts.map(({ provider }) => provider)).toEqual(['a', 'b', 'a']);
    expectQuiet(made);
  });

  test('and loads while another one loads gives way to that one, turn by turn', async () => {
    const made = fakeRouter({ a: { does: loading, fake: warming }, b: { does: [loading, 'loaded'], fake: warming } });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(60_000);
    expect(call.value?.route.provider).toBe('b');
    expectQuiet(made);
  });

  test('and whose server hangs when it is asked for its health does not hold the call beyond its deadline', async () => {
    const made = fakeRouter({ only: { does: loading, fake: { health: silence } } }, { deadlineMs: 4_000 });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(4_000);
    expect(call.error).toMatchObject({ code: 'timeout', phase: 'deadline', stoppedBecause: 'deadline', attempts: [{ provider: 'only' }] });
    expectQuiet(made);
  });

  test('is asked when its server says that it is there', async () => {
    let checks = 0;
    const health = async () => ({ state: checks++ < 5 ? ('warming' as const) : ('ok' as const) });
    const made = fakeRouter({ only: { does: [loading, 'loaded'], fake: { health } } });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(10_000);
    expect(call.value?.choices[0].message.content).toBe('loaded');
    expect(made.fakes.only.calls).toHaveLength(2);
    expectQuiet(made);
  });
});

test('a stream that waited is read like any other', async () => {
  const made = await allOpen({ a: broken(pieces('one', 'two')) }, { onAllOpen: 'wait' });
  const opening = outcomeOf(made.router.stream(hello));
  await made.clock.advance(30_000);
  const texts = [];
  for await (const { choices } of opening.value ?? []) texts.push(choices[0]?.delta.content);
  expect(texts).toEqual(['one', 'two']);
  expectQuiet(made);
});
