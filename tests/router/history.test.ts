import { expect, test } from 'vitest';
import type { ChatMessage, ChatRequest, ToolCall } from '../../src/core/types.ts';
import { acceptableHistory } from '../../src/router/history.ts';
import type { FakeCall } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter } from '../_kit/fake-router.ts';
import { slowdown } from '../lib/slowdown.ts';

const called = (call: unknown): ChatMessage => ({ role: 'assistant', content: null, tool_calls: [call as ToolCall] });
const callsOf = (messages: readonly ChatMessage[], at = 0): readonly ToolCall[] => messages[at]?.tool_calls ?? [];

test('arguments that are an object become JSON text', () => {
  const [call] = callsOf(acceptableHistory([called({ id: 'a', type: 'function', function: { name: 'f', arguments: { city: 'Paris' } } })]));
  expect(call).toEqual({ id: 'a', type: 'function', function: { name: 'f', arguments: '{"city":"Paris"}' } });
});

test('a call without arguments has an empty object of them', () => {
  const [call] = callsOf(acceptableHistory([called({ id: 'a', function: { name: 'f' } })]));
  expect(call?.function.arguments).toBe('{}');
});

test('text of arguments stays as it is, wrong JSON too: the server that made it may know better', () => {
  const [call] = callsOf(acceptableHistory([called({ id: 'a', function: { name: 'f', arguments: '{oops' } })]));
  expect(call?.function.arguments).toBe('{oops');
});

test('calls without an id get one, each its own, and the results are matched in order', () => {
  const one = { function: { name: 'f', arguments: '{}' } };
  const messages = acceptableHistory([
    { role: 'user', content: 'x' },
    { role: 'assistant', content: null, tool_calls: [one, { ...one, id: '' }] as unknown as ToolCall[] },
    { role: 'tool', content: 'first' },
    { role: 'tool', content: 'second', tool_call_id: '' },
  ]);
  const ids = callsOf(messages, 1).map(({ id }) => id);
  expect(new Set(ids).size).toBe(2);
  expect(messages.slice(2).map(({ tool_call_id }) => tool_call_id)).toEqual(ids);
});

test('a result that names its call keeps the name, and the next one without takes the next call', () => {
  const messages = acceptableHistory([
    {
      role: 'assistant',
      tool_calls: ['a', 'b'].map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })),
    },
    { role: 'tool', content: 'of a', tool_call_id: 'a' },
    { role: 'tool', content: 'of b' },
  ]);
  expect(messages.slice(1).map(({ tool_call_id }) => tool_call_id)).toEqual(['a', 'b']);
});

test('a result that belongs to no call is left alone', () => {
  expect(acceptableHistory([{ role: 'tool', content: 'x' }])).toEqual([{ role: 'tool', content: 'x' }]);
});

test.each([[[]], [null]])('no calls, written as %j, are left out, because OpenAI refuses them', (none) => {
  const message = { role: 'assistant', content: 'a', tool_calls: none } as unknown as ChatMessage;
  expect(acceptableHistory([message])).toEqual([{ role: 'assistant', content: 'a' }]);
});

test.each([
  [{}],
  ['text'],
  [[null]],
  [[{ id: 'a' }]],
  [[{ id: 'a', function: { arguments: 'mine' } }]],
  [[{ id: 1, function: { name: 'f' } }]],
  [[{ function: { name: 'f', arguments: 5 } }]],
])('what is no list of calls, %j, is refused with its place and without its words', async (tool_calls) => {
  const { router, fakes } = fakeRouter({ gpu: 'Hi' });
  const messages = [{ role: 'assistant', content: null, tool_calls }] as unknown as ChatMessage[];
  expect(await failureOf(router.chat({ messages }))).toMatchObject({
    code: 'invalid_request',
    message:
      'The call cannot be carried out: messages[0].tool_calls must be a list of calls, each with function.name; ids are strings, arguments JSON text or an object that JSON can hold.',
  });
  expect(fakes.gpu.calls).toHaveLength(0);
});

const cycle: Record<string, unknown> = {};
cycle['self'] = cycle;
test.each([
  ['a BigInt', { count: 5n }],
  ['themselves', cycle],
  ['a toJSON() that gives nothing', { toJSON: () => undefined }],
])('arguments with %s in them are refused before anybody would write them as JSON', async (_, given) => {
  const { router, fakes } = fakeRouter({ gpu: 'Hi' });
  const messages = [called({ function: { name: 'f', arguments: given } })];
  expect(await failureOf(router.chat({ messages }))).toMatchObject({ code: 'invalid_request' });
  expect(fakes.gpu.calls).toHaveLength(0);
});

test('the caller’s messages are not changed', () => {
  const message = Object.freeze(called(Object.freeze({ function: Object.freeze({ name: 'f', arguments: Object.freeze({}) }) })));
  expect(() => acceptableHistory(Object.freeze([message]))).not.toThrow();
});

test('providers see the history in OpenAI’s form', async () => {
  const { router, fakes } = fakeRouter({ gpu: 'Hi' });
  await router.chat({ messages: [called({ function: { name: 'f', arguments: { a: 1 } } }), { role: 'tool', content: 'r' }] });
  const { messages } = (fakes.gpu.calls[0] as FakeCall).request as ChatRequest;
  const [assistant, tool] = messages;
  expect(assistant?.tool_calls?.[0]?.function.arguments).toBe('{"a":1}');
  expect(tool?.tool_call_id).toBe(assistant?.tool_calls?.[0]?.id);
});

test('results of many calls cost in proportion to their number', () => {
  const histories = new Map<number, ChatMessage[]>();
  const historyOf = (count: number): ChatMessage[] => {
    const ids = Array.from({ length: count }, (_, index) => `call_${index}`);
    const tool_calls = ids.map((id): ToolCall => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } }));
    const results = ids.map((id): ChatMessage => ({ role: 'tool', tool_call_id: id, content: 'x' }));
    const known = histories.get(count) ?? [{ role: 'assistant', content: null, tool_calls }, ...results];
    histories.set(count, known);
    return known;
  };
  expect(slowdown((size) => acceptableHistory(historyOf(size / 16)))).toBeLessThan(3);
});
