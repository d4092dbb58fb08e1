import { assert, integer, jsonValue, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonLimits, parseJson, tooDeep, tooMuch } from '../../src/lib/json.ts';
import { createJsonWatch } from '../../src/lib/json-watch.ts';
import { cutEvery } from '../_kit/byte-stream.ts';

const encoder = new TextEncoder();

/** What the watch says in the end when the text comes in pieces of this many bytes. */
function lookedAt(text: string, size: number): string | undefined {
  const { look } = createJsonWatch();
  for (const piece of cutEvery(encoder.encode(text), size)) {
    const excess = look(piece);
    if (excess !== undefined) return excess;
  }
  return undefined;
}

/** What the parser says of a text that it would have to refuse for its depth. */
function refusal(text: string): string | undefined {
  try {
    parseJson(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const nested = (depth: number): string => `${'{"a":['.repeat(depth / 2)}1${']}'.repeat(depth / 2)}`;

describe.each([1, 2, 3, 7, 65_536])('in pieces of %i bytes', (size) => {
  test.each([
    ['as deep as is allowed', nested(jsonLimits.depth), undefined],
    ['deeper', nested(jsonLimits.depth + 2), tooDeep],
    ['brackets in a text', JSON.stringify('[{'.repeat(100)), undefined],
    ['brackets behind escaped quotes', JSON.stringify(`"\\"\\\\"${'[{'.repeat(100)}`), undefined],
    ['brackets behind a text that ends in a backslash', `["\\\\",${nested(jsonLimits.depth)}]`, tooDeep],
    ['brackets behind characters of several bytes', `["世界🦙\\u005c",${nested(jsonLimits.depth)}]`, tooDeep],
  ])('%s', (_, text, excess) => {
    expect(lookedAt(text, size)).toBe(excess);
  });
});

test('any JSON in any pieces is judged as the parser judges it', () => {
  const hull = integer({ min: 0, max: 70 });
  assert(
    property(jsonValue(), hull, integer({ min: 1, max: 9 }), (value, depth, size) => {
      const text = '['.repeat(depth) + JSON.stringify(value) + ']'.repeat(depth);
      expect(lookedAt(text, size)).toBe(refusal(text));
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  ['keys', (at: number) => `"${at}":1,`],
  ['objects', () => '{},'],
  ['lists', () => '[],'],
])('too many %s are refused before all of them are there', (_, part) => {
  const { look } = createJsonWatch();
  const piece = encoder.encode(Array.from({ length: 10_000 }, (__, at) => part(at)).join(''));
  const said = Array.from({ length: jsonLimits.parts / 10_000 + 1 }, () => look(piece));
  expect(said.slice(0, -1).every((excess) => excess === undefined)).toBe(true);
  expect(said.at(-1)).toBe(tooMuch);
});

test('too many numbers are refused', () => {
  const { look } = createJsonWatch();
  const piece = encoder.encode('1,'.repeat(jsonLimits.values / 4));
  expect([1, 2, 3, 4, 5].map(() => look(piece))).toEqual([undefined, undefined, undefined, undefined, tooMuch]);
});
