import { describe, expect, test } from 'vitest';
import { echoesMasked, requestTexts } from '../../src/lib/echo.ts';

function about(request: unknown, text: string): string {
  return echoesMasked(text, requestTexts(request));
}

describe('which fields are content', () => {
  const word = 'unmistakable';
  test.each<[string, object, boolean]>([
    ['the value of a role', { messages: [{ role: word }] }, false],
    ['a list under a name of the protocol', { messages: [{ name: [word] }] }, true],
    ['an object under a name of the protocol', { messages: [{ type: { text: word } }] }, true],
    ['a name in arguments', { messages: [{ arguments: { name: word } }] }, true],
    ['a name in a tool’s input', { messages: [{ type: 'tool_use', input: { name: word } }] }, true],
    ['a name in another field', { messages: [{ outer: { name: word } }] }, false],
    ['a type in a schema', { tools: [{ parameters: { properties: { input: { type: word } } } }] }, false],
    ['a type in the schema of arguments', { tools: [{ parameters: { properties: { arguments: { type: word } } } }] }, false],
    ['a parameter called description', { tools: [{ properties: { description: { type: word } } }] }, false],
    ['the description of a parameter called description', { tools: [{ properties: { description: { description: word } } }] }, true],
    ['a description in a message', { messages: [{ description: word }] }, true],
    ['a description in a format', { format: { description: word } }, true],
    ['an option', { options: { stop: word } }, false],
    ['a model that is no text, and so no name', { model: [word], prompt: word }, true],
  ])('%s', (_name, request, isContent) => {
    expect(about(request, `got ${word} here`)).toBe(`got ${isContent ? '[…]' : word} here`);
  });
});

describe('what is read of a long request', () => {
  const prompt = 'très privé, déjà vu';
  const said = String.raw`tr\u00e8s priv\u00e9, d\u00e9j\u00e0 vu`;

  test.each([
    ['64 KiB are looked for escaped', 'é'.repeat(65_536 - prompt.length), '[…]'],
    ['no more', 'é'.repeat(65_536), said],
    ['what needs no escapes does not count', 'e'.repeat(70_000), '[…]'],
  ])('%s', (_name, first, expected) => {
    expect(about({ prompt: [first, prompt] }, said)).toBe(expected);
  });

  test('a text without one plain letter', () => {
    expect(about({ prompt: 'éèüéèü' }, 'got \\u00e9\\u00e8\\u00fc\\u00e9\\u00e8\\u00fc.')).toBe('got […].');
  });

  test('what is left of the room is never less than none', () => {
    const second = 'a sentence that stands at the very end';
    // As it is and as JSON quotes it, this text takes one character more than there is.
    expect(about({ prompt: [`${'x'.repeat(512 * 1024 - 1)}"`, second] }, second)).toBe(second);
  });
});
