import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placesIn, readJsonText } from '../../src/config/json-text.ts';

const quiet = { value: () => undefined, duplicate: () => undefined };
const read = (text: string): ReturnType<typeof readJsonText> => readJsonText(text, quiet);

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

test('every JSON is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json({ depthSize: 'medium' }), fc.constantFrom(undefined, 1, '\t', '\r\n'), (text, indent) => {
      const spaced = JSON.stringify(JSON.parse(text), undefined, indent);
      expect(read(spaced)).toEqual(parsed(spaced));
    }),
    { numRuns: 1_000 },
  );
});

test('what JSON.parse refuses is refused, and nothing else is', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"a"',
    '"\\u00e9"',
    '"\\x"',
    '\\',
    '1',
    '-',
    '0.5',
    '01',
    '1e9',
    'true',
    'nul',
    ' ',
    '\n',
    '\u00a0',
    '\ufeff',
    'é',
  );
  const noise = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  const broken = fc.tuple(fc.json(), fc.nat(), piece, fc.boolean()).map(([text, place, sign, isPutIn]) => {
    const at = place % (text.length + 1);
    return text.slice(0, at) + (isPutIn ? sign : '') + text.slice(isPutIn ? at : at + 1);
  });
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(noise, broken), (text) => {
      const expected = text.startsWith('\ufeff') ? parsed(text.slice(1)) : parsed(text);
      const result = read(text);
      if (expected === undefined) refused += 1;
      expect('value' in result ? result : undefined).toEqual(expected);
    }),
    { numRuns: 4_000 },
  );
  expect(refused).toBeGreaterThan(500);
});

test('a problem never repeats the text', () => {
  const text = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('zqzq', '"zqzq', '\\zqzq', "'zqzq'"));
  fc.assert(
    fc.property(text, ([json, place, canary]) => {
      const at = place % (json.length + 1);
      const result = read(json.slice(0, at) + canary + json.slice(at));
      if ('problem' in result) expect(result.problem).not.toContain('zqzq');
    }),
    { numRuns: 1_000 },
  );
});

describe('where things stand', () => {
  test.each([
    ['{"a":\r\n  1,}', 2, 4],
    ['\ufeff{a', 1, 2],
    ['[1,\r2,\n x]', 3, 2],
    ['{"a": "never closed}', 1, 7],
    ['{"a": "x\\n\n"}', 1, 11],
    ['{"a": "\\d"}', 1, 8],
    ['[1, 2', 1, 6],
    ['[1,\nx]', 2, 1],
  ])('%j is no JSON from line %i, column %i on', (text, line, column) => {
    const result = read(text);
    expect('offset' in result ? placesIn(text)(result.offset) : result).toEqual({ line, column });
  });

  test('each value is told with its path, a name that is there twice as well', () => {
    const seen: string[] = [];
    const note = (path: readonly unknown[], offset: number, kind = ''): void => void seen.push(`${path.join('.')}@${offset}${kind}`);
    readJsonText('{"a": [1, {"b": 2}], "a": 3}', { value: note, duplicate: (path, offset) => note(path, offset, ' again') });
    expect(seen).toEqual(['@0', 'a@6', 'a.0@7', 'a.1@10', 'a.1.b@16', 'a@21 again', 'a@26']);
  });
});

test('a name of the prototype is an entry, and the prototype is left alone', () => {
  const result = read('{"__proto__": {"polluted": 1}}');
  expect('value' in result && Object.keys(result.value as object)).toEqual(['__proto__']);
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});

test('depth has a limit, and long texts none of their own', () => {
  expect(read('['.repeat(100_000))).toMatchObject({ problem: 'nested more than 32 levels deep' });
  expect(read(`${'['.repeat(32)}${']'.repeat(32)}`)).toHaveProperty('value');
  const long = JSON.stringify('é"\\\n'.repeat(200_000));
  expect(read(long)).toEqual({ value: JSON.parse(long) as unknown });
});
