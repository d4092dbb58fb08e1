/** Keywords that hold values and no schemas. */
const values: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples']);

/** Keywords that hold schemas by names of the user's own. */
const maps: ReadonlySet<string> = new Set(['properties', 'patternProperties', '$defs', 'definitions']);

/** A copy of a JSON Schema in which `change` was applied to each object schema, the inner ones first. */
export function mapSchemas(
  schema: unknown,
  change: (schema: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
): unknown {
  if (Array.isArray(schema)) return schema.map((item) => mapSchemas(item, change));
  if (!isObject(schema)) return schema;
  const inner = mapValues(schema, (value, keyword) => {
    if (values.has(keyword)) return value;
    return maps.has(keyword) && isObject(value) ? mapValues(value, (named) => mapSchemas(named, change)) : mapSchemas(value, change);
  });
  return change(inner);
}

/** The same under `anyOf`, which more servers take. Where the alternatives differ, and they do in unions, both mean the same. */
export function withAnyOf(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { oneOf, ...rest } = schema;
  return Array.isArray(oneOf) && !('anyOf' in rest) ? { ...rest, anyOf: oneOf } : schema;
}

function mapValues(object: object, change: (value: unknown, name: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]: [string, unknown]) => [name, change(value, name)]));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
