import { describe, expect, test } from 'vitest';
import { chatNeeds, embedNeeds, type Feature, noCapabilities } from '../../src/core/capabilities.ts';
import type { ChatMessage, ChatRequest, Tool } from '../../src/core/types.ts';

const messages: ChatMessage[] = [{ role: 'user', content: 'Hello' }];
const tool: Tool = { type: 'function', function: { name: 'f' } };
const image: ChatMessage = { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] };

describe('a chat request', () => {
  test.each<[string, Partial<ChatRequest>, Feature[]]>([
    ['nothing but messages', {}, []],
    ['plain settings', { temperature: 0, top_p: 1, max_tokens: 5, stop: 'x', seed: 1, n: 1, stream_options: { include_usage: true } }, []],
    ['tools', { tools: [tool] }, ['tools']],
    ['an empty list of tools', { tools: [] }, []],
    ['tool_choice auto', { tools: [tool], tool_choice: 'auto' }, ['tools']],
    ['tool_choice none', { tools: [tool], tool_choice: 'none' }, ['tools']],
    ['tool_choice required', { tools: [tool], tool_choice: 'required' }, ['tools', 'toolChoice']],
    ['one tool by name', { tools: [tool], tool_choice: { type: 'function', function: { name: 'f' } } }, ['tools', 'toolChoice']],
    ['an image', { messages: [...messages, image] }, ['vision']],
    ['two images', { messages: [image, image] }, ['vision']],
    ['text parts', { messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }] }, []],
    ['a JSON object', { response_format: { type: 'json_object' } }, ['jsonObject']],
    ['a JSON schema', { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: {} } } }, ['jsonSchema']],
    ['plain text as the format', { response_format: { type: 'text' } }, []],
    ['logprobs', { logprobs: true, top_logprobs: 2 }, ['logprobs']],
    ['top_logprobs alone', { top_logprobs: 0 }, ['logprobs']],
    ['logprobs turned off', { logprobs: false }, []],
    ['logit_bias', { logit_bias: {} }, ['logitBias']],
    ['two choices', { n: 2 }, ['choices']],
    ['reasoning_effort', { reasoning_effort: 'minimal' }, ['reasoningEffort']],
    ['reasoning_effort none, which those satisfy that cannot think', { reasoning_effort: 'none' }, []],
    ['a last message of the assistant', { messages: [...messages, { role: 'assistant', content: 'Once' }] }, []],
  ])('with %s', (_name, other, expected) => {
    expect(chatNeeds({ messages, ...other })).toEqual(expected);
  });
});

describe('an embedding request', () => {
  test.each<[string, { dimensions?: number }, Feature[]]>([
    ['without a length', {}, []],
    ['with a length', { dimensions: 8 }, ['dimensions']],
  ])('%s', (_name, other, expected) => {
    expect(embedNeeds({ input: 'a', ...other })).toEqual(expected);
  });
});

test('what is not declared is not there', () => {
  expect(Object.values(noCapabilities)).not.toContain(true);
});

test('every feature can be asked for by some request, but for that which only a router asks for', () => {
  const request: ChatRequest = {
    messages: [image],
    tools: [tool],
    tool_choice: 'required',
    logprobs: true,
    logit_bias: { 1: 1 },
    n: 2,
    reasoning_effort: 'low',
  };
  const object = chatNeeds({ ...request, response_format: { type: 'json_object' } });
  const schema = chatNeeds({ messages, response_format: { type: 'json_schema', json_schema: { name: 'a', schema: {} } } });
  const asked = [...object, ...schema, ...embedNeeds({ input: 'a', dimensions: 2 }), 'prefill'];
  expect(asked.toSorted()).toEqual(Object.keys(noCapabilities).toSorted());
});
