import type { Fields } from './fields.ts';
import { hashOf, type Scene } from './scene.ts';

/** How a server writes the log-probabilities of a text; undefined where it writes none. */
export type WriteLogprobs = (pieces: readonly string[], top: number) => Fields;

/** OpenAI, vLLM, SGLang: text, number and bytes of each token, and as many alternatives as were asked for. */
export const openaiLogprobs: WriteLogprobs = (pieces, top) => ({ content: pieces.map((piece) => entryOf(piece, top, bytesOf)) });

/** llama.cpp puts the token's number in its vocabulary first. */
export const llamacppLogprobs: WriteLogprobs = (pieces, top) => ({
  content: pieces.map((piece) => entryOf(piece, top, (token) => ({ id: hashOf(token) % 32_000, token, ...bytesOf(token) }))),
});

/** TGI leaves the bytes out. */
export const tgiLogprobs: WriteLogprobs = (pieces, top) => ({ content: pieces.map((piece) => entryOf(piece, top, () => ({}))) });

/** Together keeps the parallel lists of OpenAI's older completions. */
export const togetherLogprobs: WriteLogprobs = (pieces, top) => ({
  token_ids: pieces.map((piece) => hashOf(piece) % 32_000),
  tokens: pieces,
  token_logprobs: pieces.map((piece) => logprobOf(piece, 0)),
  top_logprobs: pieces.map((piece) => Object.fromEntries(alternatives(piece, top).map((token, rank) => [token, logprobOf(piece, rank)]))),
});

/** The log-probabilities of a part of the answer; null where none were asked for. */
export function logprobsOf(write: WriteLogprobs | undefined, { topLogprobs }: Scene, pieces: readonly string[]): Fields | null {
  return write === undefined || topLogprobs === undefined || pieces.length === 0 ? null : write(pieces, topLogprobs);
}

function entryOf(piece: string, top: number, extras: (token: string) => Fields): Fields {
  const token = (text: string, rank: number): Fields => ({ ...inOrder(text, extras(text)), logprob: logprobOf(piece, rank) });
  return { ...token(piece, 0), top_logprobs: alternatives(piece, top).map(token) };
}

/** The chosen token and made-up ones. */
function alternatives(piece: string, top: number): readonly string[] {
  return Array.from({ length: top }, (_, rank) => (rank === 0 ? piece : `${piece}${rank}`));
}

function inOrder(token: string, extras: Fields): Fields {
  return { ...('id' in extras && { id: extras['id'] }), token, ...extras };
}

function bytesOf(token: string): Fields {
  return { bytes: [...new TextEncoder().encode(token)] };
}

/** The chosen token is likely, each alternative less so; natural logarithm, always below 0. */
function logprobOf(piece: string, rank: number): number {
  return -(0.01 + (hashOf(piece) % 50) / 100 + rank * 1.5);
}
