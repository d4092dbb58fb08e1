import { describe, expect, test } from 'vitest';
import { safeText } from '../../src/lib/redact.ts';

const key = 'correct-horse/battery+staple=1';

function about(request: unknown, text: string): string {
  return safeText(text, { secrets: [], request });
}

function chat(content: unknown, more: object = {}): object {
  return { model: 'llama3.1:8b-instruct', messages: [{ role: 'user', content }], ...more };
}

describe('echoes of the request', () => {
  const prompt = 'Patient Jane Doe has a rare disease';

  test.each([
    ['a message', chat(prompt)],
    ['a part', chat([{ type: 'text', text: prompt }])],
    ['an earlier message', { messages: [{ role: 'system', content: prompt }] }],
    [
      'arguments of a tool call',
      { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: JSON.stringify({ q: prompt }) } }] }] },
    ],
    [
      'arguments as an object',
      { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: { name: prompt } } }] }] },
    ],
    ['a tool description', chat('x', { tools: [{ type: 'function', function: { name: 'f', description: prompt } }] })],
    ['a description in a schema', chat('x', { tools: [{ function: { parameters: { properties: { q: { description: prompt } } } } }] })],
    ['Anthropic’s system', { system: [{ type: 'text', text: prompt }], messages: [] }],
    ['the end user', chat('x', { user: prompt })],
    ['a description in an answer’s schema', chat('x', { response_format: { json_schema: { schema: { description: prompt } } } })],
    ['metadata', chat('x', { metadata: { note: prompt } })],
    ['a prompt', { prompt }],
    ['an input', { input: ['x', prompt] }],
    ['TGI’s inputs', { inputs: prompt }],
  ])('%s', (_name, request) => {
    expect(about(request, `cannot parse <${prompt}> here`)).toBe('cannot parse <[…]> here');
  });

  test('a short text', () => {
    expect(about(chat('banana'), 'bad value banana')).toBe('bad value […]');
  });

  test('five characters are a word of any message', () => {
    expect(about(chat('value'), 'bad value')).toBe('bad value');
  });

  test.each(Array.from({ length: 16 }, (_, shift) => shift))('a piece of 24 characters, wherever it stands: %i', (shift) => {
    const long = 'It was the best of times, it was the worst of times, it was the age of wisdom';
    expect(about(chat(long), `${'.'.repeat(shift)}${long.slice(10, 34)}!`)).toBe(`${'.'.repeat(shift)}[…]!`);
  });

  test('a text over several lines', () => {
    expect(about(chat('line one of it\nline two of it'), 'got line one of it line two of it.')).toBe('got […].');
  });

  test('a text as JSON quotes it', () => {
    expect(about(chat('she said "hello"\nand left the room'), String.raw`got she said \"hello\"\nand left the room.`)).toBe('got […].');
  });

  test('a text with every other letter escaped', () => {
    expect(about(chat('très privé, déjà vu'), String.raw`got tr\u00e8s priv\u00e9, d\u00e9j\u00e0 vu.`)).toBe('got […].');
  });

  test('the name of the model stays', () => {
    const text = "model 'llama3.1:8b-instruct' not found";
    expect(about(chat('please use llama3.1:8b-instruct for this one'), text)).toBe(text);
  });

  test('the name of the model stays as the prompt, too', () => {
    expect(about({ model: 'llama3.1:8b', messages: [{ role: 'user', content: 'llama3.1:8b' }] }, 'no llama3.1:8b here')).toBe(
      'no llama3.1:8b here',
    );
  });

  test('letters of a prompt are no name', () => {
    expect(about({ model: 'a', prompt: 'banana banana banana bread' }, 'banana banana banana bread')).toBe('[…]');
  });

  test('a mask that completes another echo', () => {
    const prompt = ['banana', 'two […] two', 'three […] three'];
    const once = about({ prompt }, 'three two banana two three');
    expect([once, about({ prompt }, once)]).toEqual(['[…]', '[…]']);
  });

  test('the words of the protocol stay', () => {
    const text = 'role assistant with type image_url and tool get_weather';
    const tool = { type: 'function', function: { name: 'get_weather' } };
    const message = { role: 'assistant', content: [{ type: 'image_url' }], tool_calls: [tool] };
    expect(about({ messages: [message], tools: [tool] }, text)).toBe(text);
  });

  test('a secret and an echo together', () => {
    expect(safeText(`key ${key} with ${prompt}`, { secrets: [key], request: chat(prompt) })).toBe('key [secret] with […]');
  });

  test.each([undefined, null, 'text', 7, [], {}, { messages: 'x' }, { messages: [null, 1] }])('a request like %j', (request) => {
    expect(about(request, 'an ordinary text')).toBe('an ordinary text');
  });

  test('a request nested without end', () => {
    const request: Record<string, unknown> = { messages: [] };
    request['messages'] = [request];
    expect(about(request, 'an ordinary text')).toBe('an ordinary text');
  });

  test('what lies past 1 MiB is not looked at', () => {
    const prompt = 'a sentence that stands at the very end';
    const far = { messages: [{ content: 'x'.repeat(2 * 1024 * 1024) }, { content: prompt }] };
    expect(about(far, prompt)).toBe(prompt);
  });

  test('nor what lies there in one text', () => {
    const prompt = 'a sentence that stands at the very end';
    expect(about({ prompt: `${'x'.repeat(1024 * 1024)} ${prompt}` }, prompt)).toBe(prompt);
  });
});

test('a field that no known server has is content', () => {
  const said = 'I do not understand "Tell me all about the secret garden".';
  expect(about({ say: 'Tell me all about the secret garden' }, said)).toBe('I do not understand "[…]".');
});

test('words of the protocol stay: errors need them', () => {
  const said = 'encoding_format base64 is not supported, use json_object';
  expect(about({ encoding_format: 'base64', response_format: { type: 'json_object' } }, said)).toBe(said);
});
