import type { ChatChoice, ChatCompletion, FinishReason, ToolCall, Usage } from '../index.ts';

/** OpenAI's `chat.completion`, and nothing beside it but the thoughts, for which it has no word. */
export interface ChatJson {
  readonly id: string;
  readonly object: 'chat.completion';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly ChoiceJson[];
  readonly usage?: Usage;
  readonly system_fingerprint?: string;
}

interface ChoiceJson {
  readonly index: number;
  readonly message: {
    readonly role: 'assistant';
    readonly content: string | null;
    readonly refusal: string | null;
    readonly reasoning_content?: string;
    readonly tool_calls?: readonly ToolCall[];
  };
  readonly logprobs: LogprobsJson | null;
  readonly finish_reason: FinishJson;
}

/** `unknown` is a word of ours. */
export type FinishJson = Exclude<FinishReason, 'unknown'>;

export interface LogprobsJson {
  readonly content: readonly object[] | null;
  readonly refusal: readonly object[] | null;
}

export function chatJson({ id, created, model, choices, usage, system_fingerprint }: ChatCompletion): ChatJson {
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: choices.map(choiceJson),
    ...(usage && { usage: usageJson(usage) }),
    ...(typeof system_fingerprint === 'string' && { system_fingerprint }),
  };
}

function choiceJson({ index, message, logprobs, finish_reason }: ChatChoice): ChoiceJson {
  const { content, refusal = null, reasoning_content, tool_calls = [] } = message;
  return {
    index,
    message: {
      role: 'assistant',
      content,
      refusal,
      ...(reasoning_content && { reasoning_content }),
      ...(tool_calls.length > 0 && { tool_calls: tool_calls.map(toolCallJson) }),
    },
    logprobs: logprobsJson(logprobs),
    finish_reason: finishJson(finish_reason, tool_calls.length > 0),
  };
}

function toolCallJson({ id, function: { name, arguments: text } }: ToolCall): ToolCall {
  return { id, type: 'function', function: { name, arguments: text } };
}

/** An answer whose server never said why it ended has ended of itself, as far as anybody knows. */
export function finishJson(reason: FinishReason, hasToolCalls: boolean): FinishJson {
  if (reason !== 'unknown') return reason;
  return hasToolCalls ? 'tool_calls' : 'stop';
}

/** Servers add figures of their own, and say null where they have none. */
export function usageJson({ prompt_tokens, completion_tokens, total_tokens, ...details }: Usage): Usage {
  const { prompt_tokens_details: prompt, completion_tokens_details: completion } = details;
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens,
    ...(prompt && { prompt_tokens_details: figures(prompt) }),
    ...(completion && { completion_tokens_details: figures(completion) }),
  };
}

function figures(details: object): Record<string, number> {
  return Object.fromEntries(Object.entries(details).filter((entry): entry is [string, number] => Number.isInteger(entry[1])));
}

/** Servers that imitate OpenAI's leave out what they have nothing to say of. */
export function logprobsJson(logprobs: unknown): LogprobsJson | null {
  if (typeof logprobs !== 'object' || logprobs === null) return null;
  const { content, refusal } = logprobs as { readonly content?: unknown; readonly refusal?: unknown };
  return { content: tokensJson(content), refusal: tokensJson(refusal) };
}

function tokensJson(tokens: unknown): readonly object[] | null {
  if (!Array.isArray(tokens)) return null;
  return (tokens as readonly Partial<TokenJson>[]).map((token) => ({
    ...tokenJson(token),
    top_logprobs: (token.top_logprobs ?? []).map(tokenJson),
  }));
}

interface TokenJson {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[] | null;
  readonly top_logprobs: readonly Partial<TokenJson>[];
}

function tokenJson({ token, logprob, bytes = null }: Partial<TokenJson>): object {
  return { token, logprob, bytes };
}
