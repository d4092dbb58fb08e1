import { describe, expect, test } from 'vitest';
import { createRouter } from '../../src/router/create-router.ts';
import { after, fault, hang, type Outcome, pieces, refused } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';
import { loopback } from '../_kit/loopback.ts';
import { answers } from '../_kit/openai-bytes.ts';
import { testClock } from '../_kit/test-clock.ts';

/** Fails until `after` calls have been made, then answers. */
const failing =
  (times: number, error: () => Outcome = refused) =>
  (call: number): Outcome =>
    call < times ? error() : 'back';
const once = { maxAttempts: 1 };
/** A call for a model of its own. */
const named = (index: number) => ({ ...hello, model: `other-${index}` });
/** Answers begin and go no further; between them it fails. */
const everyOtherStream = (call: number): Outcome => (call % 2 === 1 ? pieces('one', 'hang') : fault('driver', { status: 500 }));

describe('three refused connections in a row', () => {
  test('open the breaker for every model of the provider, for 30 s', async () => {
    const { router, clock, events, fakes } = fakeRouter({ a: failing(3) }, once);
    for (let count = 0; count < 3; count++) await failureOf(router.chat({ ...hello, model: `model-${count}` }));
    expect(events.of('breaker:open')).toEqual([
      { provider: 'a', model: undefined, untilMs: clock.nowMs() + 30_000, reason: 'unavailable' },
    ]);
    const error = await failureOf(router.chat({ ...hello, model: 'yet another' }));
    expect(error).toMatchObject({ code: 'no_provider', skipped: [{ code: 'circuit_open' }], retryAfterMs: 30_000 });
    expect(fakes.a.calls).toHaveLength(3);
  });

  test('send later calls to the next provider without a try', async () => {
    const { router, fakes } = fakeRouter({ a: refused(), b: 'yes' });
    for (let count = 0; count < 10; count++) expect((await router.chat(hello)).route.provider).toBe('b');
    expect(fakes.a.calls).toHaveLength(3);
  });

  test('count only in a row', async () => {
    const { router, events } = fakeRouter({ a: (call) => (call % 3 === 2 ? 'yes' : refused()) }, once);
    for (let count = 0; count < 30; count++) await Promise.allSettled([router.chat(hello)]);
    expect(events.of('breaker:open')).toEqual([]);
  });

  // Every call is for a model of its own, so that no model's breaker has a say.
  const thirty = Array.from({ length: 30 }, (_, count) => ({ ...hello, model: `model-${count}` }));

  test('are interrupted by an answer that is an error: whoever gives one can be reached', async () => {
    const { router, events } = fakeRouter({ a: (call) => (call % 3 === 2 ? fault('driver', { status: 500 }) : refused()) }, once);
    for (const request of thirty) await failureOf(router.chat(request));
    expect(events.of('breaker:open')).toEqual([]);
  });

  test.each([{ status: 400 }, {}])('are interrupted by a request that was refused for what it said (%j)', async (details) => {
    const { router, events } = fakeRouter({ a: (call) => (call % 3 === 2 ? fault('bad_request', details) : refused()) }, once);
    for (const request of thirty) await failureOf(router.chat(request));
    expect(events.of('breaker:open')).toEqual([]);
  });

  test('are not interrupted by silence', async () => {
    const { router, events, fakes } = fakeRouter({ a: (call) => (call % 3 === 2 ? fault('timeout') : refused()) }, once);
    for (const request of thirty) await failureOf(router.chat(request));
    expect(events.of('breaker:open')).toMatchObject([{ provider: 'a', model: undefined, reason: 'unavailable' }]);
    expect(fakes.a.calls).toHaveLength(4);
  });
});

test('a breaker that opens while a call is at another provider holds for that call too', async () => {
  const { router, clock, fakes } = fakeRouter({ a: after(1_000, fault('driver')), b: refused() });
  const call = outcomeOf(router.chat(hello));
  for (let count = 0; count < 3; count++) await failureOf(router.chat(hello, { provider: 'b', ...once }));
  await clock.advance(1_000);
  expect(call.error).toMatchObject({ code: 'all_failed', attempts: [{ provider: 'a' }] });
  expect(fakes.b.calls).toHaveLength(3);
});

test('failures of one model open its own breaker and leave the others alone', async () => {
  const { router, events } = fakeRouter({ a: failing(3, () => fault('driver', { status: 500 })) }, once);
  for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
  expect(events.of('breaker:open')).toMatchObject([{ provider: 'a', model: 'm' }]);
  expect((await router.chat({ ...hello, model: 'other' })).route.provider).toBe('a');
  expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'no_provider' });
});

describe('the faults of others', () => {
  test.each(['bad_request', 'context_length', 'content_filtered', 'auth', 'model_not_found', 'out_of_memory', 'unsupported'] as const)(
    '%s opens no breaker',
    async (code) => {
      const { router, clock, events } = fakeRouter({ a: fault(code, { status: 400 }) }, once);
      for (let count = 0; count < 30; count++) {
        await failureOf(router.chat(hello));
        await clock.advance(14_400_000);
      }
      expect(events.of('breaker:open')).toEqual([]);
    },
  );

  test.each(['bad_request', 'context_length', 'content_filtered'] as const)('%s between failures counts neither way', async (code) => {
    const refusal = fault(code, { status: 400 });
    const driver = fault('driver', { status: 500 });
    const { router, events, fakes } = fakeRouter({ a: (call) => (call % 2 === 1 ? refusal : driver) }, once);
    for (let count = 0; count < 20; count++) await failureOf(router.chat(hello));
    expect(events.of('breaker:open')).toMatchObject([{ provider: 'a', model: 'm', reason: 'driver' }]);
    expect(fakes.a.calls).toHaveLength(5);
  });

  test('an abort by the caller opens no breaker', async () => {
    const { router, clock, events } = fakeRouter({ a: hang });
    for (let count = 0; count < 30; count++) {
      const controller = new AbortController();
      const call = outcomeOf(router.chat(hello, { signal: controller.signal }));
      await clock.settle();
      controller.abort();
      await clock.settle();
      expect(call.settled).toBe(true);
    }
    expect(events.of('breaker:open')).toEqual([]);
  });
});

describe('when the open time is over', () => {
  test('exactly one of a hundred callers reaches the provider; success closes the breaker', async () => {
    const { router, clock, events, fakes } = fakeRouter({ a: (call) => (call < 3 ? refused() : after(10, 'back')) }, once);
    for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
    await clock.advance(30_000);
    const calls = Array.from({ length: 100 }, () => outcomeOf(router.chat(hello)));
    await clock.advance(10);
    expect(fakes.a.calls).toHaveLength(4);
    expect(calls.filter(({ value }) => value !== undefined)).toHaveLength(1);
    expect(events.of('breaker:half-open')).toHaveLength(1);
    expect(events.of('breaker:close')).toEqual([{ provider: 'a', model: undefined }]);
  });

  test('exactly one of a hundred callers reaches a real server', async () => {
    let isUp = false;
    await using server = await loopback(() => (isUp ? answers('back') : { status: 500, pieces: ['{}'] }));
    const clock = testClock();
    const router = createRouter({
      clock,
      random: () => 0.5,
      ...once,
      health: false,
      providers: { a: { type: 'openai-compatible', url: server.url } },
    });
    for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
    isUp = true;
    await clock.advance(30_000);
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => router.chat(hello)));
    expect(server.requests).toHaveLength(4);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('nobody waits for the probe: the others go elsewhere at once', async () => {
    const { router, clock } = fakeRouter({ a: (call) => (call < 3 ? refused() : hang), b: 'yes' });
    for (let count = 0; count < 3; count++) await router.chat(hello);
    await clock.advance(30_000);
    const probe = outcomeOf(router.chat(hello));
    const other = outcomeOf(router.chat(hello));
    await clock.settle();
    expect(other.value?.route.attempts).toMatchObject([{ provider: 'b' }]);
    expect(probe.settled).toBe(false);
  });

  test('a failed probe opens it again, for twice as long, and its caller fails over', async () => {
    const { router, clock, events } = fakeRouter({ a: refused(), b: 'yes' });
    for (let count = 0; count < 3; count++) await router.chat(hello);
    await clock.advance(30_000);
    expect((await router.chat(hello)).route.attempts).toMatchObject([{ provider: 'a' }, { provider: 'b' }]);
    expect(events.of('breaker:open').at(-1)?.untilMs).toBe(clock.nowMs() + 60_000);
  });

  test('a probe whose caller leaves gives its place to the next call', async () => {
    const { router, clock, fakes } = fakeRouter({ a: (call) => (call < 3 ? refused() : call === 3 ? hang : 'back') }, once);
    for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
    await clock.advance(30_000);
    const controller = new AbortController();
    const probe = outcomeOf(router.chat(hello, { signal: controller.signal }));
    await clock.settle();
    controller.abort();
    await clock.settle();
    expect(probe.settled).toBe(true);
    expect((await router.chat(hello)).choices[0].message.content).toBe('back');
    expect(fakes.a.calls).toHaveLength(5);
  });

  test.each(['rate_limited', 'bad_request', 'auth', 'model_not_found', 'out_of_memory'] as const)(
    'a probe that meets %s leaves no breaker stuck',
    async (code) => {
      const does = (call: number): Outcome => (call < 3 ? refused() : call === 3 ? fault(code, { status: 400 }) : 'back');
      const { router, clock } = fakeRouter({ a: does }, once);
      for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
      await clock.advance(30_000);
      await failureOf(router.chat(hello));
      await clock.advance(14_400_000);
      expect((await router.chat(hello)).choices[0].message.content).toBe('back');
    },
  );

  test.each([
    ['the model', fault('driver', { status: 500 })],
    ['the connection', refused()],
  ])('a probe of %s whose request is refused for what it says closes the breaker: somebody has answered', async (_, failure) => {
    const does = (call: number): Outcome => (call < 3 ? failure : fault('bad_request', { status: 400 }));
    const { router, clock, events } = fakeRouter({ a: does }, once);
    for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
    await clock.advance(30_000);
    expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'bad_request' });
    expect(events.lines().filter((line) => line.startsWith('breaker:'))).toEqual([
      'breaker:open a',
      'breaker:half-open a',
      'breaker:close a',
    ]);
  });

  test.each(['chat', 'stream'] as const)('a probe of the connection that meets only silence opens it again (%s)', async (verb) => {
    const { router, clock, events } = fakeRouter({ a: (call) => (call < 3 ? refused() : hang), b: 'yes' });
    for (let count = 0; count < 3; count++) await router.chat(hello);
    await clock.advance(30_000);
    const call = outcomeOf<unknown>(router[verb](hello));
    await clock.advance(60_000);
    expect(call.value).toMatchObject({ route: { provider: 'b' } });
    expect(events.of('breaker:open')).toMatchObject([{ reason: 'unavailable' }, { provider: 'a', model: undefined, reason: 'timeout' }]);
    expect(router.snapshot().providers[0]?.breaker).toBe('open');
  });

  test('and one that hears anything, be it an error of the model, closes that of the connection', async () => {
    const { router, clock } = fakeRouter({ a: (call) => (call < 3 ? refused() : fault('driver', { status: 500 })), b: 'yes' });
    for (let count = 0; count < 3; count++) await router.chat(hello);
    await clock.advance(30_000);
    await router.chat(hello);
    expect(router.snapshot().providers[0]).toMatchObject({ breaker: 'closed', models: [{ breaker: 'closed' }] });
  });

  test('a probe whose reader leaves the stream proves nothing: the next call finds out', async () => {
    const driver = fault('driver', { status: 500 });
    const does = (call: number): Outcome => (call < 3 ? driver : call === 3 ? pieces('one', 'hang') : 'back');
    const { router, clock, events } = fakeRouter({ a: does }, once);
    for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
    await clock.advance(30_000);
    for await (const _ of await router.stream(hello)) break;
    expect(events.of('breaker:close')).toEqual([]);
    expect(router.snapshot().providers[0]).toMatchObject({ successes: 0, inFlight: 0, models: [{ breaker: 'half-open' }] });
    expect((await router.chat(hello)).choices[0].message.content).toBe('back');
    expect(events.of('breaker:close')).toMatchObject([{ provider: 'a', model: 'm' }]);
  });

  test('while few calls are let in, the others are told to come again in a moment, and why', async () => {
    const { router, clock } = fakeRouter({ a: (call) => (call < 3 ? refused() : call === 3 ? 'back' : hang) });
    for (let count = 0; count < 3; count++) await failureOf(router.chat(hello, once));
    await clock.advance(30_000);
    await router.chat(hello);
    void outcomeOf(router.chat(hello));
    await clock.settle();
    const readyAtMs = clock.nowMs() + 1_000;
    const skipped = [
      { provider: 'a', code: 'circuit_open', reason: 'it may have recovered, which few calls at a time find out', readyAtMs },
    ];
    expect(router.explain(hello)).toMatchObject({ candidates: [], skipped });
    expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'no_provider', retryAfterMs: 1_000 });
  });

  test('after a recovery calls are let in slowly: 1, 2, 4, 8, then all', async () => {
    const { router, clock, fakes } = fakeRouter({ a: (call) => (call < 3 ? refused() : after(10, 'back')) }, once);
    for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
    await clock.advance(30_000);
    const letIn = [];
    for (let round = 0; round < 4; round++) {
      const before = fakes.a.calls.length;
      const calls = Array.from({ length: 100 }, () => outcomeOf(router.chat(hello)));
      await clock.advance(10);
      expect(calls.every(({ settled }) => settled)).toBe(true);
      letIn.push(fakes.a.calls.length - before);
    }
    expect(letIn).toEqual([1, 1, 2, 8]);
  });
});

test('"classic" opens after three failures for five minutes, every time', async () => {
  const { router, clock, events } = fakeRouter({ a: fault('driver', { status: 500 }) }, { ...once, breaker: 'classic' });
  for (let round = 0; round < 3; round++) {
    while (events.of('breaker:open').length === round) await failureOf(router.chat(hello));
    expect(events.of('breaker:open').at(-1)?.untilMs).toBe(clock.nowMs() + 300_000);
    await clock.advance(300_000);
  }
});

describe('readers who leave their streams', () => {
  test('do not begin the count of failures anew', async () => {
    const { router, events, fakes } = fakeRouter({ a: everyOtherStream }, once);
    for (let count = 0; count < 3; count++) {
      await failureOf(router.chat(hello));
      if (count < 2) for await (const _ of await router.stream(hello)) break;
    }
    expect(events.of('breaker:open')).toMatchObject([{ provider: 'a', model: 'm', reason: 'driver' }]);
    expect(fakes.a.calls).toHaveLength(5);
  });

  test('open no breaker', async () => {
    const { router, events } = fakeRouter({ a: pieces('one', 'hang') }, once);
    for (let count = 0; count < 30; count++) for await (const _ of await router.stream(hello)) break;
    expect(events.of('breaker:open')).toEqual([]);
  });
});

describe('of a thousand names of models', () => {
  test.each([
    ['whose breaker is open', fault('driver', { status: 500 }), 3],
    ['that is pinned', fault('out_of_memory'), 1],
  ] as const)('one %s is not forgotten for the others', async (_, failure, calls) => {
    const { router } = fakeRouter({ gpu: (call) => (call < calls ? failure : 'ok'), cpu: 'yes' });
    for (let count = 0; count < calls; count++) await router.chat(hello);
    for (let index = 0; index < 1_100; index++) await router.chat(named(index), { provider: 'gpu' });
    expect(router.snapshot().providers[0]?.models).toHaveLength(1_000);
    expect((await router.chat(hello)).route.attempts).toMatchObject([{ provider: 'cpu' }]);
  });

  test('the oldest is forgotten where every one is kept away', async () => {
    const { router } = fakeRouter({ gpu: fault('out_of_memory'), cpu: 'yes' });
    for (let index = 0; index < 1_001; index++) await router.chat(named(index));
    const models = router.snapshot().providers[0]?.models.map(({ model }) => model);
    expect(models).toHaveLength(1_000);
    expect([models?.[0], models?.at(-1)]).toEqual(['other-1', 'other-1000']);
  });

  test('none is forgotten that is in use', async () => {
    const { router, clock } = fakeRouter({ gpu: (call) => (call === 0 ? hang : 'ok') });
    void outcomeOf(router.chat(hello));
    for (let index = 0; index < 1_001; index++) await router.chat(named(index));
    await clock.settle();
    expect(router.snapshot().providers[0]?.models[0]).toMatchObject({ model: 'm', inFlight: 1 });
  });
});

describe('results of an older time', () => {
  test('a late refusal does not hold against a probe that is answered', async () => {
    const script = [after(5_000, refused()), refused(), refused(), refused(), after(2_000, 'back')];
    const { router, clock, events } = fakeRouter({ a: script, b: 'yes' }, { breaker: { openMs: 4_000, jitter: 0 } });
    const late = outcomeOf(router.chat(hello));
    for (let count = 0; count < 3; count++) await router.chat(hello);
    expect(events.of('breaker:open')).toHaveLength(1);
    await clock.advance(4_000);
    const probe = outcomeOf(router.chat(hello));
    await clock.advance(2_000);
    expect(late.value?.route.provider).toBe('b');
    expect(probe.value?.route.provider).toBe('a');
    expect(router.snapshot().providers[0]?.breaker).toBe('closed');
  });

  test('a late success does not close an open breaker', async () => {
    const { router, clock, events } = fakeRouter({ a: (call) => (call === 0 ? after(1_000, 'late') : refused()) }, once);
    const late = outcomeOf(router.chat(hello));
    for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
    await clock.advance(1_000);
    expect(late.value?.choices[0].message.content).toBe('late');
    expect(events.of('breaker:close')).toEqual([]);
    expect(router.snapshot().providers[0]?.breaker).toBe('open');
  });

  test('a late failure does not open a breaker that a probe has closed', async () => {
    const script = [after(31_000, refused()), refused(), refused(), refused(), 'back'];
    const { router, clock, events } = fakeRouter({ a: script }, once);
    const late = outcomeOf(router.chat(hello));
    for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
    await clock.advance(30_000);
    for (let count = 0; count < 9; count++) await router.chat(hello);
    await clock.advance(1_000);
    expect(late.settled).toBe(true);
    expect(events.of('breaker:open')).toHaveLength(1);
    expect(router.snapshot().providers[0]?.breaker).toBe('closed');
  });
});

test('streams that broke after content count as failures', async () => {
  const { router, events } = fakeRouter({ a: pieces('one', fault('unavailable')) });
  for (let count = 0; count < 3; count++) {
    const stream = await router.stream(hello);
    await failureOf(
      (async () => {
        for await (const _ of stream);
      })(),
    );
  }
  expect(events.of('breaker:open')).toMatchObject([{ provider: 'a', model: 'm' }]);
});

test('a provider that goes down is left after three refusals, although an older call still ends well there', async () => {
  const { router, clock, fakes } = fakeRouter({ a: (call) => (call === 0 ? after(1_000, 'old') : refused()), b: 'yes' });
  const old = outcomeOf(router.chat(hello));
  await clock.advance(10);
  for (let count = 0; count < 2; count++) await router.chat(hello);
  await clock.advance(1_000);
  expect(old.value?.route.provider).toBe('a');
  await router.chat(hello);
  expect(router.snapshot().providers[0]).toMatchObject({ provider: 'a', breaker: 'open' });
  expect(fakes.a.calls).toHaveLength(4);
});

test('a probe keeps its place to the end of its attempt', async () => {
  const { router, clock, fakes } = fakeRouter({ a: (call) => (call < 3 ? refused() : hang) }, { deadlineMs: 5_000, ...once });
  for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
  await clock.advance(30_000);
  const probe = outcomeOf(router.chat(hello));
  await clock.advance(4_999);
  expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'no_provider' });
  await clock.advance(1);
  expect(probe.error).toMatchObject({ code: 'timeout' });
  expect(fakes.a.calls).toHaveLength(4);
});

test('while a probe is out, others are told to come again in a moment, not after its lease', async () => {
  const { router, clock } = fakeRouter({ a: (call) => (call < 3 ? refused() : hang) });
  for (let count = 0; count < 3; count++) await failureOf(router.chat(hello, { maxAttempts: 1 }));
  await clock.advance(30_000);
  const probe = outcomeOf(router.chat(hello));
  await clock.settle();
  expect(probe.settled).toBe(false);
  expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'no_provider', retryAfterMs: 1_000 });
});
