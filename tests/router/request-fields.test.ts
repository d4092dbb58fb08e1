import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { CallOptions } from '../../src/config/call-options.ts';
import { isRouterError } from '../../src/core/errors.ts';
import type { ChatMessage, ChatRequest, EmbedRequest } from '../../src/core/types.ts';
import { readChat } from '../../src/http/openai-request.ts';
import { copyChat, copyEmbed } from '../../src/router/copy-request.ts';
import { failureOf, fakeRouter } from '../_kit/fake-router.ts';
import { chatSchema, embedSchema, wrongFields } from './request-schema.ts';

const canary = 'canary-41c8';

/** What the refusal says; undefined where the request was taken. Any other error fails the test. */
function refusalOf(copy: () => unknown): string | undefined {
  try {
    copy();
  } catch (error) {
    if (isRouterError(error, 'invalid_request')) return error.message;
    throw error;
  }
  return undefined;
}

// Requests that are right.

const text = fc.constantFrom('', 'Hello!', 'grüß dich', canary);
const name = fc.constantFrom('f', 'llama3.1:8b', canary);
const texts = fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 }));
const share = fc.double({ min: 0, max: 1, noNaN: true });
const count = fc.integer({ min: 1, max: 100 });
const json = fc.constantFrom({}, { type: 'object', properties: { city: { type: 'string' } } });

const part = fc.oneof(
  fc.record({ type: fc.constant('text'), text }),
  fc.record({ type: fc.constant('image_url'), image_url: fc.record({ url: fc.constant('https://example.org/cat.png') }) }),
);
const someParts = fc.array(part, { minLength: 1, maxLength: 3 });
const call = fc.record(
  {
    id: fc.constantFrom('', 'call_1', null),
    type: fc.constant('function'),
    function: fc.record({ name, arguments: fc.constantFrom('{}', '{oops', { city: 'Paris' }, null) }, { requiredKeys: ['name'] }),
  },
  { requiredKeys: ['function'] },
);
const calls = fc.array(call, { maxLength: 2 });

const messageFields: Readonly<Record<keyof ChatMessage, fc.Arbitrary<unknown>>> = {
  role: fc.constantFrom('system', 'developer', 'user', 'assistant', 'tool'),
  content: fc.oneof(text, someParts),
  name: fc.option(name),
  tool_calls: fc.option(calls),
  tool_call_id: fc.option(text),
  reasoning_content: fc.option(text),
  thinking_blocks: fc.option(fc.array(fc.constant({ type: 'redacted_thinking', data: 'x' }), { maxLength: 2 })),
};
const plainMessage = fc.record({ role: messageFields.role, content: text });
const silentMessage = fc.record({
  role: fc.constantFrom('assistant', 'tool'),
  content: fc.constantFrom(null, undefined),
  tool_calls: calls,
});
const anyMessage = fc.record(messageFields, { requiredKeys: ['role', 'content'] });

const tool = fc.oneof(
  fc.record({ type: fc.constant('function'), function: fc.record({ name, parameters: json }) }),
  fc.constantFrom({ function: { name: 'f' } }, { type: 'custom', custom: { name: 'g' } }),
);

const chatFields: Readonly<Record<keyof ChatRequest, fc.Arbitrary<unknown>>> = {
  model: fc.option(name),
  messages: fc.array(fc.oneof(plainMessage, silentMessage, anyMessage), { minLength: 1, maxLength: 4 }),
  temperature: fc.option(share),
  top_p: fc.option(share),
  n: fc.option(count),
  stop: fc.option(texts),
  max_tokens: fc.option(count),
  max_completion_tokens: fc.option(count),
  presence_penalty: fc.option(share),
  frequency_penalty: fc.option(share),
  seed: fc.option(count),
  logprobs: fc.option(fc.boolean()),
  top_logprobs: fc.option(fc.integer({ min: 0, max: 20 })),
  logit_bias: fc.option(fc.dictionary(fc.constantFrom('15', '16'), count)),
  tools: fc.option(fc.array(tool, { maxLength: 3 })),
  tool_choice: fc.option(fc.constantFrom('none', 'auto', 'required', { type: 'function', function: { name: 'f' } })),
  parallel_tool_calls: fc.option(fc.boolean()),
  response_format: fc.option(
    fc.constantFrom(
      { type: 'text' },
      { type: 'json_object' },
      { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } },
    ),
  ),
  reasoning_effort: fc.option(fc.constantFrom('none', 'low', 'high')),
  stream_options: fc.option(fc.constant({ include_usage: true })),
  user: fc.option(text),
  extra: fc.option(fc.dictionary(fc.constantFrom('ollama', 'vllm'), fc.constantFrom({}, { keep_alive: '10m' }))),
};
const embedFields: Readonly<Record<keyof EmbedRequest, fc.Arbitrary<unknown>>> = {
  model: chatFields.model,
  input: texts,
  dimensions: fc.option(count),
  user: chatFields.user,
  extra: chatFields.extra,
};
const chat = fc.record({ ...chatFields, top_k: count }, { requiredKeys: ['messages'] });
const embed = fc.record({ ...embedFields, encoding_format: text }, { requiredKeys: ['input'] });

// What may stand in the place of a right value.

/** Made anew each time, because a second damage may go into what the first one has put there. */
const oddities: readonly (() => unknown)[] = [
  ...[NaN, Infinity, -Infinity, null, undefined, 0, 1.5, 2 ** 60, '', canary, true, 5n, Symbol(canary)].map((value) => () => value),
  () => () => canary,
  () => Object(canary),
  () => new Date(0),
  () => new Proxy(new Date(0), {}),
  () => new Map([[canary, 1]]),
  () => Object.create(null),
  () => ({}),
  () => ({ a: 1 }),
  () => ({ a: {} }),
  () => ({ type: canary }),
  () => ({ type: 'text', text: 'x' }),
  () => ({ name: 'f' }),
  () => ({ function: { name: 'f' } }),
  () => Object.fromEntries([['__proto__', { type: 'text', text: 'x' }]]),
  () => [],
  () => Array.from({ length: 2 }),
  () => ['a'],
  () => [null],
  () => [[]],
  () => [{}],
  () => [{ type: 'text', text: 'x' }],
  () => [{ role: 'user', content: 'x' }],
];
const odd = fc.constantFrom(...oddities).map((make) => make());
const junk = fc.oneof(
  odd,
  odd.map((value) => (typeof value === 'object' && value !== null ? new Proxy(value, {}) : value)),
  fc.anything({ withSparseArray: true, withNullPrototype: true, withBigInt: true, withDate: true, withMap: true }),
);

interface Damage {
  readonly field: string;
  /** Which of the messages, where the field is one of a message. */
  readonly at: number;
  /** From the field to what is inside of it, by number. */
  readonly way: readonly number[];
  readonly how: 'value' | 'getter' | 'gone';
  readonly value: unknown;
}

const damageOf = (fields: readonly string[]): fc.Arbitrary<Damage> =>
  fc.record({
    field: fc.constantFrom(...fields),
    at: fc.nat(3),
    way: fc.array(fc.nat(3), { maxLength: 4 }),
    how: fc.constantFrom('value', 'value', 'getter', 'gone'),
    value: junk,
  });

/** In place. An item of a list that goes leaves a hole. */
function damage(request: object, { field, at, way, how, value }: Damage): void {
  const { messages } = request as { messages?: unknown };
  const isOfMessage = field.startsWith('messages.');
  let inside = (isOfMessage && Array.isArray(messages) ? (messages as unknown[])[at % messages.length] : request) as object;
  let key = isOfMessage ? field.slice('messages.'.length) : field;
  if (!isChangeable(inside)) return;
  for (const step of way) {
    const next = (inside as Record<string, unknown>)[key];
    if (!isChangeable(next) || Object.keys(next).length === 0) break;
    inside = next;
    key = Object.keys(next)[step % Object.keys(next).length] as string;
  }
  if (how === 'gone') Reflect.deleteProperty(inside, key);
  else
    Reflect.defineProperty(inside, key, { ...(how === 'getter' ? { get: () => value } : { value }), enumerable: true, configurable: true });
}

function isChangeable(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Mostly damaged in one place, sometimes in two, sometimes in none. */
function damaged(request: fc.Arbitrary<object>, fields: readonly string[]): fc.Arbitrary<unknown> {
  const damages = fc.oneof(
    { arbitrary: fc.array(damageOf(fields), { minLength: 1, maxLength: 1 }), weight: 8 },
    { arbitrary: fc.array(damageOf(fields), { maxLength: 2 }), weight: 1 },
  );
  const made = fc.tuple(request, damages).map(([right, several]) => {
    const request = structuredClone(right);
    for (const each of several) damage(request, each);
    return request;
  });
  return fc.oneof({ arbitrary: made, weight: 30 }, { arbitrary: junk, weight: 1 });
}

const chatNames = [...Object.keys(chatFields), ...Object.keys(messageFields).map((field) => `messages.${field}`)];
const anyChat = damaged(chat, chatNames);
const anyEmbed = damaged(embed, Object.keys(embedFields));

/** The name at the beginning of a refusal, with the messages counted as one. */
function nameIn(refusal: string): string {
  return /: (the request|[\w.[\]]+) must be /.exec(refusal)?.[1]?.replace(/\[\d+\]/, '') ?? refusal;
}

function outcomeOf(refusal: string | undefined, wrong: readonly string[]): string {
  if (refusal === undefined) return 'taken';
  return wrong.some((field) => refusal.includes(`: ${field} must be `)) ? 'refused' : `refused for another reason: ${refusal}`;
}

test('a chat is refused exactly where the schema refuses it, with the name of a field that is wrong', () => {
  const refused = new Set<string>();
  fc.assert(
    fc.property(anyChat, (request) => {
      const wrong = wrongFields(chatSchema, request);
      const refusal = refusalOf(() => copyChat(request as ChatRequest));
      expect(outcomeOf(refusal, wrong)).toBe(wrong.length === 0 ? 'taken' : 'refused');
      expect(refusal ?? '').not.toContain(canary);
      if (refusal !== undefined) refused.add(nameIn(refusal));
    }),
    { numRuns: 4_000 },
  );
  expect([...refused].toSorted()).toEqual([...chatNames, 'the request'].toSorted());
});

test('an embedding is refused exactly where the schema refuses it, with the name of a field that is wrong', () => {
  const refused = new Set<string>();
  fc.assert(
    fc.property(anyEmbed, (request) => {
      const wrong = wrongFields(embedSchema, request);
      const refusal = refusalOf(() => copyEmbed(request as EmbedRequest));
      expect(outcomeOf(refusal, wrong)).toBe(wrong.length === 0 ? 'taken' : 'refused');
      expect(refusal ?? '').not.toContain(canary);
      if (refusal !== undefined) refused.add(nameIn(refusal));
    }),
    { numRuns: 2_000 },
  );
  expect([...refused].toSorted()).toEqual([...Object.keys(embedFields), 'the request'].toSorted());
});

// The routes of other programs have stricter lists of their own, which the router knows nothing of.
test('what the route for chats takes is never refused behind it', () => {
  const spoken = fc.record({
    role: fc.constantFrom('system', 'user', 'assistant'),
    content: fc.oneof(text, fc.array(fc.record({ type: fc.constant('text'), text }), { minLength: 1 })),
  });
  const body = fc.record(
    { ...chatFields, model: name, messages: fc.array(spoken, { minLength: 1 }) },
    { requiredKeys: ['model', 'messages'] },
  );
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(body, damaged(body, chatNames)), (given) => {
      const asked = read(given);
      if (asked === undefined) return;
      taken += 1;
      expect(refusalOf(() => copyChat(asked))).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
  expect(taken).toBeGreaterThan(200);
});

/** Undefined for what the route refuses, or what no JSON can say. */
function read(body: unknown): ChatRequest | undefined {
  try {
    return readChat(JSON.parse(JSON.stringify(body)) as unknown).request;
  } catch {
    return undefined;
  }
}

test('null is a field left out, and asks for no feature', async () => {
  const { router, fakes } = fakeRouter({ gpu: 'Hi' });
  const nulls = Object.fromEntries(Object.keys(chatFields).map((field) => [field, null]));
  await router.chat({ ...nulls, messages: [{ role: 'user', content: 'Hello!' }] } as unknown as ChatRequest);
  expect(fakes.gpu.calls[0]?.request).toEqual({ messages: [{ role: 'user', content: 'Hello!' }] });
});

test('fields that nobody knows here pass', () => {
  const request = { messages: [{ role: 'user' as const, content: 'Hello!', cache_control: 1 }], top_k: 'x', metadata: [] };
  expect(copyChat(request)).toEqual(request);
});

test('what is checked is what is used: a field that tells something else the second time is read once', () => {
  let reads = 0;
  const once = { get: () => ((reads += 1), reads === 1 ? 0.5 : 'mine'), enumerable: true };
  const request = Object.defineProperty({ messages: [{ role: 'user' as const, content: 'Hello!' }] }, 'temperature', once);
  expect(copyChat(request)).toMatchObject({ temperature: 0.5 });
});

const circle: Record<string, unknown> = {};
circle['itself'] = circle;

test.each<[string, unknown]>([
  ['a bigint', { most: 5n }],
  ['a circle', circle],
  [
    'something that refuses to be written',
    {
      toJSON: () => {
        throw new Error(canary);
      },
    },
  ],
])('tools and schemas that hold %s are refused with words, before anything begins', async (_what, odd) => {
  const { router, fakes, events } = fakeRouter({ gpu: 'Hi' });
  const request = { messages: [{ role: 'user' as const, content: 'Hello!' }] };
  const wrong = { parameters: odd } as Record<string, unknown>;
  const tools = [{ type: 'function' as const, function: { name: 'f', ...wrong } }];
  const format = { type: 'json_schema' as const, json_schema: { name: 's', schema: wrong } };
  const refusals = [
    await failureOf(router.chat({ ...request, tools })),
    await failureOf(router.stream({ ...request, response_format: format })),
  ];
  expect(refusals.map((error) => isRouterError(error, 'invalid_request') && error.message)).toEqual([
    expect.stringMatching(/: tools must be a list of tools, each with function\.name, that JSON can hold\.$/),
    expect.stringMatching(/: response_format must be .* of what JSON can hold\.$/),
  ]);
  expect(() => router.explain({ ...request, tools })).toThrow('tools must be');
  expect([fakes.gpu.calls.length, events.of('request:start').length]).toEqual([0, 0]);
});

test.each([null, 'fast', 5, true, () => undefined])('options that are %s are refused with words', async (options) => {
  const { router } = fakeRouter({ gpu: 'Hi' });
  const request = { messages: [{ role: 'user' as const, content: 'Hello!' }] };
  const given = options as unknown as CallOptions;
  const calls = [
    () => router.chat(request, given),
    () => router.chat({ ...request, response_format: z.object({}) }, given),
    () => router.stream(request, given),
    () => router.embed({ input: 'Hello!' }, given),
    async () => router.explain(request, given),
  ];
  for (const call of calls) {
    const error = await failureOf(call());
    expect(isRouterError(error, 'invalid_request') && error.message).toBe('The call cannot be carried out: the options must be an object.');
  }
  expect(await router.tryChat(request, given)).toMatchObject({ success: false, error: { code: 'invalid_request' } });
});

test('a request that is refused reaches nobody', async () => {
  const { router, fakes } = fakeRouter({ gpu: 'Hi' });
  const request = { messages: [{ role: 'user', text: 'Hello!' }] } as unknown as ChatRequest;
  const { message } = (await failureOf(router.chat(request))) as Error;
  expect(message).toMatchInlineSnapshot(
    `"The call cannot be carried out: messages[0].content must be a string or a list of parts, each with its type: text with text, image_url with image_url.url."`,
  );
  expect(fakes.gpu.calls).toHaveLength(0);
});
