import { describe, expect, test } from 'vitest';
import { type CallOrigin, toChatAnswer, toChatBody } from '../../src/adapters/openai-wire.ts';
import { RouterError } from '../../src/core/errors.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import { recording } from '../_kit/recordings.ts';

const origin: CallOrigin = {
  provider: 'box',
  requestId: 'r1',
  model: 'tiny',
  badResponse: (text) => new RouterError('bad_response', `box: ${text}`, { provider: 'box' }),
};

const recorded = (name: string): unknown => JSON.parse(new TextDecoder().decode(recording(name).body)) as unknown;
const answer = (choice: object, rest: object = {}): unknown => ({
  id: 'a',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop', ...choice }],
  ...rest,
});
const thrownBy = (value: unknown): unknown => {
  try {
    return toChatAnswer(value, origin);
  } catch (error) {
    return error;
  }
};
const call = (name: string, text: string, rest: object = { id: 'c1', type: 'function' }): object => ({
  ...rest,
  function: { name, arguments: text },
});

describe('the request', () => {
  test('unknown fields are not sent', () => {
    const request = { messages: [], temperature: 0, colour: 'red', extra: { vllm: {} } } as ChatRequest;
    expect(JSON.parse(JSON.stringify(toChatBody(request, 'tiny', request.messages)))).toEqual({
      model: 'tiny',
      messages: [],
      temperature: 0,
    });
  });

  test('every field of a chat request is sent under its own name', () => {
    const request: ChatRequest = {
      messages: [{ role: 'user', content: 'Hi' }],
      temperature: 0,
      top_p: 0,
      n: 1,
      stop: ['a'],
      max_tokens: 1,
      max_completion_tokens: 2,
      presence_penalty: 0,
      frequency_penalty: 0,
      seed: 0,
      logprobs: false,
      top_logprobs: 0,
      logit_bias: { 1: 0 },
      tools: [],
      tool_choice: 'none',
      parallel_tool_calls: false,
      response_format: { type: 'text' },
      reasoning_effort: 'low',
      user: 'u',
    };
    expect(toChatBody(request, undefined, request.messages)).toEqual(request);
  });
});

describe('answers of real servers', () => {
  test.each(['chat', 'chat_tools', 'chat_json_schema', 'chat_logprobs', 'chat_n2'])('%s passes through untouched', (name) => {
    const value = recorded(`llama-server/${name}`);
    expect(toChatAnswer(value, origin)).toBe(value);
    expect(value).toEqual(recorded(`llama-server/${name}`));
  });

  test('a tool call without an id gets one, because its result must name it (llama.cpp, early 2025)', () => {
    const { choices } = toChatAnswer(recorded('llama-server-2025/chat_tools'), origin);
    expect(choices[0]?.message.tool_calls?.[0]?.id).toBe('call_r1_0_0');
  });
});

describe('what servers do differently', () => {
  test.each([
    ['stop', 'stop'],
    ['eos', 'stop'],
    ['end_turn', 'stop'],
    ['repetition', 'stop'],
    ['length', 'length'],
    ['max_tokens', 'length'],
    ['tool_use', 'tool_calls'],
    ['function_call', 'tool_calls'],
    ['refusal', 'content_filter'],
    ['content_filter', 'content_filter'],
    [null, 'unknown'],
    ['constructor', 'unknown'],
  ])('finish reason %j is %s', (said, expected) => {
    expect(toChatAnswer(answer({ finish_reason: said }), origin).choices[0]?.finish_reason).toBe(expected);
  });

  test.each([['stop'], [null]])('tool calls that end with %j end with tool_calls', (said) => {
    const message = { role: 'assistant', content: null, tool_calls: [call('f', '{}')] };
    expect(toChatAnswer(answer({ message, finish_reason: said }), origin).choices[0]?.finish_reason).toBe('tool_calls');
  });

  test.each([
    ['abort', 'overloaded'],
    ['error', 'unavailable'],
    ['', 'unavailable'],
    ['load', 'bad_response'],
    ['unload', 'bad_response'],
  ])('finish reason %j is the failure %s', (said, code) => {
    expect(thrownBy(answer({ finish_reason: said }))).toMatchObject({ code, provider: 'box' });
  });

  test.each(['reasoning', 'thinking'])('%s becomes reasoning_content', (name) => {
    const { message } = toChatAnswer(answer({ message: { content: 'Hi', [name]: 'Well' } }), origin).choices[0] ?? {};
    expect(message).toEqual({ role: 'assistant', content: 'Hi', reasoning_content: 'Well' });
  });

  test('an empty reasoning_content loses', () => {
    const { message } =
      toChatAnswer(answer({ message: { content: 'Hi', reasoning: 'b', reasoning_content: '' } }), origin).choices[0] ?? {};
    expect(message).toMatchObject({ reasoning_content: 'b' });
  });

  test('content in parts is joined, and its thoughts are reasoning (Mistral)', () => {
    const thoughts = {
      type: 'thinking',
      thinking: [
        { type: 'text', text: 'We' },
        { type: 'text', text: 'll' },
      ],
    };
    const content = [thoughts, { type: 'text', text: 'H' }, { type: 'text', text: 'i' }];
    const { message } = toChatAnswer(answer({ message: { content } }), origin).choices[0] ?? {};
    expect(message).toMatchObject({ content: 'Hi', reasoning_content: 'Well' });
  });

  test('reasoning_content wins where both are sent', () => {
    const { message } =
      toChatAnswer(answer({ message: { content: 'Hi', reasoning: 'b', reasoning_content: 'a' } }), origin).choices[0] ?? {};
    expect(message).toMatchObject({ reasoning_content: 'a' });
  });

  test.each([
    ['null', null],
    ['text for numbers', { prompt_tokens: '1', completion_tokens: 1, total_tokens: 2 }],
    ['null for numbers', { prompt_tokens: 1, completion_tokens: null, total_tokens: null }],
    ['a list', [1, 2]],
  ])('usage that is %s is left out rather than invented', (_name, usage) => {
    expect(toChatAnswer(answer({}, { usage }), origin)).not.toHaveProperty('usage');
  });

  test('what the server left out of the head is filled', () => {
    const value = {
      choices: [
        { message: { content: 'Hi' }, finish_reason: 'stop' },
        { message: { content: 'Ho' }, finish_reason: 'stop' },
      ],
    };
    expect(toChatAnswer(value, origin)).toMatchObject({
      id: 'chatcmpl-r1',
      object: 'chat.completion',
      created: 0,
      model: 'tiny',
      choices: [{ index: 0 }, { index: 1 }],
    });
  });

  test('tool_calls: null is no list of calls', () => {
    const { message } = toChatAnswer(answer({ message: { content: 'Hi', tool_calls: null } }), origin).choices[0] ?? {};
    expect(message).not.toHaveProperty('tool_calls');
  });
});

describe('what is no answer', () => {
  test.each<[string, unknown]>([
    ['text', 'Hi'],
    ['null', null],
    ['a list', []],
    ['no choices', {}],
    ['choices of the wrong type', { choices: { 0: {} } }],
    ['an empty list of choices', { choices: [] }],
    ['a choice that is null', { choices: [null] }],
    ['a choice without message', { choices: [{ text: 'Hi' }] }],
    ['content of the wrong type', answer({ message: { content: 1 } })],
    ['content with a part that is no text', answer({ message: { content: [{ type: 'text', text: 'Hi' }, { type: 'image_url' }] } })],
    ['content with a part that is no object', answer({ message: { content: ['Hi'] } })],
    ['content without parts', answer({ message: { content: [] } })],
    ['reasoning that is no text', answer({ message: { content: 'Hi', reasoning_content: { text: 'Hi' } } })],
    ['tool calls that are none', answer({ message: { content: null, tool_calls: [] }, finish_reason: 'tool_calls' })],
    ['no content and nothing instead', answer({ message: { content: null } })],
    ['tool calls of the wrong type', answer({ message: { content: 'Hi', tool_calls: {} } })],
    ['a tool call without a function', answer({ message: { content: null, tool_calls: [{ id: 'c' }] } })],
    ['a tool call with an object for arguments', answer({ message: { content: null, tool_calls: [call('f', {} as string)] } })],
  ])('%s is a bad response whose message quotes nothing', (_name, value) => {
    const error = thrownBy(value);
    expect(error).toMatchObject({ code: 'bad_response', provider: 'box' });
    expect(String(error)).not.toContain('Hi');
  });

  test.each<[string, object]>([
    ['an empty text', { message: { content: '' } }],
    ['a refusal', { message: { content: null, refusal: 'No.' } }],
    ['reasoning that used up all tokens', { message: { content: null, reasoning: 'Well' }, finish_reason: 'length' }],
    ['nothing, stopped by a filter', { message: { content: null }, finish_reason: 'content_filter' }],
    ['tool calls', { message: { tool_calls: [call('f', '{}')] }, finish_reason: 'tool_calls' }],
    ['tool calls, ended with a word that nobody knows', { message: { tool_calls: [call('f', '{}')] }, finish_reason: 'tools' }],
  ])('%s is an answer', (_name, choice) => {
    expect(thrownBy(answer(choice))).toHaveProperty('choices');
  });

  test('__proto__ in an answer changes no prototype', () => {
    const text =
      '{"__proto__":{"polluted":1},"choices":[{"__proto__":{"polluted":1},"message":{"content":"Hi","constructor":1},"finish_reason":"stop"}]}';
    expect(toChatAnswer(JSON.parse(text), origin).choices[0]?.message.content).toBe('Hi');
    expect({}).not.toHaveProperty('polluted');
  });
});
