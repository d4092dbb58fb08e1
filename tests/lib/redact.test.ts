import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { safeText } from '../_kit/safe-text.ts';
import { slowdown } from './slowdown.ts';

/** Its base64 holds + and /, and is padded. */
const key = 'correct-horse/battery+?>~~?>?';
const plain = { secrets: [] };
const esc = String.fromCodePoint(27);
const bell = String.fromCodePoint(7);

function about(request: unknown, text: string): string {
  return safeText(text, { secrets: [], request });
}

describe('one readable line', () => {
  test.each([
    ['line breaks and runs of blanks', 'a\r\n\t b  c ', 'a b c'],
    ['control characters', `a${bell}b\u0000c\u0085\u009bd`, 'abc d'.replace(' ', '')],
    ['colours', `${esc}[31mred${esc}[0m`, 'red'],
    ['window titles', `${esc}]0;title${bell}text`, 'text'],
    ['direction marks', 'a\u202eb\u2066c\u200bd', 'abcd'],
    ['half characters', 'a\ud83db', 'ab'],
    ['whole characters stay', 'é 漢字 😀', 'é 漢字 😀'],
    ['an ordinary message stays', "model 'x' not found (HTTP 404)", "model 'x' not found (HTTP 404)"],
  ])('%s', (_name, text, expected) => {
    expect(safeText(text, plain)).toBe(expected);
  });

  test('300 characters at most', () => {
    const text = safeText('word '.repeat(100), plain);
    expect([text.length <= 300, text.endsWith('…')]).toEqual([true, true]);
  });

  test.each([
    ['a'.repeat(300), 'a'.repeat(300)],
    ['a'.repeat(301), `${'a'.repeat(299)}…`],
    [`${'a'.repeat(298)} bc`, `${'a'.repeat(298)}…`],
  ])('cut exactly: %s', (text, expected) => {
    expect(safeText(text, plain)).toBe(expected);
  });

  test('of the first 64 KiB', () => {
    expect(safeText(`${' '.repeat(65_535)}xy`, plain)).toBe('x');
  });

  test('of echoes in the first thousand characters', () => {
    const prompt = 'a prompt of many words, '.repeat(60);
    expect(about({ prompt }, `${prompt}end`)).toBe('[…]');
  });

  test.each([
    [4, 'end […] end'],
    // Whoever builds such a chain gets no text.
    [5, '[…]'],
  ])('masks that complete %i echoes, one after the other', (levels, expected) => {
    const words = ['banana', 'cherry', 'damson', 'elderberry', 'fig', 'grape'].slice(1, levels);
    const prompt = ['banana', ...words.map((word) => `${word} […] ${word}`)];
    expect(about({ prompt }, `end ${words.toReversed().join(' ')} banana ${words.join(' ')} end`)).toBe(expected);
  });

  test('no half character at the cut', () => {
    expect(safeText(`${'a'.repeat(298)}😀😀`, plain)).toBe(`${'a'.repeat(298)}…`);
  });
});

describe('keys', () => {
  test.each([
    ['as it is', key],
    ['in a URL', encodeURIComponent(key)],
    ['in base64', btoa(key)],
    ['in base64 without padding', btoa(key).replace(/=+$/, '')],
    ['in base64 for URLs', btoa(key).replaceAll('+', '-').replaceAll('/', '_')],
    ['split by control characters', key.replace('-', `-${bell}`)],
  ])('a known key %s', (_name, form) => {
    const text = safeText(`refused ${form} here`, { secrets: [key] });
    expect(text).toMatch(/^refused \[secret\]={0,2} here$/);
  });

  test.each([
    ['with two signs of padding', 'aaaaaaaaaa'],
    ['with one', 'aaaaaaaaaaa'],
    ['with other letters', 'pässwörter-überall'],
  ])('base64 of a key %s', (_name, secret) => {
    const bytes = Buffer.from(secret).toString('base64');
    expect(safeText(`got ${bytes.replace(/=+$/, '')}.`, { secrets: [secret] })).toBe('got [secret].');
  });

  test.each([
    ['eight characters are a key', 'abcdefgh', 'no abcdefgh', 'no [secret]'],
    ['seven are not', 'abcdefg', 'no abcdefg', 'no abcdefg'],
    ['the scheme stands first', 'this is no token abcdefghij', 'no abcdefghij', 'no abcdefghij'],
    ['a header value as a whole', 'Token abcdefghij', 'no Token abcdefghij', 'no [secret]'],
    ['on several lines', 'abcdefgh\nijklmnop', 'no abcdefgh ijklmnop', 'no [secret]'],
  ])('%s', (_name, secret, text, expected) => {
    expect(safeText(text, { secrets: [secret] })).toBe(expected);
  });

  test.each(['Bearer', 'bearer', 'Basic', 'Token', 'Key'])('the key in a header value with the scheme %s', (scheme) => {
    expect(safeText(`got ${key}.`, { secrets: [`${scheme} ${key}`] })).toBe('got [secret].');
  });

  test.each([
    ['both', 'no admin:correct-horse-9 here', 'no [secret] here'],
    ['the password', 'admin with password correct-horse-9 refused', 'admin with password [secret] refused'],
    ['the header', `got Basic ${btoa('admin:correct-horse-9')}.`, 'got [secret].'],
    ['the user, which is no secret', 'no user admin', 'no user admin'],
  ])('user and password as the server decodes them: %s', (_name, text, expected) => {
    expect(safeText(text, { secrets: [`Basic ${btoa('admin:correct-horse-9')}`] })).toBe(expected);
  });

  test('a password with other letters and colons, as the server decodes it', () => {
    const header = `basic ${Buffer.from('böse:pässwört:überall').toString('base64')}`;
    expect(safeText('pässwört:überall is wrong', { secrets: [header] })).toBe('[secret] is wrong');
  });

  test.each(['Basic !!!!!!!!!!', 'Basic abcde', 'Basic no base64 at all', `Basic ${btoa('without a colon')}`])(
    'a header that only looks so hides no other words: %s',
    (secret) => {
      expect(safeText('a colon is missing', { secrets: [secret] })).toBe('a colon is missing');
    },
  );

  test('a key that begins like another', () => {
    expect(safeText('abcdefgh-ijkl', { secrets: ['abcdefgh', 'abcdefgh-ijkl'] })).toBe('[secret]');
  });

  test('a key with quotes, as JSON writes it', () => {
    expect(safeText(JSON.stringify({ error: 'pass"word"1' }), { secrets: ['pass"word"1'] })).toBe('{"error":"[secret]"}');
  });

  test('a word of fewer than 8 characters is no key', () => {
    expect(safeText('the model is gone', { secrets: ['model'] })).toBe('the model is gone');
  });

  test.each([
    ['Incorrect API key provided: sk-5f6ce***acdb. Find it', 'Incorrect API key provided: [secret]. Find it'],
    ['key sk-proj-abcDEF123_456', 'key [secret]'],
    ['nvapi-abcdefgh1234', '[secret]'],
    ['hf_abcdefghijklmnop', '[secret]'],
    ['eyJhbGciOiJI.eyJzdWIiOiIx.abc', '[secret]'],
    ['Authorization: Bearer abc.def/ghi', 'Authorization: Bearer [secret]'],
    ['/connect?name=a&key=abc&x=1', '/connect?name=a&key=[secret]&x=1'],
    ['access_token=abc', 'access_token=[secret]'],
    ['"api_key": "0123456789abcdef"', '"api_key": "[secret]"'],
    ['task-specific risk-free disk-usage', 'task-specific risk-free disk-usage'],
  ])('by its looks: %s', (text, expected) => {
    expect(safeText(text, plain)).toBe(expected);
  });

  // Each where nothing else of the text looks like one.
  test.each([
    ...['sk', 'pk', 'rk', 'gsk', 'tgp', 'xai', 'nvapi'].flatMap((prefix) => [`${prefix}-abcdefgh`, `${prefix}_abcdefgh`]),
    ...['hf_', 'ghp_', 'r8_', 'HF_'].map((prefix) => `${prefix}abcdefgh`),
    ...['AIza', 'aiza'].map((prefix) => `${prefix}abcdefghijklmnop`),
    'eyJabcdefgh.abcdefgh',
  ])('by how it begins: %s', (text) => {
    expect(safeText(text, plain)).toBe('[secret]');
  });

  test.each([
    'bearer ',
    'BEARER ',
    'Basic ',
    'key=',
    'token=',
    'secret=',
    'password=',
    'SIGNATURE=',
    'apikey:',
    'api-key: ',
    'API_KEY":"',
    "api key': '",
  ])('by what stands before it: %s', (before) => {
    expect(safeText(`${before}abcdefghijklmnop`, plain)).toBe(`${before}[secret]`);
  });
});

describe('addresses', () => {
  test.each([
    ['see https://user:pa@ss@host.example:8443/path?q=1#f now', 'see https://host.example:8443 now'],
    ['Visit https://a.example/limits.', 'Visit https://a.example'],
    ['at http://[::1]:8000/v1', 'at http://[::1]:8000'],
    ['wss://h/p', 'wss://h'],
    ['at h2+x.y-z://host/path now', 'at h2+x.y-z://host now'],
    ['at https://a.example?key=1 or https://b.example#f', 'at https://a.example or https://b.example'],
    ['(https://a.example!), or https://b.example:', '(https://a.example or https://b.example'],
    ['"https://a.example/x" <https://b.example/x> `https://c.example/x`', '"https://a.example" <https://b.example> `https://c.example`'],
    ['https:/a.example/x', 'https:/a.example/x'],
    ['https:////a.example/x', 'https://a.example'],
    [`https://user:${'pass'.repeat(200)}@host.example/x`, 'https://host.example'],
    [`https://host.example/${'path'.repeat(200)} end`, 'https://host.example end'],
    [`http://${'a'.repeat(256)}`, `http://${'a'.repeat(255)}`],
    ['data:text/html,<b>', '[…]<b>'],
    ['data:application/vnd.a+b-c;x=1,abc" end', '[…]" end'],
    ['data:image/png has no content', 'data:image/png has no content'],
    ['data: image, text', 'data: image, text'],
    ['metadata:a/b;c', 'metadata:a/b;c'],
    ['redis://:pw@r:6379/0', 'redis://r:6379'],
    ['https:\\\\a@b\\c', 'https://b'],
    ['data:image/png;base64,AAAABBBB end', '[…] end'],
    ['registry.ollama.ai/library/gemma:2b', 'registry.ollama.ai/library/gemma:2b'],
  ])('%s', (text, expected) => {
    expect(safeText(text, plain)).toBe(expected);
  });
});

describe('properties', () => {
  const pieces = [
    '[secret]',
    '[…]',
    '…',
    'key=',
    'https://',
    '@',
    '/',
    'Bearer ',
    'sk-',
    'abcdefgh',
    'hello world, hello moon',
    'llama',
    esc,
    '[',
    ' ',
    '\n',
    '😀',
    '\ud83d',
  ];
  const text = fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 12 })), { maxLength: 40 })
    .map((parts) => parts.join(''));
  const options = fc.record({
    secrets: fc.array(fc.oneof(fc.constantFrom('abcdefgh', 'Bearer abcdefgh', '[secret]', 'et] [sec'), text), { maxLength: 3 }),
    request: fc.record({ model: fc.constantFrom('llama', 'e', ''), messages: fc.array(fc.record({ content: text })), prompt: text }),
  });

  test('twice is once', () => {
    fc.assert(
      fc.property(text, options, (value, given) => {
        const once = safeText(value, given);
        expect(safeText(once, given)).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });

  test('no key, no line break, no more than 300 characters', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const safe = safeText(`${before} ${key} ${after}`, { secrets: [key] });
        expect(safe).not.toMatch(/[\p{Cc}\p{Cs}]|correct-horse\/battery/u);
        expect(safe.length).toBeLessThanOrEqual(300);
      }),
    );
  });

  test('a prompt of distinct words never shows', () => {
    const word = fc.stringMatching(/^[a-z]{7,12}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 4, maxLength: 40 }), text, (words, before) => {
        const prompt = words.join(' ');
        const safe = about({ prompt }, `${before.slice(0, 40)} ${prompt} end`);
        expect(safe).not.toContain(prompt.slice(0, 24));
      }),
    );
  });
});

describe('work is bounded', () => {
  test('the host of an address', () => {
    expect(slowdown((chars) => safeText(`http://${':'.repeat(chars - 100)}x`, plain))).toBeLessThan(3);
  });

  test.each([
    'a',
    ' ',
    ':',
    '=',
    'sk-',
    'eyJ-',
    'eyJaaaaaaaa.',
    'key=',
    'https://',
    'http:',
    'a@',
    'data:a/',
    esc,
    `${esc}[`,
    `${esc}]`,
    'Bearer ',
    '[…]',
    '\ud83d',
  ])('the text: %j', (piece) => {
    expect(slowdown((chars) => safeText(piece.repeat(chars / piece.length), plain))).toBeLessThan(3);
  });
});
