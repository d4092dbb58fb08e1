import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

// Writes tests/specs/*.json from the official OpenAPI files: `node scripts/extract-specs.ts <folder of the OpenAPI files>`, then
// `npx oxfmt tests/specs`. Where the files come from stands in tests/specs/README.md.

/** The file of each server, and the schemas that are wanted of it; what they refer to comes along. */
const wanted: Readonly<Record<string, { readonly file: string; readonly schemas: readonly string[] }>> = {
  openai: {
    file: 'openai.openapi.yaml',
    schemas: [
      'CreateChatCompletionRequest',
      'CreateChatCompletionResponse',
      'CreateChatCompletionStreamResponse',
      'CreateCompletionRequest',
      'CreateCompletionResponse',
      'CreateEmbeddingRequest',
      'CreateEmbeddingResponse',
      'ErrorResponse',
      'ListModelsResponse',
    ],
  },
  ollama: {
    file: 'ollama.openapi.yaml',
    schemas: [
      'ChatRequest',
      'ChatResponse',
      'ChatStreamEvent',
      'EmbedRequest',
      'EmbedResponse',
      'GenerateRequest',
      'GenerateResponse',
      'GenerateStreamEvent',
      'ListResponse',
      'PsResponse',
      'ShowRequest',
      'ShowResponse',
      'VersionResponse',
    ],
  },
  tgi: {
    file: 'tgi.openapi.json',
    schemas: [
      'ChatRequest',
      'ChatCompletion',
      'ChatCompletionChunk',
      'GenerateRequest',
      'GenerateResponse',
      'StreamResponse',
      'Info',
      'ModelInfo',
      'ErrorResponse',
    ],
  },
  tei: {
    file: 'tei.openapi.json',
    schemas: [
      'EmbedRequest',
      'EmbedResponse',
      'OpenAICompatRequest',
      'OpenAICompatResponse',
      'OpenAICompatErrorResponse',
      'Info',
      'ErrorResponse',
    ],
  },
  together: {
    file: 'together.openapi.yaml',
    schemas: [
      'ChatCompletionRequest',
      'ChatCompletionResponse',
      'ChatCompletionChunk',
      'EmbeddingsRequest',
      'EmbeddingsResponse',
      'ModelInfoList',
    ],
  },
};

type Schema = Readonly<Record<string, unknown>>;

/** Words for people and for generators of code; none of them decides whether a value is valid. */
const unneeded = new Set([
  'description',
  'example',
  'examples',
  'title',
  'default',
  'deprecated',
  'externalDocs',
  'discriminator',
  'xml',
  'format',
  'readOnly',
  'writeOnly',
  'nullable',
]);

/** Keywords whose keys are names, and not keywords. */
const named = new Set(['properties', 'patternProperties', 'definitions', '$defs']);

const prefix = '#/components/schemas/';

/** Plain JSON Schema: no words, no `nullable`, and references that stay in the file. */
function toJsonSchema(value: unknown, isMapOfNames = false): unknown {
  if (Array.isArray(value)) return value.map((item) => toJsonSchema(item));
  if (typeof value !== 'object' || value === null) return value;
  const schema = value as Schema;
  if (isMapOfNames) return Object.fromEntries(Object.entries(schema).map(([name, inner]) => [name, toJsonSchema(inner)]));
  const kept = Object.entries(schema).filter(([key]) => !unneeded.has(key) && !key.startsWith('x-'));
  const plain = Object.fromEntries(kept.map(([key, inner]) => [key, toKeyword(key, inner)]));
  return mayBeNull(schema) ? orNull(plain) : plain;
}

/** `nullable` itself, or as a part of its own in an `allOf`, where documents write it beside a reference. */
function mayBeNull({ nullable, allOf }: Schema): boolean {
  return nullable === true || (Array.isArray(allOf) && allOf.some(isJustNullable));
}

function isJustNullable(schema: unknown): boolean {
  return JSON.stringify(schema) === '{"nullable":true}';
}

function toKeyword(key: string, value: unknown): unknown {
  // Values that are compared, and names: none of them is a schema.
  if (key === 'enum' || key === 'const' || key === 'required') return value;
  if (key === 'allOf' && Array.isArray(value)) return toJsonSchema(value.filter((part) => !isJustNullable(part)));
  if (key === '$ref' && typeof value === 'string') return value.replace(prefix, '#/$defs/');
  return toJsonSchema(value, named.has(key));
}

/** What OpenAPI 3.0 calls `nullable`. */
function orNull(schema: Schema): Schema {
  const { type, enum: values } = schema;
  if (typeof type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  return { ...schema, type: [type, 'null'], ...(Array.isArray(values) && { enum: [...(values as unknown[]), null] }) };
}

function referencesIn(value: unknown): readonly string[] {
  return [...JSON.stringify(value).matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)].map(([, name = '']) => name);
}

/** The schemas wanted and all that they refer to, in the order of their names. */
function closureOf(all: Schema, roots: readonly string[]): Schema {
  const found = new Map<string, unknown>();
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    if (!Object.hasOwn(all, name)) throw new Error(`There is no schema "${name}".`);
    const schema = toJsonSchema(all[name]);
    found.set(name, schema);
    open.push(...referencesIn(schema));
  }
  return Object.fromEntries([...found].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

const folder = process.argv[2];
if (folder === undefined) throw new Error('Name the folder of the OpenAPI files: node scripts/extract-specs.ts <folder>');
for (const [name, { file, schemas }] of Object.entries(wanted)) {
  const document = parse(readFileSync(join(folder, file), 'utf8')) as {
    readonly info: { readonly version: string };
    readonly components: { readonly schemas: Schema };
  };
  const $defs = closureOf(document.components.schemas, schemas);
  const spec = { $id: `${name}.json`, $comment: `${file}, version ${document.info.version}`, $defs };
  writeFileSync(new URL(`../tests/specs/${name}.json`, import.meta.url), `${JSON.stringify(spec, undefined, 2)}\n`);
}
