import { describe, expect, test } from 'vitest';
import { httpStatusOf, RouterError } from '../../src/core/errors.ts';
import { after, fault, hang, pieces, refused } from '../_kit/fake-adapter.ts';
import { type FakeRouter, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import {
  callOf,
  callsOf,
  countsOf,
  expectFree,
  expectQuiet,
  once,
  type Options,
  queueLines,
  single,
  type Verb,
  verbs,
} from './queue-kit.ts';

const reason = new Error('the caller’s own');

/** A provider with one slot whose calls take a second each. */
const slow = { does: after(1_000, 'slow'), ...single } as const;

/** `a` with one slot, which a call has for a second. */
function busy(options: Options = {}): FakeRouter<'a'> {
  const made = fakeRouter({ a: slow }, options);
  void outcomeOf(made.router.chat(hello));
  return made;
}

describe('a provider with one slot', () => {
  test.each(verbs)('gets the second %s when the first has ended', async (verb) => {
    const made = fakeRouter({ a: slow });
    const calls = callsOf(2, made.router, verb);
    await made.clock.advance(999);
    expect(made.fakes.a.calls).toHaveLength(1);
    expect(made.router.snapshot()).toMatchObject({ inFlight: 2, providers: [{ inFlight: 1, waiting: 1, slots: 1 }] });
    await made.clock.advance(1);
    expect(made.fakes.a.calls).toHaveLength(2);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 1 } });
    await made.clock.advance(1_000);
    expect(calls[0]?.value?.route).toMatchObject({ provider: 'a', queuedMs: 0, attempts: [{ startedMs: 0 }] });
    expect(calls[1]?.value?.route).toMatchObject({
      provider: 'a',
      queuedMs: 1_000,
      skipped: [],
      attempts: [{ startedMs: 1_000, ms: 1_000 }],
    });
    expect(queueLines(made.events)).toEqual(['enter a', 'leave a after 1000']);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('tells of the wait between the start of the call and that of its attempt', async () => {
    const made = busy();
    const call = outcomeOf(made.router.chat(hello));
    const { requestId } = made.events.of('request:start')[1] as { requestId: string };
    await made.clock.advance(2_000);
    const own = made.events.all.filter(({ payload }) => 'requestId' in payload && payload.requestId === requestId);
    expect(own).toMatchObject([
      { name: 'request:start' },
      { name: 'queue:enter', payload: { providers: ['a'], lane: 'fast' } },
      { name: 'queue:leave', payload: { provider: 'a', ms: 1_000 } },
      { name: 'attempt:start' },
      { name: 'attempt:end', payload: { ms: 1_000 } },
      { name: 'request:end', payload: { ms: 2_000 } },
    ]);
    expect(call.value?.route.requestId).toBe(requestId);
  });

  test('is not waited for by a call that finds it free, and no event tells of a queue', async () => {
    const made = fakeRouter({ a: { does: 'at once', ...single } });
    for (let count = 0; count < 3; count++) expect((await made.router.chat(hello)).route.queuedMs).toBe(0);
    expect(queueLines(made.events)).toEqual([]);
  });

  test('serves those that wait in the order in which they came', async () => {
    const made = fakeRouter({ a: slow });
    const calls = callsOf(5, made.router);
    await made.clock.advance(5_000);
    expect(calls.map(({ value }) => value?.route.queuedMs)).toEqual([0, 1_000, 2_000, 3_000, 4_000]);
    expectQuiet(made);
  });

  test('is not taken by a newcomer while others wait for it', async () => {
    const made = busy();
    const [waiting] = callsOf(1, made.router);
    // At the moment in which the slot is given back.
    const late: ReturnType<typeof callsOf> = [];
    made.router.once('attempt:end', () => void late.push(...callsOf(1, made.router)));
    await made.clock.advance(3_000);
    expect([waiting, ...late].map((call) => call?.value?.route.queuedMs)).toEqual([1_000, 1_000]);
    expect(made.fakes.a.calls.map(({ atMs }) => atMs - 1_000_000)).toEqual([0, 1_000, 2_000]);
  });

  test('of two slots takes two calls at once', async () => {
    const made = fakeRouter({ a: { ...slow, maxConcurrent: 2 } });
    const calls = callsOf(3, made.router);
    await made.clock.advance(2_000);
    expect(calls.map(({ value }) => value?.route.queuedMs)).toEqual([0, 0, 1_000]);
    await expectFree(made, { a: 2 });
  });

  test('without a limit takes all calls at once', async () => {
    const made = fakeRouter({ a: after(1_000, 'yes') });
    callsOf(50, made.router);
    expect(made.router.snapshot()).toMatchObject({ providers: [{ inFlight: 50, waiting: 0, slots: undefined }] });
    await made.clock.advance(1_000);
    expect(queueLines(made.events)).toEqual([]);
  });
});

describe('with several providers', () => {
  test.each(verbs)('a free one is taken instead of a place in a queue, and the call (%s) does not wait', async (verb) => {
    const made = fakeRouter({ a: slow, b: slow });
    const calls = callsOf(2, made.router, verb);
    await made.clock.advance(1_000);
    expect(calls.map(({ value }) => value?.route)).toMatchObject([
      { provider: 'a', queuedMs: 0 },
      { provider: 'b', queuedMs: 0, skipped: [{ provider: 'a', code: 'saturated' }] },
    ]);
    expect(queueLines(made.events)).toEqual([]);
    expectQuiet(made);
  });

  test('the order of the intent decides which free one it is', async () => {
    const made = fakeRouter(
      { a: slow, b: slow, c: slow, d: slow },
      { intents: { batch: { order: ['c', 'd', 'a', 'b'] } }, defaultIntent: 'batch' },
    );
    const calls = callsOf(4, made.router);
    await made.clock.advance(1_000);
    expect(calls.map(({ value }) => value?.route.provider)).toEqual(['c', 'd', 'a', 'b']);
  });

  test('a call that finds all of them full takes the first slot that is free anywhere, and leaves the other queues', async () => {
    const made = fakeRouter({ a: { does: after(3_000, 'a'), ...single }, b: { does: after(2_000, 'b'), ...single }, c: slow });
    callsOf(3, made.router);
    const fourth = outcomeOf(made.router.chat(hello));
    expect(countsOf(made.router)).toEqual({
      a: { waiting: 1, inFlight: 1 },
      b: { waiting: 1, inFlight: 1 },
      c: { waiting: 1, inFlight: 1 },
    });
    await made.clock.advance(1_000);
    expect(countsOf(made.router)).toEqual({
      a: { waiting: 0, inFlight: 1 },
      b: { waiting: 0, inFlight: 1 },
      c: { waiting: 0, inFlight: 1 },
    });
    await made.clock.advance(2_000);
    expect(fourth.value?.route).toMatchObject({ provider: 'c', queuedMs: 1_000 });
    expect([made.fakes.a.calls.length, made.fakes.b.calls.length, made.fakes.c.calls.length]).toEqual([1, 1, 2]);
    expect(queueLines(made.events)).toEqual(['enter a b c', 'leave c after 1000']);
    expectQuiet(made);
    await expectFree(made, { a: 1, b: 1, c: 1 });
  });

  test('slots that are free in the same moment go to as many calls, each to one', async () => {
    const made = fakeRouter({ a: slow, b: slow });
    const calls = callsOf(6, made.router);
    await made.clock.advance(3_000);
    expect(calls.map(({ value }) => value?.route.queuedMs)).toEqual([0, 0, 1_000, 1_000, 2_000, 2_000]);
    expect(calls.map(({ value }) => value?.route.provider)).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expectQuiet(made);
    await expectFree(made, { a: 1, b: 1 });
  });

  test('a call waits only for those that may serve it', async () => {
    const made = fakeRouter({ a: { ...slow, locality: 'host' }, b: slow, c: { ...slow, cost: 'paid' } });
    callsOf(2, made.router);
    const call = outcomeOf(made.router.chat(hello, { maxLocality: 'host' }));
    await made.clock.advance(2_000);
    expect(queueLines(made.events)).toEqual(['enter a', 'leave a after 1000']);
    expect(call.value?.route).toMatchObject({ provider: 'a', skipped: [{ provider: 'b' }, { provider: 'c' }] });
    expect(made.fakes.c.calls).toHaveLength(0);
  });

  test('a call that was sent elsewhere by a failure waits there too, if need be', async () => {
    const made = fakeRouter({ a: { does: [after(400, fault('driver')), 'never'], ...single }, b: slow });
    void outcomeOf(made.router.chat(hello, { provider: 'b' }));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(2_000);
    expect(call.value?.route).toMatchObject({
      provider: 'b',
      queuedMs: 600,
      attempts: [{ provider: 'a' }, { provider: 'b', startedMs: 1_000 }],
    });
    expectQuiet(made);
  });
});

describe('a call that waits', () => {
  /** One call has the slot, one waits until it is stopped, one waits behind it. */
  const queued = async (verb: Verb, stop: (made: FakeRouter<'a'>, controller: AbortController) => unknown, options: Options = {}) => {
    const made = busy(options);
    const controller = new AbortController();
    const call = outcomeOf(callOf(made.router, verb, { signal: controller.signal }));
    const next = outcomeOf(callOf(made.router, verb));
    await made.clock.advance(400);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 2, inFlight: 1 } });
    void stop(made, controller);
    await made.clock.settle();
    return { made, call, next };
  };

  test.each(verbs)('is aborted: the %s rejects at once with the caller’s reason, and asks nobody', async (verb) => {
    const { made, call, next } = await queued(verb, (_, controller) => controller.abort(reason));
    expect(call.error).toBe(reason);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 1 } });
    expect(made.events.of('request:error')).toMatchObject([{ error: reason, aborted: true, attempts: 0, ms: 400 }]);
    await made.clock.advance(1_600);
    expect(next.value?.route.queuedMs).toBe(1_000);
    expect(queueLines(made.events)).toEqual(['enter a', 'enter a', 'leave for nothing after 400', 'leave a after 1000']);
    expect(made.fakes.a.calls).toHaveLength(2);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test.each([
    ['that is no error', 'no more'],
    ['that looks like the end of a limit', new RouterError('timeout', 'mine')],
    ['that looks like a full queue', new RouterError('saturated', 'mine')],
    ['that is nothing', undefined],
  ])('gives back a reason %s', async (_, given) => {
    const { call } = await queued('chat', (__, controller) => controller.abort(given));
    if (given === undefined) expect(call.error).toMatchObject({ name: 'AbortError' });
    else expect(call.error).toBe(given);
  });

  test('does not begin to wait where it was aborted as it began', async () => {
    const made = busy();
    const controller = new AbortController();
    made.router.once('queue:enter', () => controller.abort(reason));
    const call = outcomeOf(made.router.chat(hello, { signal: controller.signal }));
    await made.clock.settle();
    expect(call.error).toBe(reason);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 1 } });
    await made.clock.advance(1_000);
    expectQuiet(made);
  });

  test.each(verbs)('ends with the router, as closed (%s)', async (verb) => {
    const { made, call, next } = await queued(verb, ({ router }) => router.close({ drainMs: 0 }));
    expect(call.error).toMatchObject({ code: 'closed' });
    expect(next.error).toMatchObject({ code: 'closed' });
    expect(made.fakes.a.calls).toHaveLength(1);
    expectQuiet(made);
  });

  test('is served while the router that is being closed gives its calls their time', async () => {
    const { made, call, next } = await queued('chat', ({ router }) => router.close({ drainMs: 1_700 }));
    await made.clock.advance(1_700);
    expect(call.value?.route.queuedMs).toBe(1_000);
    expect(next.error).toMatchObject({ code: 'closed' });
    expectQuiet(made);
  });

  test.each(verbs)('is saturated when its deadline is near (%s): it asks nobody, and leaves the queue', async (verb) => {
    const made = busy();
    const call = outcomeOf(callOf(made.router, verb, { deadlineMs: 600 }));
    await made.clock.advance(549);
    expect(call.settled).toBe(false);
    await made.clock.advance(1);
    expect(call.error).toMatchObject({
      code: 'saturated',
      skipped: [{ provider: 'a', code: 'saturated', reason: 'all its slots were taken' }],
    });
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 1 } });
    await made.clock.advance(1_000);
    expect(queueLines(made.events)).toEqual(['enter a', 'leave for nothing after 550']);
    expect(made.fakes.a.calls).toHaveLength(1);
    expectQuiet(made);
  });

  test('leaves its attempt what is left of its deadline', async () => {
    const made = fakeRouter({ a: { does: [after(1_000, 'one'), hang], ...single } });
    const [, call] = callsOf(2, made.router, 'chat', { deadlineMs: 3_000 });
    await made.clock.advance(2_999);
    expect(call?.settled).toBe(false);
    await made.clock.advance(1);
    expect(call?.error).toMatchObject({ code: 'timeout', phase: 'deadline' });
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });
});

describe('a slot and an abort in one turn', () => {
  /** Between the attempt's own end and the event that tells of it lies the grant; before the event of a failure it does not. */
  test.each([
    ['granted, then aborted', 'attempt:end', after(1_000, 'yes')],
    ['aborted, then granted', 'attempt:error', after(1_000, fault('bad_request'))],
  ] as const)('a call that is %s takes none, and the next in line does', async (_, event, does) => {
    const made = fakeRouter({ a: { does: [does, after(1_000, 'next')], ...single } });
    const controller = new AbortController();
    void outcomeOf(made.router.chat(hello));
    const call = outcomeOf(made.router.chat(hello, { signal: controller.signal }));
    const next = outcomeOf(made.router.chat(hello));
    made.router.once(event, () => controller.abort(reason));
    await made.clock.advance(1_000);
    expect(call.error).toBe(reason);
    expect(made.fakes.a.calls).toHaveLength(2);
    await made.clock.advance(1_000);
    expect(next.value?.route.queuedMs).toBe(1_000);
    expect(queueLines(made.events)).toEqual(['enter a', 'enter a', 'leave for nothing after 1000', 'leave a after 1000']);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('a call that is aborted as it hears of its slot gives it back', async () => {
    const made = busy();
    const controller = new AbortController();
    const call = outcomeOf(made.router.chat(hello, { signal: controller.signal }));
    const next = outcomeOf(made.router.chat(hello));
    made.router.once('queue:leave', () => controller.abort(reason));
    await made.clock.advance(2_000);
    expect(call.error).toBe(reason);
    expect(next.value?.route.queuedMs).toBe(1_000);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('a slot that comes as the time is over goes to the next', async () => {
    const made = fakeRouter({ a: slow }, { queue: { timeoutMs: 1_000 } });
    const calls = callsOf(2, made.router);
    await made.clock.advance(2_000);
    expect(calls.map(({ settled }) => settled)).toEqual([true, true]);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('a slot that is granted as the router closes is given back, and the call is closed', async () => {
    const made = busy();
    const call = outcomeOf(made.router.chat(hello));
    made.router.once('attempt:end', () => void made.router.close({ drainMs: 0 }));
    await made.clock.advance(1_000);
    expect(call.error).toMatchObject({ code: 'closed' });
    expectQuiet(made);
  });
});

test('a reader who leaves while its broken stream waits for another provider leaves the queue', async () => {
  const made = fakeRouter(
    { a: { does: pieces('x', fault('driver')), ...single }, b: { does: after(1_000, 'b'), ...single } },
    { onStreamFailure: 'restart' },
  );
  void outcomeOf(made.router.chat(hello, { provider: 'b' }));
  const iterator = (await made.router.stream(hello))[Symbol.asyncIterator]();
  await iterator.next();
  const reading = outcomeOf(iterator.next());
  await made.clock.settle();
  expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 0 }, b: { waiting: 1, inFlight: 1 } });
  await iterator.return?.();
  await made.clock.settle();
  expect(reading.value).toEqual({ done: true, value: undefined });
  expect(countsOf(made.router)['b']).toEqual({ waiting: 0, inFlight: 1 });
  expect(made.events.lines().slice(-2)).toEqual(['queue:leave undefined', 'request:end a']);
  await made.clock.advance(1_000);
  expectQuiet(made);
  await expectFree(made, { a: 1, b: 1 });
});

describe('a queue with an end', () => {
  test.each(verbs)('turns a %s away that finds it full: it is saturated, status 429', async (verb) => {
    const made = busy({ queue: { limit: 2 } });
    const waiting = callsOf(2, made.router, verb);
    const [call] = callsOf(1, made.router, verb);
    await made.clock.settle();
    expect(call?.error).toMatchObject({
      code: 'saturated',
      message: 'No provider may answer this call now. a: all its slots were taken.',
      attempts: [],
      skipped: [{ provider: 'a', model: 'm', code: 'saturated' }],
    });
    expect(httpStatusOf(call?.error as RouterError)).toBe(429);
    await made.clock.advance(3_000);
    expect(waiting.map(({ value }) => value?.route.queuedMs)).toEqual([1_000, 2_000]);
    expect(queueLines(made.events)).toEqual(['enter a', 'enter a', 'leave a after 1000', 'leave a after 2000']);
    expectQuiet(made);
  });

  test('may have no place at all', async () => {
    const made = busy({ queue: { limit: 0 } });
    const [call] = callsOf(1, made.router);
    await made.clock.settle();
    expect(call?.error).toMatchObject({ code: 'saturated' });
    expect(queueLines(made.events)).toEqual([]);
  });

  test('is one for each provider: where one is full, the call waits in the others', async () => {
    const made = fakeRouter({ a: slow, b: { does: after(1_500, 'b'), ...single } }, { queue: { limit: 1 } });
    callsOf(2, made.router);
    const first = outcomeOf(made.router.chat(hello, { provider: 'a' }));
    const second = outcomeOf(made.router.chat(hello));
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 1 }, b: { waiting: 1, inFlight: 1 } });
    await made.clock.advance(6_000);
    expect(first.value?.route).toMatchObject({ provider: 'a', queuedMs: 1_000 });
    expect(second.value?.route).toMatchObject({ provider: 'b', queuedMs: 1_500 });
    expect(queueLines(made.events).filter((line) => line.startsWith('enter'))).toEqual(['enter a', 'enter b']);
    expectQuiet(made);
  });

  test.each(verbs)('is left after queue.timeoutMs, and the %s is saturated', async (verb) => {
    const made = busy({ queue: { timeoutMs: 600 } });
    const [call] = callsOf(1, made.router, verb);
    await made.clock.advance(599);
    expect(call?.settled).toBe(false);
    await made.clock.advance(1);
    expect(call?.error).toMatchObject({ code: 'saturated', skipped: [{ provider: 'a', code: 'saturated' }] });
    await made.clock.advance(400);
    expect(queueLines(made.events)).toEqual(['enter a', 'leave for nothing after 600']);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('counts all the waits of a call together', async () => {
    const made = fakeRouter({ a: { does: [after(400, 'one'), fault('driver')], ...single }, b: slow }, { queue: { timeoutMs: 700 } });
    callsOf(2, made.router);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(699);
    expect(call.settled).toBe(false);
    await made.clock.advance(1);
    // 400 ms for `a`, which failed; the other 300 for `b`.
    expect(call.error).toMatchObject({
      code: 'all_failed',
      attempts: [{ provider: 'a' }],
      skipped: [{ provider: 'b', code: 'saturated' }],
    });
    expect(queueLines(made.events)).toEqual(['enter a b', 'leave a after 400', 'enter b', 'leave for nothing after 300']);
    await made.clock.advance(300);
    expectQuiet(made);
  });

  test('says nothing against a provider: no failure, no rest, no breaker, no retry token, and the next call is sent as usual', async () => {
    const made = busy({ queue: { limit: 0 } });
    const untouched = fakeRouter({ a: slow });
    void outcomeOf(untouched.router.chat(hello));
    callsOf(20, made.router);
    await made.clock.settle();
    expect(made.events.of('request:error')).toHaveLength(20);
    expect(made.router.snapshot().providers).toEqual(untouched.router.snapshot().providers);
    await made.clock.advance(1_000);
    await untouched.clock.advance(1_000);
    expect(made.router.snapshot().providers).toEqual(untouched.router.snapshot().providers);
    expect(made.router.explain(hello).candidates).toEqual(untouched.router.explain(hello).candidates);
    const [call] = callsOf(1, made.router);
    await made.clock.advance(1_000);
    expect(call?.value?.route).toMatchObject({ provider: 'a', queuedMs: 0 });
    expect(made.events.names().filter((name) => /breaker|cooldown|model|retry/.test(name))).toEqual([]);
  });

  test('with maxAttempts 1 a call has waited, not failed: it still has its attempt', async () => {
    const made = busy();
    const [call] = callsOf(1, made.router, 'chat', once);
    await made.clock.advance(2_000);
    expect(call?.value?.route.provider).toBe('a');
  });

  test('the stream of a call that never got a slot is not there', async () => {
    const made = busy({ queue: { limit: 0 } });
    const failure = await made.router.stream(hello).then(readAll, (error: unknown) => error);
    expect(failure).toMatchObject({ code: 'saturated' });
  });
});

test.each([50, 30])('a call with %d ms left, which is too little for a slot and an attempt, enters no queue', async (deadlineMs) => {
  const made = busy();
  const call = outcomeOf(made.router.chat(hello, { deadlineMs }));
  await made.clock.settle();
  expect(call.error).toMatchObject({ code: 'saturated' });
  expect(queueLines(made.events)).toEqual([]);
});

test('a call keeps its place in other queues where one of those that it waits for cannot be asked any more', async () => {
  const made = fakeRouter(
    { a: { does: after(1_000, refused()), ...single }, b: { does: after(5_000, 'b'), ...single } },
    { breaker: { failureThreshold: 1 } },
  );
  for (const provider of ['a', 'b']) void outcomeOf(made.router.chat(hello, { provider, ...once }));
  const call = outcomeOf(made.router.chat(hello));
  await made.clock.advance(1_000);
  expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 0 }, b: { waiting: 1, inFlight: 1 } });
  await made.clock.advance(9_000);
  expect(call.value?.route).toMatchObject({ provider: 'b', queuedMs: 5_000 });
  expect(queueLines(made.events)).toEqual(['enter a b', 'leave b after 5000']);
  expectQuiet(made);
});

test('a call is in the queue that was full when it came as soon as that has a place, however often it has looked before, and once', async () => {
  const made = fakeRouter({ a: { does: after(2_500, 'a'), ...single }, b: { does: hang, ...single } }, { queue: { limit: 1 } });
  for (const provider of ['a', 'b', 'a']) void outcomeOf(made.router.chat(hello, { provider, deadlineMs: 60_000 }));
  const call = outcomeOf(made.router.chat(hello));
  await made.clock.advance(2_000);
  expect(countsOf(made.router)).toMatchObject({ a: { waiting: 1 }, b: { waiting: 1 } });
  await made.clock.advance(2_000);
  // The one before it has the slot, and its place is the call's own.
  expect(countsOf(made.router)).toMatchObject({ a: { waiting: 1 }, b: { waiting: 1 } });
  await made.clock.advance(1_000);
  expect(countsOf(made.router)).toMatchObject({ a: { waiting: 0 }, b: { waiting: 0 } });
  await made.clock.advance(2_500);
  expect(call.value?.route).toMatchObject({ provider: 'a', queuedMs: 5_000 });
  await made.router.close({ drainMs: 0 });
});
