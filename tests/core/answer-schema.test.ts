import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isAnswerSchema, jsonSchemaOf } from '../../src/core/answer-schema.ts';

describe('isAnswerSchema', () => {
  test('takes a zod schema, and nothing that only looks like one', () => {
    expect(isAnswerSchema(z.object({ a: z.string() }))).toBe(true);
    expect(isAnswerSchema({ type: 'json_schema' })).toBe(false);
    expect(isAnswerSchema({ '~standard': { validate: () => ({ value: 1 }) } })).toBe(false);
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
  ])('is not strict with %s', (_, schema) => {
    expect(jsonSchemaOf(schema).strict).toBe(false);
  });

  test('leaves an open object open', () => {
    expect(jsonSchemaOf(z.record(z.string(), z.number())).schema).toMatchObject({ additionalProperties: { type: 'number' } });
  });
});
