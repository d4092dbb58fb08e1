import type { Adapter } from '../core/adapter.ts';
import { allCapabilities } from '../core/capabilities.ts';
import { isRouterError, RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatRequest, ChunkBatches, ChunkChoice } from '../core/types.ts';
import { isJsonObject } from '../lib/json.ts';
import { isOfWebPage } from '../lib/web-page.ts';
import type { NetworkContext } from './context.ts';
import { openaiCompatible } from './openai-compatible.ts';
import type { ChatBody } from './openai-wire.ts';

const plain: (context: NetworkContext) => Adapter = openaiCompatible({
  name: 'together',
  capabilities: { ...allCapabilities, dimensions: false },
  ignores: ['parallel_tool_calls', 'user'],
  limitName: 'max_tokens',
  body,
});

/** Together. Its 403 and its log probabilities are its own; embeddings come as numbers and without usage. */
export const together = (context: NetworkContext): Adapter => {
  const adapter = plain(context);
  const { embed } = adapter;
  return Object.freeze({
    ...adapter,
    ...(embed && { embed: (call) => embed(call).catch((error: unknown) => rethrow(error, context)) }),
    async chat(call) {
      const answer = await adapter.chat(call).catch((error: unknown) => rethrow(error, context));
      for (const choice of answer.choices) if (choice.logprobs) choice.logprobs = toLogprobs(choice.logprobs);
      return answer;
    },
    async stream(call) {
      const chunks = await adapter.stream(call).catch((error: unknown) => rethrow(error, context));
      return call.request.logprobs === true || call.request.top_logprobs !== undefined ? withLogprobs(chunks) : chunks;
    },
  } satisfies Adapter);
};

/** `logprobs` is the number of alternatives, `stop` a list, and an effort that is not known there becomes the nearest one. */
function body({ reasoning_effort: effort, ...rest }: ChatBody): ChatBody {
  const { logprobs, top_logprobs, stop } = rest;
  const sent = {
    ...rest,
    stop: typeof stop === 'string' ? [stop] : stop,
    // None at 0; the token itself counts as one.
    logprobs: top_logprobs || (logprobs === true ? 1 : undefined),
    top_logprobs: undefined,
    ...toReasoning(effort),
  };
  // The fields are this server's own, which the type of OpenAI's body does not have.
  return sent as unknown as ChatBody;
}

function toReasoning(effort: ChatRequest['reasoning_effort']): object {
  if (effort === undefined) return {};
  if (effort === 'none') return { reasoning: { enabled: false } };
  if (effort === 'minimal') return { reasoning_effort: 'low' };
  return { reasoning_effort: effort === 'xhigh' || effort === 'max' ? 'high' : effort };
}

/**
 * 403 means here that prompt and answer together exceed the context window; a wrong key is a 401. A 403 that speaks of
 * credentials, or that something in front of the server sent, is believed. Never returns.
 */
function rethrow(error: unknown, { provider }: NetworkContext): never {
  if (!isRouterError(error, 'auth') || error.status !== 403) throw error;
  if (/key|auth|permission|cf-|cloudflare|ngrok/i.test(error.reason ?? '') || isOfWebPage(error)) throw error;
  const message = `${provider}: prompt and answer together exceed the context window of the model (HTTP 403).`;
  throw new RouterError('context_length', message, { provider, status: 403, reason: error.reason });
}

/** Parallel lists of tokens and numbers become OpenAI's list of tokens; what has another shape stays as it came. */
function toLogprobs(value: unknown): unknown {
  const { tokens, token_logprobs: numbers, top_logprobs: tops } = isJsonObject(value) ? value : {};
  if (!Array.isArray(tokens) || !Array.isArray(numbers)) return value;
  return { content: tokens.map((token: unknown, index) => toToken(token, numbers[index], Array.isArray(tops) ? tops[index] : undefined)) };
}

function toToken(token: unknown, logprob: unknown, alternatives: unknown): object {
  const others = Object.entries(isJsonObject(alternatives) ? alternatives : {});
  return { token, logprob, bytes: null, top_logprobs: others.map(([text, value]) => ({ token: text, logprob: value, bytes: null })) };
}

async function* withLogprobs(chunks: ChunkBatches): AsyncGenerator<readonly ChatChunk[], void, undefined> {
  for await (const batch of chunks) {
    for (const { choices } of batch) choices.forEach(evenLogprobs);
    yield batch;
  }
}

/** In a stream `logprobs` is the number of the one token that the chunk brings; the alternatives stand beside it. */
function evenLogprobs(choice: ChunkChoice & { top_logprobs?: unknown }): void {
  const { logprobs, delta, top_logprobs: alternatives } = choice;
  if (typeof logprobs !== 'number') {
    if (logprobs) choice.logprobs = toLogprobs(logprobs);
    return;
  }
  choice.logprobs = { content: [toToken(delta.content || (delta.reasoning_content ?? ''), logprobs, alternatives)] };
  delete choice.top_logprobs;
}
