import { expect, test } from 'vitest';
import { type Body, sourceOf } from '../../src/lib/byte-source.ts';
import type { TransportResponse } from '../../src/lib/transport.ts';
import { mostGrowth, mostUnpacked, packingsOf, unpacked } from '../../src/lib/unpacked.ts';
import { byteStream } from '../_kit/byte-stream.ts';
import { failureOf } from '../_kit/fake-router.ts';

const kibibyte = 'x'.repeat(1024);
function response(headers: Readonly<Record<string, string>>, kibibytes: number) {
  const body = byteStream(Array.from({ length: kibibytes }, () => kibibyte));
  const whole: TransportResponse = { status: 200, header: (name) => headers[name] ?? null, body, text: () => new Response(body).text() };
  return { whole, body };
}
async function sizeOf({ body }: TransportResponse): Promise<number> {
  const source = sourceOf(body as Body);
  let bytes = 0;
  for (let read = await source.read(); read !== undefined; read = await source.read()) bytes += read.byteLength;
  return bytes;
}

test.each([
  [undefined, []],
  ['identity', []],
  ['gzip', ['gzip']],
  ['GZIP, identity,', ['gzip']],
  ['gzip, br', ['gzip', 'br']],
])('the packings of %j', (said, names) => {
  expect(packingsOf({ header: () => said ?? null })).toEqual(names);
});

test('what is not packed is handed on as it is', () => {
  const { whole } = response({ 'content-length': '1' }, 200);
  expect(unpacked(whole)).toBe(whole);
});

test('what was packed once and grew within the bound is read', async () => {
  const length = 200 * 1024;
  const { whole } = response({ 'content-encoding': 'gzip', 'content-length': String(length / mostGrowth) }, 200);
  expect(await sizeOf(unpacked(whole))).toBe(length);
});

test('what is small may grow by more', async () => {
  const { whole } = response({ 'content-encoding': 'gzip', 'content-length': '20' }, 64);
  expect(await sizeOf(unpacked(whole))).toBe(64 * 1024);
});

test('what grows beyond the bound is refused, and its connection is closed', async () => {
  const { whole, body } = response({ 'content-encoding': 'gzip', 'content-length': '1024' }, 1_000);
  expect(await failureOf(sizeOf(unpacked(whole)))).toMatchObject({ code: 'limit_exceeded' });
  expect(body.state).toEqual({ cancelled: true, reads: 101 });
});

test('what is of unknown length may hold as much as any, and no more', async () => {
  const allowed = mostUnpacked / 1024;
  const { whole } = response({ 'content-encoding': 'gzip' }, allowed);
  expect(await sizeOf(unpacked(whole))).toBe(mostUnpacked);
  const { whole: larger } = response({ 'content-encoding': 'gzip', 'content-length': '1000000' }, allowed + 1);
  expect(await failureOf(sizeOf(unpacked(larger)))).toMatchObject({ code: 'limit_exceeded' });
});

test('leaving it closes the connection', async () => {
  const { whole, body } = response({ 'content-encoding': 'gzip', 'content-length': '1024' }, 1_000);
  await unpacked(whole).body?.cancel();
  expect(body.state.cancelled).toBe(true);
});

test('what was packed several times is refused unread', () => {
  const { whole, body } = response({ 'content-encoding': 'gzip, gzip' }, 1);
  expect(() => unpacked(whole)).toThrow(expect.objectContaining({ code: 'bad_response' }));
  expect(body.state).toEqual({ cancelled: true, reads: 0 });
});
