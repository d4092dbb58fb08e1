import type { Call } from '../core/adapter.ts';
import type { EmbedAnswer, EmbedRequest, Embedding } from '../core/types.ts';
import { areFinite } from '../lib/finite.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject, type JsonObject } from '../lib/json.ts';
import type { ResolvedDialect } from './openai-dialect.ts';
import type { CallOrigin } from './openai-wire.ts';

/** Parts go one after the other: side by side they would run into the rate limit that made the server set its own. */
export async function embedInParts(
  http: HttpClient,
  { name, base64, maxInputs, ignores }: ResolvedDialect,
  call: Call<EmbedRequest>,
  origin: CallOrigin,
): Promise<EmbedAnswer> {
  const { request, model } = call;
  const asked = ignores.includes('user') ? { ...request, user: undefined } : request;
  const answers: EmbedAnswer[] = [];
  for (const part of splitInput(request.input, maxInputs)) {
    const body = { ...toEmbedBody(asked, part, model, base64), ...request.extra?.[name], input: part };
    const value = await http.postJson('/v1/embeddings', body, call);
    answers.push(toEmbedAnswer(value, request, typeof part === 'string' ? 1 : part.length, origin));
  }
  return joinEmbedAnswers(answers, model);
}

/** The inputs of a request, in parts of at most `maxInputs`. A single text stays a text. No part where there is no input. */
export function splitInput(input: EmbedRequest['input'], maxInputs: number): readonly EmbedRequest['input'][] {
  if (typeof input === 'string' || (input.length > 0 && input.length <= maxInputs)) return [input];
  const parts: (readonly string[])[] = [];
  for (let start = 0; start < input.length; start += maxInputs) parts.push(input.slice(start, start + maxInputs));
  return parts;
}

/** `base64` travels and parses in a third of the time of numbers; it is asked for only where the server is known to have it. */
export function toEmbedBody(request: EmbedRequest, input: EmbedRequest['input'], model: string | undefined, base64: boolean): JsonObject {
  const { dimensions, user } = request;
  return { model, input, encoding_format: base64 ? 'base64' : undefined, dimensions, user };
}

/**
 * Checks an answer: as many vectors as inputs, each index once, finite numbers, all of one length, and of the length asked
 * for. Whether numbers or base64 came is seen from the answer, because some servers ignore the question.
 */
export function toEmbedAnswer(value: unknown, request: EmbedRequest, inputs: number, origin: CallOrigin): EmbedAnswer {
  if (!isJsonObject(value) || !Array.isArray(value['data'])) throw origin.badResponse('the answer holds no list of embeddings.');
  const items: unknown[] = value['data'];
  if (items.length !== inputs) throw origin.badResponse(`${inputs} inputs were sent, but ${items.length} embeddings came back.`);
  const data: Embedding[] = [];
  items.forEach((item, position) => {
    const { embedding, index = position } = isJsonObject(item) ? item : {};
    if (typeof index !== 'number' || !(index in items) || index in data) throw origin.badResponse('the embeddings are numbered wrongly.');
    data[index] = { object: 'embedding', index, embedding: toVector(embedding, origin) };
  });
  const lengths = new Set(data.map(({ embedding }) => embedding.length));
  if (request.dimensions !== undefined) lengths.add(request.dimensions);
  if (lengths.size > 1) throw origin.badResponse('the embeddings differ in length, from each other or from `dimensions`.');
  const { model, usage } = value;
  return {
    object: 'list',
    data,
    model: typeof model === 'string' ? model : (origin.model ?? ''),
    ...(isEmbedUsage(usage) && { usage }),
  };
}

/** One answer of the answers to the parts of a request. Usage is the sum, or left out where a part did not report it. */
export function joinEmbedAnswers(answers: readonly EmbedAnswer[], model: string | undefined): EmbedAnswer {
  const [first] = answers;
  if (first !== undefined && answers.length === 1) return first;
  const data = answers.flatMap((answer) => answer.data).map((item, index) => ({ ...item, index }));
  const usages = answers.map((answer) => answer.usage).filter((usage) => usage !== undefined);
  const sum = (name: 'prompt_tokens' | 'total_tokens'): number => usages.reduce((total, usage) => total + usage[name], 0);
  return {
    object: 'list',
    data,
    model: first?.model ?? model ?? '',
    ...(usages.length > 0 &&
      usages.length === answers.length && { usage: { prompt_tokens: sum('prompt_tokens'), total_tokens: sum('total_tokens') } }),
  };
}

function toVector(embedding: unknown, origin: CallOrigin): number[] {
  const vector = typeof embedding === 'string' ? decodeVector(embedding) : embedding;
  if (!Array.isArray(vector) || vector.length === 0 || !areFinite(vector)) {
    throw origin.badResponse('an embedding is not a list of finite numbers.');
  }
  return vector;
}

/** Little-endian 32-bit floats in base64; undefined where the text is none. */
export function decodeVector(text: string): number[] | undefined {
  const bytes = decodeBase64(text);
  if (bytes === undefined || bytes.length % 4 !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const vector: number[] = [];
  vector.length = bytes.length / 4;
  for (let index = 0; index < vector.length; index++) vector[index] = view.getFloat32(index * 4, true);
  return vector;
}

/** Newer platforms decode straight into bytes; `atob` is everywhere. */
const fromBase64 = (Uint8Array as { fromBase64?: (text: string) => Uint8Array }).fromBase64;

function decodeBase64(text: string): Uint8Array | undefined {
  const decoded = byNode(text);
  if (decoded !== undefined) return decoded;
  try {
    if (fromBase64) return fromBase64.call(Uint8Array, text);
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
    return bytes;
  } catch {
    return undefined;
  }
}

/** Node's decoder takes a tenth of the time, and leaves out what is no base64: then the length tells, and the strict one decides. */
function byNode(text: string): Uint8Array | undefined {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = globalThis.Buffer?.from(text, 'base64');
  return bytes?.length === (text.length / 4) * 3 - padding ? bytes : undefined;
}

function isEmbedUsage(usage: unknown): usage is NonNullable<EmbedAnswer['usage']> {
  return isJsonObject(usage) && Number.isFinite(usage['prompt_tokens']) && Number.isFinite(usage['total_tokens']);
}
