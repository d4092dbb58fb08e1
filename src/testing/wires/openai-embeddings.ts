import type { Answer } from '../script.ts';
import { type Exchange, jsonExchange, type WireCall } from '../wire.ts';
import { type Fields, fieldsOf } from './fields.ts';
import { countWords, fakeCreated } from './scene.ts';
import { vectorsFor } from './vectors.ts';

/** How one server writes embeddings. */
export interface EmbedStyle {
  readonly base64: boolean;
  /** The length in the request counts. */
  readonly dimensions: boolean;
  readonly frame: (parts: EmbedFramed) => Fields;
  /** One item; `format` is what the vector was written in. */
  readonly item: (index: number, embedding: unknown, format: 'float' | 'base64') => Fields;
}

interface EmbedFramed {
  readonly model: string;
  readonly data: readonly Fields[];
  /** Undefined: the script says that the server reports none. */
  readonly promptTokens: number | undefined;
}

export function embedExchange(style: EmbedStyle, headers: Readonly<Record<string, string>>, answer: Answer, call: WireCall): Exchange {
  const body = fieldsOf(call.body);
  const inputs = inputsOf(body['input']);
  const asked = style.dimensions && typeof body['dimensions'] === 'number' ? body['dimensions'] : undefined;
  const format = style.base64 && body['encoding_format'] === 'base64' ? 'base64' : 'float';
  const vectors = vectorsFor(answer, inputs, asked);
  const data = vectors.map((vector, index) => style.item(index, format === 'base64' ? toBase64(vector) : vector, format));
  return jsonExchange(style.frame({ model: call.model ?? 'fake-model', data, promptTokens: tokensOf(answer, inputs) }), 200, headers);
}

/** Hugging Face's feature extraction: nothing around the vectors; one bare vector for one bare text. */
export function featureExchange(answer: Answer, call: WireCall): Exchange {
  const input = fieldsOf(call.body)['inputs'];
  const vectors = vectorsFor(answer, inputsOf(input));
  return jsonExchange(Array.isArray(input) ? vectors : vectors[0]);
}

function toBase64(vector: readonly number[]): string {
  const bytes = new DataView(new ArrayBuffer(vector.length * 4));
  vector.forEach((value, index) => bytes.setFloat32(index * 4, value, true));
  return btoa(String.fromCharCode(...new Uint8Array(bytes.buffer)));
}

function tokensOf(answer: Answer, inputs: readonly string[]): number | undefined {
  return answer.usage === null ? undefined : (answer.usage?.promptTokens ?? countWords(inputs.join(' ')));
}

/** A text, texts, the tokens of one text, or the tokens of several. */
function inputsOf(input: unknown): readonly string[] {
  if (!Array.isArray(input)) return [String(input)];
  if (input.every((item) => typeof item === 'number')) return [input.join(' ')];
  return input.map((item) => (Array.isArray(item) ? item.join(' ') : String(item)));
}

const promptUsage = (promptTokens: number | undefined): Fields | undefined =>
  promptTokens === undefined ? undefined : { prompt_tokens: promptTokens, total_tokens: promptTokens };

/** OpenAI. */
export const openaiEmbeddings: EmbedStyle = {
  base64: true,
  dimensions: true,
  frame: ({ model, data, promptTokens }) => ({ object: 'list', data, model, usage: promptUsage(promptTokens) }),
  item: (index, embedding) => ({ object: 'embedding', index, embedding }),
};

/** LM Studio, and servers of which only the protocol is known: numbers, whatever was asked for. */
export const floatEmbeddings: EmbedStyle = { ...openaiEmbeddings, base64: false, dimensions: false };

/** vLLM, and NVIDIA's containers around it. */
export const vllmEmbeddings: EmbedStyle = {
  ...openaiEmbeddings,
  frame({ model, data, promptTokens }) {
    const usage = promptTokens !== undefined && { ...promptUsage(promptTokens), completion_tokens: 0, prompt_tokens_details: null };
    return { id: 'embd-fake', object: 'list', created: fakeCreated, model, data, usage: usage || undefined };
  },
};

/** SGLang takes the word `base64` and sends numbers. */
export const sglangEmbeddings: EmbedStyle = {
  base64: false,
  dimensions: true,
  frame({ model, data, promptTokens }) {
    const usage = promptTokens !== undefined && { ...promptUsage(promptTokens), completion_tokens: 0, prompt_tokens_details: null };
    return { data, model, object: 'list', usage: usage || undefined };
  },
  item: (index, embedding) => ({ embedding, index, object: 'embedding' }),
};

/** llama.cpp ignores `dimensions`, and says beside each base64 text that it is one. */
export const llamacppEmbeddings: EmbedStyle = {
  base64: true,
  dimensions: false,
  frame: ({ model, data, promptTokens }) => ({ model, object: 'list', usage: promptUsage(promptTokens), data }),
  item: (index, embedding, format) => ({
    embedding,
    index,
    object: 'embedding',
    ...(format === 'base64' && { encoding_format: 'base64' }),
  }),
};

/** text-generation-webui answers with its own model and counts nothing. */
export const textgenEmbeddings: EmbedStyle = {
  base64: true,
  dimensions: false,
  frame: ({ data, promptTokens }) => ({
    object: 'list',
    data,
    model: 'sentence-transformers/all-mpnet-base-v2',
    usage: promptTokens === undefined ? undefined : promptUsage(0),
  }),
  item: (index, embedding) => ({ object: 'embedding', embedding, index }),
};

/** Together reports no usage and has neither base64 nor `dimensions`. */
export const togetherEmbeddings: EmbedStyle = {
  base64: false,
  dimensions: false,
  frame: ({ model, data }) => ({ model, object: 'list', data }),
  item: (index, embedding) => ({ index, object: 'embedding', embedding }),
};
