import { describe, expect, test } from 'vitest';
import { isCount, isPositive, jsonLimits, parseJson, tooDeep, tooMuch } from '../../src/lib/json.ts';

const texts = (count: number): string => `[${Array.from({ length: count }, () => '"a"').join(',')}]`;
const nested = (depth: number, inside = ''): string => '['.repeat(depth) + inside + ']'.repeat(depth);

test('a text that is no JSON is undefined', () => {
  expect(parseJson('{"a":')).toBeUndefined();
});

test.each([
  [0, true, false],
  [1, true, true],
  [0.5, false, true],
  [-1, false, false],
  [2 ** 53, false, true],
  [Infinity, false, false],
  ['1', false, false],
])('%s: a count is %s, a positive number is %s', (value, counts, measures) => {
  expect([isCount(value), isPositive(value)]).toEqual([counts, measures]);
});

describe('depth', () => {
  test.each([
    ['lists', nested(jsonLimits.depth)],
    ['objects', '{"a":'.repeat(jsonLimits.depth) + '0' + '}'.repeat(jsonLimits.depth)],
    ['brackets in a text', JSON.stringify('['.repeat(1_000))],
    ['brackets behind a quote in a text', JSON.stringify(`"\\"${'['.repeat(1_000)}`)],
    ['many lists beside each other', `[${'[],'.repeat(1_000)}[]]`],
  ])('%s are parsed', (_, text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  test.each([
    ['a level more', nested(jsonLimits.depth + 1)],
    ['100,000 levels', nested(100_000)],
    ['100,000 levels that never close', '['.repeat(100_000)],
    ['objects and lists in turn', '{"a":['.repeat(33) + ']}'.repeat(33)],
    ['levels behind a text that ends in backslashes', `["\\\\",${nested(jsonLimits.depth)}]`],
  ])('%s is refused', (_, text) => {
    expect(() => parseJson(text)).toThrow(expect.objectContaining({ code: 'limit_exceeded', message: tooDeep }));
  });
});

describe('size', () => {
  test('as many parts as are allowed are parsed, one more is refused', () => {
    expect(parseJson(texts(jsonLimits.parts - 1))).toHaveLength(jsonLimits.parts - 1);
    expect(() => parseJson(texts(jsonLimits.parts))).toThrow(tooMuch);
  });

  test.each([
    ['a million keys', `{${Array.from({ length: 1_000_000 }, (_, index) => `"${index}":1`).join(',')}}`],
    ['a million empty objects', `[${'{},'.repeat(1_000_000)}0]`],
    ['more numbers than any list of embeddings', `[${'0,'.repeat(jsonLimits.values)}0,0]`],
  ])('%s are refused before they are parsed', (_, text) => {
    expect(() => parseJson(text)).toThrow(expect.objectContaining({ code: 'limit_exceeded', message: tooMuch }));
  });

  test('a text of ten million characters is one part', () => {
    const text = JSON.stringify('a"'.repeat(5_000_000));
    expect(parseJson(text)).toHaveLength(10_000_000);
  });
});

test('a key that names a prototype is a key like any other', () => {
  const value = parseJson('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
  expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});
