import { mapSchemas, withAnyOf } from './json-schema.ts';

/**
 * A schema of the answer wanted, as zod (4.2 and later), Valibot, ArkType and others make it: it checks values and tells its own
 * JSON Schema. The interface is Standard Schema with Standard JSON Schema (https://standardschema.dev), version 1.
 */
export interface AnswerSchema<Value = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly validate: (value: unknown) => SchemaResult<Value> | Promise<SchemaResult<Value>>;
    readonly jsonSchema: { readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown> };
    readonly types?: { readonly output: Value } | undefined;
  };
}

export type SchemaResult<Value> = { readonly value: Value; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** True for every schema that can check values; one whose library is too old to tell a JSON Schema is refused with a reason later. */
export function isAnswerSchema(value: unknown): value is AnswerSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || !('~standard' in value)) return false;
  return typeof (value['~standard'] as Partial<AnswerSchema['~standard']> | null)?.validate === 'function';
}

/**
 * The JSON Schema of a schema, with every object closed and `oneOf` written as `anyOf`, which more servers take; and whether it is
 * one for OpenAI's strict mode: an object, all of whose properties are required, in the keywords that are documented for it.
 * Throws what the schema's library throws where it has no JSON Schema for it.
 */
export function jsonSchemaOf(schema: AnswerSchema): { readonly schema: Record<string, unknown>; readonly strict: boolean } {
  const { $schema: _, ...plain } = schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' });
  const closed = mapSchemas(plain, (inner) => closeObject(withAnyOf(inner))) as Record<string, unknown>;
  return { schema: closed, strict: closed['type'] === 'object' && isStrict(closed) };
}

function closeObject(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { type, additionalProperties = false } = schema;
  return type === 'object' ? { ...schema, additionalProperties } : schema;
}

/** https://platform.openai.com/docs/guides/structured-outputs: any other keyword is refused there with status 400. */
const strictKeywords: ReadonlySet<string> = new Set(
  [
    'type properties required additionalProperties items anyOf enum const $ref $defs title description pattern format',
    'minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems',
  ].flatMap((line) => line.split(' ')),
);
const strictFormats: ReadonlySet<unknown> = new Set('date-time time date duration email hostname ipv4 ipv6 uuid'.split(' '));

function isStrict(node: unknown): boolean {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return false;
  const { type, format, properties = {}, required = [], additionalProperties, items, anyOf, $defs = {} } = node as Record<string, unknown>;
  const names = Object.keys(properties as object);
  if (!Object.keys(node).every((keyword) => strictKeywords.has(keyword))) return false;
  if (!['type', 'anyOf', 'enum', 'const', '$ref'].some((keyword) => keyword in node)) return false;
  if (format !== undefined && !strictFormats.has(format)) return false;
  if (type === 'object' && (additionalProperties !== false || !names.every((name) => (required as readonly unknown[]).includes(name))))
    return false;
  const inner = [properties, $defs].flatMap((map) => Object.values(map as object) as unknown[]);
  return [...inner, ...(items === undefined ? [] : [items]), ...((anyOf as readonly unknown[] | undefined) ?? [])].every(isStrict);
}
