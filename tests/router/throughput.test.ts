import { describe, expect, test } from 'vitest';
import type { RouterOptions } from '../../src/config/options.ts';
import { defineAdapter } from '../../src/core/adapter.ts';
import type { ChatChunk, ChunkBatches } from '../../src/core/types.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { type Clock, sleep } from '../../src/lib/clock.ts';
import { record } from '../_kit/events.ts';
import { fault, pieces, role, type StreamStep, toChunk } from '../_kit/fake-adapter.ts';
import { type FakeProvider, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';

/** 100 characters in at most 10 s. */
const throughput = { minCharsPerSecond: 10, sampleChars: 100 };

/** Ten pieces of ten characters, with so many ms before each but the first. */
const tens = (gapMs: number, name = 'a'): readonly StreamStep[] =>
  Array.from({ length: 10 }, (_, index) => `${name}-piece-${index}.`).flatMap((text, index) => (index === 0 ? [text] : [gapMs, text]));
const textOf = (steps: readonly StreamStep[]): string => steps.filter((step) => typeof step === 'string').join('');

/** Opens a stream and reads it to its end. */
function reading<Id extends string>(providers: Readonly<Record<Id, FakeProvider>>, options: Omit<RouterOptions, 'providers'> = {}) {
  const made = fakeRouter(providers, { throughput, ...options });
  const opening = made.router.stream(hello);
  const opened = outcomeOf(opening);
  const read = outcomeOf(opening.then(readAll));
  return { ...made, opened, read };
}

describe('a stream that crawls', () => {
  test('is left for another provider, and nothing of it is handed on', async () => {
    const { clock, events, fakes, read, opened, router } = reading({ a: pieces(role, ...tens(2_000)), b: pieces(...tens(1, 'b')) });
    await clock.advance(9_999);
    expect(opened.settled).toBe(false);
    await clock.advance(20);
    expect(read.value).toEqual({ text: textOf(tens(0, 'b')), failure: undefined });
    expect(events.of('failover')).toMatchObject([{ from: 'a', to: 'b', reason: 'timeout', phase: 'throughput' }]);
    expect(opened.value?.route.attempts).toMatchObject([
      { provider: 'a', ms: 10_000, error: { code: 'timeout', message: 'a: too little content within 10000 ms.' } },
      { provider: 'b' },
    ]);
    expect(fakes.a.calls[0]?.signal.aborted).toBe(true);
    expect(fakes.a.openStreams()).toBe(0);
    expect(clock.timers()).toBe(0);
    expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0, failures: 1 }, { inFlight: 0 }] });
  });

  test('counts as a failure of its provider', async () => {
    const { router, clock, events } = fakeRouter({ a: pieces('slow', 'hang'), b: pieces(...tens(1)) }, { throughput });
    for (let count = 0; count < 3; count++) await clock.run(router.stream(hello));
    expect(events.of('breaker:open')).toMatchObject([{ provider: 'a', model: 'm', reason: 'timeout' }]);
  });

  test('from its first content on is measured from there, not from its start', async () => {
    const { clock, opened, read } = reading({ a: pieces(9_000, ...tens(1_100)), b: 'never' });
    await clock.advance(9_000 + 9_899);
    expect(opened.settled).toBe(false);
    await clock.advance(1);
    expect(read.value).toEqual({ text: textOf(tens(0)), failure: undefined });
  });

  test('is handed on where it is the last candidate, from its first piece on', async () => {
    const { clock, opened, read } = reading({ a: pieces(...tens(14_000)) }, { deadlineMs: 1_000_000 });
    await clock.settle();
    expect(opened.settled).toBe(true);
    await clock.advance(14_000 * 9);
    expect(read.value).toEqual({ text: textOf(tens(0)), failure: undefined });
  });

  test('is handed on where the other one has just failed', async () => {
    const { clock, read } = reading({ a: fault('driver'), b: pieces(...tens(14_000)) }, { deadlineMs: 1_000_000 });
    await clock.advance(14_000 * 9);
    expect(read.value).toEqual({ text: textOf(tens(0)), failure: undefined });
  });

  test('may crawl where the option is off', async () => {
    const { clock, read } = reading({ a: pieces(...tens(14_000)), b: 'never' }, { throughput: undefined, deadlineMs: 1_000_000 });
    await clock.advance(14_000 * 9);
    expect(read.value).toEqual({ text: textOf(tens(0)), failure: undefined });
  });

  test('and breaks during the sample is replaced in silence', async () => {
    const { clock, events, read } = reading({ a: pieces('half a', fault('unavailable')), b: pieces('whole') });
    await clock.settle();
    expect(read.value).toEqual({ text: 'whole', failure: undefined });
    expect(events.of('stream:interrupted')).toEqual([]);
  });

  test('and stalls is left after the longest pause, however long the sample might take', async () => {
    const { clock, read, events } = reading({ a: pieces('one', 'hang'), b: pieces('whole') }, { throughput: { minCharsPerSecond: 1 } });
    await clock.advance(15_000);
    expect(read.value).toEqual({ text: 'whole', failure: undefined });
    expect(events.of('failover')).toMatchObject([{ from: 'a', phase: 'throughput' }]);
  });

  test('at just the rate that is asked for is handed on', async () => {
    const steps = ['a', ...Array.from({ length: 30 }, () => [999, 'a'] as const).flat()];
    const { clock, read } = reading({ a: pieces(...steps), b: 'never' }, { throughput: { minCharsPerSecond: 1 } });
    await clock.advance(30_000);
    expect(read.value).toEqual({ text: 'a'.repeat(31), failure: undefined });
  });

  test('and whose time was over before it began, after a blocked event loop, is told so without a negative time', async () => {
    const base = testClock();
    let blockedMs = 0;
    const clock: Clock = { ...base, nowMs: () => base.nowMs() + blockedMs };
    const late = async (): Promise<ChunkBatches> =>
      (async function* () {
        blockedMs = 70_000;
        yield [toChunk({ content: 'slow' }, 'm')];
        await new Promise(() => undefined);
      })();
    const a: FakeProvider = { does: 'unused', fake: { stream: late } as never };
    const { router, events } = fakeRouter({ a, b: pieces('whole') }, { throughput, clock });
    const read = outcomeOf(router.stream(hello).then(readAll));
    await base.advance(40_000);
    expect(read.value).toEqual({ text: 'whole', failure: undefined });
    expect(events.of('attempt:error')).toMatchObject([
      { provider: 'a', error: { code: 'timeout', phase: 'throughput', message: 'a: too little content within 0 ms.' } },
    ]);
    expect(base.delays.every((delayMs) => delayMs >= 0)).toBe(true);
  });

  test('whose caller aborts during the sample ends with the reason', async () => {
    const { router, clock, fakes } = fakeRouter({ a: pieces('a', 'hang'), b: 'never' }, { throughput });
    const controller = new AbortController();
    const opened = outcomeOf(router.stream(hello, { signal: controller.signal }));
    await clock.advance(1_000);
    controller.abort('enough');
    await clock.settle();
    expect(opened.error).toBe('enough');
    expect(fakes.a.openStreams()).toBe(0);
    expect(fakes.b.calls).toHaveLength(0);
    expect(clock.timers()).toBe(0);
  });
});

describe('a stream that is quick enough', () => {
  test('loses nothing and keeps its order, whatever the sizes of its pieces', async () => {
    for (const size of [1, 3, 7, 50, 99, 100, 101, 400]) {
      const text = Array.from({ length: 100 }, (_, index) => `${index},`).join('');
      const steps = Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size));
      const { clock, read, fakes } = reading({ a: pieces(role, ...steps), b: 'never' });
      await clock.settle();
      expect(read.value).toEqual({ text, failure: undefined });
      expect(fakes.b.calls).toHaveLength(0);
    }
  });

  test('is handed on as soon as the sample is complete, and read no further than that', async () => {
    const { clock, opened, fakes } = reading({ a: pieces(...tens(10), 'hang'), b: 'never' });
    await clock.advance(89);
    expect(opened.settled).toBe(false);
    await clock.advance(1);
    expect(opened.settled).toBe(true);
    expect(fakes.a.piecesRead()).toBe(10);
  });

  test('is bound by the pauses of any other after it', async () => {
    const { clock, read } = reading({ a: pieces(...tens(10), 'hang'), b: 'never' });
    await clock.advance(90 + 14_999);
    expect(read.settled).toBe(false);
    await clock.advance(1);
    expect(read.value).toMatchObject({ text: textOf(tens(0)), failure: { code: 'stream_interrupted', phase: 'idle' } });
  });

  test('hands on every chunk of the batches that made up the sample', async () => {
    const batches: StreamStep[] = [role, ['one', 'two'], role, ['x'.repeat(60), 'y'.repeat(60)], ['three', 'four'], role];
    const { clock, router } = fakeRouter({ a: pieces(...batches), b: 'never' }, { throughput });
    const chunks: ChatChunk[] = [];
    for await (const chunk of await router.stream(hello)) chunks.push(chunk);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content)).toEqual([
      '',
      'one',
      'two',
      '',
      'x'.repeat(60),
      'y'.repeat(60),
      'three',
      'four',
      '',
    ]);
    expect(clock.timers()).toBe(0);
  });
});

describe('a stream that is shorter than the sample', () => {
  test('is handed on whole', async () => {
    const { clock, read, events } = reading({ a: pieces(role, 'short', 100, ' and sweet'), b: 'never' });
    await clock.advance(100);
    expect(read.value).toEqual({ text: 'short and sweet', failure: undefined });
    expect(events.lines()).toEqual(['request:start', 'attempt:start a', 'attempt:end a', 'request:end a']);
    expect(clock.timers()).toBe(0);
  });

  test('stays whole for a reader who takes longer than the sample might have', async () => {
    const { router, clock, events } = fakeRouter({ a: pieces('one', 'two', 'three'), b: 'never' }, { throughput });
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    const texts = [];
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      texts.push(next.value.choices[0]?.delta.content);
      await clock.advance(11_000);
    }
    expect(texts).toEqual(['one', 'two', 'three']);
    expect(events.of('stream:interrupted')).toEqual([]);
    expect(events.of('attempt:error')).toEqual([]);
    expect(clock.timers()).toBe(0);
  });

  test('may be left like any other', async () => {
    const { router, clock, events } = fakeRouter({ a: pieces('one', 'two'), b: 'never' }, { throughput });
    for await (const _ of await router.stream(hello)) break;
    expect(events.of('request:end')).toMatchObject([{ abandoned: true }]);
    expect(clock.timers()).toBe(0);
  });
});

describe('what is held back is bounded', () => {
  test('by the sample: a large piece ends it', async () => {
    const { clock, fakes, opened } = reading({ a: pieces('x'.repeat(100_000), 'more', 'hang'), b: 'never' });
    await clock.settle();
    expect(opened.settled).toBe(true);
    // The reader takes the second piece, nobody a third.
    expect(fakes.a.piecesRead()).toBe(2);
  });

  test('for pieces without content: 256 of them in a row are no answer', async () => {
    const { clock, read, events } = reading({ a: pieces('one', ...Array(300).fill(role)), b: pieces('whole') });
    await clock.settle();
    expect(read.value?.text).toBe('whole');
    expect(events.of('failover')).toMatchObject([{ from: 'a', reason: 'bad_response' }]);
    const [failed] = events.of('attempt:error');
    expect(failed?.error).toMatchObject({ message: 'a: the stream sent 256 pieces in a row without content.' });
  });

  test('but not beside text in the same read', async () => {
    const mixed = Array.from({ length: 400 }, (): StreamStep => ['', 'x']);
    const options = { throughput: { minCharsPerSecond: 100, sampleChars: 400 } };
    const { clock, read } = reading({ a: pieces(...mixed), b: 'never' }, options);
    await clock.settle();
    expect(read.value).toEqual({ text: 'x'.repeat(400), failure: undefined });
  });

  test('and 255 of them between two pieces of text are one', async () => {
    const empty: readonly StreamStep[] = Array(255).fill(role);
    const { clock, read } = reading({ a: pieces('one', ...empty, 'two', ...empty, 'three'), b: 'never' });
    await clock.settle();
    expect(read.value).toEqual({ text: 'onetwothree', failure: undefined });
  });
});

/** A provider that hears no signal: whoever wants its stream closed has to close it. */
function hardOfHearing(steps: AsyncIterable<readonly ChatChunk[]>, opening: Promise<void> = Promise.resolve()) {
  let open = 0;
  const stream = async (): Promise<ChunkBatches> => {
    await opening;
    open += 1;
    const source = steps[Symbol.asyncIterator]();
    const iterator: AsyncIterableIterator<readonly ChatChunk[]> & AsyncGenerator<readonly ChatChunk[]> = {
      next: () => source.next(),
      return: async () => {
        open -= 1;
        return { done: true, value: undefined };
      },
      throw: async (error) => {
        throw error;
      },
      [Symbol.asyncIterator]: () => iterator,
      [Symbol.asyncDispose]: async () => undefined,
    };
    return iterator;
  };
  return {
    options: { type: 'custom' as const, adapter: defineAdapter({ name: 'deaf', modelName: 'optional', stream }) },
    open: () => open,
  };
}

async function* chunksOf(...steps: readonly string[]): AsyncGenerator<readonly ChatChunk[]> {
  for (const content of steps) yield [toChunk({ content }, 'm')];
  await new Promise(() => undefined);
}

const whole = defineAdapter({
  name: 'whole',
  modelName: 'optional',
  chat: async () => ({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'whole' }, finish_reason: 'stop' }],
  }),
});

describe('the source of a stream that is not handed on is closed', () => {
  test.each([
    ['it crawls', ['slow']],
    ['it has no content', Array<string>(300).fill('')],
    ['it never begins', []],
  ] as const)('where %s', async (_, steps) => {
    const clock = testClock();
    const source = hardOfHearing(chunksOf(...steps));
    const router = createRouter({ clock, throughput, providers: { a: source.options, b: { type: 'custom', adapter: whole } } });
    const { text } = await clock.run(router.stream(hello).then(readAll));
    expect(text).toBe('whole');
    await clock.settle();
    expect(source.open()).toBe(0);
    expect(clock.timers()).toBe(0);
  });

  test('where it is opened after its time', async () => {
    const clock = testClock();
    const source = hardOfHearing(chunksOf('late'), sleep(clock, 60_000, new AbortController().signal));
    const router = createRouter({ clock, providers: { a: source.options, b: { type: 'custom', adapter: whole } } });
    const events = record(router);
    const { text } = await clock.run(router.stream(hello).then(readAll));
    expect(text).toBe('whole');
    expect(events.of('failover')).toMatchObject([{ from: 'a', phase: 'first-token' }]);
    await clock.advance(60_000);
    expect(source.open()).toBe(0);
  });
});
