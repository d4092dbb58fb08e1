import * as z from 'zod/mini';
import type { EmbeddingList, EmbedRequest } from '../index.ts';
import { count, extra, modelName, mustBeObject, oneOf, optional, readBody, text, textOrTexts } from './body-schema.ts';

const embeddingBody = z.strictObject(
  {
    model: modelName(),
    input: textOrTexts('must be text, or a list of 1 to 2048 texts: tokens mean something to one model only', 1, 2_048),
    encoding_format: optional(oneOf(['float', 'base64'])),
    dimensions: optional(count()),
    user: optional(text()),
    extra: optional(extra()),
  },
  mustBeObject,
);

export interface EmbeddingsAsked {
  readonly request: EmbedRequest;
  readonly isBase64: boolean;
}

/**
 * A body of `POST /v1/embeddings`.
 * @throws {HttpRefusal} 400
 */
export function readEmbeddings(body: unknown): EmbeddingsAsked {
  const { encoding_format: format, ...request } = readBody(embeddingBody, body);
  return { request, isBase64: format === 'base64' };
}

/** OpenAI's list of embeddings; its clients ask for base64 unless their caller says otherwise. */
export interface EmbeddingsJson {
  readonly object: 'list';
  readonly data: readonly { readonly object: 'embedding'; readonly index: number; readonly embedding: readonly number[] | string }[];
  readonly model: string;
  /** The API requires counts: 0 where the server gave none. */
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number };
}

export function embeddingsJson({ data, model, usage }: EmbeddingList, isBase64: boolean): EmbeddingsJson {
  const { prompt_tokens = 0, total_tokens = 0 } = usage ?? {};
  return {
    object: 'list',
    data: data.map(({ index, embedding }) => ({ object: 'embedding', index, embedding: isBase64 ? toBase64(embedding) : embedding })),
    model,
    usage: { prompt_tokens, total_tokens },
  };
}

/** In parts, because a call takes only so many arguments; the length of a part divides by 3, so that none is padded. */
const partLength = 0x6000;

/** 32-bit floats, the low byte first. */
function toBase64(vector: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  vector.forEach((value, index) => view.setFloat32(index * 4, value, true));
  const bytes = new Uint8Array(view.buffer);
  let encoded = '';
  for (let start = 0; start < bytes.length; start += partLength) {
    encoded += btoa(String.fromCharCode(...bytes.subarray(start, start + partLength)));
  }
  return encoded;
}
