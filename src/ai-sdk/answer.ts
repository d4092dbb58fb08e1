import type {
  JSONObject,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4ResponseMetadata,
  LanguageModelV4Usage,
  SharedV4ProviderMetadata,
  SharedV4Warning,
} from '@ai-sdk/provider';
import type { ChatCompletion, FinishReason, RouteTrace, ThinkingBlock, Usage } from '../index.ts';

/** An answer of ours as the AI SDK's result. */
export function toResult(answer: ChatCompletion, warnings: readonly SharedV4Warning[]): LanguageModelV4GenerateResult {
  const [{ message, finish_reason: reason }] = answer.choices;
  const { reasoning_content: reasoning, thinking_blocks: blocks = [], content: text, refusal, tool_calls: calls = [] } = message;
  const content: LanguageModelV4Content[] = [];
  if (reasoning || blocks.length > 0) content.push({ type: 'reasoning', text: reasoning ?? '', ...signed(blocks) });
  if (text) content.push({ type: 'text', text });
  if (refusal) content.push({ type: 'text', text: refusal });
  for (const { id, function: called } of calls) {
    content.push({ type: 'tool-call', toolCallId: id, toolName: called.name, input: called.arguments });
  }
  return {
    content,
    finishReason: finishReasonOf(reason, Boolean(refusal)),
    usage: usageOf(answer.usage),
    providerMetadata: metadataOf(answer.route),
    response: responseOf(answer),
    warnings: [...warnings, ...warningsOf(answer.route)],
  };
}

/** Where signed thoughts stand in a part: the application gives the part back, and with it the signature that the model asks for. */
export function signed(blocks: readonly ThinkingBlock[]): { providerMetadata?: SharedV4ProviderMetadata } {
  return blocks.length === 0
    ? {}
    : { providerMetadata: { inferlane: { thinkingBlocks: blocks.map((block): JSONObject => ({ ...block })) } } };
}

const reasons: Readonly<Record<FinishReason, LanguageModelV4FinishReason['unified']>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  content_filter: 'content-filter',
  unknown: 'other',
};

export function finishReasonOf(reason: FinishReason, isRefused: boolean): LanguageModelV4FinishReason {
  return { unified: isRefused ? 'content-filter' : reasons[reason], raw: reason === 'unknown' ? undefined : reason };
}

/** What no server reported is undefined, never 0. */
export function usageOf(usage: Usage | null | undefined): LanguageModelV4Usage {
  const { prompt_tokens: prompt, completion_tokens: completion } = usage ?? {};
  const cached = usage?.prompt_tokens_details?.cached_tokens;
  const reasoning = usage?.completion_tokens_details?.reasoning_tokens;
  return {
    inputTokens: { total: prompt, noCache: lessThan(prompt, cached), cacheRead: cached, cacheWrite: undefined },
    outputTokens: { total: completion, text: lessThan(completion, reasoning), reasoning },
    ...(usage && { raw: toJson(usage) }),
  };
}

function lessThan(total: number | undefined, part: number | undefined): number | undefined {
  return total === undefined || part === undefined ? undefined : Math.max(0, total - part);
}

export function responseOf({ id, model, created }: { id: string; model: string; created: number }): LanguageModelV4ResponseMetadata {
  return { id, modelId: model, timestamp: new Date(created * 1_000) };
}

/** Who answered, and what was tried before. `skipped` stays at home: it names every provider that there is. */
export function metadataOf({ skipped: _skipped, ...route }: RouteTrace): SharedV4ProviderMetadata {
  return { inferlane: { route: toJson(route) } };
}

/** What the caller of an answer would want to know before trusting it. */
export function warningsOf({ degraded, substituted, truncated, provider }: RouteTrace): SharedV4Warning[] {
  const told: string[] = [];
  if (degraded) told.push(`${provider}: the answer is a stand-in, not a model's.`);
  if (substituted) told.push(`${provider}: the model asked for is not served there, and its default model answered.`);
  if (truncated) told.push(`${provider}: the beginning of the prompt was probably dropped, because it was too long.`);
  return told.map((message) => ({ type: 'other', message }));
}

function toJson(value: object): JSONObject {
  return JSON.parse(JSON.stringify(value)) as JSONObject;
}
