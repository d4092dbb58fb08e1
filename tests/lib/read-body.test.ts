import { describe, expect, test } from 'vitest';
import { jsonLimits } from '../../src/lib/json.ts';
import { readBody } from '../../src/lib/read-body.ts';
import { byteStream, type Piece } from '../_kit/byte-stream.ts';
import { failureOf } from '../_kit/fake-router.ts';

const mebibyte = 1024 * 1024;
const limitBytes = 4 * mebibyte;
const piece = 'x'.repeat(mebibyte / 4);

function response(pieces: Iterable<Piece>, headers: Readonly<Record<string, string>> = {}) {
  const body = byteStream(pieces);
  let wasReadAtOnce = false;
  const text = (): Promise<string> => {
    wasReadAtOnce = true;
    return new Response(body).text();
  };
  return { status: 200, header: (name: string) => headers[name] ?? null, body, text, wasReadAtOnce: () => wasReadAtOnce };
}

function* objects(): Generator<string> {
  yield '[';
  for (;;) yield '{},'.repeat(10_000);
}

function* endless(): Generator<string> {
  for (;;) yield piece;
}

test('a small body of known length is read at once', async () => {
  const small = response(['abc'], { 'content-length': '3' });
  expect(await readBody(small, limitBytes, 'json')).toBe('abc');
  expect(small.wasReadAtOnce()).toBe(true);
});

test.each<[string, Record<string, string>]>([
  ['unknown length', {}],
  ['known length, packed', { 'content-length': '3', 'content-encoding': 'gzip' }],
  ['known length above a mebibyte', { 'content-length': String(2 * mebibyte) }],
])('a body of %s is read piece by piece', async (_, headers) => {
  const large = response(
    Array.from({ length: 8 }, () => piece),
    headers,
  );
  expect(await readBody(large, limitBytes, 'text')).toBe(piece.repeat(8));
  expect(large.wasReadAtOnce()).toBe(false);
});

describe('above the limit', () => {
  test('a body whose length says so is refused unread', async () => {
    const large = response(endless(), { 'content-length': String(limitBytes + 1) });
    expect(await failureOf(readBody(large, limitBytes, 'json'))).toMatchObject({ code: 'limit_exceeded' });
    expect(large.body.state).toEqual({ cancelled: true, reads: 0 });
  });

  test('a body of unknown length is refused when it is passed', async () => {
    const large = response(endless());
    expect(await failureOf(readBody(large, limitBytes, 'text'))).toMatchObject({ code: 'limit_exceeded' });
    expect(large.body.state).toEqual({ cancelled: true, reads: 17 });
  });

  test('what was read is given where that will do', async () => {
    const large = response(endless(), { 'content-length': '1000000000' });
    expect(await readBody(large, limitBytes, 'cut')).toBe(piece.repeat(16));
    expect(large.body.state.cancelled).toBe(true);
  });
});

describe('JSON that holds too much', () => {
  test('is refused while it comes, and its connection is closed', async () => {
    const large = response(objects(), { 'content-length': String(limitBytes) });
    expect(await failureOf(readBody(large, limitBytes, 'json'))).toMatchObject({ code: 'limit_exceeded' });
    expect(large.body.state).toEqual({ cancelled: true, reads: jsonLimits.parts / 10_000 + 1 });
  });

  test('is no concern where a text is read', async () => {
    const large = response(Array.from({ length: 100 }, () => '[{},'));
    expect(await readBody(large, limitBytes, 'text')).toHaveLength(400);
  });
});

test('a body of very many pieces gives others a turn', async () => {
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 0);
  await readBody(response(Array.from({ length: 10_000 }, () => 'x')), limitBytes, 'text');
  clearInterval(timer);
  expect(turns).toBeGreaterThan(10);
});
