import { describe, expect, test } from 'vitest';
import { basicAuthorization, cleanKey, headerNameProblem, headerValueProblem } from '../../src/config/credentials.ts';

describe('a key', () => {
  test.each(['k\n', '\r\nk', ' k\t', '"k"', "'k'", '\uFEFFk', '\u200Bk\u2060', '"k"\n', '\u00A0k'])('%j is cleaned', (text) => {
    expect(cleanKey(text)).toEqual({ key: 'k', cleaned: true });
  });

  test('a clean one stays as it is', () => {
    expect(cleanKey('sk-a_B.9=~')).toEqual({ key: 'sk-a_B.9=~', cleaned: false });
  });

  test.each(['', '""', 'a b', 'a\nb', 'a\0b', 'a\u200Bb', 'ä', '☃'])('%j is refused', (text) => {
    expect(cleanKey(text)).toHaveProperty('problem');
  });

  test('a refusal does not show it', () => {
    expect(JSON.stringify(cleanKey('canary value'))).not.toContain('canary');
  });
});

describe('a header', () => {
  test.each(['x-api-key', 'Authorization', 'x_y.z', '!'])('%s is a name', (name) => {
    expect(headerNameProblem(name)).toBeUndefined();
  });

  test.each(['', 'a b', 'a:', 'a\n', 'ä', 'content-length', 'Transfer-Encoding', 'connection'])('%j is none of ours', (name) => {
    expect(headerNameProblem(name)).toBeDefined();
  });

  test.each(['', 'plain', 'a\tb', 'é'])('%j is a value', (value) => {
    expect(headerValueProblem(value)).toBeUndefined();
  });

  test.each(['a\rb', 'a\nb', 'a\0b', '\x7f', 'Ā', '☃'])('%j is no value', (value) => {
    expect(headerValueProblem(value)).toBeDefined();
  });
});

test('Basic credentials are UTF-8 in base64', () => {
  expect(basicAuthorization('Aladdin', 'open sesame')).toBe('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
  expect(basicAuthorization('test', '123£')).toBe('Basic dGVzdDoxMjPCow==');
});
