import type { ChatMessage, ChatRequest, ContentPart, EmbedRequest } from '../core/types.ts';

/** How a server's counts of prompt tokens compare with our estimates: observed ÷ estimated. */
export interface TokenRatio {
  readonly mean: number;
  /** The standard deviation of one observation. */
  readonly deviation: number;
  /** Observations so far; a short prompt counts as a part of one. */
  readonly weight: number;
}

/**
 * How many tokens a request has, before anybody has counted them. Texts longer than a few hundred characters are sampled, so that
 * their length costs nothing. Thoughts of earlier answers are left out, as servers leave them out.
 */
export function estimateTokens(request: ChatRequest | EmbedRequest): number {
  return Math.ceil('messages' in request ? chatTokens(request) : embedTokens(request));
}

/**
 * A request without what servers count in ways of their own: images; a schema, of which many make a grammar and no part of the prompt;
 * and tools that must not be called, which some leave out. The request itself where it has none of them.
 */
export function textOf(request: ChatRequest | EmbedRequest): ChatRequest | EmbedRequest {
  if (!('messages' in request)) return request;
  const { messages, tools, tool_choice: choice, response_format: format } = request;
  const hasIdleTools = choice === 'none' && tools !== undefined;
  const isText = !hasIdleTools && format?.type !== 'json_schema';
  if (isText && messages.every(({ content }) => !Array.isArray(content) || content.every(isTextPart))) return request;
  const { response_format: _format, ...rest } = request;
  return {
    ...rest,
    ...(hasIdleTools && { tools: [] }),
    messages: messages.map((each) => (Array.isArray(each.content) ? { ...each, content: each.content.filter(isTextPart) } : each)),
  };
}

function isTextPart({ type }: ContentPart): boolean {
  return type === 'text';
}

/** What a chat template puts around each message, and before the answer. */
const tokensPerMessage = 4;

/**
 * A guess, for nobody knows an image's size here: 1024 × 1024 pixels are 765 tokens for OpenAI's models, 1,400 for Anthropic's, and 256
 * for Gemma. OpenAI's low detail is 85.
 */
const tokensPerImage = { low: 85, other: 800 } as const;

function chatTokens({ messages, tools, response_format: format }: ChatRequest): number {
  const slices = slicesFor(messages.length);
  let tokens = tokensPerMessage;
  for (const message of messages) tokens += tokensPerMessage + messageTokens(message, slices);
  if (tools !== undefined && tools.length > 0) tokens += textTokens(JSON.stringify(tools), mostSlices);
  if (format?.type === 'json_schema') tokens += textTokens(JSON.stringify(format.json_schema), mostSlices);
  return tokens;
}

function messageTokens({ content, tool_calls: calls }: ChatMessage, slices: number): number {
  let tokens = 0;
  if (typeof content === 'string') tokens += textTokens(content, slices);
  else if (Array.isArray(content)) for (const part of content as readonly ContentPart[]) tokens += partTokens(part, slices);
  if (calls !== undefined && calls.length > 0) tokens += textTokens(JSON.stringify(calls.map((call) => call.function)), slices);
  return tokens;
}

function partTokens(part: ContentPart, slices: number): number {
  if (part.type === 'text') return textTokens(part.text, slices);
  return part.image_url?.detail === 'low' ? tokensPerImage.low : tokensPerImage.other;
}

function embedTokens({ input }: EmbedRequest): number {
  if (typeof input === 'string') return textTokens(input, mostSlices);
  const slices = slicesFor(input.length);
  return input.reduce((tokens, text) => tokens + textTokens(text, slices), 0);
}

const sliceLength = 32;
const mostSlices = 8;

/** Many texts are sampled more thinly each, so that a long conversation costs little more than a long text. */
function slicesFor(texts: number): number {
  return Math.min(Math.max(Math.floor(64 / texts), 1), mostSlices);
}

function textTokens(text: string, slices: number): number {
  // What stands in a part of a message was checked by nobody yet.
  if (typeof text !== 'string') return 0;
  const { length } = text;
  if (length <= slices * sliceLength) return weigh(text, 0, length);
  const step = (length - sliceLength) / Math.max(slices - 1, 1);
  let weight = 0;
  for (let slice = 0; slice < slices; slice += 1) {
    const start = Math.floor(slices === 1 ? step / 2 : slice * step);
    weight += weigh(text, start, start + sliceLength);
  }
  return (weight / (slices * sliceLength)) * length;
}

// Tokens for a character, by what it is and what stands before it: fitted to what the tokenizers of GPT-4o, Llama 3, Qwen 3 and Gemma 3
// make of prose in 17 languages, code, JSON, logs and random data. For English it comes to a token for 4 to 5 bytes.

const [blank, lower, upper, digit, mark, other] = [0, 1, 2, 3, 4, 5];
const kindCount = 6;

function kindOf(code: number): number {
  if (code <= 32) return blank;
  if (code >= 97 && code <= 122) return lower;
  if (code >= 65 && code <= 90) return upper;
  return code >= 48 && code <= 57 ? digit : mark;
}

const asciiKinds = Uint8Array.from({ length: 128 }, (_, code) => kindOf(code));

/** At `before * kindCount + kind`. */
const asciiWeights = Float64Array.from({ length: kindCount * kindCount }, (_, at) =>
  pairWeight(Math.floor(at / kindCount), at % kindCount),
);

function pairWeight(before: number, kind: number): number {
  // Indentation is one token, however deep.
  if (kind === blank) return before === blank ? 0.09 : 0.3;
  if (kind === mark) return 0.4;
  // Where letters and digits alternate, or capitals follow small letters, no word that a tokenizer knows goes on: keys, hashes, base64.
  if (kind === digit) return before === lower || before === upper ? 1.45 : 0.75;
  return before === digit || (kind === upper && before === lower) ? 0.88 : 0.18;
}

/** Upper ends of blocks of Unicode, each with the tokens for one of its code units. */
const otherWeights = [
  { below: 0x370, weight: 0.85 }, // accented Latin
  { below: 0x590, weight: 0.28 }, // Greek, Cyrillic, Armenian
  { below: 0x900, weight: 0.4 }, // Hebrew, Arabic
  { below: 0x1e00, weight: 0.47 }, // the scripts of India and South-East Asia, Georgian
  { below: 0x2070, weight: 0.85 }, // accented Latin, curly quotes, dashes
] as const;

/** Chinese, Japanese, Korean, and half of an emoji. */
const wideWeight = 0.72;

function otherWeight(code: number): number {
  for (const { below, weight } of otherWeights) if (code < below) return weight;
  return wideWeight;
}

function weigh(text: string, start: number, end: number): number {
  let weight = 0;
  let before = mark;
  for (let at = start; at < end; at += 1) {
    const code = text.charCodeAt(at);
    const kind = code < 128 ? (asciiKinds[code] as number) : other;
    weight += kind === other ? otherWeight(code) : (asciiWeights[before * kindCount + kind] as number);
    before = kind;
  }
  return weight;
}

/** What is taken for a model nobody has heard of yet: the bounds that hold for nine of ten texts, half to 1.6 times the estimate. */
const unknown: TokenRatio = { mean: 1.05, deviation: 0.55 / 3, weight: 0.25 };

/** A count that is this often what was expected, or this small a part of it, tells of something else: a template, a cache. */
const oddestRatio = 4;

/** The share of a new observation once there are many. */
const leastShare = 0.1;

/** Of a prompt as short as this, half is a template's. */
const shortTokens = 100;

/**
 * The ratio after one more count by the server. It must not be told of prompts that were cut, nor of those with images. No count, and
 * a count of 0, which some servers give for a prompt that they had in their cache, change nothing.
 */
export function noteTokens(ratio: TokenRatio | undefined, estimated: number, observed: number | undefined): TokenRatio {
  const { mean, deviation, weight } = ratio ?? unknown;
  if (!isCount(observed) || !isCount(estimated)) return { mean, deviation, weight };
  const found = Math.min(Math.max(observed / estimated, 1 / oddestRatio), oddestRatio);
  const worth = estimated / (estimated + shortTokens);
  const share = Math.max(worth / (weight + worth), worth * leastShare);
  const change = found - mean;
  const variance = (1 - share) * (deviation ** 2 + share * change ** 2);
  return { mean: mean + share * change, deviation: Math.sqrt(variance), weight: weight + worth };
}

function isCount(tokens: number | undefined): tokens is number {
  return tokens !== undefined && tokens > 0 && Number.isFinite(tokens);
}

/** Bounds are never closer to the mean than this share of it. */
const leastMargin = 0.08;

/** The tokens that a prompt of this estimate may have there: three deviations to each side. Without counts ×0.5 to ×1.6. */
export function boundsOf(estimate: number, ratio: TokenRatio | undefined): { readonly least: number; readonly most: number } {
  const { mean, deviation } = ratio ?? unknown;
  const margin = Math.max(3 * deviation, leastMargin * mean);
  return { least: estimate * Math.max(mean - margin, 0), most: estimate * (mean + margin) };
}

/** No tokenizer in use has been seen to make more of a text than 2.2 times the estimate. */
export const mostPerEstimate = 2.5;

/** Below this a count tells more of templates and caches than of the prompt. */
const leastSuspicious = 200;

/** No text was found of which a tokenizer of today makes fewer tokens than half the estimate. */
const surestRatio = 0.85;

/**
 * What a prompt has at least even if it is the first in another language: a ratio learnt from one kind of text may be twice that of the
 * next.
 */
export function surelyAtLeast(estimate: number, ratio: TokenRatio | undefined): number {
  return Math.min(boundsOf(estimate, ratio).least, surestRatio * estimate);
}

/**
 * The server counted so few tokens that it must have dropped a part of the prompt.
 * @param least what the prompt has `surelyAtLeast`; a prompt with images has no such bound
 */
export function isTruncated(least: number, observedPromptTokens: number | undefined): boolean {
  return least >= leastSuspicious && isCount(observedPromptTokens) && observedPromptTokens <= 0.6 * least;
}
