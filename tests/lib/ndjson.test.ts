import { setImmediate as settled } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { readLines } from '../../src/lib/ndjson.ts';
import { byteStream, cutAt, cutEvery, gather, type Piece } from '../_kit/byte-stream.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (...pieces: Piece[]): Promise<string[]> => gather(readLines(byteStream(pieces)));
const limits = { maxEventBytes: 1_000, maxStreamBytes: 100_000 };

function* forever(piece: string): Generator<string> {
  while (true) yield piece;
}

describe('what a line is', () => {
  test.each<[string, string, string[]]>([
    ['LF', '1\n2\n', ['1', '2']],
    ['CR LF', '1\r\n2\r\n', ['1', '2']],
    ['CR', '1\r2\r', ['1', '2']],
    ['blank lines', '\n1\n\n  \n\t\r\n2\n\n', ['1', '2']],
    ['a last line without an end', '1\n2', ['1', '2']],
    ['a byte order mark at the start', '\uFEFF1\n\uFEFF2\n', ['1', '\uFEFF2']],
    ['nothing', '', []],
    ['only blanks', ' \n ', []],
  ])('%s', async (_name, text, expected) => {
    expect(await read(text)).toEqual(expected);
  });
});

describe('borders of reads', () => {
  test('a stream cut at any byte gives the same lines', async () => {
    const bytes = encode('{"a":"Grüße, 世界 👋"}\r\n\r\n{"b":"\\u2028\u2028"}\n[1]\r{"c":1}');
    const whole = await read(bytes);
    expect(whole).toEqual(['{"a":"Grüße, 世界 👋"}', '{"b":"\\u2028\u2028"}', '[1]', '{"c":1}']);
    for (let at = 0; at <= bytes.length; at++) expect(await read(...cutAt(bytes, at))).toEqual(whole);
    expect(await read(...cutEvery(bytes, 1))).toEqual(whole);
  });

  test('one batch per read, and none for a read that ends no line', async () => {
    const batches: number[] = [];
    for await (const batch of readLines(byteStream(['1\n2\n3', '4', '\n', '\n', '5\n', '6']))) batches.push(batch.length);
    expect(batches).toEqual([2, 1, 1, 1]);
  });

  test('a character cut off by the end becomes a replacement character', async () => {
    expect(await read('1\n', encode('é').subarray(0, 1))).toEqual(['1', '\uFFFD']);
  });
});

describe('limits', () => {
  test('a line without end ends with limit_exceeded, long before the limit of the stream', async () => {
    const body = byteStream(forever('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'));
    await expect(gather(readLines(body, limits))).rejects.toMatchObject({ code: 'limit_exceeded' });
    expect(body.state.reads).toBeLessThan(100);
    expect(body.state.cancelled).toBe(true);
  });

  test.each([
    ['lines', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n'],
    ['blanks', '\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n'],
  ])('endless %s end with limit_exceeded', async (_name, piece) => {
    await expect(gather(readLines(byteStream(forever(piece)), limits))).rejects.toMatchObject({ code: 'limit_exceeded' });
  });

  test('a line that is one character too large is refused, in one read and in many, after those before it', async () => {
    const bytes = encode(`1\n${'b'.repeat(1_001)}\n2\n`);
    for (const pieces of [[bytes], cutEvery(bytes, 1), cutEvery(bytes, 300)]) {
      const lines = readLines(byteStream(pieces), limits);
      expect((await lines.next()).value).toEqual(['1']);
      await expect(lines.next()).rejects.toMatchObject({
        code: 'limit_exceeded',
        phase: undefined,
        message: 'The stream holds one line larger than 1000 bytes.',
      });
    }
  });

  test('a stream that is too large in all is another error', async () => {
    await expect(gather(readLines(byteStream(forever('1\n')), limits))).rejects.toMatchObject({
      code: 'limit_exceeded',
      phase: 'total',
      message: 'The stream is larger than 100000 bytes.',
    });
  });

  test('a line as large as the limit passes', async () => {
    expect(await gather(readLines(byteStream(['a'.repeat(600), `${'a'.repeat(400)}\n`]), limits))).toHaveLength(1);
  });
});

describe('the body', () => {
  test('is cancelled and let go when the reader leaves early', async () => {
    const body = byteStream(['1\n', '2\n']);
    for await (const _ of readLines(body)) break;
    expect(body.state.cancelled).toBe(true);
    expect(body.locked).toBe(false);
  });

  test('runs out when the reader leaves with a complete answer', async () => {
    const body = byteStream(['1\n', '2\n']);
    for await (const _ of readLines(body, limits, () => true)) break;
    await settled();
    expect(body.state).toEqual({ cancelled: false, reads: 3 });
    expect(body.locked).toBe(false);
  });

  test('is not cancelled when it was read to its end', async () => {
    const body = byteStream(['1\n']);
    await gather(readLines(body));
    expect(body.state.cancelled).toBe(false);
  });

  test('that breaks gives its finished lines and then a classified fault; the half line is never handed on', async () => {
    const lines = readLines(byteStream(['1\n2'], Object.assign(new TypeError('terminated'), { cause: { code: 'UND_ERR_SOCKET' } })));
    expect((await lines.next()).value).toEqual(['1']);
    await expect(lines.next()).rejects.toMatchObject({ code: 'unavailable', reason: 'UND_ERR_SOCKET' });
  });
});
