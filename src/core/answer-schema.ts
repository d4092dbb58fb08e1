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

export function isAnswerSchema(value: unknown): value is AnswerSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || !('~standard' in value)) return false;
  const standard = value['~standard'] as Partial<AnswerSchema['~standard']> | null;
  return typeof standard?.validate === 'function' && typeof standard.jsonSchema?.input === 'function';
}

/**
 * The JSON Schema of a schema, with every object closed, and whether all of its properties are required: what OpenAI's strict
 * mode asks for. Throws what the schema's library throws where it has no JSON Schema for it.
 */
export function jsonSchemaOf(schema: AnswerSchema): { readonly schema: Record<string, unknown>; readonly strict: boolean } {
  const { $schema: _, ...plain } = schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' });
  let strict = true;
  const closed = closeObjects(plain, (open) => (strict &&= !open));
  return { schema: closed as Record<string, unknown>, strict };
}

function closeObjects(node: unknown, note: (isOpen: boolean) => void): unknown {
  if (Array.isArray(node)) return node.map((item) => closeObjects(item, note));
  if (typeof node !== 'object' || node === null) return node;
  const inner = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, closeObjects(value, note)]));
  if (inner['type'] !== 'object') return inner;
  const { properties = {}, required = [], additionalProperties = false } = inner;
  const names = Object.keys(properties as object);
  note(additionalProperties !== false || !names.every((name) => (required as readonly unknown[]).includes(name)));
  return { ...inner, additionalProperties };
}
