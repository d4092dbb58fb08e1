import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainLine, plainPieces, plainText, toJson } from '../../src/cli/plain-text.ts';

const ESC = '\u001b';

describe('a text of a server', () => {
  test.each([
    ['colours', `a${ESC}[31mb${ESC}[0mc`, 'abc'],
    ['moves of the cursor', `a${ESC}[2J${ESC}[1;1Hb`, 'ab'],
    ['the title of the window', `a${ESC}]0;owned\u0007b`, 'ab'],
    ['links', `a${ESC}]8;;http://evil.test${ESC}\\b${ESC}]8;;${ESC}\\c`, 'abc'],
    ['commands to the device', `a${ESC}Pq#0;2${ESC}\\b`, 'ab'],
    ['signs of one character for all of these', 'a\u009b31mb\u009d0;x\u009cc', 'abc'],
    ['what asks the terminal to answer', `a${ESC}[6nb${ESC}cd`, 'abd'],
    ['carriage returns, which write over a line', 'safe\rEVIL', 'safeEVIL'],
    ['bells, backspaces and nulls', 'a\u0007b\bc\u0000d\u007fe', 'abcde'],
    ['marks that turn text around', 'a\u202eb\u2066c', 'abc'],
  ])('is shown without %s', (_what, text, shown) => {
    expect(plainText(text)).toBe(shown);
  });

  test('keeps its lines, tabs and every other sign', () => {
    expect(plainText('a\r\n\tb\nc é 漢 👍 שלום')).toBe('a\n\tb\nc é 漢 👍 שלום');
  });

  test('stands on one line where it is a name', () => {
    expect(plainLine(' a\r\nb\tc\u2028d ')).toBe('a b c d');
  });
});

describe('a text that comes in pieces', () => {
  const whole = `a${ESC}[31mred${ESC}[0m${ESC}]0;title\u0007 👍\r\nend ${ESC}]8;;http://x.test${ESC}\\link${ESC}]8;;${ESC}\\`;

  test('is the same as the whole, wherever it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 8 }), (cuts) => {
        const places = [0, ...cuts.sort((one, other) => one - other), whole.length];
        const pieces = plainPieces();
        const shown = places.slice(1).map((place, index) => pieces.push(whole.slice(places[index], place)));
        expect(shown.join('') + pieces.end()).toBe(plainText(whole));
      }),
    );
  });

  test('never shows a control character', () => {
    const sign = fc.constantFrom(ESC, '[', ']', '0', ';', 'm', '\u0007', '\\', '\u009b', '\u009d', 'x', '\n', '\r', '\ud83d', '\udc4d');
    fc.assert(
      fc.property(fc.array(fc.array(sign).map((signs) => signs.join(''))), (texts) => {
        const pieces = plainPieces();
        const shown = texts.map((text) => pieces.push(text)).join('') + pieces.end();
        expect(shown).not.toMatch(/(?!\n)\p{Cc}/u);
      }),
    );
  });

  test('goes on where a server begins a title and never ends it', () => {
    const pieces = plainPieces();
    const shown = [`${ESC}]0;`, ...Array.from({ length: 60 }, () => 'words '), 'end'].map((piece) => pieces.push(piece)).join('');
    expect(shown).toContain('words end');
  });

  test('is read in a time that grows with its length', () => {
    const text = `${ESC}[${'0;'.repeat(100_000)}${'\u009d'.repeat(200_000)}`;
    const startMs = performance.now();
    plainText(text);
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });
});

test('JSON says the same where control characters are written out', () => {
  const value = { name: `a${ESC}[31m\u009b1m\u202e\u007f`, lines: 'b\nc' };
  expect(toJson(value)).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
  expect(JSON.parse(toJson(value))).toEqual(value);
});
