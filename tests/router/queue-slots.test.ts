import { describe, expect, test } from 'vitest';
import type { ChatStream } from '../../src/router/chat-stream.ts';
import { after, deaf, fault, hang, type Outcome, pieces, refused, role } from '../_kit/fake-adapter.ts';
import { type FakeProvider, type FakeRouter, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { promiseJobs, readText, sending } from '../_kit/stream-parts.ts';
import {
  type Called,
  callOf,
  callsOf,
  countsOf,
  expectFree,
  expectQuiet,
  mostAtOnce,
  once,
  type Options,
  queueLines,
  single,
  verbs,
} from './queue-kit.ts';

const reason = new Error('the caller’s own');
const bug = (): never => {
  throw new Error('a bug of the adapter');
};

/** One provider with one slot: the first call does this, the others answer. */
const one = (does: Outcome, options: Options = {}): FakeRouter<'a'> => fakeRouter({ a: { does: [does, 'next'], ...single } }, options);

/** What follows the end of a call: the next in line has its slot, and it is the only one. */
async function expectNext(made: FakeRouter<'a'>, next: Called | undefined): Promise<void> {
  await made.clock.settle();
  expect(next?.value?.route).toMatchObject({ provider: 'a' });
  expect(mostAtOnce(made.events, 'a')).toBe(1);
  expectQuiet(made);
  await expectFree(made, { a: 1 });
}

describe('the slot of an attempt goes to the next in line', () => {
  test.each(verbs)('when it has succeeded (%s)', async (verb) => {
    const made = one(after(1_000, 'yes'));
    const [, next] = callsOf(2, made.router, verb);
    await made.clock.advance(1_000);
    await expectNext(made, next);
  });

  test.each(
    (['bad_request', 'driver', 'unavailable', 'context_length', 'content_filtered', 'model_not_found', 'unsupported'] as const).flatMap(
      (code) => verbs.map((verb) => [code, verb] as const),
    ),
  )('when it has failed: %s (%s)', async (code, verb) => {
    const made = one(after(1_000, fault(code)));
    const first = outcomeOf(callOf(made.router, verb, once));
    // The failure says something about its own model alone.
    const next = outcomeOf(made.router.chat({ ...hello, model: 'other' }));
    await made.clock.advance(1_000);
    expect(first.settled).toBe(true);
    expect(queueLines(made.events)).toEqual(['enter a', 'leave a after 1000']);
    await expectNext(made, next);
  });

  test.each(verbs)('when its caller aborts (%s), be the adapter deaf to it', async (verb) => {
    for (const does of [hang, deaf]) {
      const made = one(does);
      const controller = new AbortController();
      const first = outcomeOf(callOf(made.router, verb, { signal: controller.signal }));
      const [next] = callsOf(1, made.router, verb);
      await made.clock.advance(500);
      controller.abort(reason);
      await made.clock.settle();
      expect(first.error).toBe(reason);
      await expectNext(made, next);
    }
  });

  test.each(verbs)('when its time is over (%s)', async (verb) => {
    const made = one(deaf);
    const first = outcomeOf(callOf(made.router, verb, { deadlineMs: 900 }));
    const [next] = callsOf(1, made.router, verb);
    await made.clock.advance(900);
    expect(first.error).toMatchObject({ code: 'timeout' });
    await expectNext(made, next);
  });

  test.each([
    ['chat', { chat: bug }],
    ['stream', { stream: bug }],
    ['embed', { embed: bug }],
    ['chat', { chat: async () => bug() }],
  ] as const)('when its adapter throws an error of its own (%s)', async (verb, broken) => {
    const made = fakeRouter({ a: { does: after(1_000, 'held'), fake: broken as never, ...single } });
    const other = verb === 'embed' ? 'chat' : 'embed';
    void outcomeOf(callOf(made.router, other));
    const failing = outcomeOf(callOf(made.router, verb));
    const next = outcomeOf(callOf(made.router, other));
    await made.clock.advance(1_000);
    expect(failing.error).toMatchObject({ message: 'a bug of the adapter' });
    expect(made.fakes.a.calls).toHaveLength(2);
    await made.clock.advance(1_000);
    expect(next.value?.route.provider).toBe('a');
    expectQuiet(made);
  });

  test('when asking the adapter what it leaves out throws, before or after the wait', async () => {
    let isBroken = false;
    const leavesOut = (): [] => (isBroken ? bug() : []);
    const made = fakeRouter({ a: { does: after(1_000, 'yes'), fake: { leavesOut }, ...single } });
    const asking = { ...hello, temperature: 1 };
    void outcomeOf(made.router.chat(asking));
    const call = outcomeOf(made.router.chat(asking));
    await made.clock.advance(500);
    isBroken = true;
    const another = outcomeOf(made.router.chat(asking));
    await made.clock.advance(500);
    expect([call.error, another.error]).toMatchObject([{ message: 'a bug of the adapter' }, { message: 'a bug of the adapter' }]);
    isBroken = false;
    expectQuiet(made);
    await expectFree(made, { a: 1 });
    expect(mostAtOnce(made.events, 'a')).toBe(1);
  });

  test('when a chat holds no answer, and when there are too few vectors', async () => {
    const made = fakeRouter(
      { a: { does: ['1', after(1_000, 'next')], fake: { chat: async () => ({ choices: [] }) } as never, ...single } },
      once,
    );
    const failing = [
      outcomeOf(made.router.chat(hello)),
      outcomeOf(made.router.embed({ model: 'm', input: ['two', 'texts'] })),
      outcomeOf(made.router.embed({ model: 'm', input: 'x' })),
    ];
    await made.clock.advance(1_000);
    expect(failing.map(({ error }) => (error as { code?: string } | undefined)?.code)).toEqual(['all_failed', 'all_failed', undefined]);
    expect(failing[2]?.value).toMatchObject({ route: { provider: 'a' } });
    expectQuiet(made);
  });

  test('when the router closes, and nobody gets it', async () => {
    const made = one(hang);
    const calls = callsOf(2, made.router);
    await made.clock.settle();
    await made.router.close({ drainMs: 0 });
    await made.clock.settle();
    expect(calls.map(({ error }) => (error as { code: string }).code)).toEqual(['closed', 'closed']);
    expect(made.fakes.a.calls).toHaveLength(1);
    expectQuiet(made);
  });
});

describe('a stream keeps its slot', () => {
  /** A stream in hand, and a call behind it. */
  const held = async (does: Outcome, options: Options = {}): Promise<FakeRouter<'a'> & { stream: ChatStream; next: Called }> => {
    const made = one(does, options);
    const stream = await made.router.stream(hello);
    const next = outcomeOf(callOf(made.router, 'chat'));
    await made.clock.settle();
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 1 } });
    return { ...made, stream, next };
  };

  test('until it is read to its end', async () => {
    const made = await held(pieces(role, 'one', 'two'));
    await readAll(made.stream);
    await expectNext(made, made.next);
  });

  test('until its reader leaves, also while a piece is awaited', async () => {
    const made = await held(pieces('one', 'hang'));
    const iterator = made.stream[Symbol.asyncIterator]();
    await iterator.next();
    void iterator.next();
    await made.clock.settle();
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 1 } });
    await iterator.return?.();
    await expectNext(made, made.next);
  });

  test('until it breaks', async () => {
    const made = await held(pieces('one', fault('overloaded')));
    expect((await readAll(made.stream)).failure).toMatchObject({ code: 'stream_interrupted' });
    await made.clock.settle();
    // An overloaded provider rests, and there is no other: the call comes back to it.
    await made.clock.run(new Promise<void>((resolve) => void made.router.once('request:end', () => resolve())));
    await expectNext(made, made.next);
  });

  test('until it is silent for too long, though nobody reads', async () => {
    const made = await held(pieces('one', 'hang'), { timeouts: { idleMs: 700 } });
    const iterator = made.stream[Symbol.asyncIterator]();
    await iterator.next();
    const reading = outcomeOf(iterator.next());
    await made.clock.advance(700);
    expect(reading.error).toMatchObject({ code: 'stream_interrupted' });
    await expectNext(made, made.next);
  });

  test('until its caller aborts while nobody reads', async () => {
    const made = one(pieces('one', 'hang'));
    const controller = new AbortController();
    await made.router.stream(hello, { signal: controller.signal });
    const [next] = callsOf(1, made.router);
    controller.abort(reason);
    await expectNext(made, next);
  });

  test('and the deadline of a stream that nobody reads gives it back', async () => {
    const made = one(pieces('one', 'hang'));
    await made.router.stream(hello, { deadlineMs: 900 });
    const [next] = callsOf(1, made.router);
    await made.clock.advance(900);
    await expectNext(made, next);
  });

  test('and one that restarts elsewhere gives the first back at once, and waits for the second', async () => {
    const made = fakeRouter(
      { a: { does: [pieces('x', fault('driver')), 'next'], ...single }, b: { does: [after(1_000, 'held'), pieces('y', 'z')], ...single } },
      { onStreamFailure: 'restart' },
    );
    void outcomeOf(made.router.chat(hello, { provider: 'b' }));
    const reading = outcomeOf(made.router.stream(hello).then(readText));
    const other = outcomeOf(made.router.chat({ ...hello, model: 'other' }, { provider: 'a' }));
    await made.clock.settle();
    expect(other.value?.route.provider).toBe('a');
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 0 }, b: { waiting: 1, inFlight: 1 } });
    await made.clock.advance(1_000);
    expect(reading.value).toEqual({ text: 'yz', failure: undefined });
    expectQuiet(made);
    await expectFree(made, { a: 1, b: 1 });
  });

  test('and one that is continued elsewhere waits there, for as long as its deadline allows', async () => {
    const rest: FakeProvider = { ...(sending([{ content: 'the rest' }], true) as object), ...single } as never;
    const made = fakeRouter({ a: { does: pieces('x', fault('driver')), ...single }, b: rest }, { onStreamFailure: 'continue' });
    const holding = (await made.router.stream(hello, { provider: 'b' }))[Symbol.asyncIterator]();
    const reading = outcomeOf(made.router.stream(hello, { deadlineMs: 5_000 }).then(readText));
    const late = outcomeOf(made.router.stream(hello, { deadlineMs: 500 }).then(readText));
    await made.clock.advance(500);
    expect(late.value).toMatchObject({ text: 'x', failure: { code: 'stream_interrupted' } });
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 0 }, b: { waiting: 1, inFlight: 1 } });
    await holding.return?.();
    await made.clock.settle();
    expect(reading.value).toEqual({ text: 'xthe rest', failure: undefined });
    expectQuiet(made);
    await expectFree(made, { b: 1 });
  });

  test('one that breaks in the very turn in which its reader leaves gives it back once', async () => {
    const made = one(pieces('one', 100, fault('driver')));
    made.router.once('attempt:error', () => void iterator.return?.());
    const iterator = (await made.router.stream(hello))[Symbol.asyncIterator]();
    await iterator.next();
    void outcomeOf(iterator.next());
    const next = outcomeOf(made.router.chat({ ...hello, model: 'other' }));
    await made.clock.advance(100);
    await promiseJobs(5);
    await expectNext(made, next);
  });
});

describe('a hedge', () => {
  const eager = { minDelayMs: 200, minSamples: 1, maxLoad: 1 } as const;
  /** The usual time of `a` is known. */
  const hedging = async <Id extends string>(providers: Readonly<Record<Id, FakeProvider>>): Promise<FakeRouter<Id>> => {
    const made = fakeRouter(providers, { hedge: eager });
    await made.router.chat(hello, { provider: 'a', hedge: false });
    made.events.clear();
    return made;
  };

  test('gives the slot of whichever of the two lost back at once', async () => {
    for (const [does, winner] of [
      [hang, 'b'],
      [after(300, 'late'), 'a'],
    ] as const) {
      const made = await hedging({
        a: { does: ['known', does, 'next'], ...single },
        b: { does: winner === 'b' ? 'yes' : hang, ...single },
      });
      const call = outcomeOf(made.router.chat(hello));
      await made.clock.advance(300);
      expect(call.value?.route).toMatchObject({ provider: winner, hedged: true });
      expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 0 }, b: { waiting: 0, inFlight: 0 } });
      expectQuiet(made);
      await expectFree(made, { a: 1, b: 1 });
    }
  });

  test('never waits for a slot: without a free one there is none', async () => {
    const made = await hedging({ a: { does: ['known', after(5_000, 'slow')] }, b: { does: after(1_000, 'b'), ...single } });
    void outcomeOf(made.router.chat(hello, { provider: 'b' }));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(5_000);
    expect(call.value?.route).toMatchObject({ provider: 'a', hedged: false, queuedMs: 0 });
    expect(queueLines(made.events)).toEqual([]);
    expect(made.fakes.b.calls).toHaveLength(1);
    expectQuiet(made);
  });

  test('goes to the next that has a free one', async () => {
    const made = await hedging({ a: { does: ['known', hang] }, b: { does: hang, ...single }, c: { does: 'c', ...single } });
    const controller = new AbortController();
    void outcomeOf(made.router.chat(hello, { provider: 'b', signal: controller.signal }));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(200);
    expect(call.value?.route).toMatchObject({ provider: 'c', hedged: true });
    controller.abort(reason);
    await made.clock.settle();
    expectQuiet(made);
    await expectFree(made, { b: 1, c: 1 });
  });

  test('takes no slot from one who waits for it', async () => {
    const made = await hedging({ a: { does: ['known', after(3_000, 'a')] }, b: { does: after(150, 'b'), ...single } });
    callsOf(3, made.router, 'chat', { provider: 'b' });
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(3_000);
    // At 200 ms, when the hedge is due, the second of three is under way at `b`, and the third waits.
    expect(call.value?.route).toMatchObject({ provider: 'a', hedged: false });
    expect(made.fakes.b.calls).toHaveLength(3);
    expectQuiet(made);
  });

  test('of a call that has waited runs beside its attempt as usual', async () => {
    const made = await hedging({
      a: { does: ['known', after(1_000, 'held'), hang], ...single },
      b: { does: [after(1_200, 'held'), 'b'], ...single },
    });
    void outcomeOf(made.router.chat(hello, { provider: 'a', hedge: false }));
    void outcomeOf(made.router.chat(hello, { provider: 'b', hedge: false }));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(2_000);
    expect(call.value?.route).toMatchObject({
      provider: 'b',
      hedged: true,
      queuedMs: 1_000,
      attempts: [{ provider: 'a' }, { provider: 'b' }],
    });
    expectQuiet(made);
    await expectFree(made, { a: 1, b: 1 });
  });
});

describe('what happened to a provider while a call waited for it', () => {
  test.each(verbs)('a breaker has opened: those who wait move on to others at once (%s)', async (verb) => {
    const made = fakeRouter(
      { a: { does: after(1_000, refused()), ...single }, b: { does: after(5_000, 'b'), ...single } },
      { breaker: { failureThreshold: 1 } },
    );
    void outcomeOf(callOf(made.router, verb, { provider: 'b' }));
    const calls = callsOf(4, made.router, verb);
    await made.clock.advance(1_000);
    expect(made.fakes.a.calls).toHaveLength(1);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 0 }, b: { waiting: 4, inFlight: 1 } });
    await made.clock.advance(24_000);
    expect(calls.map(({ value }) => value?.route.provider)).toEqual(['b', 'b', 'b', 'b']);
    // The one that met with the failure comes last: the others had been in the queue of `b` before.
    expect(calls.map(({ value }) => value?.route.skipped.map(({ code }) => code))).toEqual([
      [],
      ['circuit_open'],
      ['circuit_open'],
      ['circuit_open'],
    ]);
    expectQuiet(made);
  });

  test('a breaker has opened, and there is no other: those who wait fail at once, and say when to come back', async () => {
    const made = fakeRouter({ a: { does: after(1_000, refused()), ...single } }, { breaker: { failureThreshold: 1 } });
    void outcomeOf(made.router.chat(hello));
    const calls = callsOf(3, made.router);
    await made.clock.advance(1_000);
    for (const call of calls)
      expect(call.error).toMatchObject({ code: 'no_provider', retryAfterMs: 30_000, skipped: [{ code: 'circuit_open' }] });
    expect(made.fakes.a.calls).toHaveLength(1);
    expectQuiet(made);
  });

  test('the model ran out of memory there: it is pinned, and those who wait for it move on', async () => {
    const made = fakeRouter({ a: { does: after(1_000, fault('out_of_memory')), ...single }, b: { does: 'b', ...single } });
    void outcomeOf(made.router.chat(hello, { provider: 'a' }));
    const calls = [outcomeOf(made.router.chat(hello)), outcomeOf(made.router.chat(hello))];
    await made.clock.advance(1_000);
    expect(calls.map(({ value }) => value?.route.provider)).toEqual(['b', 'b']);
    expect(made.fakes.a.calls).toHaveLength(1);
    expectQuiet(made);
  });

  test('the model ran out of memory there, and there is no other: the next one that waits finds out whether it fits, as a new call would', async () => {
    const made = fakeRouter({ a: { does: [after(1_000, fault('out_of_memory')), after(1_000, 'fits')], ...single } });
    const calls = callsOf(4, made.router);
    await made.clock.advance(1_000);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 2, inFlight: 1 } });
    await made.clock.advance(3_000);
    expect(calls.map(({ value, error }) => value?.route.provider ?? (error as { code: string }).code)).toEqual([
      'all_failed',
      'a',
      'a',
      'a',
    ]);
    expectQuiet(made);
  });

  test('the model has run out of memory there for the one that found out, too: the others fail, and none of them is sent', async () => {
    const made = fakeRouter({ a: { does: after(1_000, fault('out_of_memory')), ...single } });
    const calls = callsOf(4, made.router);
    await made.clock.advance(5_000);
    expect(calls.map(({ error }) => (error as { code: string }).code)).toEqual(['all_failed', 'all_failed', 'no_provider', 'no_provider']);
    expect(calls[3]?.error).toMatchObject({ skipped: [{ provider: 'a', code: 'out_of_memory' }] });
    expect(made.fakes.a.calls).toHaveLength(2);
    expectQuiet(made);
  });

  test('it rests: those who wait move on, and where there is no other, they come back to it', async () => {
    const made = fakeRouter({ a: { does: [after(1_000, fault('overloaded', { retryAfterMs: 3_000 })), 'a'], ...single } });
    const calls = callsOf(2, made.router);
    await made.clock.advance(1_000);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 0 } });
    await made.clock.advance(4_000);
    expect(calls.map(({ value }) => value?.route.attempts.length)).toEqual([2, 1]);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('its credentials were refused: those who wait fail at once', async () => {
    const made = fakeRouter({ a: { does: after(1_000, fault('auth', { status: 401 })), ...single } });
    const calls = callsOf(3, made.router);
    await made.clock.advance(1_000);
    expect(calls.map(({ error }) => (error as { code: string }).code)).toEqual(['all_failed', 'no_provider', 'no_provider']);
    expect(made.fakes.a.calls).toHaveLength(1);
    expectQuiet(made);
  });
});
