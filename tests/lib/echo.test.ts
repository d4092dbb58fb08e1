import { describe, expect, test } from 'vitest';
import { echoesMasked, oneLine, requestTexts, withoutQuotes } from '../../src/lib/echo.ts';
import { safeText } from '../_kit/safe-text.ts';

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

  test.each([
    [31, '[…]'],
    [32, 'a text deep inside'],
  ])('a text inside %i lists', (levels, expected) => {
    let content: unknown = 'a text deep inside';
    for (let level = 0; level < levels; level++) content = [content];
    expect(about({ messages: [content] }, 'a text deep inside')).toBe(expected);
  });

  test.each([
    [19_998, '[…]'],
    [19_999, 'a text behind many'],
  ])('a text behind %i others', (count, expected) => {
    const messages = [...Array.from({ length: count }, () => 0), 'a text behind many'];
    expect(about({ messages }, 'a text behind many')).toBe(expected);
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

describe('what is found', () => {
  test.each(Array.from({ length: 8 }, (_, shift) => shift))('texts of 20 characters, wherever they stand: %i', (shift) => {
    const prompt = 'abcdefghij klmnopqrs';
    expect(about({ prompt }, `${'.'.repeat(shift)}${prompt}!`)).toBe(`${'.'.repeat(shift)}[…]!`);
  });

  test.each([
    ['the end of one text and the start of the next are no piece of either', 'uvwxyz 98zyxwvutsr', 'uvwxyz 98zyxwvutsr'],
    ['pieces side by side', 'abcdefghijklmnopqrstuvwxyz zyxwvutsrqponmlkjihgfedcba', '[…]'],
    ['nothing between two pieces', 'abcdefghijklmnopqrstuvwx, zyxwvutsrqponmlkjihgfedc', '[…], […]'],
  ])('%s', (_name, text, expected) => {
    expect(about({ prompt: ['abcdefghijklmnopqrstuvwxyz 98', 'zyxwvutsrqponmlkjihgfedcba'] }, text)).toBe(expected);
  });

  test('a text that is the whole message', () => {
    const prompt = 'It was the best of times';
    expect(about({ prompt }, prompt)).toBe('[…]');
  });

  test('masks side by side are one', () => {
    const request = { prompt: ['banana', 'cherry', 'damson'] };
    expect(echoesMasked('no banana cherrydamson banana.', requestTexts(request))).toBe('no […].');
  });

  test('blanks between the names of models are no echo', () => {
    const request = { model: 'llama', prompt: 'llama llama' };
    expect(about(request, 'no llama llama here')).toBe('no llama llama here');
  });

  test.each([
    ['llama', '[…]llama[…]'],
    ['lama', '[…]'],
    ['llam', '[…]'],
  ])('the model %s is a word of its own', (model, expected) => {
    expect(about({ model, prompt: 'use llama now' }, 'use llama now')).toBe(expected);
  });

  test.each([
    ['a text of blanks and a letter', 'a \n  \n \n ', 'a banana', 'a banana'],
    ['a text of six characters', ' bana na', 'a bana na', 'a […]'],
    ['a short text as JSON quotes it', 'say "a"', String.raw`got say \"a\".`, 'got […].'],
    ['a mask of the server’s beside it', 'banana', 'no […]banana.', 'no […].'],
    ['what begins like a data URL', 'data: Jane Doe is ill', 'got data: Jane Doe is ill', 'got […]'],
    ['what holds one', 'data:image/png;base64,AAAA shows that Jane Doe is very ill', 'got: shows that Jane Doe is very ill', 'got:[…]'],
    ['a data URL is masked by its form', 'data:image/png;base64,AAAABBBBCCCCDDDDEEEEFFFF', 'BBBBCCCCDDDDEEEEFFFF', 'BBBBCCCCDDDDEEEEFFFF'],
  ])('%s', (_name, prompt, text, expected) => {
    expect(about({ prompt }, text)).toBe(expected);
  });
});

describe('without what it quotes', () => {
  test.each([
    ['a text of sixteen letters', 'sixteen letters!', '[…]'],
    ['a piece of sixteen', '12345678sixteen letters!', '12345678[…]'],
    ['a shorter text', 'fifteen letters', 'fifteen letters'],
    ['a shorter piece', '12345678fifteen letters', '12345678fifteen letters'],
    ['single words', 'banana is out of memory', 'banana is out of memory'],
  ])('%s', (_name, text, expected) => {
    expect(withoutQuotes(text, { prompt: ['sixteen letters!', 'fifteen letters', 'banana', 'memory'] })).toBe(expected);
  });

  test.each([undefined, null, 'a text of more than sixteen letters'])('a request like %j takes nothing away', (request) => {
    expect(withoutQuotes('a text of more than sixteen letters', request)).toBe('a text of more than sixteen letters');
  });
});

test.each([
  ['\ta\t\tb\n', 'a b'],
  ['a  b', 'a b'],
  ['a    b', 'a b'],
  ['a \n b', 'a b'],
  ['a\n b', 'a b'],
  ['a\u00a0b', 'a b'],
  ['a\u0000b', 'ab'],
])('%j on one line is %j', (text, expected) => {
  expect(oneLine(text)).toBe(expected);
});
