import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collect } from '../../src/router/chat-stream.ts';
import type { CallOptions } from '../../src/config/call-options.ts';
import type { ChatChunk, ChatRequest } from '../../src/core/types.ts';
import { fault } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { question, scene, type Scene, type SceneOptions, until } from './kept-kit.ts';

/** Identical calls share; nothing is kept. */
const sharing = (options: SceneOptions = {}): Scene => scene({ cache: false, singleFlight: true, afterMs: 100, ...options });
const words = { message: { role: 'assistant' as const, content: 'one two three four' } };

function many<Value>(count: number, make: (index: number) => Value): Value[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

describe('identical calls under way', () => {
  test('a thousand chats are one request, and each has an answer of its own', async () => {
    const made = sharing();
    const answers = await made.clock.run(Promise.all(many(1_000, (index) => made.router.chat(question, { requestId: `r${index}` }))));
    expect(made.asked).toHaveLength(1);
    expect(new Set(answers.map(({ route }) => route.requestId)).size).toBe(1_000);
    expect(new Set(answers.map(({ choices }) => choices)).size).toBe(1_000);
    expect(
      answers.every(({ choices, route }) => choices[0].message.content === 'answer 1' && !route.cached && route.attempts.length === 1),
    ).toBe(true);
    expect([made.events.of('request:start').length, made.events.of('attempt:start').length]).toEqual([1_000, 1]);
    const ends = made.events.of('request:end');
    expect([ends.length, ends.reduce((sum, { attempts }) => sum + attempts, 0)]).toEqual([1_000, 1]);
    expect(ends.filter(({ usage }) => usage !== undefined)).toHaveLength(1);
    expect(made.router.snapshot()).toMatchObject({ inFlight: 0, cache: { hits: 0, misses: 0, shared: 999 } });
  });

  test('a thousand streams are one request, and each gets all of it', async () => {
    const made = sharing({ answers: () => words });
    const streams = await made.clock.run(Promise.all(many(1_000, () => made.router.stream(question))));
    const answers = await made.clock.run(Promise.all(streams.map(collect)));
    expect(made.asked).toHaveLength(1);
    expect(answers.every(({ choices }) => choices[0].message.content === 'one two three four')).toBe(true);
    expect([made.events.of('request:end').length, made.events.of('attempt:end').length]).toEqual([1_000, 1]);
    expect([made.clock.timers(), made.router.snapshot().inFlight]).toEqual([0, 0]);
  });

  test('embeddings share as well', async () => {
    const made = fakeRouter({ gpu: { does: { afterMs: 10, next: '1' } } }, { singleFlight: true });
    const lists = await made.clock.run(Promise.all(many(5, () => made.router.embed({ model: 'e', input: 'x' }))));
    lists[0]?.data[0]?.embedding.pop();
    expect([made.fakes.gpu.calls.length, lists[1]?.data[0]?.embedding.length]).toEqual([1, 2]);
  });

  test('the next one after them asks anew', async () => {
    const made = sharing();
    await made.clock.run(Promise.all(many(2, () => made.router.chat(question))));
    await made.clock.run(made.router.chat(question));
    expect(made.asked).toHaveLength(2);
  });

  test('with answers that are kept, they look once, ask once and keep once', async () => {
    const told: string[] = [];
    const store = { get: () => void told.push('get'), set: () => void told.push('set') };
    const made = sharing({ cache: { store } });
    const answers = Promise.all(many(50, () => made.router.chat(question)));
    await until(() => made.asked.length > 0);
    await made.clock.run(answers);
    await until(() => told.includes('set'));
    expect([told, made.asked.length]).toEqual([['get', 'set'], 1]);
  });

  test.each<[string, Partial<ChatRequest>, CallOptions, Partial<ChatRequest>, CallOptions]>([
    ['of two callers', {}, { caller: 'alice' }, {}, { caller: 'bob' }],
    ['that differ in a word', {}, {}, { seed: 1 }, {}],
    ['that are left to chance', { temperature: 1 }, {}, { temperature: 1 }, {}],
    ['of which one wants none of it', {}, {}, {}, { cache: false }],
    ['of which one is to be asked anew', {}, {}, {}, { cache: 'refresh' }],
    ['of which one may pay nobody', {}, {}, {}, { allowPaid: false }],
    ['of which one must not leave the local network', {}, {}, {}, { maxLocality: 'lan' }],
    ['of which one has a single try', {}, {}, {}, { maxAttempts: 1 }],
    ['of which one has other limits', {}, {}, {}, { timeouts: { firstTokenMs: 5 } }],
    ['of which one came back from another router', {}, {}, {}, { hops: 1 }],
    ['of which one has far more time', {}, { deadlineMs: 1_000 }, {}, { deadlineMs: 2_000 }],
  ])('two %s do not share', async (_what, one, oneOptions, other, otherOptions) => {
    const made = sharing({ provider: { locality: 'host' } });
    await made.clock.run(
      Promise.all([made.router.chat({ ...question, ...one }, oneOptions), made.router.chat({ ...question, ...other }, otherOptions)]),
    );
    expect(made.asked).toHaveLength(2);
  });

  test('those left to chance share where both say so', async () => {
    const made = sharing();
    const asking = many(2, () => made.router.chat({ ...question, temperature: 1 }, { cache: true }));
    await made.clock.run(Promise.all(asking));
    expect(made.asked).toHaveLength(1);
  });

  test('a call that a listener makes of the first one’s events shares it too', async () => {
    const made = sharing();
    const more: Promise<unknown>[] = [];
    made.router.once('attempt:start', () => void more.push(made.router.chat(question)));
    await made.clock.run(made.router.chat(question));
    await made.clock.run(Promise.all(more));
    expect([made.asked.length, more.length]).toEqual([1, 1]);
  });
});

describe('a failure', () => {
  test('is everybody’s, and each call tells it once', async () => {
    const made = sharing({ answers: () => fault('content_filtered') });
    const errors = await made.clock.run(Promise.all(many(3, () => failureOf(made.router.chat(question)))));
    expect(new Set(errors).size).toBe(1);
    expect(errors[0]).toMatchObject({ code: 'content_filtered' });
    const told = made.events.of('request:error');
    expect(told.map(({ error, aborted }) => [error === errors[0], aborted])).toEqual(many(3, () => [true, false]));
    expect([made.router.snapshot().inFlight, made.clock.timers()]).toEqual([0, 0]);
  });

  test('after the beginning of a stream comes to each reader behind what came before', async () => {
    const made = fakeRouter({ gpu: { does: { pieces: ['one ', 100, 'two', 100, fault('unavailable')] } } }, { singleFlight: true });
    const streams = await made.clock.run(Promise.all(many(3, () => made.router.stream(question))));
    const read = await made.clock.run(Promise.all(streams.map(readAll)));
    expect(read.map(({ text }) => text)).toEqual(many(3, () => 'one two'));
    expect(new Set(read.map(({ failure }) => failure)).size).toBe(1);
    expect(made.events.of('request:error')).toHaveLength(3);
  });
});

describe('a call that leaves', () => {
  test('gets its own reason, and changes nothing for the others, the first one included', async () => {
    const made = sharing();
    const leaving = new AbortController();
    const [first, second] = [outcomeOf(made.router.chat(question, { signal: leaving.signal })), outcomeOf(made.router.chat(question))];
    await made.clock.advance(50);
    leaving.abort(new Error('Enough.'));
    await made.clock.advance(50);
    expect(first.error).toEqual(new Error('Enough.'));
    expect(second.value?.choices[0].message.content).toBe('answer 1');
    expect(made.events.of('request:error').map(({ aborted }) => aborted)).toEqual([true]);
  });

  test('as the last one stops the request in the same turn', async () => {
    const made = sharing();
    const controllers = many(3, () => new AbortController());
    const asking = controllers.map(({ signal }) => outcomeOf(made.router.chat(question, { signal })));
    await made.clock.settle();
    const stopped = controllers.map((controller) => {
      controller.abort(new Error('Enough.'));
      return made.asked[0]?.signal.aborted;
    });
    expect(stopped).toEqual([false, false, true]);
    await made.clock.settle();
    expect(asking.every(({ error }) => String(error) === 'Error: Enough.')).toBe(true);
    await made.clock.run(made.router.chat(question));
    expect(made.asked).toHaveLength(2);
  });

  test('before it began has begun nothing', async () => {
    const made = sharing();
    const error = await failureOf(made.router.chat(question, { signal: AbortSignal.abort(new Error('Enough.')) }));
    expect([error, made.asked.length]).toEqual([new Error('Enough.'), 0]);
  });

  test('when its time is over lets the others go on', async () => {
    const made = sharing({ afterMs: 1_000 });
    const long = outcomeOf(made.router.chat(question, { deadlineMs: 5_000 }));
    const short = outcomeOf(made.router.chat(question, { deadlineMs: 500 }));
    await made.clock.advance(500);
    expect(short.error).toMatchObject({ code: 'timeout', phase: 'deadline', stoppedBecause: 'deadline' });
    expect(String(short.error)).toContain('within 500 ms');
    await made.clock.advance(500);
    expect([long.value?.choices[0].message.content, made.asked.length]).toEqual(['answer 1', 1]);
  });

  test('when the router closes ends with all others', async () => {
    const made = sharing({ afterMs: 60_000 });
    const asking = many(3, () => failureOf(made.router.chat(question)));
    await made.clock.settle();
    await made.clock.run(made.router.close({ drainMs: 10 }));
    expect((await Promise.all(asking)).map((error) => (error as { code: string }).code)).toEqual(many(3, () => 'closed'));
  });

  test('when the router closes is told so, also where nobody reads', async () => {
    const made = sharing({ answers: () => words });
    const [stream] = await made.clock.run(Promise.all(many(2, () => made.router.stream(question))));
    await made.clock.run(made.router.close({ drainMs: 10 }));
    expect(made.events.of('request:error').map(({ error }) => (error as { code: string }).code)).toEqual(['closed', 'closed']);
    expect((await readAll(stream as NonNullable<typeof stream>)).failure).toMatchObject({ code: 'closed' });
  });

  test('too early for its answer leaves nothing behind that another could find', async () => {
    const made = sharing({ afterMs: 1_050 });
    const asking = failureOf(made.router.chat(question, { deadlineMs: 1_000 }));
    await made.clock.advance(1_050);
    expect(await asking).toMatchObject({ code: 'timeout' });
    await made.clock.run(failureOf(made.router.chat(question, { deadlineMs: 20 })));
    expect(made.asked).toHaveLength(2);
  });

  test('too early for its stream leaves no connection open', async () => {
    const made = sharing({ afterMs: 1_050, answers: () => words });
    const asking = failureOf(made.router.stream(question, { deadlineMs: 1_000 }));
    await made.clock.advance(1_051);
    expect(await asking).toMatchObject({ code: 'timeout' });
    expect(made.asked[0]?.signal.aborted).toBe(true);
  });

  test('a server that hangs is held to account, though every caller’s time was over before', async () => {
    const made = sharing({ afterMs: 1_000_000, breaker: { failureThreshold: 1 } });
    const asking = many(2, () => failureOf(made.router.chat(question)));
    await made.clock.run(Promise.all(asking));
    await made.clock.advance(120_000);
    expect(made.events.of('breaker:open')).toHaveLength(1);
  });

  test('of a shared stream closes the connection when it is the last', async () => {
    const made = sharing({ answers: () => words });
    const streams = await made.clock.run(Promise.all(many(2, () => made.router.stream(question))));
    const [one, two] = streams.map((stream) => stream[Symbol.asyncIterator]());
    if (one === undefined || two === undefined) throw new Error('There are two.');
    await Promise.all([one.next(), two.next()]);
    await one.return?.();
    expect(made.asked[0]?.signal.aborted).toBe(false);
    await two.return?.();
    expect(made.asked[0]?.signal.aborted).toBe(true);
    expect(made.events.of('request:end').map(({ abandoned }) => abandoned)).toEqual([true, true]);
    expect([made.events.of('attempt:end').length, made.router.snapshot().inFlight, made.clock.timers()]).toEqual([1, 0, 0]);
  });
});

describe('a shared stream', () => {
  test('gives its beginning to one who comes late, and each reader his own chunks', async () => {
    const made = sharing({ answers: () => words });
    const early = (await made.clock.run(made.router.stream(question)))[Symbol.asyncIterator]();
    const first = await early.next();
    await made.clock.run(early.next());
    (first.value as ChatChunk).choices.pop();
    const late = await made.clock.run(made.router.stream(question));
    expect((await made.clock.run(readAll(late))).text).toBe('one two three four');
    expect(made.asked).toHaveLength(1);
    expect(late.route).toMatchObject({ provider: 'gpu', cached: false });
    expect(late.route.attempts).toHaveLength(1);
  });

  test('ends for a caller whose time is over while it is read, and for no other', async () => {
    const made = sharing({ answers: () => words });
    const [long, short] = await made.clock.run(
      Promise.all([made.router.stream(question, { deadlineMs: 5_000 }), made.router.stream(question, { deadlineMs: 250 })]),
    );
    const [whole, cut] = await made.clock.run(Promise.all([readAll(long), readAll(short)]));
    expect(whole).toEqual({ text: 'one two three four', failure: undefined });
    expect(cut.failure).toMatchObject({ code: 'stream_interrupted', phase: 'deadline', provider: 'gpu' });
  });

  test('in whatever order its readers come, read and leave, who stays gets all of it and nothing is left open', async () => {
    const step = fc.record({ who: fc.nat(3), does: fc.constantFrom('read', 'read', 'leave', 'abort') });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 16 }), async (steps) => {
        const made = sharing({ answers: () => words });
        const controllers = many(4, () => new AbortController());
        const streams = await made.clock.run(Promise.all(controllers.map(({ signal }) => made.router.stream(question, { signal }))));
        const readers = streams.map((stream) => ({ reading: stream[Symbol.asyncIterator](), text: '', isGone: false }));
        const read = async (reader: (typeof readers)[number]): Promise<boolean> => {
          const { done, value } = await made.clock.run(reader.reading.next());
          if (done !== true) reader.text += value.choices[0]?.delta.content ?? '';
          return done === true;
        };
        for (const { who, does } of steps) {
          const reader = readers[who] as (typeof readers)[number];
          if (reader.isGone) continue;
          if (does === 'read') await read(reader);
          else reader.isGone = true;
          if (does === 'leave') await reader.reading.return?.();
          if (does === 'abort') controllers[who]?.abort(new Error('Enough.'));
        }
        for (const reader of readers) while (!reader.isGone && !(await read(reader)));
        expect(readers.filter(({ isGone }) => !isGone).every(({ text }) => text === 'one two three four')).toBe(true);
        const { length: started } = made.events.of('request:start');
        const ended = made.events.of('request:end').length + made.events.of('request:error').length;
        expect([started, ended, made.asked.length, made.clock.timers(), made.router.snapshot().inFlight]).toEqual([4, 4, 1, 0, 0]);
        expect(made.events.of('attempt:end').length + made.events.of('attempt:error').length).toBe(1);
      }),
      { numRuns: 60 },
    );
  });
});

test('a call that shares begins in the same turn as one that does not', async () => {
  const made = sharing();
  void made.router.chat(question);
  expect(made.asked).toHaveLength(1);
  await made.clock.advance(1_000);
});
