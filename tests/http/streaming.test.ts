import { describe, expect, test } from 'vitest';
import { createEnding } from '../../src/http/ending.ts';
import { createFrameSource } from '../../src/http/frame-source.ts';
import { createHandler } from '../../src/http/handler.ts';
import { after, fault, pieces } from '../_kit/fake-adapter.ts';
import { fakeRouter } from '../_kit/fake-router.ts';
import { RouterError } from '../../src/index.ts';
import { testClock } from '../_kit/test-clock.ts';
import { ask, askChat, chatBody, type Front, front, inner } from './handler-kit.ts';

const streamBody = JSON.stringify({ ...(JSON.parse(chatBody) as object), stream: true });
const texts = pieces('one', 'two', 'three');

/** Every character that some reader of lines takes for the end of one. */
// oxlint-disable-next-line no-control-regex
const anyLineBreak = /\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/;

const injections: [string, string][] = [
  ['an event', '\n\ndata: {"injected":1}\n\n'],
  ['an event after carriage returns', '\r\rdata: {"injected":1}\r\r'],
  ['an event after both', '\r\n\r\ndata: {"injected":1}\r\n\r\n'],
  ['an error', '\nevent: error\ndata: {"injected":1}\n\n'],
  ['the end', '\n\ndata: [DONE]\n\n'],
  ['an id and a pause', '\nid: 1\nretry: 1\n\n'],
  ['a comment', '\n: injected\n\n'],
  ["Unicode's line break", '\u2028data: {"injected":1}\u2028\u2028'],
  ["Unicode's paragraph", '\u2029\u2029data: {"injected":1}\u2029\u2029'],
  ['the next line of old', '\u0085\u0085data: {"injected":1}\u0085\u0085'],
  ['other separators', '\v\f\u001c\u001d\u001edata: {"injected":1}\u001e'],
  ['a byte order mark', '\ufeffdata: {"injected":1}'],
  ['a NUL', '\0data: {"injected":1}'],
  ['quotes and backslashes', '"}\n\ndata: {"a":"\\"}\\\\n\\n'],
  ['half a pair', '\ud800'],
];

const streamed: [string, object, (line: string) => string][] = [
  ['/v1/chat/completions', JSON.parse(streamBody) as object, (line) => line.slice('data: '.length)],
  ['/v1/completions', { model: inner.model, prompt: 'Hello!', stream: true }, (line) => line.slice('data: '.length)],
  ['/v1/messages', { ...(JSON.parse(streamBody) as object), max_tokens: 9 }, (line) => line.slice('data: '.length)],
  ['/api/chat', JSON.parse(streamBody) as object, (line) => line],
  ['/api/generate', { model: inner.model, prompt: 'Hello!' }, (line) => line],
];

const headsOf = (all: readonly string[]): string[] => all.map((line) => line.split(/[:{]/, 1)[0] ?? '');

describe.each(streamed)('a stream of %s', (path, body, jsonOf) => {
  const read = async (does: Parameters<typeof front>[1]): Promise<string[]> => {
    const response = await ask(front({}, does).handler, { method: 'POST', path, body: JSON.stringify(body) });
    expect(response.status).toBe(200);
    return (await response.text()).split(anyLineBreak).filter((line) => line !== '');
  };

  test.each(injections)('has as many lines with %s in the text as without', async (_, text) => {
    const lines = await read(pieces('a', text, 'b'));
    const plain = await read(pieces('a', 'c', 'b'));
    expect(headsOf(lines)).toEqual(headsOf(plain));
    const told = lines.filter((line) => /^(?:data: )?\{/.test(line)).map((line) => JSON.stringify(JSON.parse(jsonOf(line))));
    expect(told.filter((json) => json.includes(JSON.stringify(text).slice(1, -1)))).not.toEqual([]);
  });

  test('that breaks tells it in one frame of its own, whatever the words of the failure are', async () => {
    const lines = await read(pieces('a', new RouterError('bad_request', '\n\ndata: {"injected":1}\n\n'), 'b'));
    expect(lines.filter((line) => line.startsWith('data: {"injected"'))).toEqual([]);
    expect(lines.filter((line) => line.includes('[DONE]') || line.includes('message_stop') || line.includes('"done":true'))).toEqual([]);
    expect(JSON.parse(jsonOf(lines.at(-1) ?? ''))).toHaveProperty('error');
  });
});

describe('a reader of the web', () => {
  const begin = async (gate: Front): Promise<ReadableStreamDefaultReader<Uint8Array>> => {
    const { body } = await askChat(gate.handler, { body: streamBody });
    if (body === null) throw new Error('It has no body.');
    return body.getReader();
  };
  const many = pieces(...Array.from({ length: 500 }, () => 'x'));

  test('who does not ask gets nothing, and nothing is fetched for him', async () => {
    const gate = front({}, many);
    const reader = await begin(gate);
    await gate.behind.clock.settle();
    const before = gate.behind.fakes[inner.provider].piecesRead();
    expect(before).toBeLessThan(5);
    for (let count = 0; count < 10; count++) await reader.read();
    expect(gate.behind.fakes[inner.provider].piecesRead() - before).toBeLessThan(15);
    await reader.cancel();
  });

  test.each([0, 1, 3])('who stops after %i reads is cut after writeTimeoutMs', async (reads) => {
    const gate = front({ writeTimeoutMs: 20_000 }, many);
    const reader = await begin(gate);
    for (let count = 0; count < reads; count++) await reader.read();
    await gate.behind.clock.advance(19_999);
    expect(gate.entries).toEqual([]);
    expect(gate.behind.fakes[inner.provider].openStreams()).toBe(1);
    await gate.behind.clock.advance(1);
    expect(gate.entries).toMatchObject([{ cut: true }]);
    await gate.behind.clock.settle();
    expect(gate.behind.fakes[inner.provider].openStreams()).toBe(0);
    await expect(reader.read()).rejects.toThrow('The reader stopped reading.');
  });

  test('who is slow, and not too slow, gets it all', async () => {
    const gate = front({ writeTimeoutMs: 1_000 }, texts);
    const reader = await begin(gate);
    let text = '';
    for (;;) {
      await gate.behind.clock.advance(999);
      const { done, value } = await reader.read();
      if (done) break;
      text += new TextDecoder().decode(value);
    }
    expect(text).toContain('three');
    expect(text).toContain('[DONE]');
    expect(gate.entries).toMatchObject([{ cut: false }]);
    expect(gate.behind.clock.timers()).toBe(0);
  });

  test('who waits for the provider is not cut for it', async () => {
    const gate = front({ writeTimeoutMs: 1_000 }, pieces('a', 5_000, 'b'));
    const reading = (await askChat(gate.handler, { body: streamBody })).text();
    await gate.behind.clock.advance(5_000);
    expect(await reading).toContain('[DONE]');
  });

  test('who leaves in the middle frees the provider at once', async () => {
    const gate = front({}, pieces('a', 'hang'));
    const reader = await begin(gate);
    await reader.read();
    const waiting = reader.read();
    await gate.behind.clock.settle();
    expect(gate.behind.fakes[inner.provider].calls[0]?.signal.aborted).toBe(false);
    void reader.cancel();
    expect(gate.behind.fakes[inner.provider].calls[0]?.signal.aborted).toBe(true);
    await waiting;
    await gate.behind.clock.settle();
    expect(gate.behind.fakes[inner.provider].openStreams()).toBe(0);
  });

  test('whose signal says that he has gone frees it as well', async () => {
    const gate = front({}, pieces('a', 'hang'));
    const leaving = new AbortController();
    const response = await askChat(gate.handler, { body: streamBody, signal: leaving.signal });
    const reading = response.text().catch(() => undefined);
    await gate.behind.clock.settle();
    leaving.abort();
    expect(gate.behind.fakes[inner.provider].calls[0]?.signal.aborted).toBe(true);
    await reading;
    expect(gate.entries).toMatchObject([{ cut: true }]);
  });
});

test('frames are counted to their end once, whichever way they end', async () => {
  const clock = testClock();
  const ends: boolean[] = [];
  const source = createFrameSource(
    (async function* () {
      yield 'a';
      throw new Error('broken');
    })(),
    createEnding((isCut) => ends.push(isCut)),
    { clock, writeTimeoutMs: 10 },
  );
  expect(await source.next()).toBe('a');
  await expect(source.next()).rejects.toThrow('broken');
  expect(ends).toEqual([true]);
  source.leave();
  expect(await source.next()).toBeUndefined();
  expect(ends).toEqual([true]);
  expect(clock.timers()).toBe(0);
});

test('what broke them is told in a last piece, unless there is nobody left to tell', async () => {
  const ends: boolean[] = [];
  const broken = (tell: boolean): ReturnType<typeof createFrameSource<string>> =>
    createFrameSource(
      (async function* () {
        yield 'a';
        throw new Error('broken');
      })(),
      createEnding((isCut) => ends.push(isCut)),
      { clock: testClock(), writeTimeoutMs: 10 },
      (error) => (tell ? String(error) : undefined),
    );
  const told = broken(true);
  expect([await told.next(), await told.next(), await told.next(), await told.next()]).toEqual([
    'a',
    'Error: broken',
    undefined,
    undefined,
  ]);
  expect(ends).toEqual([false]);
  const untold = broken(false);
  await untold.next();
  await expect(untold.next()).rejects.toThrow('broken');
  expect(ends).toEqual([false, true]);
});

describe.each(streamed)('the head of a stream of %s', (path, body) => {
  const asked = { method: 'POST', path, body: JSON.stringify(body) };

  test('is not sent before there is content, however long it takes: until then a failure is a status', async () => {
    const { router, clock } = fakeRouter(
      { a: after(59_000, fault('rate_limited')) },
      { timeouts: { firstTokenMs: 90_000 }, maxAttempts: 1 },
    );
    let isSent = false;
    const response = ask(createHandler(router, { clock }), asked).finally(() => (isSent = true));
    await clock.advance(58_999);
    expect(isSent).toBe(false);
    await clock.advance(1);
    expect((await response).status).toBe(429);
  });

  test('comes from whoever takes over, as if nothing had been', async () => {
    const { router, clock } = fakeRouter({ a: after(59_000, fault('driver')), b: pieces('x') }, { timeouts: { firstTokenMs: 90_000 } });
    const response = await clock.run(ask(createHandler(router, { clock }), asked));
    expect([response.status, response.headers.get('x-inferlane-provider')]).toEqual([200, 'b']);
    expect(await response.text()).not.toContain('error');
  });
});

test('frames of which the reader has gone are told so, where no signal tells them', async () => {
  let isClosed = false;
  const source = createFrameSource(
    (async function* () {
      try {
        yield 'a';
        yield 'b';
      } finally {
        isClosed = true;
      }
    })(),
    createEnding(() => undefined),
    { clock: testClock(), writeTimeoutMs: 10 },
  );
  await source.next();
  source.leave();
  await Promise.resolve();
  expect(isClosed).toBe(true);
});
