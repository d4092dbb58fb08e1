import { describe, expect, test } from 'vitest';
import type { ChunkBatches } from '../../src/core/types.ts';
import { fault, hang, pieces, role, type StreamStep, toChunk } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';

const reason = new Error('the caller’s own');

describe('a reader who leaves', () => {
  test('ends the call as abandoned, and its source is closed', async () => {
    const { router, events, fakes, clock } = fakeRouter({ a: pieces('one', 'two', 'hang') });
    for await (const _ of await router.stream(hello)) break;
    await clock.settle();
    expect(events.lines().slice(-2)).toEqual(['attempt:end a', 'request:end a']);
    expect(events.of('request:end')).toMatchObject([{ abandoned: true, attempts: 1 }]);
    expect(fakes.a.calls[0]?.signal).toMatchObject({ aborted: true, reason: { message: 'a: the reader left the stream.', provider: 'a' } });
    expect(fakes.a.openStreams()).toBe(0);
    expect(clock.timers()).toBe(0);
    expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0, failures: 0 }] });
  });

  test('while a piece is awaited gets the end, and so does the read that waited', async () => {
    const { router, clock } = fakeRouter({ a: pieces('one', 'hang') });
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = outcomeOf(iterator.next());
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    await clock.settle();
    expect(waiting.value).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('after the end changes nothing', async () => {
    const { router, events } = fakeRouter({ a: 'yes' });
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    while ((await iterator.next()).done !== true);
    await iterator.return?.();
    expect(events.of('request:end')).toMatchObject([{ abandoned: false }]);
  });
});

describe('a caller who aborts', () => {
  test('before the call gets the reason itself, and nothing is sent', async () => {
    const { router, fakes, events } = fakeRouter({ a: 'never asked' });
    expect(await failureOf(router.stream(hello, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(fakes.a.calls).toHaveLength(0);
    expect(events.lines()).toEqual(['request:start', 'request:error']);
  });

  test.each([
    ['chat', hang],
    ['stream', hang],
    ['stream', pieces(role, 'hang')],
  ] as const)('during a %s gets the reason itself; nobody else is asked and nothing is held against anyone', async (verb, does) => {
    const { router, fakes, events, clock } = fakeRouter({ a: does, b: 'never asked' });
    const controller = new AbortController();
    const call = outcomeOf<unknown>(router[verb](hello, { signal: controller.signal }));
    await clock.settle();
    controller.abort(reason);
    await clock.settle();
    expect(call.error).toBe(reason);
    expect(fakes.b.calls).toHaveLength(0);
    expect(events.of('request:error')).toMatchObject([{ error: reason, aborted: true, attempts: 1 }]);
    expect(events.of('attempt:error')).toMatchObject([{ error: reason, aborted: true }]);
    expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0, failures: 0 }, {}] });
    expect(clock.timers()).toBe(0);
  });

  test.each(['chat', 'stream'] as const)('gets it although it looks like an error of a provider (%s)', async (verb) => {
    const { router, fakes, events, clock } = fakeRouter({ a: hang, b: 'never asked' });
    const controller = new AbortController();
    const call = outcomeOf<unknown>(router[verb](hello, { signal: controller.signal }));
    await clock.settle();
    const alike = fault('unavailable', { provider: 'elsewhere' });
    controller.abort(alike);
    await clock.settle();
    expect(call.error).toBe(alike);
    expect(fakes.b.calls).toHaveLength(0);
    expect(events.of('request:error')).toMatchObject([{ aborted: true, attempts: 1 }]);
    expect(router.snapshot()).toMatchObject({ providers: [{ failures: 0 }, {}] });
  });

  test('while a piece is awaited gets the reason from that read', async () => {
    const { router, clock, events } = fakeRouter({ a: pieces('one', 'hang') });
    const controller = new AbortController();
    const stream = await router.stream(hello, { signal: controller.signal });
    const read = outcomeOf(readAll(stream));
    await clock.settle();
    controller.abort(reason);
    await clock.settle();
    expect(read.value).toEqual({ text: 'one', failure: reason });
    expect(stream.route.attempts).toMatchObject([{ error: { code: 'aborted', message: 'The caller aborted.' } }]);
    expect(events.of('stream:interrupted')).toEqual([]);
  });

  test('between two reads gets the reason from the next one, although pieces lie ready', async () => {
    const { router, fakes, events, clock } = fakeRouter({ a: pieces(['one', 'two', 'three'], 'four') });
    const controller = new AbortController();
    const iterator = (await router.stream(hello, { signal: controller.signal }))[Symbol.asyncIterator]();
    await iterator.next();
    controller.abort(reason);
    const ended = events.all.length;
    expect(events.of('request:error')).toMatchObject([{ error: reason, aborted: true }]);
    expect(await failureOf(iterator.next())).toBe(reason);
    await clock.settle();
    expect(events.all).toHaveLength(ended);
    expect(fakes.a.openStreams()).toBe(0);
  });

  test.each(Array.from({ length: 24 }, (_, index) => index))(
    '%i promise jobs before or after the first content leaves nothing behind',
    async (jobs) => {
      const controller = new AbortController();
      const stream = async (): Promise<ChunkBatches> =>
        (async function* () {
          void (async () => {
            for (let job = 0; job < jobs; job++) await Promise.resolve();
            controller.abort(reason);
          })();
          yield [toChunk({ content: 'one' }, 'm')];
          yield [toChunk({ content: 'two' }, 'm')];
        })();
      const { router, clock, events } = fakeRouter({ a: { does: 'unused', fake: { stream } as never } });
      const call = outcomeOf(router.stream(hello, { signal: controller.signal }));
      await clock.settle();
      expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0 }] });
      expect(events.of('request:error')).toMatchObject([{ error: reason, aborted: true }]);
      expect(call.value === undefined ? call.error : (await readAll(call.value)).failure).toBe(reason);
      expect(clock.timers()).toBe(0);
    },
  );

  test('after the end changes nothing', async () => {
    const { router, events } = fakeRouter({ a: 'yes' });
    const controller = new AbortController();
    await readAll(await router.stream(hello, { signal: controller.signal }));
    controller.abort(reason);
    expect(events.of('request:error')).toEqual([]);
  });
});

describe('a listener of a failure', () => {
  const restart = { onStreamFailure: 'restart' } as const;
  const broken = fault('driver');
  const ends = /^request:(end|error)$/;

  test.each(['chat', 'stream'] as const)(
    'that aborts its call ends it with its own reason, and nobody else is asked (%s)',
    async (verb) => {
      const { router, fakes, events, clock } = fakeRouter({ a: broken, b: 'never asked' });
      const controller = new AbortController();
      router.on('attempt:error', () => controller.abort(reason));
      expect(await failureOf(router[verb](hello, { signal: controller.signal }))).toBe(reason);
      expect(events.of('request:error')).toMatchObject([{ error: reason, aborted: true }]);
      expect(fakes.b.calls).toHaveLength(0);
      expect(clock.timers()).toBe(0);
    },
  );

  test.each(['error', 'restart'] as const)(
    'that aborts while a stream is read ends that read with its reason (%s)',
    async (onStreamFailure) => {
      const { router, fakes, events, clock } = fakeRouter({ a: pieces('1', broken), b: 'never asked' }, { onStreamFailure });
      const controller = new AbortController();
      router.on('attempt:error', () => controller.abort(reason));
      expect(await readAll(await router.stream(hello, { signal: controller.signal }))).toEqual({ text: '1', failure: reason });
      expect(events.lines().slice(-2)).toEqual(['attempt:error a', 'request:error']);
      expect(events.of('request:error')).toMatchObject([{ error: reason, aborted: true }]);
      expect(fakes.b.calls).toHaveLength(0);
      expect(clock.timers()).toBe(0);
    },
  );

  test.each([
    ['attempt:error', 'error', ['attempt:error a', 'request:end a']],
    ['attempt:error', 'restart', ['attempt:error a', 'request:end a']],
    ['stream:interrupted', 'error', ['attempt:error a', 'stream:interrupted a', 'request:end a']],
    ['stream:interrupted', 'restart', ['attempt:error a', 'stream:interrupted a', 'request:end a']],
  ] as const)('that leaves the stream at %s ends it there, and nothing is told after that (%s)', async (name, onStreamFailure, told) => {
    const { router, fakes, events, clock } = fakeRouter({ a: pieces('1', broken), b: 'never asked' }, { onStreamFailure });
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    router.on(name, () => void iterator.return?.());
    await iterator.next();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await clock.settle();
    expect(events.lines().slice(2)).toEqual(told);
    expect(fakes.b.calls).toHaveLength(0);
    expect(router.snapshot().inFlight).toBe(0);
    expect(clock.timers()).toBe(0);
  });

  test('that aborts while nobody reads ends the call at once, and the next read tells the reason', async () => {
    const options = { ...restart, timeouts: { totalMs: 1_000 } };
    const { router, events, clock } = fakeRouter({ a: pieces('1', '2', 'hang'), b: 'never asked' }, options);
    const controller = new AbortController();
    router.on('stream:interrupted', () => controller.abort(reason));
    const iterator = (await router.stream(hello, { signal: controller.signal }))[Symbol.asyncIterator]();
    await clock.advance(1_000);
    expect(events.names().filter((name) => ends.test(name))).toEqual(['request:error']);
    expect(events.of('request:error')).toMatchObject([{ error: reason, aborted: true }]);
    expect(router.snapshot().inFlight).toBe(0);
    expect(clock.timers()).toBe(0);
    expect(await failureOf(iterator.next())).toBe(reason);
  });
});

describe('what a reader who leaves says of the provider', () => {
  test('is nothing: a probe that is left does not find it back, and the next one may', async () => {
    const { router, events, clock } = fakeRouter({ a: (call: number) => (call < 3 ? fault('driver') : pieces('one', 'two')) });
    for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
    expect(events.of('breaker:open')).toHaveLength(1);
    await clock.advance(60_000);
    for await (const _ of await router.stream(hello)) break;
    expect(events.of('attempt:end')).toHaveLength(1);
    expect(events.of('breaker:close')).toEqual([]);
    expect(await readAll(await router.stream(hello))).toEqual({ text: 'onetwo', failure: undefined });
    expect(events.of('breaker:close')).toHaveLength(1);
  });

  test('takes back none of the failures before it', async () => {
    const { router, events } = fakeRouter({ a: (call: number) => (call === 2 ? pieces('one', 'two') : fault('driver')) });
    for (let count = 0; count < 2; count++) await failureOf(router.chat(hello));
    for await (const _ of await router.stream(hello)) break;
    await failureOf(router.chat(hello));
    expect(events.of('breaker:open')).toHaveLength(1);
  });
});

describe('time between pieces', () => {
  test('of silence is bounded by idleMs', async () => {
    const { router, clock } = fakeRouter({ a: pieces('one', 14_999, 'two', 'hang') });
    const read = outcomeOf(readAll(await router.stream(hello)));
    await clock.advance(14_999 + 15_000);
    expect(read.value).toMatchObject({
      text: 'onetwo',
      failure: { code: 'stream_interrupted', phase: 'idle', cause: { code: 'timeout' } },
    });
  });

  test('that the reader takes is not counted', async () => {
    const { router, clock } = fakeRouter({ a: pieces('one', 'two', 'three') });
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    for (let count = 0; count < 3; count++) {
      expect((await iterator.next()).done).toBe(false);
      await clock.advance(30_000);
    }
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

const beat = (beats: number, everyMs: number): StreamStep[] => Array.from({ length: beats }, () => [everyMs, role]).flat();

describe('pieces without content', () => {
  test('are a sign of life for ten idle limits, and no longer', async () => {
    const { router, clock } = fakeRouter({ a: pieces('one', ...beat(40, 10_000), 'late') }, { deadlineMs: 600_000 });
    const read = outcomeOf(readAll(await router.stream(hello)));
    await clock.advance(149_999);
    expect(read.settled).toBe(false);
    await clock.advance(1);
    expect(read.value).toMatchObject({ text: 'one', failure: { code: 'stream_interrupted', phase: 'idle', cause: { code: 'timeout' } } });
    expect(clock.timers()).toBe(0);
  });

  test('beside content in the same read are no silence', async () => {
    const steps = Array.from({ length: 20 }, (): StreamStep[] => [10_000, ['', 'x']]).flat();
    const { router, clock } = fakeRouter({ a: pieces('one', ...steps) }, { deadlineMs: 600_000 });
    const read = outcomeOf(readAll(await router.stream(hello)));
    await clock.advance(200_000);
    expect(read.value).toEqual({ text: `one${'x'.repeat(20)}`, failure: undefined });
  });

  test('are counted anew after each piece with content', async () => {
    const { router, clock } = fakeRouter({ a: pieces('1', ...beat(14, 10_000), '2', ...beat(14, 10_000), '3') }, { deadlineMs: 600_000 });
    const read = outcomeOf(readAll(await router.stream(hello)));
    await clock.advance(280_000);
    expect(read.value).toEqual({ text: '123', failure: undefined });
  });

  test('that the reader takes its time for are not counted', async () => {
    const { router, clock } = fakeRouter({ a: pieces('1', ...beat(30, 1_000), '2') }, { deadlineMs: 600_000 });
    let text = '';
    const read = outcomeOf(
      (async () => {
        for await (const { choices } of await router.stream(hello)) {
          text += choices[0]?.delta.content ?? '';
          await new Promise<void>((resolve) => void clock.schedule(10_000, resolve));
        }
      })(),
    );
    await clock.advance(400_000);
    expect(read.settled).toBe(true);
    expect(read.error).toBeUndefined();
    expect(text).toBe('12');
  });
});

describe('a stream that nobody reads', () => {
  test('ends at the deadline, closes its source and gives its place back', async () => {
    const { router, clock, fakes, events } = fakeRouter({ a: pieces('one', 'two', 'hang') });
    const stream = await router.stream(hello);
    await clock.advance(119_999);
    expect(router.snapshot().inFlight).toBe(1);
    await clock.advance(1);
    expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0 }] });
    expect(fakes.a.openStreams()).toBe(0);
    expect(clock.timers()).toBe(0);
    expect(events.of('request:error')).toHaveLength(1);
    expect((await readAll(stream)).failure).toMatchObject({ code: 'stream_interrupted', phase: 'deadline' });
  });

  test('says nothing against the provider', async () => {
    const { router, clock, events } = fakeRouter({ a: pieces('one', 'hang') });
    for (let count = 0; count < 5; count++) await router.stream(hello);
    await clock.advance(120_000);
    expect(events.of('breaker:open')).toEqual([]);
    expect((await router.stream(hello)).route.provider).toBe('a');
  });
});
