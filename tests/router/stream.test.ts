import { describe, expect, test } from 'vitest';
import { isRouterError } from '../../src/core/errors.ts';
import type { ChatChunk, ChunkBatches } from '../../src/core/types.ts';
import { collect, textOf } from '../../src/router/chat-stream.ts';
import { fault, pieces, role, toChunk } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, readAll } from '../_kit/fake-router.ts';
import { sending } from '../_kit/stream-parts.ts';

/** One batch, in which a role and all of the content come together. */
const atOnce = async (): Promise<ChunkBatches> =>
  (async function* () {
    yield [toChunk({ role: 'assistant', content: '' }, 'm'), toChunk({ content: 'all of it' }, 'm')];
  })();

describe('before content', () => {
  test('a failure is silent: the caller sees the chunks of the second provider only', async () => {
    const { router, events } = fakeRouter({ a: pieces(role, role, fault('driver')), b: pieces(role, 'one ', 'two') });
    const stream = await router.stream(hello);
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk.choices[0]?.delta);
    expect(chunks).toEqual([{ role: 'assistant', content: '' }, { content: 'one ' }, { content: 'two' }]);
    expect(stream.route.attempts).toMatchObject([{ provider: 'a', error: { code: 'driver' } }, { provider: 'b' }]);
    expect(events.lines()).toEqual([
      'request:start',
      'attempt:start a',
      'attempt:error a',
      'failover a to b: driver',
      'attempt:start b',
      'attempt:end b',
      'request:end b',
    ]);
  });

  test('the source of the failed provider is closed', async () => {
    const { router, fakes } = fakeRouter({ a: pieces(...Array.from({ length: 300 }, () => role), 'late'), b: 'yes' });
    await router.stream(hello);
    expect(fakes.a.calls[0]?.signal.aborted).toBe(true);
    expect(fakes.a.piecesRead()).toBe(256);
  });

  test.each([
    ['ends without content', pieces(role), 'a: the stream ended without content.'],
    ['goes on without content', pieces(...Array<typeof role>(256).fill(role), 'late'), 'a: the stream sent 256 pieces without content.'],
  ])('a stream that %s is a bad response, and the next provider answers', async (_, does, message) => {
    const { router } = fakeRouter({ a: does, b: 'yes' });
    const stream = await router.stream(hello);
    expect(stream.route.attempts).toMatchObject([{ provider: 'a', error: { code: 'bad_response', message } }]);
    expect(await readAll(stream)).toEqual({ text: 'yes', failure: undefined });
  });

  test('content that comes in the batch of the role is content', async () => {
    const { router } = fakeRouter({ a: { does: 'unused', fake: { stream: atOnce } as never } });
    expect(await readAll(await router.stream(hello))).toEqual({ text: 'all of it', failure: undefined });
  });

  test('a call that nobody could begin rejects before there is a stream', async () => {
    const { router, events } = fakeRouter({ a: fault('driver'), b: pieces(role, fault('driver')) });
    expect(await failureOf(router.stream(hello))).toMatchObject({ code: 'all_failed', attempts: [{ provider: 'a' }, { provider: 'b' }] });
    expect(events.of('request:error')).toHaveLength(1);
  });
});

describe('after content', () => {
  test('a failure interrupts the stream: no other provider is asked, what came stands, nothing is spliced', async () => {
    const { router, fakes, events } = fakeRouter({
      a: pieces('Hello wor', fault('unavailable', { reason: 'ECONNRESET' })),
      b: 'Hello world',
    });
    const stream = await router.stream(hello);
    const { text, failure } = await readAll(stream);
    expect(text).toBe('Hello wor');
    expect(failure).toMatchObject({
      code: 'stream_interrupted',
      provider: 'a',
      model: 'm',
      reason: 'ECONNRESET',
      attempts: [{ provider: 'a' }],
    });
    expect((failure as Error).message).toMatch(/what came stands\. a: it said unavailable/);
    expect(isRouterError((failure as Error).cause, 'unavailable')).toBe(true);
    expect(fakes.b.calls).toHaveLength(0);
    expect(events.of('stream:interrupted')).toMatchObject([{ provider: 'a', model: 'm', error: failure }]);
    expect(events.lines().slice(-3)).toEqual(['attempt:error a', 'stream:interrupted a', 'request:error']);
  });

  test('the failure is told once, and the stream is over', async () => {
    const { router } = fakeRouter({ a: pieces('one', fault('driver')) });
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    await iterator.next();
    expect(await failureOf(iterator.next())).toMatchObject({ code: 'stream_interrupted' });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('out of memory still pins the model', async () => {
    const { router, events } = fakeRouter({ a: pieces('one', fault('out_of_memory')), b: 'yes' });
    await readAll(await router.stream(hello));
    expect(events.of('model:pinned')).toMatchObject([{ provider: 'a' }]);
    expect((await router.stream(hello)).route.provider).toBe('b');
  });

  test('a stream that is larger than all we read says nothing against its provider: it did answer', async () => {
    const tooLong = fault('limit_exceeded', { phase: 'total' });
    const { router, events } = fakeRouter({ a: pieces('one', tooLong) });
    for (let count = 0; count < 10; count++) {
      expect((await readAll(await router.stream(hello))).failure).toMatchObject({
        code: 'stream_interrupted',
        cause: { code: tooLong.code },
      });
    }
    expect(events.of('breaker:open')).toEqual([]);
  });

  test.each([
    ['one event of it is too large', pieces('one', fault('limit_exceeded'))],
    ['all of that was no content', pieces(role, fault('limit_exceeded', { phase: 'total' }))],
  ])('but it does where %s', async (_, does) => {
    const { router, events } = fakeRouter({ a: does });
    for (let count = 0; count < 3; count++) await router.stream(hello).then(readAll, () => undefined);
    expect(events.of('breaker:open')).toMatchObject([{ provider: 'a', reason: 'limit_exceeded' }]);
  });

  test('a foreign error reaches the reader as it is', async () => {
    const bug = new TypeError('x is undefined');
    const { router } = fakeRouter({ a: pieces('one', bug) });
    const stream = await router.stream(hello);
    expect((await readAll(stream)).failure).toBe(bug);
    // What it says may be anything, so the route does not repeat it.
    expect(stream.route.attempts).toMatchObject([{ error: { code: 'bug', message: 'The adapter failed with a foreign error.' } }]);
  });

  test('the route of a stream is live: its last attempt comes with the end', async () => {
    const { router } = fakeRouter({ a: pieces('one', 'two') });
    const stream = await router.stream(hello);
    expect(stream.route).toMatchObject({ provider: 'a', attempts: [] });
    await readAll(stream);
    expect(stream.route.attempts).toMatchObject([{ provider: 'a', firstContentMs: 0 }]);
  });
});

const choice = (index: number, content: string) => ({ index, delta: { content }, finish_reason: null });

/** Two chunks, of which the first came without a time. */
const timeless = async (): Promise<ChunkBatches> =>
  (async function* () {
    yield [{ ...toChunk({ content: 'one' }, 'm'), created: 0 }, toChunk({ content: 'two' }, 'm')];
  })();

describe('reading', () => {
  test('nothing is fetched before it is asked for', async () => {
    const { router, fakes, clock } = fakeRouter({ a: pieces('1', '2', '3', '4') });
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    await clock.settle();
    expect(fakes.a.piecesRead()).toBe(1);
    await iterator.next();
    await clock.settle();
    expect(fakes.a.piecesRead()).toBe(1);
    await iterator.next();
    expect(fakes.a.piecesRead()).toBe(2);
  });

  test('a stream can be read once', async () => {
    const { router } = fakeRouter({ a: 'yes' });
    const stream = await router.stream(hello);
    await readAll(stream);
    expect((await readAll(stream)).failure).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('read once') });
  });

  test('a chunk that came without a time gets that of the clock, and others keep theirs', async () => {
    const { router, clock } = fakeRouter({ a: { does: 'unused', fake: { stream: timeless } as never } });
    const times: number[] = [];
    for await (const { created } of await router.stream(hello)) times.push(created);
    expect(times).toEqual([Math.floor(clock.wallMs() / 1_000), 1]);
  });

  test('its iterator can be looped over as well', async () => {
    const { router } = fakeRouter({ a: pieces('one ', 'two') });
    const stream = await router.stream(hello);
    expect(await readAll(stream[Symbol.asyncIterator]())).toEqual({ text: 'one two', failure: undefined });
  });

  test('a stream that is left before the first read gives nothing', async () => {
    const { router } = fakeRouter({ a: pieces('one', 'two') });
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    await iterator.return?.();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('calls of next() that do not wait for each other get their pieces in order', async () => {
    const { router } = fakeRouter({ a: pieces('0', ['1', '2', '3'], '4', ['5', '6']) });
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    const results = await Promise.all(Array.from({ length: 9 }, () => iterator.next()));
    expect(results.map(({ done, value }) => (done === true ? 'done' : value.choices[0]?.delta.content))).toEqual(
      '0 1 2 3 4 5 6 done done'.split(' '),
    );
  });

  test('a call of next() that is made when a piece has come does not overtake those that wait', async () => {
    const { router } = fakeRouter({ a: pieces('0', ['1', '2', '3']) });
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    let late: Promise<IteratorResult<ChatChunk>> | undefined;
    await iterator.next();
    const first = iterator.next();
    const asked = first.then(() => void (late = iterator.next()));
    const second = iterator.next();
    await asked;
    const results = await Promise.all([first, second, late]);
    expect(results.map((result) => result?.value?.choices[0]?.delta.content)).toEqual(['1', '2', '3']);
  });

  test('the collected stream is the answer of a chat, but for its route', async () => {
    const { router } = fakeRouter({ a: 'the whole text' });
    const collected = await collect(await router.stream(hello));
    const answer = await router.chat(hello);
    expect(collected.choices.map(({ message }) => message)).toEqual(answer.choices.map(({ message }) => message));
    expect(collected).toMatchObject({ object: 'chat.completion', route: { provider: 'a', attempts: [{ provider: 'a' }] } });
  });

  test('collecting a stream that breaks rejects: part of an answer is no answer', async () => {
    const { router } = fakeRouter({ a: pieces('one', fault('driver')) });
    expect(await failureOf(collect(await router.stream(hello)))).toMatchObject({ code: 'stream_interrupted' });
  });

  test('textOf gives the text of the first choice, piece by piece', async () => {
    const { router } = fakeRouter({ a: pieces(role, 'one ', ['two ', 'three']) });
    const texts = [];
    for await (const text of textOf(await router.stream(hello))) texts.push(text);
    expect(texts).toEqual(['one ', 'two ', 'three']);
  });

  test('textOf gives that of no other choice, whichever comes first', async () => {
    const both = { choices: [choice(1, 'two'), choice(0, 'one')] };
    const { router } = fakeRouter({ a: sending([both, { choices: [choice(1, ' more')] }, { choices: [choice(0, ' end')] }]) });
    const texts = [];
    for await (const text of textOf(await router.stream(hello))) texts.push(text);
    expect(texts).toEqual(['one', ' end']);
  });

  test('what is told beside the content is in the route and in the event of the end', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const { router, events } = fakeRouter({ a: sending([{ content: 'one' }, { choices: [], usage, degraded: true }, { content: 'two' }]) });
    const stream = await router.stream(hello);
    expect(stream.route.degraded).toBe(false);
    await readAll(stream);
    expect(stream.route.degraded).toBe(true);
    expect(events.of('request:end')).toMatchObject([{ usage }]);
  });

  test('leaving the loop over textOf leaves the stream', async () => {
    const { router, events, fakes } = fakeRouter({ a: pieces('one', 'two', 'hang') });
    for await (const _ of textOf(await router.stream(hello))) break;
    expect(events.of('request:end')).toMatchObject([{ abandoned: true }]);
    expect(fakes.a.openStreams()).toBe(0);
  });
});
