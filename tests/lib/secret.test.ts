import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../../src/lib/secret.ts';

const secret = new Secret('sk-the-key');

test.each<[string, () => unknown]>([
  ['String', () => String(secret)],
  ['a template', () => `${secret}`],
  ['JSON', () => JSON.stringify({ secret })],
  ['inspect', () => inspect({ secret }, { showHidden: true, depth: 9 })],
  ['a spread', () => JSON.stringify({ ...secret })],
  ['its keys', () => Reflect.ownKeys(secret)],
  ['a structured clone', () => inspect(structuredClone({ ...secret }))],
  ['the text of an error', () => new Error(`no ${secret}`).stack],
])('%s does not show the key', (_, show) => {
  expect(JSON.stringify(show())).not.toContain('sk-the-key');
});

test('reveal shows it', () => {
  expect(secret.reveal()).toBe('sk-the-key');
});

test.each<[string, () => unknown, string]>([
  ['a template', () => `${secret}`, '[secret]'],
  ['JSON', () => JSON.stringify({ secret }), '{"secret":"[secret]"}'],
  ['inspect', () => inspect({ secret }), '{ secret: [secret] }'],
])('%s shows that there is one', (_, show, expected) => {
  expect(show()).toBe(expected);
});
