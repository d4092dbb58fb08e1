import { describe, expect, test } from 'vitest';
import { createThinkSplitter, splitThink } from '../../src/lib/think-tags.ts';

const cases: [name: string, text: string, reasoning: string, content: string][] = [
  ['no block', 'Hello <think>x</think>', '', 'Hello <think>x</think>'],
  ['a block and an answer', '<think>Well, well.</think>Hello', 'Well, well.', 'Hello'],
  ['blanks before the block', ' \n\t<think>Well</think>Hello', 'Well', 'Hello'],
  ['newlines behind both tags', '<think>\nWell\n</think>\r\n\nHello\n', 'Well\n', 'Hello\n'],
  ['blanks behind the closing tag, which are not newlines', '<think>Well</think>  Hello', 'Well', '  Hello'],
  ['an empty block', '<think>\n\n</think>\n\nHello', '', 'Hello'],
  ['a block that was never closed', '<think>Well, then', 'Well, then', ''],
  ['a block that ends inside the closing tag', '<think>Well</thi', 'Well</thi', ''],
  ['nothing but a block', '<think>Well</think>', 'Well', ''],
  ['less-than signs and half tags inside', '<think>a < b </ c </thin k></think>d < e', 'a < b </ c </thin k>', 'd < e'],
  ['the opening tag again inside', '<think><think>a</think>b</think>', '<think>a', 'b</think>'],
  ['a second block', '<think>a</think>b<think>c</think>', 'a', 'b<think>c</think>'],
  ['a lone closing tag, whose beginning is in the prompt', 'Well</think>Hello', '', 'Well</think>Hello'],
  ['another tag', '<thinking>a</thinking>', '', '<thinking>a</thinking>'],
  ['half a tag', '\n<thin', '', '\n<thin'],
  ['half a tag and more', '<thin air', '', '<thin air'],
  ['blanks alone', '\n \n', '', '\n \n'],
  ['blanks and text', '\n\nHello', '', '\n\nHello'],
  ['more blanks than anybody writes', `${' '.repeat(65)}<think>a</think>b`, '', `${' '.repeat(65)}<think>a</think>b`],
  ['nothing', '', '', ''],
  ['characters of two units', '<think>👋</think>👍', '👋', '👍'],
];

function splitPieces(pieces: readonly string[]): { content: string; reasoning: string } {
  const splitter = createThinkSplitter();
  const parts = [...pieces.map((piece) => splitter.push(piece)), splitter.end()];
  return { content: parts.map((part) => part.content).join(''), reasoning: parts.map((part) => part.reasoning).join('') };
}

describe.each(cases)('%s', (_name, text, reasoning, content) => {
  test('as a whole', () => {
    expect(splitThink(text)).toEqual({ content, reasoning });
  });

  test('cut anywhere, in two pieces and in three', () => {
    for (let first = 0; first <= text.length; first++) {
      for (let second = first; second <= text.length; second++) {
        const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)];
        if (splitPieces(pieces).content !== content || splitPieces(pieces).reasoning !== reasoning) expect.fail(JSON.stringify(pieces));
      }
    }
  });

  test('unit by unit', () => {
    expect(splitPieces(text.split(''))).toEqual({ content, reasoning });
  });
});

describe('what is held back', () => {
  test('is nothing of a text that begins with another character', () => {
    const splitter = createThinkSplitter();
    expect(splitter.push('H')).toEqual({ content: 'H', reasoning: '' });
    expect(splitter.isSettled).toBe(true);
    expect(splitter.push('<think>')).toEqual({ content: '<think>', reasoning: '' });
  });

  test('comes as soon as it cannot be the tag any more', () => {
    const splitter = createThinkSplitter();
    expect(splitter.push(' <th')).toEqual({ content: '', reasoning: '' });
    expect(splitter.isSettled).toBe(false);
    expect(splitter.push('at')).toEqual({ content: ' <that', reasoning: '' });
    expect(splitter.isSettled).toBe(true);
  });

  test('is only what may be the closing tag, inside a block', () => {
    const splitter = createThinkSplitter();
    expect(splitter.push('<think>Well')).toEqual({ content: '', reasoning: 'Well' });
    expect(splitter.push(' a<b </th')).toEqual({ content: '', reasoning: ' a<b ' });
    expect(splitter.push('en')).toEqual({ content: '', reasoning: '</then' });
  });

  test('is not an endless run of blanks', () => {
    const splitter = createThinkSplitter();
    expect(splitter.push('\n'.repeat(64)).content).toBe('');
    expect(splitter.push('\n').content).toBe('\n'.repeat(65));
  });

  test('is given once', () => {
    const splitter = createThinkSplitter();
    splitter.push('<th');
    expect(splitter.end()).toEqual({ content: '<th', reasoning: '' });
    expect(splitter.end()).toEqual({ content: '', reasoning: '' });
  });
});
