import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { configSchema, type Schema, schemaFile, schemaText } from '../../scripts/write-config-schema.ts';
import { copyOptions } from '../../src/config/copy-options.ts';
import { createFindings } from '../../src/config/findings.ts';
import { checkShape } from '../../src/config/schema.ts';
import manifest from '../../package.json' with { type: 'json' };

const published = readFileSync(schemaFile, 'utf8');
const schema = JSON.parse(published) as Schema;
const guide = readFileSync(new URL('../../docs/guides/configuration.md', import.meta.url), 'utf8');

let accepts: ValidateFunction;
beforeAll(() => {
  // Strict: a key word that draft 7 does not have, or one that could never apply, throws.
  accepts = new Ajv({ strict: true, allErrors: true }).compile(schema);
});

/** What the schema finds wrong: where, and what. */
function faults(value: unknown): string[] {
  accepts(value);
  return (accepts.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

function isShapeFine(value: unknown): boolean {
  const findings = createFindings();
  checkShape(copyOptions(value, findings), findings);
  return findings.issues.length === 0;
}

test('the file is what the script writes', { timeout: 60_000 }, () => {
  expect(published).toBe(schemaText(configSchema()));
});

test('the package publishes it', () => {
  expect(manifest.exports['./config.schema.json']).toBe('./docs/reference/config.schema.json');
  expect(manifest.files).toContain('docs/reference/config.schema.json');
});

const p = (fields: object): object => ({ providers: { p: { type: 'ollama', ...fields } } });

describe('the schema', () => {
  test('takes good files', () => {
    const examples = Array.from(guide.matchAll(/^```json own\n([\s\S]*?)^```$/gm), ([, text]) => JSON.parse(text ?? '') as unknown);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(faults(example)).toEqual([]);
  });

  test('tells what is wrong with bad ones', () => {
    expect(
      [
        {},
        [],
        { providers: { p: {} } },
        p({ type: 'custom' }),
        p({ type: 'olama' }),
        p({ baseUrl: 'http://a' }),
        p({ url: ' ' }),
        p({ priority: 0.5 }),
        p({ weight: 0 }),
        p({ timeouts: { idleMs: 0 } }),
        { ...p({}), maxAttempts: '3' },
        { ...p({}), transport: {} },
        { ...p({}), throughput: {} },
        { ...p({}), breaker: { jitter: 2 } },
      ].map((value) => faults(value).join('; ')),
    ).toMatchInlineSnapshot(`
      [
        " must have required property 'providers'",
        " must be object",
        "/providers/p must have required property 'type'",
        "/providers/p/type must be equal to one of the allowed values",
        "/providers/p/type must be equal to one of the allowed values",
        "/providers/p must NOT have additional properties",
        "/providers/p/url must match pattern "\\S"",
        "/providers/p/priority must be integer",
        "/providers/p/weight must be > 0",
        "/providers/p/timeouts/idleMs must be > 0",
        "/maxAttempts must be integer",
        " must NOT have additional properties",
        "/throughput must have required property 'minCharsPerSecond'",
        "/breaker must be equal to constant; /breaker/jitter must be <= 1; /breaker must match a schema in anyOf",
      ]
    `);
  });

  test('says what every option means, but for those that a name and a default tell', () => {
    const silent: string[] = [];
    const look = (part: unknown, path: string): void => {
      for (const [name, value] of Object.entries((part as { properties?: object }).properties ?? {})) {
        if (!('description' in (value as object)) && !('default' in (value as object))) silent.push(`${path}${name}`);
      }
    };
    look(schema, '');
    for (const [name, definition] of Object.entries(schema['definitions'] as object)) look(definition, `${name}.`);
    expect(silent).toEqual(['timeouts', 'ProviderOptions.timeouts']);
  });
});

/** Values that the options of a schema may take, and some that they may not. */
function valuesFor(part: Schema): fc.Arbitrary<unknown> {
  const odd = fc.constantFrom<unknown>(null, 'x', '', ' ', 0, 1, -1, 0.5, 1e12, true, false, [], {}, ['gpu'], { x: 1 });
  return fc.oneof({ arbitrary: fitting(part), weight: 12 }, { arbitrary: odd, weight: 1 });
}

function fitting(part: Schema): fc.Arbitrary<unknown> {
  const {
    $ref,
    anyOf,
    enum: names,
    type,
    additionalProperties: values,
    properties,
    items,
    required = [],
  } = part as {
    $ref?: string;
    anyOf?: Schema[];
    enum?: unknown[];
    type?: string;
    additionalProperties?: Schema | false;
    properties?: Record<string, Schema>;
    items?: Schema;
    required?: string[];
  };
  if ($ref !== undefined) return fitting((schema['definitions'] as Record<string, Schema>)[$ref.split('/').at(-1) ?? ''] ?? {});
  if (anyOf !== undefined) return fc.oneof(...anyOf.map(fitting));
  if (names !== undefined) return fc.constantFrom(...names);
  if ('const' in part) return fc.constant(part['const']);
  if (type === 'string') return fc.constantFrom('a', 'http://127.0.0.1:1', 'two words', '\u00e9');
  if (type === 'boolean') return fc.boolean();
  if (type === 'array') return fc.array(valuesFor(items ?? {}), { maxLength: 2 });
  if (type !== 'object') return numbers(part);
  if (values) return fc.dictionary(fc.constantFrom('a', 'b', 'gpu'), valuesFor(values), { maxKeys: 2 });
  const { $schema: _, ...known } = properties ?? {};
  const entries = Object.entries(known).map(([name, inner]) => [name, valuesFor(inner)] as const);
  const record = fc.record(Object.fromEntries(entries), { requiredKeys: required }).chain((all) => fewOf(all, required));
  return fc.oneof({ arbitrary: record, weight: 20 }, { arbitrary: record.map((value) => ({ ...value, unknown: 1 })), weight: 1 });
}

/** Most sets of options are small, and one bad value among many would hide what the others are. */
function fewOf(all: Record<string, unknown>, required: readonly string[]): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(all);
  return fc.subarray(entries, { maxLength: Math.min(3, entries.length) }).map((some) => ({
    ...Object.fromEntries(entries.filter(([name]) => required.includes(name))),
    ...Object.fromEntries(some),
  }));
}

function numbers(part: Schema): fc.Arbitrary<unknown> {
  const { minimum = 0, maximum = 1_000_000 } = part as { minimum?: number; maximum?: number };
  return fc.oneof(fc.constantFrom(minimum, maximum, minimum - 1, maximum + 1, 1, 0.5), fc.integer({ min: minimum, max: maximum }));
}

test('takes what the check of the options takes, and nothing else', { timeout: 60_000 }, () => {
  const outcomes = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(fitting(schema), (value) => {
      const isTaken = faults(value).length === 0;
      outcomes[isTaken ? 'taken' : 'refused'] += 1;
      expect(isTaken).toBe(isShapeFine(value));
    }),
    { numRuns: 4_000 },
  );
  // A generator that made nothing but good, or nothing but bad ones, would show nothing.
  expect(Math.min(outcomes.taken, outcomes.refused)).toBeGreaterThan(400);
});
