import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { refuseOddShape } from '../../src/http/json-shape.ts';
import { type Asked, askChat, chatBody, chatPath, front, inner, listen, rawRequest, refusalIn, sendRaw } from './handler-kit.ts';

/** A body that arrives in pieces, without a length. */
function streamed(...pieces: readonly (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const left = pieces.map((piece) => (typeof piece === 'string' ? encoder.encode(piece) : piece));
  return new ReadableStream({
    pull(controller) {
      const piece = left.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
}

/** A request with one text, as large as wanted. */
const bodyOf = (content: string): string => JSON.stringify({ model: inner.model, messages: [{ role: 'user', content }] });

describe('the size of a body', () => {
  const spare = bodyOf('').length;
  const exact = bodyOf('x'.repeat(1_000 - spare));
  const larger = bodyOf('x'.repeat(1_001 - spare));

  test.each([
    ['declared', exact],
    ['in pieces', streamed(exact.slice(0, 10), exact.slice(10))],
  ])('may be the limit, %s', async (_, body) => {
    const { handler, behind } = front({ maxBodyBytes: 1_000 });
    expect((await askChat(handler, { body })).status).toBe(200);
    expect(behind.clock.timers()).toBe(0);
  });

  test.each<[string, NonNullable<Asked['body']>, Record<string, string>]>([
    ['declared', larger, { 'content-length': '1001' }],
    ['in one piece', streamed(larger), {}],
    ['in many pieces', streamed(...larger), {}],
    ['with a length that is too small', streamed(larger), { 'content-length': '10' }],
    ['with a length that is no number', streamed(larger), { 'content-length': 'ten' }],
    ['with a length below nothing', streamed(larger), { 'content-length': '-1' }],
    ['with a length that is larger than the body', streamed(exact), { 'content-length': '1001' }],
    ['of many bytes in few characters', streamed(bodyOf('€'.repeat(400))), {}],
  ])('may not be larger, %s', async (_, body, headers) => {
    const { handler, behind } = front({ maxBodyBytes: 1_000 });
    expect(await refusalIn(await askChat(handler, { body, headers }))).toMatchObject({ status: 413, code: 'body_too_large' });
    expect(behind.fakes[inner.provider].calls).toHaveLength(0);
  });

  test('is 4 MiB at most where nothing else is said, and what comes after the limit is not read', async () => {
    let read = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          read += 65_536;
          controller.enqueue(new Uint8Array(65_536).fill(120));
        },
      },
      { highWaterMark: 0 },
    );
    expect((await askChat(front().handler, { body })).status).toBe(413);
    expect(read).toBe(4_194_304 + 65_536);
  });
});

const head = (headers: Record<string, string>): string => rawRequest('POST', chatPath, { 'content-type': 'application/json', ...headers });

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

describe('over a socket, a body', () => {
  const limited = front({ maxBodyBytes: 1_000 });

  test('in chunks is read', async () => {
    await using server = await listen(limited.handler);
    const answer = await sendRaw(
      server.port,
      head({ 'transfer-encoding': 'chunked' }) + chunk(chatBody.slice(0, 5)),
      chunk(chatBody.slice(5)),
      chunk(''),
    );
    expect(answer.status).toBe(200);
  });

  test.each([
    ['in chunks that grow over the limit', head({ 'transfer-encoding': 'chunked' }), chunk('x'.repeat(600)) + chunk('x'.repeat(600)), 413],
    ['in chunks without an end', head({ 'transfer-encoding': 'chunked' }), chunk('x'.repeat(600)).repeat(100), 413],
    ['of a length over the limit that never comes', head({ 'content-length': '999999999' }), '{', 413],
    ['longer than its length', head({ 'content-length': '2' }), '{}{"model":1}', 400],
    ['with two lengths', head({ 'content-length': '2' }).replace('\r\n\r\n', '\r\ncontent-length: 3\r\n\r\n'), '{} ', 400],
    ['with a length and in chunks', head({ 'content-length': '2', 'transfer-encoding': 'chunked' }), chunk('{}') + chunk(''), 400],
    ['of a length below nothing', head({ 'content-length': '-1' }), '{}', 400],
    ['in a coding that nobody knows', head({ 'transfer-encoding': 'gzip, chunked' }), chunk('{}') + chunk(''), 400],
  ])('%s is refused', async (_, first, rest, status) => {
    await using server = await listen(limited.handler);
    const answer = await sendRaw(server.port, first, rest);
    expect(answer.status).toBe(status);
    expect(limited.behind.fakes[inner.provider].calls.map(({ verb }) => verb).filter((verb) => verb !== 'chat')).toEqual([]);
  });

  test('that ends early and is followed by silence is refused when its time is up', async () => {
    const slow = front({ bodyTimeoutMs: 5_000 });
    await using server = await listen(slow.handler);
    const answer = sendRaw(server.port, head({ 'content-length': '100' }) + '{"model"');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await slow.behind.clock.advance(4_999);
    expect(slow.entries).toEqual([]);
    await slow.behind.clock.advance(1);
    await slow.behind.clock.settle();
    // The connection is not kept for the rest of it.
    await slow.behind.clock.advance(2_000);
    expect(await answer).toMatchObject({ status: 408, text: expect.stringContaining('body_timeout') as string });
  });
});

test.each([1, 9_999])('a body of which nothing has come for %i ms is still waited for, and after 10 s no more', async (waitedMs) => {
  const { handler, behind, entries } = front();
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"mod')),
    cancel: () => void (isCancelled = true),
  });
  const response = askChat(handler, { body });
  await behind.clock.settle();
  await behind.clock.advance(waitedMs);
  expect(entries).toEqual([]);
  await behind.clock.advance(10_000 - waitedMs);
  expect(await refusalIn(await response)).toMatchObject({ status: 408, code: 'body_timeout' });
  expect(isCancelled).toBe(true);
  expect(behind.clock.timers()).toBe(0);
});

test.each(['before it began', 'in the middle of it'])(
  'a body that never ends is not waited for when the caller has gone %s',
  async (when) => {
    const { handler, behind, entries } = front();
    const leaving = new AbortController();
    if (when === 'before it began') leaving.abort();
    const response = askChat(handler, { body: new ReadableStream(), signal: leaving.signal });
    await behind.clock.settle();
    leaving.abort();
    await behind.clock.settle();
    expect(entries).toMatchObject([{ status: 499, cut: true }]);
    expect((await response).status).toBe(499);
    expect(behind.clock.timers()).toBe(0);
  },
);

describe('the form of a body', () => {
  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])('may be %s', async (type) => {
    expect((await askChat(front().handler, { headers: { 'content-type': type } })).status).toBe(200);
  });

  test.each([
    ['gzip', 415],
    ['br', 415],
    ['deflate', 415],
    ['gzip, identity', 415],
    ['identity', 200],
  ])('with the encoding %s gets %i', async (encoding, status) => {
    const body = encoding.includes('gzip') ? gzipSync(chatBody) : chatBody;
    expect((await askChat(front().handler, { body, headers: { 'content-encoding': encoding } })).status).toBe(status);
  });

  test.each(['application/json; charset=utf-16', 'application/jsonp', 'application/ld+json', 'text/json', 'application/json, text/plain'])(
    'may not be %s',
    async (type) => {
      expect((await askChat(front().handler, { headers: { 'content-type': type } })).status).toBe(415);
    },
  );

  test.each([
    ['nothing', ''],
    ['spaces', '   '],
    ['a word', 'hello'],
    ['half of it', chatBody.slice(0, -1)],
    ['more than one', `${chatBody}${chatBody}`],
    ['a comma too many', '{"model":"m",}'],
    ['single quotes', "{'model':'m'}"],
    ['a comment', '{/* */"model":"m"}'],
    ['no number', '{"model":NaN}'],
    ['a byte order mark alone', '\ufeff'],
    ['control characters in a text', '{"model":"a\u0000b"}'],
    ['brackets that close too often', ']]]]{{{{'],
    ['a quote without an end', '{"model":"\\'],
    ['a name without an end', '{"a\\u12":1}'],
  ])('is refused where it is %s', async (_, body) => {
    const { handler, behind } = front();
    expect(await refusalIn(await askChat(handler, { body: streamed(body) }))).toMatchObject({ status: 400, code: 'invalid_json' });
    expect(behind.fakes[inner.provider].calls).toHaveLength(0);
  });

  test.each([
    ['cut in the middle of a character', [0x22, 0xe2, 0x82]],
    ['an encoding that UTF-8 forbids', [0x22, 0xc0, 0xaf, 0x22]],
    ['half a pair', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['latin1', [0x22, 0xe9, 0x22]],
    ['UTF-16', [0x22, 0x00, 0x22, 0x00]],
  ])('is refused where it is %s', async (_, bytes) => {
    const response = await askChat(front().handler, { body: streamed(new Uint8Array(bytes)) });
    expect(await refusalIn(response)).toMatchObject({ status: 400, code: 'invalid_json' });
  });

  test('may be cut anywhere, in the middle of a character too', async () => {
    const { handler, behind } = front();
    const bytes = new TextEncoder().encode(bodyOf('€ 模型 😀'));
    await askChat(handler, { body: streamed(...Array.from(bytes, (byte) => new Uint8Array([byte]))) });
    expect(behind.fakes[inner.provider].calls[0]?.request).toMatchObject({ messages: [{ content: '€ 模型 😀' }] });
  });

  test('that somebody has read before is our failure and no riddle', async () => {
    const request = new Request(`http://localhost${chatPath}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: chatBody,
    });
    await request.text();
    expect(await refusalIn(await front().handler(request))).toMatchObject({ status: 500, code: 'body_consumed' });
  });
});

const many = (count: number, one: (index: number) => string): string => Array.from({ length: count }, (_, index) => one(index)).join(',');

describe('a body made to cost', () => {
  test.each([
    ['lists in lists', '['.repeat(2_000_000)],
    ['objects in objects', '{"a":'.repeat(400_000)],
    ['65 levels', `${'['.repeat(65)}${']'.repeat(65)}`],
    ['half a million names', `{${many(400_000, (index) => `"${index.toString(36)}":0`)}}`],
    ['a million empty lists', `[${many(1_300_000, () => '[]')}]`],
    ['one name a million times', `{${many(700_000, () => '"":0')}}`],
    ['quotes that are escaped', `["${'\\"'.repeat(2_000_000)}`],
    ['backslashes', `["${'\\'.repeat(4_000_000)}"]`],
    ['names that are never told', `{${'"a",'.repeat(1_000_000)}}`],
    ['two million numbers', `{"messages":[${many(2_000_000, () => '1')}]}`],
    ['a million empty texts', `{"messages":[${many(1_300_000, () => '""')}]}`],
  ])('is refused in no time: %s', async (_, body) => {
    const startMs = performance.now();
    const response = await askChat(front().handler, { body: streamed(body) });
    const tookMs = performance.now() - startMs;
    expect(await refusalIn(response)).toMatchObject({ status: 400 });
    expect(tookMs).toBeLessThan(1_000);
  });

  test('is not one with a picture of megabytes, 64 levels, 50,000 fields or 50,000 items', () => {
    const nested = `${'['.repeat(64)}${']'.repeat(64)}`;
    const wide = `{${many(50_000, (index) => `"${index}":"a\\"b"`)}}`;
    const long = `[${many(50_000, () => '",,,[{"')}]`;
    for (const text of [JSON.stringify({ image: 'A'.repeat(4_000_000) }), nested, wide, long]) refuseOddShape(text);
    expect(() => refuseOddShape(`[${nested}]`)).toThrow('64 levels');
    expect(() => refuseOddShape(`[${wide}]`)).toThrow('50000 fields');
    expect(() => refuseOddShape(`[${long}]`)).toThrow('50000 fields and items');
  });
});

describe('a name that stands twice in an object', () => {
  test.each([
    '{"model":"a","model":"b"}',
    '{"model":"a","messages":[],"model":"a"}',
    '{"model":"a","mode\\u006c":"b"}',
    '{"a":[{"b":1},{"c":1,"c":2}]}',
    '{"a" : 1 , "a"\n:2}',
    '{"":1,"":2}',
    '{"a":"\\\\","b":1,"b":2}',
    '{"a\\\\":1,"a\\\\":2}',
    '{"__proto__":1,"__proto__":2}',
  ])('is refused: %s', async (body) => {
    const response = await askChat(front().handler, { body });
    expect(await refusalIn(response)).toMatchObject({
      status: 400,
      code: 'invalid_json',
      text: expect.stringContaining('two fields of one name') as string,
    });
  });

  test.each(['{"a":{"a":{"a":1}}}', '[{"a":1},{"a":1}]', '{"a":"a","b":"a","c":["a","a"]}', '{"a":"\\"a\\":1,\\"a\\":"}', '["a","a"]'])(
    'is none in %s',
    (text) => {
      expect(() => refuseOddShape(text)).not.toThrow();
    },
  );
});

test('a prototype in a body changes nobody', async () => {
  const body =
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"messages":[{"role":"user","content":"x","__proto__":{"polluted":1}}]}';
  await askChat(front().handler, { body });
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});
