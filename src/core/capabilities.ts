import type { ChatRequest, EmbedRequest } from './types.ts';

/**
 * Features inside a verb. A verb itself (`embed`, `models`, …) is declared by being there. A request that uses a feature
 * which a candidate does not declare is never sent to it: dropping the field would answer another question.
 */
export interface Capabilities {
  /** Tool definitions in, tool calls out. */
  readonly tools: boolean;
  /** `tool_choice` other than `auto` and `none`. */
  readonly toolChoice: boolean;
  /** Image parts. */
  readonly vision: boolean;
  /** `response_format: { type: 'json_object' }`. */
  readonly jsonObject: boolean;
  /** `response_format: { type: 'json_schema' }`. */
  readonly jsonSchema: boolean;
  readonly logprobs: boolean;
  readonly logitBias: boolean;
  /** More than one choice (`n`). */
  readonly choices: boolean;
  /** `reasoning_effort` other than `none`, which a model that cannot think satisfies. */
  readonly reasoningEffort: boolean;
  /** `dimensions` of embeddings. */
  readonly dimensions: boolean;
  /** Continues an answer whose beginning is given as the last message. No request needs it by itself. */
  readonly prefill: boolean;
}

export type Feature = keyof Capabilities;

export const noCapabilities: Capabilities = Object.freeze({
  tools: false,
  toolChoice: false,
  vision: false,
  jsonObject: false,
  jsonSchema: false,
  logprobs: false,
  logitBias: false,
  choices: false,
  reasoningEffort: false,
  dimensions: false,
  prefill: false,
});

/** What OpenAI's own API can do; servers that speak its whole protocol take the list and leave out what they lack. */
export const allCapabilities: Capabilities = Object.freeze({
  tools: true,
  toolChoice: true,
  vision: true,
  jsonObject: true,
  jsonSchema: true,
  logprobs: true,
  logitBias: true,
  choices: true,
  reasoningEffort: true,
  dimensions: true,
  // OpenAI's API begins a new answer.
  prefill: false,
});

/**
 * Fields of a request that shape an answer without promising anything about its form. A server that has no place for one still
 * gives an answer, so it stays a candidate: the field is left out and `config:warning` says so, or the candidate is refused
 * with `onIgnoredParameter: 'refuse'`.
 */
export type Parameter = (typeof parameters)[number];

const parameters = [
  'temperature',
  'top_p',
  'max_tokens',
  'stop',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'parallel_tool_calls',
  'user',
] as const;

/** The parameters that a chat request sets, each once; `max_completion_tokens` is another name of `max_tokens`. */
export function chatParameters(request: ChatRequest): readonly Parameter[] {
  return parameters.filter((name) => request[name] !== undefined || (name === 'max_tokens' && request.max_completion_tokens !== undefined));
}

/** The features a chat request uses, each once. */
export function chatNeeds(request: ChatRequest): readonly Feature[] {
  const features: Feature[] = [];
  if (request.tools !== undefined && request.tools.length > 0) features.push('tools');
  const choice = request.tool_choice;
  if (choice !== undefined && choice !== 'auto' && choice !== 'none') features.push('toolChoice');
  if (request.messages.some(hasImage)) features.push('vision');
  if (request.response_format?.type === 'json_object') features.push('jsonObject');
  if (request.response_format?.type === 'json_schema') features.push('jsonSchema');
  if (request.logprobs === true || request.top_logprobs !== undefined) features.push('logprobs');
  if (request.logit_bias !== undefined) features.push('logitBias');
  if (request.n !== undefined && request.n > 1) features.push('choices');
  if ((request.reasoning_effort ?? 'none') !== 'none') features.push('reasoningEffort');
  return features;
}

/** The features an embedding request uses. */
export function embedNeeds(request: EmbedRequest): readonly Feature[] {
  return request.dimensions === undefined ? [] : ['dimensions'];
}

function hasImage(message: ChatRequest['messages'][number]): boolean {
  return Array.isArray(message.content) && message.content.some((part) => part.type === 'image_url');
}
