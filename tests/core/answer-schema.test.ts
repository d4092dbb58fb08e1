import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isAnswerSchema, jsonSchemaOf } from '../../src/core/answer-schema.ts';

describe('isAnswerSchema', () => {
  test('takes a zod schema, and nothing that only looks like one', () => {
    expect(isAnswerSchema(z.object({ a: z.string() }))).toBe(true);
    expect(isAnswerSchema({ type: 'json_schema' })).toBe(false);
    expect(isAnswerSchema({ '~standard': {} })).toBe(false);
    expect(isAnswerSchema({ '~standard': null })).toBe(false);
    expect(isAnswerSchema(undefined)).toBe(false);
  });
});

describe('jsonSchemaOf', () => {
  test('closes every object, and says strict where all properties are required', () => {
    const { schema, strict } = jsonSchemaOf(z.object({ city: z.string(), days: z.array(z.object({ high: z.number() })) }));
    expect(strict).toBe(true);
    expect(schema).toEqual({
      type: 'object',
      properties: {
        city: { type: 'string' },
        days: {
          type: 'array',
          items: { type: 'object', properties: { high: { type: 'number' } }, required: ['high'], additionalProperties: false },
        },
      },
      required: ['city', 'days'],
      additionalProperties: false,
    });
  });

  test.each([
    ['an optional property', z.object({ a: z.string().optional() })],
    ['an optional property deep inside', z.object({ a: z.array(z.object({ b: z.string().optional() })) })],
    ['an open object', z.record(z.string(), z.number())],
    ['a list as a whole', z.array(z.string())],
    ['alternatives as a whole', z.union([z.object({ a: z.string() }), z.object({ b: z.string() })])],
    ['a length', z.object({ a: z.string().min(2) })],
    ['a length among alternatives', z.object({ a: z.union([z.number(), z.string().min(2)]) })],
    ['a format that is not documented', z.object({ a: z.url() })],
    ['a list of places', z.object({ a: z.tuple([z.string()]) })],
    ['anything at all', z.object({ a: z.unknown() })],
  ])('is not strict with %s', (_, schema) => {
    expect(jsonSchemaOf(schema).strict).toBe(false);
  });

  test.each([
    ['limits of numbers and of lists', z.object({ a: z.int().min(1), b: z.array(z.string()).min(2) })],
    ['alternatives inside', z.object({ a: z.union([z.number(), z.object({ b: z.string() })]), c: z.string().nullable() })],
    [
      'a schema inside itself',
      z.object({
        name: z.string(),
        get next() {
          return z.array(z.object({ name: z.string() }));
        },
      }),
    ],
  ])('is strict with %s', (_, schema) => {
    expect(jsonSchemaOf(schema).strict).toBe(true);
  });

  test('writes told-apart alternatives as anyOf, because OpenAI and Anthropic refuse oneOf', () => {
    const kinds = z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })]);
    const { schema, strict } = jsonSchemaOf(z.object({ at: kinds }));
    expect(schema).toMatchObject({ properties: { at: { anyOf: [{ additionalProperties: false }, { additionalProperties: false }] } } });
    expect(JSON.stringify(schema)).not.toContain('oneOf');
    expect(strict).toBe(true);
  });

  test('leaves values alone that look like schemas', () => {
    const { schema } = jsonSchemaOf(z.object({ a: z.object({ type: z.string() }).default({ type: 'object' }) }));
    expect(schema).toMatchObject({ properties: { a: { default: { type: 'object' } } } });
    expect(JSON.stringify(schema)).toContain('"default":{"type":"object"}');
  });

  test('closes objects in properties that are called like keywords', () => {
    const { schema } = jsonSchemaOf(z.object({ default: z.object({ a: z.string() }), oneOf: z.string() }));
    expect(schema).toMatchObject({ properties: { default: { additionalProperties: false }, oneOf: { type: 'string' } } });
  });

  test('leaves an open object open', () => {
    expect(jsonSchemaOf(z.record(z.string(), z.number())).schema).toMatchObject({ additionalProperties: { type: 'number' } });
  });
});
