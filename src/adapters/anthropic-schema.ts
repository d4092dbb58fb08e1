import { mapSchemas, withAnyOf } from '../core/json-schema.ts';
import type { JsonObject } from '../lib/json.ts';

/** What the API takes; it refuses a schema with any other keyword with status 400. */
const keywords: ReadonlySet<string> = new Set(
  'type properties required additionalProperties items anyOf allOf enum const $ref $defs definitions description title default'.split(' '),
);
const formats: ReadonlySet<unknown> = new Set('date-time time date duration email hostname uri ipv4 ipv6 uuid'.split(' '));

/**
 * A JSON Schema that the API takes: what it cannot hold an answer to (lengths, limits of numbers, patterns) is told to the model in
 * the description of that part, as Anthropic's own libraries do, and objects are closed unless the schema opens them.
 */
export function toAcceptedSchema(schema: Readonly<Record<string, unknown>>): JsonObject {
  return mapSchemas(schema, toAccepted) as JsonObject;
}

function toAccepted(found: Readonly<Record<string, unknown>>): JsonObject {
  if ('$ref' in found && !('$defs' in found)) return { $ref: found['$ref'] };
  const schema = withAnyOf(found);
  const entries = Object.entries(schema);
  const kept = Object.fromEntries(entries.filter(([keyword, value]) => isAccepted(keyword, value)));
  const told = entries
    .filter(([keyword, value]) => !isAccepted(keyword, value))
    .map(([keyword, value]) => `${keyword}: ${JSON.stringify(value)}`);
  const { description } = schema;
  return {
    ...kept,
    ...(told.length > 0 && { description: `${typeof description === 'string' ? `${description} ` : ''}(${told.join(', ')})` }),
    ...(schema['type'] === 'object' && { additionalProperties: schema['additionalProperties'] ?? false }),
  };
}

function isAccepted(keyword: string, value: unknown): boolean {
  if (keyword === 'format') return formats.has(value);
  if (keyword === 'minItems') return value === 0 || value === 1;
  if (keyword === 'items') return typeof value === 'object';
  return keywords.has(keyword);
}
