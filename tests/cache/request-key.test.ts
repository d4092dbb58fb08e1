import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AskedFor, isRepeatable, keyOf, requestText } from '../../src/cache/request-key.ts';
import type { ChatRequest } from '../../src/core/types.ts';

const json = fc.jsonValue({ maxDepth: 3 });
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const message = fc.record(
  {
    role: fc.constantFrom('user', 'assistant', 'system', 'tool'),
    content: fc.oneof(text, fc.constant(null), fc.array(fc.record({ type: fc.constant('text'), text }), { maxLength: 2 })),
    name: text,
    tool_call_id: text,
  },
  { requiredKeys: ['role', 'content'] },
);
const tool = fc.record({ type: fc.constant('function'), function: fc.record({ name: text, parameters: fc.dictionary(text, json) }) });
const request = fc.record(
  {
    model: text,
    messages: fc.array(message, { minLength: 1, maxLength: 3 }),
    temperature: fc.constantFrom(0, 0.5, 1),
    seed: fc.integer(),
    stop: fc.oneof(text, fc.array(text, { maxLength: 2 })),
    max_tokens: fc.nat(),
    tools: fc.array(tool, { maxLength: 2 }),
    response_format: fc.record({
      type: fc.constant('json_schema'),
      json_schema: fc.record({ name: text, schema: fc.dictionary(text, json) }),
    }),
    logit_bias: fc.dictionary(text, fc.integer()),
    extra: fc.dictionary(text, fc.dictionary(text, json)),
  },
  { requiredKeys: ['messages'] },
) as fc.Arbitrary<ChatRequest>;
const asked: fc.Arbitrary<AskedFor> = fc.record({
  verb: fc.constantFrom('chat', 'embed'),
  request,
  intent: fc.constantFrom('fast', 'heavy'),
  only: fc.option(text, { nil: undefined }),
  scope: fc.oneof(fc.constant('everybody' as const), fc.record({ caller: fc.option(text, { nil: undefined }) })),
});

/** The same value with the fields of its objects the other way round, but not inside what servers read in order. */
function turned(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(turned);
  const entries = Object.entries(value).map(([name, entry]) => [name, /^(?:parameters|schema|extra)$/.test(name) ? entry : turned(entry)]);
  return Object.fromEntries(entries.toReversed());
}

const wire = ({ request: { user: _user, ...rest }, ...others }: AskedFor): unknown =>
  JSON.parse(
    JSON.stringify([
      others.verb,
      rest,
      others.intent,
      others.only ?? null,
      others.scope === 'everybody' ? 0 : [others.scope.caller ?? null],
    ]),
  );

describe('the text of a request', () => {
  test('is another one for a request that says anything else', () => {
    fc.assert(
      fc.property(asked, asked, (one, other) => {
        fc.pre(!isDeepStrictEqual(wire(one), wire(other)));
        expect(requestText(one)).not.toBe(requestText(other));
      }),
    );
  });

  test('is another one where a single value is another', () => {
    fc.assert(
      fc.property(asked, fc.nat(), fc.string({ minLength: 1, maxLength: 3 }), (one, place, mark) => {
        const other = { ...one, request: changed(one.request, place, mark) as ChatRequest };
        expect(requestText(other)).not.toBe(requestText(one));
      }),
    );
  });

  test('does not look at the order of fields', () => {
    fc.assert(
      fc.property(asked, (one) => {
        expect(requestText({ ...one, request: turned(one.request) as ChatRequest })).toBe(requestText(one));
      }),
    );
  });

  test.each<[string, object, object]>([
    ['how the answer travels', { stream: true, stream_options: { include_usage: true } }, {}],
    ['on whose behalf the provider counts it', { user: 'u-1' }, { user: 'u-2' }],
    ['what is not set', { temperature: undefined }, {}],
  ])('does not hold %s', (_what, one, other) => {
    expect(textOf(one)).toBe(textOf(other));
  });

  test.each<[string, object, object]>([
    ['properties of a schema', formatOf({ a: 1, b: 2 }), formatOf({ b: 2, a: 1 })],
    ['parameters of a tool', toolOf({ a: 1, b: 2 }), toolOf({ b: 2, a: 1 })],
    ['fields for one backend', { extra: { vllm: { a: 1, b: 2 } } }, { extra: { vllm: { b: 2, a: 1 } } }],
  ])('looks at the order of %s', (_what, one, other) => {
    expect(textOf(one)).not.toBe(textOf(other));
  });

  test('a caller who is called like nobody is somebody', () => {
    const scopes = [{ caller: undefined }, { caller: 'null' }, { caller: '' }, { caller: 'everybody' }, 'everybody'] as const;
    expect(new Set(scopes.map((scope) => requestText({ ...hello, scope }))).size).toBe(scopes.length);
  });
});

const hello: AskedFor = {
  verb: 'chat',
  request: { messages: [{ role: 'user', content: 'the secret of the house' }] },
  intent: 'fast',
  only: undefined,
  scope: { caller: 'alice' },
};

function textOf(fields: object): string {
  return requestText({ ...hello, request: { ...hello.request, ...fields } });
}

function formatOf(properties: object): object {
  return { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object', properties } } } };
}

function toolOf(properties: object): object {
  return { tools: [{ type: 'function', function: { name: 'a', parameters: { type: 'object', properties } } }] };
}

/** A copy with something added to one of its texts, numbers or nulls. */
function changed(value: unknown, place: number, mark: string): unknown {
  let left = place % Math.max(1, leaves(value));
  const walk = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(walk);
    if (typeof inner === 'object' && inner !== null)
      return Object.fromEntries(Object.entries(inner).map(([name, entry]) => [name, walk(entry)]));
    return left-- === 0 ? `${String(inner)}${mark}` : inner;
  };
  return walk(value);
}

function leaves(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, entry) => sum + leaves(entry), 0);
}

describe('the key', () => {
  test('is a whole SHA-256, and nothing of the prompt or the caller stands in it', async () => {
    const text = requestText(hello);
    const key = await keyOf(text);
    expect(key).toMatch(/^inferlane:answer:1:[0-9a-f]{64}$/);
    expect(text).toContain('the secret of the house');
    expect(await keyOf(`${text} `)).not.toBe(key);
  });
});

describe('by itself', () => {
  const chat = (fields: object): boolean => isRepeatable('chat', { ...hello.request, ...fields });

  test.each<[boolean, object]>([
    [false, {}],
    [true, { temperature: 0 }],
    [true, { temperature: 0, n: 1 }],
    [false, { temperature: 0, n: 2 }],
    [false, { temperature: 0.1 }],
    [false, { seed: 7 }],
    [true, { temperature: 0, seed: 7, tools: [] }],
  ])('%s for a chat with %j', (is, fields) => {
    expect(chat(fields)).toBe(is);
  });

  test('true for embeddings', () => {
    expect(isRepeatable('embed', { input: 'x' })).toBe(true);
  });
});
