import type { Call } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import type { EmbedAnswer, Embedding, EmbedRequest } from '../core/types.ts';
import { orAborted } from '../lib/abort.ts';
import type { Embedder } from './cpu-models.ts';
import { createStopper } from './cpu-stopper.ts';
import type { Turns } from './cpu-turns.ts';

/** What holds the encoder: a GGUF file, or a sentence model of another library. */
interface EmbedderSource {
  embedder(): Promise<Embedder>;
  /** A classified error for what a running inference threw. */
  failure(error: unknown): RouterError;
}

export interface EmbedParts {
  readonly provider: string;
  /** The model's name in answers. */
  readonly model: string;
  readonly models: EmbedderSource;
  readonly turns: Turns;
  readonly closing: AbortSignal;
}

/** One vector per input, in order, each of length 1 as from OpenAI, so that a dot product is the cosine. */
export async function embedTexts(call: Call<EmbedRequest>, parts: EmbedParts): Promise<EmbedAnswer> {
  const stopper = createStopper([call.signal, parts.closing]);
  try {
    const endTurn = await parts.turns.take(stopper.signal);
    // An input under way cannot be stopped: the caller is told at once, the turn ends with that input.
    return await orAborted(embedAll(call.request, parts, stopper.signal).finally(endTurn), stopper.signal);
  } finally {
    stopper.dispose();
  }
}

async function embedAll({ input }: EmbedRequest, { provider, model, models }: EmbedParts, signal: AbortSignal): Promise<EmbedAnswer> {
  const embedder = await models.embedder();
  const texts = typeof input === 'string' ? [input] : input;
  const lengths = texts.map((text) => lengthOf(text, embedder, provider));
  const data: Embedding[] = [];
  for (const [index, text] of texts.entries()) {
    signal.throwIfAborted();
    const vector = await embedder.vectorOf(text).catch((error: unknown) => {
      throw models.failure(error);
    });
    data.push({ object: 'embedding', index, embedding: unit(vector, provider) });
  }
  const prompt_tokens = lengths.reduce((sum, length) => sum + length, 0);
  return { object: 'list', data, model, usage: { prompt_tokens, total_tokens: prompt_tokens } };
}

/** In tokens. The libraries give a vector without meaning for an empty text, and no class of error for one too long. */
function lengthOf(text: string, { maxTokens, lengthOf: count }: Embedder, provider: string): number {
  if (text === '') throw new RouterError('bad_request', `Provider "${provider}": an empty text has no embedding.`, { provider });
  const length = count(text);
  if (length <= maxTokens) return length;
  const message = `Provider "${provider}": an input has ${length} tokens, the model takes ${maxTokens}.`;
  throw new RouterError('context_length', message, { provider });
}

function unit(vector: readonly number[], provider: string): number[] {
  const length = Math.hypot(...vector);
  if (!Number.isFinite(length))
    throw new RouterError('bad_response', `Provider "${provider}": a vector holds no finite numbers.`, { provider });
  return length > 0 ? vector.map((value) => value / length) : [...vector];
}
