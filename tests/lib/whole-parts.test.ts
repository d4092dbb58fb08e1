import { describe, expect, test } from 'vitest';
import { createWholeParts, type PartRule, wholeEvents, wholeLines } from '../../src/lib/whole-parts.ts';
import { slowdown } from './slowdown.ts';

/** What each piece ended, then what is left, then whether a part was too long. */
function told(rule: PartRule, pieces: readonly string[], maxChars = 10): readonly unknown[] {
  const parts = createWholeParts(rule, maxChars);
  return [...pieces.map((piece) => parts.add(piece)), parts.rest(), parts.isTooLong()];
}

describe('lines', () => {
  test.each<[string, string[], unknown[]]>([
    ['a piece that ends with a line is handed on as it is', ['a\nb\n'], ['a\nb\n', '', false]],
    ['what ends no line is kept for the next one', ['a\nb', 'c', 'd\ne'], ['a\n', '', 'bcd\n', 'e', false]],
    ['CR ends a line, and so does each half of CR LF', ['a\rb', '\r', '\nc'], ['a\r', 'b\r', '\n', 'c', false]],
    ['CR after LF', ['a\nb\rc'], ['a\nb\r', 'c', false]],
    ['LF after CR', ['a\rb\nc'], ['a\rb\n', 'c', false]],
    ['a line as long as the limit fits', ['0123456789', '\n0123456789\r'], ['', '0123456789\n0123456789\r', '', false]],
    ['a longer one does not, in one piece', ['a\n0123456789x\nb\n'], ['a\n', '', true]],
    ['nor in two', ['a\n0123456', '789x\nb\n'], ['a\n', '', '', true]],
    ['nor before it has ended', ['a\n0123456789x'], ['a\n', '0123456789x', true]],
    ['short lines that are long together fit', ['a\nb\nc\nd\ne\nf\ng\n'], ['a\nb\nc\nd\ne\nf\ng\n', '', false]],
  ])('%s', (_name, pieces, expected) => {
    expect(told(wholeLines, pieces)).toEqual(expected);
  });
});

describe('events', () => {
  test.each<[string, string[], unknown[]]>([
    ['a piece that ends with an event is handed on as it is', ['a\n\nb\nc\n\n'], ['a\n\nb\nc\n\n', '', false]],
    ['a line that ends none is kept', ['a\n\nb\n', 'c\n', '\nd'], ['a\n\n', '', 'b\nc\n\n', 'd', false]],
    ['a blank line at the start is an event of its own', ['\n', 'a\n', '\n\n'], ['\n', '', 'a\n\n\n', '', false]],
    ['CR', ['a\r\rb\r', 'c', '\r\rd'], ['a\r\r', '', 'b\rc\r\r', 'd', false]],
    ['CR LF', ['a\r\n\r\nb'], ['a\r\n\r\n', 'b', false]],
    ['CR LF, cut at every place', [...'a\r\n\r\nb'], ['', '', '', 'a\r\n\r', '\n', '', 'b', false]],
    ['the half of CR LF is no blank line', ['a\r', '\nb'], ['', '', 'a\r\nb', false]],
    ['CR LF and then LF', ['a\r\n\nb'], ['a\r\n\n', 'b', false]],
    ['LF and then CR', ['a\n\rb'], ['a\n\r', 'b', false]],
    ['an event as long as the limit fits', ['01234\r\n89x\r\n\r\n'], ['01234\r\n89x\r\n\r\n', '', false]],
    ['also while it has not ended', ['0123456789\r\n', '\r\n'], ['', '0123456789\r\n\r\n', '', false]],
    ['a longer one does not, in one piece', ['a\n\n01234\n6789x\n\nb\n\n'], ['a\n\n', '', true]],
    ['nor in two', ['a\n\n01234\n678', '9x\n\nb\n\n'], ['a\n\n', '', '', true]],
    ['nor before it has ended', ['a\n\n0123456789xyz'], ['a\n\n', '0123456789xyz', true]],
    ['short events that are long together fit', ['a\n\nb\n\nc\n\nd\n\n'], ['a\n\nb\n\nc\n\nd\n\n', '', false]],
  ])('%s', (_name, pieces, expected) => {
    expect(told(wholeEvents, pieces)).toEqual(expected);
  });
});

test.each<[string, PartRule, (chars: number) => string[]]>([
  ['one line in small pieces', wholeLines, (chars) => Array.from({ length: chars / 4 }, () => 'abcd')],
  ['many lines, all of them CR', wholeLines, (chars) => ['a\r'.repeat(chars / 2)]],
  ['many short lines before one that is too long', wholeLines, (chars) => [`${'a\n'.repeat(chars / 2)}${'x'.repeat(1_001)}\n`]],
  ['one event in small pieces', wholeEvents, (chars) => Array.from({ length: chars / 4 }, () => 'abc\n')],
  ['many blank lines', wholeEvents, (chars) => Array.from({ length: chars / 8 }, () => '\r\n\r\n\r\n\r\n')],
  ['many short events before one that is too long', wholeEvents, (chars) => [`${'a\n\n'.repeat(chars / 3)}${'x'.repeat(1_001)}\n\n`]],
])('%s take linear time', (_name, rule, pieces) => {
  expect(slowdown((chars) => told(rule, pieces(chars), 1_000))).toBeLessThan(4);
});
