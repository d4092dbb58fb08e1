import { RouterError } from '../core/errors.ts';
import { mapSchemas } from '../core/json-schema.ts';
import type { ResponseFormat } from '../core/types.ts';
import type { Llama } from './cpu-library.ts';

/**
 * What node-llama-cpp 3.22 makes a grammar of (`GbnfJsonSchema` in its types), and words that ask for nothing. It would pass
 * over any other keyword without a word, and the answer would break the schema.
 */
const keywords = new Set(
  [
    'type properties required additionalProperties minProperties maxProperties items prefixItems minItems maxItems',
    'const enum oneOf anyOf minLength maxLength format $ref $defs',
    'description title default examples $schema $id $comment',
  ].flatMap((line) => line.split(' ')),
);

const formats = new Set(['date', 'time', 'date-time']);

/** The grammar that holds an answer to its format; undefined where any text will do. */
export async function grammarFor(format: ResponseFormat | undefined, llama: Llama, provider: string): Promise<object | undefined> {
  if (format === undefined || format.type === 'text') return undefined;
  if (format.type === 'json_object') return llama.getGrammarFor('json');
  const { schema } = format.json_schema;
  const unknown = unknownKeyword(schema);
  const refused = (what: string): RouterError =>
    new RouterError('unsupported', `Provider "${provider}" cannot hold an answer to ${what} of a JSON schema.`, { provider });
  if (unknown !== undefined) throw refused(`"${unknown}"`);
  return llama.createGrammarForJsonSchema(mapSchemas(schema, withOneOf) as never).catch(() => {
    throw refused('these parts');
  });
}

/** The first keyword that the library would pass over, in the schema or in one inside it. */
function unknownKeyword(schema: unknown): string | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined;
  for (const [keyword, value] of Object.entries(schema)) {
    if (!keywords.has(keyword)) return keyword;
    if (keyword === 'format' && !formats.has(String(value))) return `format: ${String(value)}`;
    for (const inner of schemasIn(keyword, value)) {
      const unknown = unknownKeyword(inner);
      if (unknown !== undefined) return unknown;
    }
  }
  return undefined;
}

/** An answer that fits one alternative is allowed either way, and the library knows this word alone. */
function withOneOf(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { anyOf, ...rest } = schema;
  return Array.isArray(anyOf) && !('oneOf' in rest) ? { ...rest, oneOf: anyOf } : schema;
}

function schemasIn(keyword: string, value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (keyword === 'properties' || keyword === '$defs') return Object.values(value);
  if (keyword === 'oneOf' || keyword === 'anyOf' || keyword === 'prefixItems') return Array.isArray(value) ? value : [];
  return keyword === 'items' || keyword === 'additionalProperties' ? [value] : [];
}
