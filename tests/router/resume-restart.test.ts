import { describe, expect, test } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import type { ChatChunk } from '../../src/core/types.ts';
import { collect, textOf } from '../../src/router/chat-stream.ts';
import { createResume } from '../../src/router/resume.ts';
import { after, fault, hang, pieces, role } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';
import { partOf, promiseJobs, readParts, readText, sending } from '../_kit/stream-parts.ts';

const restart = { onStreamFailure: 'restart' } as const;
const broken = fault('driver');
const reason = new Error('the caller’s own');

describe('a stream that restarts', () => {
  test('tells it with one chunk before anything of the new provider, whose whole answer follows', async () => {
    const { router, events } = fakeRouter({ a: pieces('Hello ', 'wor', broken), b: pieces(role, 'Good ', 'day') }, restart);
    const stream = await router.stream(hello);
    expect(await readParts(stream)).toEqual({
      parts: ['Hello ', 'wor', '<reset: a to b, driver>', '', 'Good ', 'day'],
      failure: undefined,
    });
    expect(stream.route).toMatchObject({ provider: 'b', attempts: [{ provider: 'a', error: { code: 'driver' } }, { provider: 'b' }] });
    expect(events.lines()).toEqual([
      'request:start',
      'attempt:start a',
      'attempt:error a',
      'stream:interrupted a',
      'failover a to b: driver',
      'attempt:start b',
      'stream:reset b',
      'attempt:end b',
      'request:end b',
    ]);
    expect(events.of('stream:reset')).toMatchObject([{ provider: 'b', from: 'a', model: 'm', reason: 'driver' }]);
    expect(events.of('request:end')).toMatchObject([{ attempts: 2, abandoned: false }]);
  });

  test('has a chunk of its own for that, without choices, as the new provider writes its chunks', async () => {
    const { router } = fakeRouter({ a: pieces('x', broken), b: 'y' }, restart);
    const chunks: ChatChunk[] = [];
    for await (const chunk of await router.stream(hello)) chunks.push(chunk);
    const [notice] = chunks.filter(({ inferlane }) => inferlane !== undefined);
    expect(notice).toEqual({
      id: 'c',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [],
      inferlane: { type: 'reset', from: 'a', provider: 'b', model: 'm', reason: 'driver' },
    });
  });

  test('is an option of the call over that of the router', async () => {
    const made = (): ReturnType<typeof fakeRouter<'a' | 'b'>> => fakeRouter({ a: pieces('x', broken), b: 'y' }, restart);
    const { router } = made();
    const { failure } = await readParts(await router.stream(hello, { onStreamFailure: 'error' }));
    expect(failure).toMatchObject({ code: 'stream_interrupted' });
    const plain = fakeRouter({ a: pieces('x', broken), b: 'y' });
    expect((await readParts(await plain.router.stream(hello, restart))).parts).toContain('<reset: a to b, driver>');
    expect(await failureOf(made().router.stream(hello, { onStreamFailure: 'ignore' as never }))).toMatchObject({ code: 'invalid_request' });
  });

  test('hands on what came before the failure in the same read', async () => {
    const { router } = fakeRouter({ a: pieces('1', ['2', '3'], broken), b: 'all' }, restart);
    expect((await readParts(await router.stream(hello))).parts).toEqual(['1', '2', '3', '<reset: a to b, driver>', '', 'all']);
  });

  test('restarts again, as often as there are attempts', async () => {
    const { router, events } = fakeRouter(
      { a: pieces('1', broken), b: pieces('2', 'b', fault('unavailable')), c: pieces('3', 'c') },
      restart,
    );
    expect((await readParts(await router.stream(hello))).parts).toEqual([
      '1',
      '<reset: a to b, driver>',
      '2',
      'b',
      '<reset: b to c, unavailable>',
      '3',
      'c',
    ]);
    expect(events.of('stream:interrupted')).toHaveLength(2);
    expect(events.of('request:end')).toMatchObject([{ provider: 'c', attempts: 3 }]);
  });

  test('gives calls of next() that do not wait for each other their pieces in order', async () => {
    const { router } = fakeRouter({ a: pieces('1', ['2', '3'], broken), b: pieces(['4', '5'], '6') }, restart);
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    const results = await Promise.all(Array.from({ length: 9 }, () => iterator.next()));
    expect(results.map(({ done, value }) => (done === true ? 'done' : partOf(value as ChatChunk)))).toEqual([
      '1',
      '2',
      '3',
      '<reset: a to b, driver>',
      '4',
      '5',
      '6',
      'done',
      'done',
    ]);
  });

  test('is collected to the answer of the provider that gave all of it', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 9, total_tokens: 10 };
    const { router, events } = fakeRouter(
      { a: sending([{ content: 'half an ', role: 'assistant' }, { choices: [], usage, degraded: true }, broken]), b: 'all of it' },
      restart,
    );
    const answer = await collect(await router.stream(hello));
    expect(answer.choices[0].message.content).toBe('all of it');
    expect(answer).not.toHaveProperty('usage');
    // What the first one told beside its text is void as well.
    expect(answer.route).toMatchObject({ provider: 'b', degraded: false });
    expect(events.of('request:end')).toMatchObject([{ usage: undefined }]);
  });

  test('cannot be told by text alone: textOf() throws there, and leaves the stream', async () => {
    const { router, fakes, events, clock } = fakeRouter({ a: pieces('half', broken), b: pieces('all', 'of it', 'hang') }, restart);
    const texts: string[] = [];
    const failure = await failureOf(
      (async () => {
        for await (const text of textOf(await router.stream(hello))) texts.push(text);
      })(),
    );
    expect(texts).toEqual(['half']);
    expect(failure).toMatchObject({
      code: 'stream_interrupted',
      provider: 'a',
      message: 'a: the stream broke and begins anew, which text alone cannot tell; read the chunks instead.',
    });
    await clock.settle();
    expect(fakes.b.openStreams()).toBe(0);
    expect(events.of('request:end')).toMatchObject([{ abandoned: true }]);
    expect(clock.timers()).toBe(0);
  });

  test('keeps nothing of the answer; nor does one that just breaks', () => {
    const blind = {
      get choices(): never {
        throw new Error('It was looked at.');
      },
    } as unknown as ChatChunk;
    for (const onStreamFailure of ['error', 'restart'] as const) {
      const { note } = createResume({ call: { onStreamFailure, request: hello } } as never);
      expect(() => note([blind])).not.toThrow();
    }
  });
});

describe('what is shared with the first part', () => {
  test('are the attempts', async () => {
    const { router, fakes } = fakeRouter({ a: pieces('1', broken), b: pieces('2', fault('unavailable')), c: 'never' }, restart);
    const { parts, failure } = await readParts(await router.stream(hello, { maxAttempts: 2 }));
    expect(parts).toEqual(['1', '<reset: a to b, driver>', '2']);
    expect(failure).toMatchObject({
      code: 'stream_interrupted',
      provider: 'b',
      cause: { code: 'unavailable' },
      attempts: [{ provider: 'a' }, { provider: 'b' }],
    });
    expect(fakes.c.calls).toHaveLength(0);
  });

  test('is the deadline', async () => {
    const { router, clock, events } = fakeRouter({ a: pieces('1', 4_000, broken), b: hang }, restart);
    const read = outcomeOf(readParts(await router.stream(hello, { deadlineMs: 5_000 })));
    await clock.advance(4_999);
    expect(read.settled).toBe(false);
    await clock.advance(1);
    expect(read.value?.failure).toMatchObject({
      code: 'stream_interrupted',
      provider: 'a',
      cause: { code: 'driver' },
      attempts: [{ provider: 'a' }, { provider: 'b' }],
    });
    expect(events.of('request:error')).toHaveLength(1);
    expect(clock.timers()).toBe(0);
  });

  test('is enough of it with 50 ms left', async () => {
    const { router, clock } = fakeRouter({ a: pieces('1', 4_950, broken), b: 'all' }, restart);
    const read = outcomeOf(readText(await router.stream(hello, { deadlineMs: 5_000 })));
    await clock.advance(4_950);
    expect(read.value).toEqual({ text: 'all', failure: undefined });
  });

  test('is too little of it with less than 50 ms left', async () => {
    const { router, clock, fakes } = fakeRouter({ a: pieces('1', 4_951, broken), b: 'never' }, restart);
    const read = outcomeOf(readParts(await router.stream(hello, { deadlineMs: 5_000 })));
    await clock.advance(4_951);
    expect(read.value?.failure).toMatchObject({ code: 'stream_interrupted', cause: { code: 'driver' } });
    expect(fakes.b.calls).toHaveLength(0);
  });
});

describe('where nobody takes over', () => {
  test('the stream is interrupted by the first cause, and every attempt is listed', async () => {
    const { router, events } = fakeRouter(
      { a: pieces('1', broken), b: fault('out_of_memory'), c: pieces(role, fault('overloaded')) },
      restart,
    );
    const { parts, failure } = await readParts(await router.stream(hello));
    expect(parts).toEqual(['1']);
    expect(failure).toMatchObject({
      code: 'stream_interrupted',
      provider: 'a',
      cause: { code: 'driver' },
      attempts: [
        { provider: 'a', error: { code: 'driver' } },
        { provider: 'b', error: { code: 'out_of_memory' } },
        { provider: 'c', error: { code: 'overloaded' } },
      ],
    });
    expect(events.of('stream:interrupted')).toHaveLength(1);
    expect(events.of('request:error')).toMatchObject([{ error: failure, attempts: 3 }]);
    expect(events.of('stream:reset')).toEqual([]);
  });

  test.each([
    ['no other one is left', { maxAttempts: 5 }, 'exhausted'],
    ['there are no more attempts', { maxAttempts: 2 }, 'max-attempts'],
    ['its time is over', { deadlineMs: 90 }, 'deadline'],
  ] as const)('the error says why nobody else was asked: %s', async (_, limits, stoppedBecause) => {
    const does = stoppedBecause === 'deadline' ? hang : broken;
    const { router, clock } = fakeRouter({ a: pieces('1', broken), b: does, c: { does: broken, priority: 2 } }, restart);
    const read = outcomeOf(readParts(await router.stream(hello, limits)));
    await clock.advance(90);
    expect(read.value?.failure).toMatchObject({ code: 'stream_interrupted', provider: 'a', cause: { code: 'driver' }, stoppedBecause });
  });

  test('the error says who was left out, and when one of them is ready', async () => {
    const able = { capabilities: { tools: true } } as const;
    const busy = fault('rate_limited', { retryAfterMs: 60_000 });
    const { router } = fakeRouter({ a: { does: pieces('1', broken), fake: able }, b: { does: busy, fake: able }, c: 'never' }, restart);
    const tools = [{ type: 'function' as const, function: { name: 'f', parameters: {} } }];
    expect((await readParts(await router.stream({ ...hello, tools }))).failure).toMatchObject({
      code: 'stream_interrupted',
      attempts: [{ provider: 'a' }, { provider: 'b' }],
      skipped: [{ provider: 'c' }],
      stoppedBecause: 'exhausted',
      retryAfterMs: 60_000,
    });
  });

  test('because the second one refuses what the caller wrote, it is the same', async () => {
    const { router, fakes } = fakeRouter({ a: pieces('1', broken), b: fault('bad_request'), c: 'never' }, restart);
    expect((await readParts(await router.stream(hello))).failure).toMatchObject({ code: 'stream_interrupted', cause: { code: 'driver' } });
    expect(fakes.c.calls).toHaveLength(0);
  });

  test('a bug of the second adapter is told as it is', async () => {
    const bug = new TypeError('x is undefined');
    const { router } = fakeRouter({ a: pieces('1', broken), b: bug }, restart);
    expect((await readParts(await router.stream(hello))).failure).toBe(bug);
  });

  test('the only provider is asked again after a pause, where its failure may pass', async () => {
    const { router, clock, events } = fakeRouter({ only: [pieces('half', fault('unavailable')), 'all of it'] }, restart);
    const read = outcomeOf(readParts(await router.stream(hello)));
    await clock.settle();
    expect(read.settled).toBe(false);
    await clock.advance(1_000);
    expect(read.value?.parts).toEqual(['half', '<reset: only to only, unavailable>', '', 'all of it']);
    expect(events.of('retry')).toMatchObject([{ provider: 'only', reason: 'unavailable' }]);
    expect(events.of('failover')).toEqual([]);
  });

  test('the only provider is not asked again after a failure that does not pass', async () => {
    const { router, fakes } = fakeRouter({ only: [pieces('half', broken), 'never'] }, restart);
    expect((await readParts(await router.stream(hello))).failure).toMatchObject({
      code: 'stream_interrupted',
      attempts: [{ provider: 'only' }],
    });
    expect(fakes.only.calls).toHaveLength(1);
  });
});

test.each(['bad_request', 'content_filtered', 'context_length'] as const)(
  'a stream that the provider ends with %s is not restarted: another would say the same',
  async (code) => {
    const { router, fakes } = fakeRouter({ a: pieces('1', fault(code, { status: 400 })), b: 'never' }, restart);
    expect((await readParts(await router.stream(hello))).failure).toMatchObject({ code: 'stream_interrupted', cause: { code } });
    expect(fakes.b.calls).toHaveLength(0);
  },
);

test('a foreign error is not restarted', async () => {
  const bug = new TypeError('x is undefined');
  const { router, fakes } = fakeRouter({ a: pieces('1', bug), b: 'never' }, restart);
  expect((await readParts(await router.stream(hello))).failure).toBe(bug);
  expect(fakes.b.calls).toHaveLength(0);
});

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
  ['rejects', () => Promise.reject(new Error('broken'))],
  ['gives no promise', () => ({ done: true, value: undefined })],
])('a source whose return() %s stops nothing', async (_, close) => {
  const stream = async (): Promise<unknown> => ({
    [Symbol.asyncIterator]: () => ({
      count: 0,
      next() {
        if (this.count++ > 0) return Promise.reject(broken);
        return Promise.resolve({ done: false, value: [{ ...blankChunk, choices: [{ index: 0, delta: { content: '1' } }] }] });
      },
      return: close,
    }),
  });
  const { router, events } = fakeRouter({ a: { does: 'unused', fake: { stream } as never }, b: 'all' }, restart);
  expect(await readText(await router.stream(hello))).toEqual({ text: 'all', failure: undefined });
  for await (const _chunk of await router.stream(hello, { provider: 'a' })) break;
  expect(events.of('request:end')).toMatchObject([{ abandoned: false }, { abandoned: true }]);
});

const blankChunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' };

/** Nothing is left of a call: one end, no timer, no place taken, no source open. */
function expectNothingLeft(
  { router, clock, events, fakes }: ReturnType<typeof fakeRouter<'a' | 'b'>>,
  ends: 'request:end' | 'request:error',
): void {
  const names = events.names();
  expect(names.filter((name) => name === 'request:end' || name === 'request:error')).toEqual([ends]);
  expect(names.filter((name) => name === 'attempt:start')).toHaveLength(names.filter((name) => /^attempt:(end|error)$/.test(name)).length);
  expect(names.at(-1)).toBe(ends);
  expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0 }, { inFlight: 0 }] });
  expect(clock.timers()).toBe(0);
  expect(fakes.a.openStreams() + fakes.b.openStreams()).toBe(0);
}

describe('while nobody reads, a stream that has failed', () => {
  const options = { ...restart, timeouts: { totalMs: 1_000 } };
  const open = async (more: object = {}): Promise<ReturnType<typeof fakeRouter<'a' | 'b'>> & { stream: AsyncIterable<ChatChunk> }> => {
    const made = fakeRouter({ a: pieces('1', '2', 'hang'), b: 'all' }, options);
    return { ...made, stream: await made.router.stream(hello, { deadlineMs: 5_000, ...more }) };
  };

  test('waits for its reader: nobody is asked before, and the limit for silence does not run', async () => {
    const { clock, fakes, stream } = await open();
    await clock.advance(4_900);
    expect(fakes.b.calls).toHaveLength(0);
    expect((await readParts(stream)).parts).toEqual(['1', '<reset: a to b, timeout>', '', 'all']);
    expect(clock.timers()).toBe(0);
  });

  test.each([
    ['attempts', { maxAttempts: 1 }],
    ['time', { deadlineMs: 1_049 }],
  ])('ends at once where there are no more %s for another one', async (_, more) => {
    const made = await open(more);
    await made.clock.advance(1_000);
    expectNothingLeft(made, 'request:error');
    expect((await readParts(made.stream)).failure).toMatchObject({ code: 'stream_interrupted', phase: 'total' });
  });

  test('ends at the deadline of its call', async () => {
    const made = await open();
    await made.clock.advance(4_999);
    expect(made.router.snapshot().inFlight).toBe(1);
    await made.clock.advance(1);
    expectNothingLeft(made, 'request:error');
    expect((await readParts(made.stream)).failure).toMatchObject({
      code: 'stream_interrupted',
      phase: 'total',
      stoppedBecause: 'deadline',
      attempts: [{ provider: 'a' }],
    });
  });

  test('ends when the caller aborts', async () => {
    const controller = new AbortController();
    const made = await open({ signal: controller.signal });
    await made.clock.advance(2_000);
    controller.abort(reason);
    expectNothingLeft(made, 'request:error');
    expect(made.events.of('request:error')).toMatchObject([{ error: reason, aborted: true }]);
    expect((await readParts(made.stream)).failure).toBe(reason);
  });

  test('ends when the router is closed', async () => {
    const made = await open();
    await made.clock.advance(2_000);
    const closing = outcomeOf(made.router.close({ drainMs: 100 }));
    await made.clock.advance(100);
    expect(closing.settled).toBe(true);
    expectNothingLeft(made, 'request:error');
    expect((await readParts(made.stream)).failure).toMatchObject({ code: 'closed' });
  });

  test('is left without another attempt', async () => {
    const made = await open();
    await made.clock.advance(2_000);
    await made.stream[Symbol.asyncIterator]().return?.();
    expectNothingLeft(made, 'request:end');
    expect(made.fakes.b.calls).toHaveLength(0);
  });
});

describe('while another provider is being asked', () => {
  const others = [
    ['it says nothing', hang],
    ['it has no content yet', pieces(role, 'hang')],
    ['it is about to fail', after(10, broken)],
  ] as const;

  test.each(others)('the reader may leave (%s)', async (_, does) => {
    const made = fakeRouter({ a: pieces('1', broken), b: does }, restart);
    const iterator = (await made.router.stream(hello))[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = outcomeOf(iterator.next());
    await made.clock.settle();
    expect(made.fakes.b.calls).toHaveLength(1);
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    await made.clock.settle();
    expect(waiting.value).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expectNothingLeft(made, 'request:end');
    expect(made.events.of('request:end')).toMatchObject([{ abandoned: true, attempts: 2 }]);
    expect(made.events.of('attempt:error')).toMatchObject([
      { provider: 'a', aborted: false },
      { provider: 'b', aborted: true, error: { code: 'closed', message: 'The reader left the stream.' } },
    ]);
    expect(made.fakes.b.openStreams()).toBe(0);
    // Nothing is held against the one that was stopped.
    expect(made.router.snapshot().providers[1]).toMatchObject({ failures: 0 });
  });

  test.each(others)('the caller may abort (%s)', async (_, does) => {
    const made = fakeRouter({ a: pieces('1', broken), b: does }, restart);
    const controller = new AbortController();
    const read = outcomeOf(readParts(await made.router.stream(hello, { signal: controller.signal })));
    await made.clock.settle();
    controller.abort(reason);
    await made.clock.settle();
    expect(read.value).toEqual({ parts: ['1'], failure: reason });
    expectNothingLeft(made, 'request:error');
  });

  test('an abort whose reason is an error of this library is told untouched as well', async () => {
    const { router, clock, events } = fakeRouter({ a: pieces('1', broken), b: hang }, restart);
    const own = new RouterError('timeout', 'The router in front gave up.');
    const controller = new AbortController();
    const read = outcomeOf(readParts(await router.stream(hello, { signal: controller.signal })));
    await clock.settle();
    controller.abort(own);
    await clock.settle();
    expect(read.value?.failure).toBe(own);
    expect(events.of('request:error')).toMatchObject([{ aborted: true }]);
  });

  test('the router may be closed', async () => {
    const made = fakeRouter({ a: pieces('1', broken), b: hang }, restart);
    const read = outcomeOf(readParts(await made.router.stream(hello)));
    await made.clock.settle();
    void made.router.close({ drainMs: 100 });
    await made.clock.advance(100);
    expect(read.value?.failure).toMatchObject({ code: 'closed' });
    expectNothingLeft(made, 'request:error');
  });

  test('the reader may leave during the pause before the only provider is asked again', async () => {
    const { router, clock, fakes, events } = fakeRouter({ only: [pieces('1', fault('unavailable')), 'never'] }, restart);
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = outcomeOf(iterator.next());
    await clock.settle();
    expect(events.of('retry')).toHaveLength(1);
    await iterator.return?.();
    await clock.settle();
    expect(waiting.value).toEqual({ done: true, value: undefined });
    expect(clock.timers()).toBe(0);
    expect(fakes.only.calls).toHaveLength(1);
    expect(events.of('request:end')).toMatchObject([{ abandoned: true, attempts: 1 }]);
  });

  test.each(Array.from({ length: 48 }, (_, jobs) => jobs))(
    'leaving %i promise jobs after the failure leaves nothing behind',
    async (jobs) => {
      const made = fakeRouter({ a: pieces('1', broken), b: pieces(['2', '3'], '4', '5') }, restart);
      const iterator = (await made.router.stream(hello))[Symbol.asyncIterator]();
      await iterator.next();
      const waiting = iterator.next();
      await promiseJobs(jobs);
      const resets = made.events.of('stream:reset').length;
      await iterator.return?.();
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
      await waiting;
      await made.clock.settle();
      expect(made.events.of('stream:reset')).toHaveLength(resets);
      expectNothingLeft(made, 'request:end');
    },
  );

  test.each(Array.from({ length: 48 }, (_, jobs) => jobs))(
    'an abort %i promise jobs after the failure leaves nothing behind',
    async (jobs) => {
      const made = fakeRouter({ a: pieces('1', broken), b: pieces(['2', '3'], '4', '5', 'hang') }, restart);
      const controller = new AbortController();
      const read = readParts(await made.router.stream(hello, { signal: controller.signal }));
      await promiseJobs(jobs);
      controller.abort(reason);
      const { failure } = await read;
      expect(failure).toBe(reason);
      await made.clock.settle();
      expectNothingLeft(made, 'request:error');
    },
  );
});

test.each(Array.from({ length: 24 }, (_, jobs) => jobs))(
  'nothing is handed on after leaving, %i promise jobs after a read began',
  async (jobs) => {
    const { router, clock } = fakeRouter({ a: pieces('1', ['2', '3', '4'], '5') });
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = iterator.next();
    await promiseJobs(jobs);
    await iterator.return?.();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await waiting;
    await clock.settle();
    expect(clock.timers()).toBe(0);
  },
);
