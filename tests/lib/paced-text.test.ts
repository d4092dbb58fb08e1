import { expect, test, vi } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { partBytes } from '../../src/lib/paced-text.ts';
import { openText } from '../../src/lib/stream-text.ts';
import { byteStream } from '../_kit/byte-stream.ts';
import { nextOf } from '../_kit/text-body.ts';

const limitBytes = 64 * 1024 * 1024;

interface Told {
  readonly pieces: readonly string[];
  /** How often another timer had its turn. */
  readonly turns: number;
}

/** Reads to the end, and pretends to work for `workMs` on each piece. */
async function readAll(bodyPieces: Iterable<string>, workMs: number): Promise<Told> {
  let nowMs = 1_000;
  let turns = 0;
  vi.spyOn(systemClock, 'nowMs').mockImplementation(() => nowMs);
  const ticker = setInterval(() => void (turns += 1), 0);
  const text = openText(byteStream(bodyPieces), limitBytes);
  const pieces: string[] = [];
  for (let piece = await nextOf(text); piece !== undefined; piece = await nextOf(text)) {
    pieces.push(piece);
    nowMs += workMs;
  }
  clearInterval(ticker);
  text.close();
  return { pieces, turns };
}

test('pieces up to the limit are handed on as they came', async () => {
  const given = ['a', 'b'.repeat(partBytes), 'c'];
  expect((await readAll(given, 0)).pieces).toEqual(given);
});

test('a larger one is handed on in parts, and nothing of it is lost', async () => {
  const given = `${'x'.repeat(partBytes - 1)}é${'z'.repeat(partBytes - 2)}👋${'y'.repeat(10)}`;
  const { pieces } = await readAll([given, 'after'], 0);
  expect(pieces.map(({ length }) => length)).toEqual([partBytes - 1, partBytes - 1, 2 + 10, 5]);
  expect(pieces.join('')).toBe(`${given}after`);
});

test('others get their turn while a large piece is worked on', async () => {
  expect((await readAll(['x'.repeat(10 * partBytes)], 11)).turns).toBeGreaterThanOrEqual(9);
});

test('which they get as well when only several parts together take long', async () => {
  const { turns } = await readAll(['x'.repeat(40 * partBytes)], 3);
  expect(turns).toBeGreaterThanOrEqual(8);
  expect(turns).toBeLessThan(20);
});

test('and while many small ones wait to be read', async () => {
  const { turns, pieces } = await readAll(
    Array.from({ length: 2_000 }, () => 'abc'),
    0.1,
  );
  expect(pieces).toHaveLength(2_000);
  expect(turns).toBeGreaterThanOrEqual(5);
});

test('work that is quick is not held up', async () => {
  expect((await readAll(['x'.repeat(10 * partBytes)], 0.5)).turns).toBe(0);
});

test.each([
  ['whole', [[0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf, 0x61]]],
  ['cut', [[0xef], [0xbb, 0xbf, 0xef, 0xbb, 0xbf, 0x61]]],
  ['byte by byte', [[0xef], [], [0xbb], [0xbf], [0xef], [0xbb], [0xbf], [0x61]]],
])('of two byte order marks, %s, the first one is dropped', async (_name, reads) => {
  const text = openText(byteStream(reads.map((bytes) => Uint8Array.from(bytes))), limitBytes);
  let all = '';
  for (let piece = await nextOf(text); piece !== undefined; piece = await nextOf(text)) all += piece;
  expect(all).toBe('\uFEFFa');
});

test.each([
  [[[0xef], [0xbb]], '\uFFFD'],
  [[[0xef], [0xbb, 0x61]], '\uFFFDa'],
  [[[]], ''],
])('what only began like one stays what it is: %j', async (reads, expected) => {
  const text = openText(byteStream(reads.map((bytes) => Uint8Array.from(bytes))), limitBytes);
  let all = '';
  for (let piece = await nextOf(text); piece !== undefined; piece = await nextOf(text)) all += piece;
  expect(all).toBe(expected);
});

test('leaving in the middle of a large piece cancels the body', async () => {
  const body = byteStream(['x'.repeat(3 * partBytes), 'y']);
  const text = openText(body, limitBytes);
  await nextOf(text);
  text.close();
  expect(body.state.cancelled).toBe(true);
});
