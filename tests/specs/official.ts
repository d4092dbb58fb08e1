import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Message, SpecName } from './traffic.ts';

/** A place where an official document is not what its server does, and what stands there instead. */
export interface Divergence {
  readonly spec: SpecName;
  /** Path below `$defs`. */
  readonly at: readonly string[];
  /** From what stands there, which is undefined where nothing does. */
  readonly becomes: (there: unknown) => unknown;
  readonly because: string;
}

const without =
  (name: string) =>
  (there: unknown): unknown =>
    (there as readonly string[]).filter((each) => each !== name);

export const divergences: readonly Divergence[] = [
  {
    spec: 'openai',
    at: ['Embedding', 'properties', 'embedding'],
    becomes: (there) => ({ anyOf: [there, { type: 'string' }] }),
    because: 'The request of the same document has encoding_format "base64", which is answered with a text.',
  },
  {
    spec: 'openai',
    at: ['CreateEmbeddingResponse', 'required'],
    becomes: without('usage'),
    because: 'The script asked for an answer without counts, which servers that imitate this one give.',
  },
  {
    spec: 'ollama',
    at: ['ChatRequest', 'properties', 'truncate'],
    becomes: () => ({ type: 'boolean' }),
    because: 'ChatRequest in api/types.go has it, with the meaning that the document gives it for embeddings.',
  },
  {
    spec: 'ollama',
    at: ['EmbedRequest', 'properties', 'keep_alive'],
    becomes: () => ({ type: ['string', 'number'] }),
    because: 'Duration in api/types.go reads numbers as seconds; the document says so for chats only.',
  },
  {
    spec: 'tgi',
    at: ['FunctionDefinition'],
    becomes: (there) => {
      const { properties } = there as { readonly properties: Readonly<Record<string, unknown>> };
      return { type: 'object', required: ['name'], properties: { ...properties, parameters: properties['arguments'] } };
    },
    because: 'FunctionDefinition in router/src/lib.rs takes OpenAI\'s "parameters" as another name of "arguments".',
  },
  {
    spec: 'tgi',
    at: ['ChatCompletion', 'required'],
    becomes: without('usage'),
    because: 'The script asked for an answer without counts.',
  },
  {
    spec: 'tgi',
    at: ['StreamDetails', 'required'],
    becomes: without('input_length'),
    because: 'Older servers do not count the prompt, which is what the script asked for.',
  },
  {
    spec: 'tei',
    at: ['OpenAICompatErrorResponse'],
    becomes: (there) => JSON.parse(JSON.stringify(there).replaceAll('"error_type"', '"type"')) as unknown,
    because: 'The code renames error_type to type, as the examples of the same document have it.',
  },
  {
    spec: 'together',
    at: ['ChatCompletionRequest', 'properties', 'stream_options'],
    becomes: () => ({ type: 'object' }),
    because: 'Not in the document; it goes out because the caller set it.',
  },
  {
    spec: 'together',
    at: ['ToolChoice'],
    becomes: (there) => JSON.parse(JSON.stringify(there).replaceAll(/"required":\[[^\]]*\],?/g, '')) as unknown,
    because: 'One schema for a call with its index, one that is sent back without, a piece of one in a stream, and the name of a tool.',
  },
  {
    spec: 'together',
    at: ['LogprobsPart', 'properties', 'top_logprobs'],
    becomes: (there) => ({ anyOf: [there, { type: 'array', items: there }] }),
    because: 'One map cannot hold the alternatives of several tokens; a whole answer has one for each, as in a stream.',
  },
];

export const specNames: readonly SpecName[] = ['openai', 'ollama', 'tgi', 'tei', 'together'];

type Schema = Readonly<Record<string, unknown>>;
type Spec = { readonly $id: string; readonly $defs: Schema };

function read(name: SpecName): Spec {
  return JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8')) as Spec;
}

/**
 * What an official schema has against a value; nothing where it is valid. A request may have no field that its schema does not name:
 * the documents leave that open, and a misspelt field would be valid.
 */
export type Judge = (message: Message, kind: 'request' | 'answer') => readonly string[];

export function createJudge(known: readonly Divergence[] = divergences): Judge {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  for (const name of specNames) ajv.addSchema(known.filter((each) => each.spec === name).reduce<Spec>(amended, read(name)));
  const validators = new Map<string, ValidateFunction>();
  const validatorOf = (id: string, kind: 'request' | 'answer'): ValidateFunction => {
    const found = validators.get(kind + id) ?? ajv.compile({ $ref: id, ...(kind === 'request' && { unevaluatedProperties: false }) });
    validators.set(kind + id, found);
    return found;
  };
  return ({ spec, schema, value }, kind) => {
    const validate = validatorOf(`${spec}.json#/$defs/${schema}`, kind);
    if (validate(value)) return [];
    return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''} ${JSON.stringify(error.params)}`);
  };
}

function amended(spec: Spec, { at, becomes }: Divergence): Spec {
  const change = (node: unknown, path: readonly string[]): unknown => {
    const [key, ...rest] = path;
    if (key === undefined) return becomes(node);
    const copy = Array.isArray(node) ? [...(node as unknown[])] : { ...(node as Schema) };
    const inner = change((node as Schema)[key], rest);
    return Object.assign(copy, { [key]: inner });
  };
  return { ...spec, $defs: change(spec.$defs, at) as Schema };
}
