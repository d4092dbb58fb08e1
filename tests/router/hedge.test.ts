import { describe, expect, test } from 'vitest';
import type { HedgeOptions } from '../../src/config/resilience-options.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { ErrorCode } from '../../src/core/error-codes.ts';
import type { RouterError } from '../../src/core/errors.ts';
import type { ChatStream } from '../../src/router/chat-stream.ts';
import type { Router } from '../../src/router/router.ts';
import { after, deaf, fault, hang, type Outcome, pieces, refused, role } from '../_kit/fake-adapter.ts';
import { failureOf, type FakeProvider, type FakeRouter, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';

type Options = Omit<RouterOptions, 'providers'>;
type Verb = 'chat' | 'stream' | 'embed';

/** A hedge after 200 ms, as soon as one time is known, for every call. */
const eager: HedgeOptions = { minDelayMs: 200, minSamples: 1, maxLoad: 1 };
const driver = fault('driver', { status: 500 });
const once = { maxAttempts: 1 };
const bug = (): never => {
  throw new Error('a bug of the adapter');
};
const verbs: readonly Verb[] = ['chat', 'stream', 'embed'];

const trouble = (code: ErrorCode) => (code === 'rate_limited' ? fault(code, { retryAfterMs: 60_000 }) : fault(code, { status: 500 }));

/** The first call of a provider whose time is known; then what the script says. */
const known = (...script: readonly Outcome[]): readonly Outcome[] => ['at once', ...script];

function callOf(router: Router, verb: Verb, options = {}): Promise<unknown> {
  if (verb === 'embed') return router.embed({ model: 'm', input: 'text' }, options);
  return verb === 'stream' ? streamed(router.stream(hello, options)) : router.chat(hello, options);
}

/** A stream to its end, with its route beside its text. */
async function streamed(opening: Promise<ChatStream>): Promise<{ text: string; failure: unknown; route: ChatStream['route'] }> {
  const stream = await opening;
  return { ...(await readAll(stream)), route: stream.route };
}

const routeOf = ({ value }: { value?: unknown }) => (value as { route: ChatStream['route'] } | undefined)?.route;

/** A router that knows how long a call to `a` usually takes: not at all. */
async function hedging<Id extends string>(
  providers: Readonly<Record<Id, FakeProvider>>,
  options: Options = {},
  verb: Verb = 'chat',
): Promise<FakeRouter<Id>> {
  const made = fakeRouter(providers, { hedge: eager, ...options });
  await callOf(made.router, verb, { provider: 'a', hedge: false });
  made.events.clear();
  return made;
}

/** Nothing is left of the calls: no timer, no permit, no stream; and no attempt has two ends or none. */
function expectQuiet({ router, clock, events, fakes }: FakeRouter<string>): void {
  expect(clock.timers()).toBe(0);
  const { inFlight, providers } = router.snapshot();
  expect(
    [inFlight, ...providers.flatMap((each) => [each.inFlight, ...each.models.map((model) => model.inFlight)])].filter(Boolean),
  ).toEqual([]);
  expect(Object.values(fakes).map((each) => each.openStreams())).toEqual(Object.values(fakes).map(() => 0));
  const ids = (name: 'attempt:start' | 'attempt:end' | 'attempt:error') =>
    events.of(name).map((each) => `${each.requestId} ${each.attempt}`);
  expect([...ids('attempt:end'), ...ids('attempt:error')].sort()).toEqual(ids('attempt:start').sort());
  expect(events.of('request:end').length + events.of('request:error').length).toBe(events.of('request:start').length);
}

describe('without the option', () => {
  test('no call is hedged, however slow', async () => {
    const { router, clock, fakes, events } = fakeRouter({ a: (call) => (call < 30 ? 'yes' : after(20_000, 'late')), b: 'never' });
    for (let count = 0; count < 30; count++) await router.chat(hello);
    const call = outcomeOf(router.chat(hello));
    await clock.advance(20_000);
    expect(call.value?.route).toMatchObject({ provider: 'a', hedged: false });
    expect(fakes.b.calls).toHaveLength(0);
    expect(events.of('hedge')).toEqual([]);
  });
});

describe('the delay of a hedge', () => {
  /** After how long `b` is asked, once `a` has needed these times; undefined where it is not within a minute. */
  async function delayAfter(timesMs: readonly number[], hedge: RouterOptions['hedge'], verb: Verb = 'chat'): Promise<number | undefined> {
    const does = (call: number): Outcome => {
      const ms = timesMs[call];
      if (ms === undefined) return hang;
      return verb === 'stream' ? pieces(role, ms, 'content', 5_000, 'more') : after(ms, 'yes');
    };
    const { router, clock, fakes } = fakeRouter({ a: does, b: 'hedge' }, { hedge, timeouts: { firstTokenMs: 60_000 } });
    for (const _ of timesMs) await clock.run(callOf(router, verb, { hedge: false }));
    // Shares of the load.
    for (let count = 0; count < 20; count++) await router.chat(hello, { provider: 'b' });
    const before = fakes.b.calls.length;
    const startMs = clock.nowMs();
    const call = outcomeOf(callOf(router, verb));
    await clock.advance(50_000);
    expect(call.settled).toBe(fakes.b.calls.length > before);
    const at = fakes.b.calls[before]?.atMs;
    return at === undefined ? undefined : at - startMs;
  }

  test('is 1 s at least, and needs 20 times', async () => {
    expect(await delayAfter(Array(19).fill(10), true)).toBeUndefined();
    expect(await delayAfter(Array(20).fill(10), true)).toBe(1_000);
  });

  test('is what 95 of 100 needed, where that is longer', async () => {
    const times = Array.from({ length: 20 }, (_, index) => 2_000 + 100 * index);
    expect(await delayAfter(times, true)).toBe(3_800);
    expect(await delayAfter(times.toReversed(), true)).toBe(3_800);
  });

  test('forgets all but the last 64 times', async () => {
    expect(await delayAfter([...Array(64).fill(9_000), ...Array(63).fill(2_000)], true)).toBe(2_000);
    expect(await delayAfter([...Array(64).fill(2_000), ...Array(4).fill(9_000)], true)).toBe(9_000);
    expect(await delayAfter([...Array(4).fill(9_000), ...Array(60).fill(2_000)], true)).toBe(9_000);
    expect(await delayAfter([...Array(64).fill(2_000), ...Array(3).fill(9_000)], true)).toBe(2_000);
  });

  test('of a stream is that of its first content', async () => {
    expect(await delayAfter(Array(20).fill(3_000), true, 'stream')).toBe(3_000);
  });

  test('follows the options', async () => {
    expect(await delayAfter([10, 10], { minDelayMs: 300, minSamples: 2, maxLoad: 1 })).toBe(300);
    expect(await delayAfter([10], { minDelayMs: 300, minSamples: 2, maxLoad: 1 })).toBeUndefined();
  });

  test('is not learnt from failures, nor from other models', async () => {
    const script = (call: number): Outcome => (call < 2 ? driver : call < 7 ? 'yes' : hang);
    const { router, clock, fakes } = fakeRouter({ a: script, b: 'never' }, { hedge: { ...eager, minSamples: 2 } });
    for (let count = 0; count < 2; count++) await failureOf(router.chat(hello, { provider: 'a', ...once }));
    await router.chat(hello);
    for (let count = 0; count < 4; count++) await router.chat({ ...hello, model: 'other' });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(9_000);
    expect(fakes.a.calls).toHaveLength(8);
    expect(call.settled).toBe(false);
    expect(fakes.b.calls).toHaveLength(0);
  });
});

describe.each(verbs)('a slow %s', (verb) => {
  test('gets a hedge that answers; the slow attempt is stopped, and nothing is held against anyone', async () => {
    const made = await hedging({ a: known(hang), b: after(50, '1') }, {}, verb);
    const { router, clock, events, fakes } = made;
    const call = outcomeOf(callOf(router, verb));
    await clock.advance(249);
    expect(fakes.a.calls[1]?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(routeOf(call)).toMatchObject({ provider: 'b', hedged: true });
    expect(routeOf(call)?.attempts).toMatchObject([
      { provider: 'a', startedMs: 0, ms: 250, error: { code: 'closed', message: 'a: another attempt of the call ended first.' } },
      { provider: 'b', startedMs: 200, ms: 50 },
    ]);
    expect(events.lines()).toEqual([
      'request:start',
      'attempt:start a',
      'attempt:start b',
      'hedge b',
      'attempt:error a',
      'attempt:end b',
      'request:end b',
    ]);
    expect(events.of('attempt:error')).toMatchObject([{ aborted: true, attempt: 1 }]);
    expect(events.of('request:end')).toMatchObject([{ attempts: 2, abandoned: false }]);
    expect(fakes.a.calls[1]?.signal.aborted).toBe(true);
    expect(fakes.b.calls[0]?.signal.aborted).toBe(false);
    expect(router.snapshot().providers[0]).toMatchObject({ failures: 0, successes: 1, breaker: 'closed', lastError: undefined });
    expectQuiet(made);
  });

  test('that answers before its hedge wins; the hedge is stopped', async () => {
    const made = await hedging({ a: known(after(300, '1')), b: hang }, {}, verb);
    const { router, clock, events, fakes } = made;
    const call = outcomeOf(callOf(router, verb));
    await clock.advance(300);
    expect(routeOf(call)).toMatchObject({ provider: 'a', hedged: true });
    expect(events.lines().slice(3)).toEqual(['hedge b', 'attempt:error b', 'attempt:end a', 'request:end a']);
    expect(fakes.b.calls[0]?.signal.aborted).toBe(true);
    expect(router.snapshot().providers[1]).toMatchObject({ failures: 0, breaker: 'closed', lastError: undefined });
    expectQuiet(made);
  });

  test('that is quick enough gets none', async () => {
    const made = await hedging({ a: known(after(199, '1')), b: 'never' }, {}, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(5_000);
    expect(routeOf(call)).toMatchObject({ provider: 'a', hedged: false });
    expect(made.fakes.b.calls).toHaveLength(0);
    expectQuiet(made);
  });

  test('that says so in its options gets none', async () => {
    const made = await hedging({ a: known(after(5_000, '1')), b: 'never' }, {}, verb);
    const call = outcomeOf(callOf(made.router, verb, { hedge: false }));
    await made.clock.advance(5_000);
    expect(routeOf(call)).toMatchObject({ provider: 'a', hedged: false });
    expect(made.fakes.b.calls).toHaveLength(0);
  });

  test('fails over plainly where the attempt fails before the delay', async () => {
    const made = await hedging({ a: known(after(100, driver)), b: after(1_000, '1') }, {}, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(1_100);
    expect(routeOf(call)).toMatchObject({ provider: 'b', hedged: false });
    expect(made.events.of('failover')).toMatchObject([{ from: 'a', to: 'b' }]);
    expect(made.events.of('hedge')).toEqual([]);
    expectQuiet(made);
  });

  test.each([
    ['first', [300, 400], 'b'],
    ['hedge', [400, 50], 'a'],
  ] as const)('goes on with the other one where the %s fails', async (which, [firstMs, hedgeMs], winner) => {
    const isFirst = which === 'first';
    const script = { a: known(after(firstMs, isFirst ? driver : '1')), b: after(hedgeMs, isFirst ? '1' : driver), c: 'never' };
    const made = await hedging(script, {}, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(600);
    expect(routeOf(call)).toMatchObject({ provider: winner, hedged: true });
    expect(made.fakes.c.calls).toHaveLength(0);
    expectQuiet(made);
  });

  test('moves on to the next candidate where both fail', async () => {
    const made = await hedging({ a: known(after(300, driver)), b: after(200, driver), c: '1' }, {}, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(400);
    expect(routeOf(call)).toMatchObject({ provider: 'c', hedged: true });
    expect(routeOf(call)?.attempts.map(({ provider }) => provider)).toEqual(['a', 'b', 'c']);
    expect(made.events.of('failover')).toMatchObject([{ from: 'b', to: 'c' }]);
    expectQuiet(made);
  });

  const refusal = fault('bad_request', { status: 400 });

  test('ends with an error of the attempt that nobody could mend, and the hedge is stopped', async () => {
    const made = await hedging({ a: known(after(300, refusal)), b: after(5_000, 'late'), c: 'never' }, {}, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(300);
    expect(call.error).toMatchObject({ code: 'bad_request', provider: 'a' });
    expect([made.fakes.a.calls[1], made.fakes.b.calls[0]].map((each) => each?.signal.aborted)).toEqual([true, true]);
    expect(made.fakes.c.calls).toHaveLength(0);
    expect(made.events.lines().at(-1)).toBe('request:error');
    expectQuiet(made);
  });

  test.each<[string, RouterError | Error]>([
    ['that nobody could mend', refusal],
    ['that is a bug', new TypeError('x is not a function')],
  ])('is not ended by an error of the hedge %s: the attempt still answers, as it would have without', async (_, error) => {
    const made = await hedging({ a: known(after(5_000, '1')), b: after(100, error), c: 'never' }, {}, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(300);
    expect(call.settled).toBe(false);
    expect(made.fakes.a.calls[1]?.signal.aborted).toBe(false);
    await made.clock.advance(4_700);
    expect(routeOf(call)).toMatchObject({ provider: 'a', hedged: true, attempts: [{ provider: 'b' }, { provider: 'a' }] });
    expect(made.fakes.c.calls).toHaveLength(0);
    expectQuiet(made);
  });

  test('ends with the error of the hedge that nobody could mend where the attempt fails after it', async () => {
    const made = await hedging({ a: known(after(500, driver)), b: after(100, refusal), c: 'never' }, {}, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(499);
    expect(call.settled).toBe(false);
    await made.clock.advance(1);
    expect(call.error).toMatchObject({ code: 'bad_request', provider: 'b' });
    expect(made.fakes.c.calls).toHaveLength(0);
    expectQuiet(made);
  });

  test('and where the attempt has failed before it', async () => {
    const made = await hedging({ a: known(after(300, driver)), b: after(400, refusal), c: 'never' }, {}, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(600);
    expect(call.error).toMatchObject({ code: 'bad_request', provider: 'b' });
    expect(made.fakes.c.calls).toHaveLength(0);
    expectQuiet(made);
  });

  test('ends with the error of the attempt where both have one that nobody could mend', async () => {
    const made = await hedging({ a: known(after(500, fault('content_filtered', { status: 400 }))), b: after(100, refusal) }, {}, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(500);
    expect(call.error).toMatchObject({ code: 'content_filtered', provider: 'a' });
    expectQuiet(made);
  });

  test('whose caller aborts stops both', async () => {
    const made = await hedging({ a: known(hang), b: hang, c: 'never' }, {}, verb);
    const controller = new AbortController();
    const reason = new Error('the caller’s own');
    const call = outcomeOf(callOf(made.router, verb, { signal: controller.signal }));
    await made.clock.advance(300);
    controller.abort(reason);
    await made.clock.settle();
    expect(call.error).toBe(reason);
    expect(made.events.of('attempt:error')).toMatchObject([
      { provider: 'a', aborted: true, error: reason },
      { provider: 'b', aborted: true, error: reason },
    ]);
    expect(made.router.snapshot().providers.map(({ failures }) => failures)).toEqual([0, 0, 0]);
    expectQuiet(made);
  });

  test('whose router closes stops both', async () => {
    const made = await hedging({ a: known(hang), b: hang }, {}, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(300);
    const closing = outcomeOf(made.router.close({ drainMs: 100 }));
    await made.clock.advance(100);
    expect(closing.settled).toBe(true);
    expect(call.error).toMatchObject({ code: 'closed' });
    expectQuiet(made);
  });

  test('is bound by the deadline, with the hedge as without', async () => {
    const made = await hedging({ a: known(hang), b: hang }, { deadlineMs: 1_000 }, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(1_000);
    expect(call.error).toMatchObject({ code: 'timeout', phase: 'deadline', stoppedBecause: 'deadline' });
    expectQuiet(made);
  });

  test('gets no hedge with less than 50 ms left', async () => {
    const made = await hedging({ a: known(hang), b: '1' }, { deadlineMs: 90, hedge: { ...eager, minDelayMs: 41 } }, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(45);
    expect(call.error).toMatchObject({ code: 'timeout', phase: 'deadline', attempts: [{ provider: 'a' }] });
    expect(made.fakes.b.calls).toHaveLength(0);
    expectQuiet(made);
  });

  test('gets one with just 50 ms left', async () => {
    const made = await hedging({ a: known(hang), b: '1' }, { deadlineMs: 91, hedge: { ...eager, minDelayMs: 41 } }, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(41);
    expect(routeOf(call)).toMatchObject({ provider: 'b', hedged: true });
    expectQuiet(made);
  });

  test('is not retried once it was hedged', async () => {
    const passing = fault('unavailable', { status: 502 });
    const made = await hedging({ a: known(after(300, passing), '1'), b: after(50, passing) }, { maxAttempts: 5 }, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(20_000);
    expect(call.error).toMatchObject({ code: 'all_failed', stoppedBecause: 'exhausted' });
    expect(made.events.of('retry')).toEqual([]);
    expect(made.events.of('attempt:start')).toHaveLength(2);
    expectQuiet(made);
  });

  test('leaves a server that hears nothing', async () => {
    const made = await hedging({ a: known(deaf), b: '1' }, {}, verb);
    const call = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(200);
    expect(routeOf(call)).toMatchObject({ provider: 'b' });
    expect(made.fakes.a.calls[1]?.signal.aborted).toBe(true);
    expectQuiet(made);
  });
});

describe('a stream', () => {
  test('that has begun without content is hedged, and its source is closed when the hedge has some', async () => {
    const made = await hedging({ a: known(pieces(role, 'hang')), b: pieces(role, 100, 'one', 1_000, 'two') }, {}, 'stream');
    const call = outcomeOf(streamed(made.router.stream(hello)));
    await made.clock.advance(299);
    expect(made.fakes.a.openStreams()).toBe(1);
    await made.clock.advance(1);
    expect(made.fakes.a.openStreams()).toBe(0);
    await made.clock.advance(1_000);
    expect(call.value).toMatchObject({ text: 'onetwo', failure: undefined, route: { provider: 'b', hedged: true } });
    expectQuiet(made);
  });

  test('that has had its first content is not hedged any more', async () => {
    const made = await hedging({ a: known(pieces('one', 5_000, 'two')), b: 'never' }, {}, 'stream');
    const call = outcomeOf(streamed(made.router.stream(hello)));
    await made.clock.advance(5_000);
    expect(call.value).toMatchObject({ text: 'onetwo', route: { provider: 'a', hedged: false } });
    expect(made.fakes.b.calls).toHaveLength(0);
  });

  test('that broke after its hedge had won says nothing of the attempt that was stopped', async () => {
    const made = await hedging({ a: known(hang), b: pieces('half', fault('unavailable')) }, {}, 'stream');
    const call = outcomeOf(streamed(made.router.stream(hello)));
    await made.clock.advance(200);
    expect(call.value).toMatchObject({ text: 'half', failure: { code: 'stream_interrupted', provider: 'b' } });
    const failure = call.value?.failure as RouterError | undefined;
    expect(failure?.attempts.filter(({ provider }) => provider === 'a')).toEqual([]);
    expectQuiet(made);
  });

  test('that broke after its hedge had won says so, and begins anew where that was asked for', async () => {
    const script = { a: known(hang), b: pieces('half', fault('unavailable')), c: pieces('whole') };
    const made = await hedging(script, { onStreamFailure: 'restart' }, 'stream');
    const call = outcomeOf(streamed(made.router.stream(hello)));
    await made.clock.advance(200);
    expect(call.value).toMatchObject({ text: 'halfwhole', failure: undefined, route: { provider: 'c', hedged: true } });
    expect(made.events.of('stream:reset')).toMatchObject([{ from: 'b', provider: 'c' }]);
    expectQuiet(made);
  });
});

describe('a hedge never goes to a provider', () => {
  /** Something that happens to `b` before the call. */
  const obstacles: Record<string, { readonly code: ErrorCode; readonly times: number; readonly options?: Options }> = {
    'whose breaker is open': { code: 'driver', times: 3 },
    'that rests': { code: 'rate_limited', times: 1 },
    'where the model is pinned': { code: 'out_of_memory', times: 1 },
    'whose credentials were refused': { code: 'auth', times: 1 },
    'that lacks the model': { code: 'model_not_found', times: 1 },
  };
  test.each(Object.entries(obstacles))('%s', async (_, { code, times }) => {
    const made = await hedging({ a: known(after(5_000, 'late')), b: (call) => (call < times ? trouble(code) : 'never') });
    for (let count = 0; count < times; count++) await failureOf(made.router.chat(hello, { provider: 'b', ...once }));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(5_000);
    expect(call.value?.route).toMatchObject({ provider: 'a', hedged: false });
    expect(made.fakes.b.calls).toHaveLength(times);
    expectQuiet(made);
  });

  test.each(Object.entries(obstacles).filter(([, { code }]) => code !== 'model_not_found'))(
    '%s since the call began',
    async (_, { code, times }) => {
      const made = await hedging({ a: known(after(5_000, 'late')), b: (call) => (call < times ? trouble(code) : 'never') });
      const call = outcomeOf(made.router.chat(hello));
      await made.clock.advance(100);
      for (let count = 0; count < times; count++) await failureOf(made.router.chat(hello, { provider: 'b', ...once }));
      await made.clock.advance(4_900);
      expect(call.value?.route).toMatchObject({ provider: 'a', hedged: false });
      expect(made.fakes.b.calls).toHaveLength(times);
    },
  );

  test('without retry tokens', async () => {
    const calm: Options = { breaker: { failureThreshold: 1_000, minimumOutcomes: 1_000, windowMs: 1 } };
    const made = await hedging({ a: known(after(5_000, 'late')), b: (call) => (call < 10 ? driver : 'never') }, calm);
    for (let count = 0; count < 10; count++) {
      await failureOf(made.router.chat(hello, { provider: 'b', ...once }));
      await made.clock.advance(2);
    }
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(5_000);
    expect(call.value?.route).toMatchObject({ provider: 'a', hedged: false });
    expect(made.fakes.b.calls).toHaveLength(10);
  });

  test.each([
    ['that costs money, from one that does not', {}, { cost: 'paid' }],
    ['that is free, from one that costs money', { cost: 'paid', priority: -1 }, {}],
  ] as const)('%s', async (_, first, second) => {
    const script = { a: { does: known(after(5_000, 'late')), ...first }, b: { does: 'never', ...second } };
    const made = await hedging(script, { allowPaid: true });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(5_000);
    expect(call.value?.route).toMatchObject({ provider: 'a', hedged: false });
    expect(made.fakes.b.calls).toHaveLength(0);
  });

  test('but to the next one that is fit', async () => {
    const script = {
      a: known(hang),
      b: [fault('rate_limited', { retryAfterMs: 60_000 }), 'never'],
      c: { does: 'never', cost: 'paid' as const },
      d: 'yes',
    };
    const made = await hedging(script, { allowPaid: true });
    await failureOf(made.router.chat(hello, { provider: 'b', ...once }));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(200);
    expect(call.value?.route).toMatchObject({ provider: 'd', hedged: true });
  });
});

describe('the load of hedges', () => {
  /** Slow attempts that fail in the end, so that their times are not learnt, at a provider that stays in the game all the same. */
  const lame = after(1_000, driver);
  const calm: Options = { breaker: { failureThreshold: 1_000, minimumOutcomes: 1_000, windowMs: 1 }, hedge: { ...eager, maxLoad: 0.05 } };

  test('is bounded to a share of the calls', async () => {
    const made = await hedging({ a: known(lame), b: after(1, 'yes') }, calm);
    for (let count = 0; count < 400; count++) await made.clock.run(made.router.chat(hello));
    // Sums of 0.05 may miss a whole number by a hair.
    expect(made.events.of('hedge').length).toBeGreaterThanOrEqual(19);
    expect(made.events.of('hedge').length).toBeLessThanOrEqual(20);
  });

  test('is no licence for a slow minute after a quiet hour', async () => {
    const quick = Array(1_000).fill('quick');
    const made = await hedging(
      { a: known(...quick, ...Array(50).fill(after(1_000, 'late'))), b: after(1, 'hedge') },
      { hedge: { ...eager, maxLoad: 0.05 } },
    );
    for (let count = 0; count < 1_000; count++) await made.router.chat(hello);
    const calls = Array.from({ length: 50 }, () => outcomeOf(made.router.chat(hello)));
    await made.clock.advance(1_000);
    expect(calls.every(({ value }) => value !== undefined)).toBe(true);
    expect(made.events.of('hedge')).toHaveLength(5);
    expectQuiet(made);
  });

  test('is not spent where there is nobody to hedge with', async () => {
    const made = await hedging(
      { a: known(lame), b: after(1, 'yes'), c: { does: after(1, 'paid'), cost: 'paid' } },
      { ...calm, allowPaid: true },
    );
    for (let count = 0; count < 30; count++) await failureOf(made.clock.run(made.router.chat(hello, { provider: 'a' })));
    expect(made.events.of('hedge')).toEqual([]);
    await made.clock.run(made.router.chat(hello));
    expect(made.events.of('hedge')).toHaveLength(1);
  });

  test('0 allows none', async () => {
    const made = await hedging({ a: known(after(1_000, 'late')), b: 'never' }, { hedge: { ...eager, maxLoad: 0 } });
    expect((await made.clock.run(made.router.chat(hello))).route.hedged).toBe(false);
  });
});

describe('a hedge counts among the attempts of a call', () => {
  test('so a call with one attempt gets none', async () => {
    const made = await hedging({ a: known(after(1_000, 'late')), b: 'never' });
    const { route } = await made.clock.run(made.router.chat(hello, once));
    expect(route).toMatchObject({ provider: 'a', hedged: false });
  });

  test('and with two attempts nobody else is asked', async () => {
    const made = await hedging({ a: known(after(300, driver)), b: after(50, driver), c: 'never' }, { maxAttempts: 2 });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(300);
    expect(call.error).toMatchObject({ stoppedBecause: 'max-attempts', attempts: [{ provider: 'b' }, { provider: 'a' }] });
    expect(made.fakes.c.calls).toHaveLength(0);
  });

  test('and the last of them goes to the best record', async () => {
    const made = await hedging({ a: known(hang), b: [driver, 'from b'], c: 'from c' }, { maxAttempts: 2 });
    await failureOf(made.router.chat(hello, { provider: 'b', ...once }));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(200);
    expect(call.value?.route.provider).toBe('c');
  });

  test('and there is one hedge in a call', async () => {
    const made = await hedging({ a: known(hang), b: hang, c: 'never' }, { maxAttempts: 5 });
    for (const provider of ['b', 'c']) await outcomeOf(made.router.chat(hello, { provider }));
    const call = outcomeOf(made.router.chat(hello, { deadlineMs: 5_000 }));
    await made.clock.advance(1_000);
    expect(made.events.of('hedge')).toHaveLength(1);
    expect(call.settled).toBe(false);
  });

  test('and none follows a failure', async () => {
    const made = await hedging({ a: known(driver), b: [...known(after(5_000, 'late'))], c: 'never' });
    await made.router.chat(hello, { provider: 'b' });
    const { route } = await made.clock.run(made.router.chat(hello));
    expect(route).toMatchObject({ provider: 'b', hedged: false });
  });
});

test('a probe that is slow may be hedged: it gives its place to the next call', async () => {
  const made = await hedging({ a: known(refused(), refused(), refused(), hang, 'back'), b: 'yes' });
  const { router, clock, events, fakes } = made;
  for (let count = 0; count < 3; count++) await failureOf(router.chat(hello, { provider: 'a', ...once }));
  await clock.advance(30_000);
  const call = outcomeOf(router.chat(hello));
  await clock.advance(200);
  expect(call.value?.route).toMatchObject({ provider: 'b', hedged: true });
  expect(router.snapshot().providers[0]).toMatchObject({ breaker: 'half-open' });
  expect((await router.chat(hello)).route.provider).toBe('a');
  expect(events.of('breaker:close')).toMatchObject([{ provider: 'a' }]);
  expect(fakes.a.calls).toHaveLength(6);
  expectQuiet(made);
});

test('a hedge may be the probe, and closes the breaker where it wins', async () => {
  const made = await hedging({ a: known(hang), b: (call) => (call < 3 ? refused() : 'back') });
  for (let count = 0; count < 3; count++) await failureOf(made.router.chat(hello, { provider: 'b', ...once }));
  await made.clock.advance(30_000);
  const call = outcomeOf(made.router.chat(hello));
  await made.clock.advance(200);
  expect(call.value?.route.provider).toBe('b');
  expect(made.events.of('breaker:close')).toMatchObject([{ provider: 'b' }]);
  expectQuiet(made);
});

test('the event says from where, to where and after how long', async () => {
  const made = await hedging({ a: known(hang), b: 'yes' });
  const call = outcomeOf(made.router.chat(hello));
  await made.clock.advance(200);
  const requestId = call.value?.route.requestId;
  expect(made.events.of('hedge')).toEqual([{ requestId, provider: 'b', model: 'm', from: 'a', delayMs: 200 }]);
});

test('an adapter that throws when it is asked whether it could hedge ends the call, and nothing of it is left', async () => {
  const made = await hedging({ a: known(after(5_000, 'late')), b: { does: 'never', fake: { leavesOut: bug } } });
  const call = outcomeOf(made.router.chat({ ...hello, seed: 7 }));
  await made.clock.advance(200);
  expect(call.error).toMatchObject({ message: 'a bug of the adapter' });
  expect(made.fakes.a.calls[1]?.signal.aborted).toBe(true);
  expect(made.fakes.b.calls).toHaveLength(0);
  expectQuiet(made);
});

test('a hundred slow calls at once leave nothing behind', async () => {
  const made = await hedging({
    a: (call) => (call === 0 ? 'yes' : call % 3 === 0 ? after(350, 'late') : hang),
    b: (call) => after(100 + call, call % 7 === 0 ? driver : 'hedge'),
    c: after(10, 'c'),
  });
  const calls = Array.from({ length: 100 }, () => outcomeOf(made.router.chat(hello)));
  await made.clock.advance(120_000);
  expect(calls.filter(({ value }) => value !== undefined)).toHaveLength(100);
  expectQuiet(made);
});
