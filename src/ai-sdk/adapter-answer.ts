import type {
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { type Call, type ChatAnswer, type ChatRequest, type FinishReason, RouterError, type ToolCall, type Usage } from '../index.ts';

/** The AI SDK's result as an answer of ours. Sources and files have no place in it. */
export function toAnswer(
  { content, finishReason, usage, response }: LanguageModelV4GenerateResult,
  { requestId }: Call<ChatRequest>,
  modelId: string,
  name: string,
): ChatAnswer {
  const text = content.flatMap((part) => (part.type === 'text' ? part.text : [])).join('');
  const reasoning = content.flatMap((part) => (part.type === 'reasoning' ? part.text : [])).join('');
  const calls = content.flatMap(toCall);
  const counts = toUsage(usage);
  return {
    ...headOf(requestId, modelId, response),
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' && calls.length > 0 ? null : text,
          ...(reasoning !== '' && { reasoning_content: reasoning }),
          ...(calls.length > 0 && { tool_calls: calls }),
        },
        finish_reason: toFinishReason(finishReason, name),
      },
    ],
    ...(counts && { usage: counts }),
  };
}

/** Calls that the provider carried out by itself are its own matter. */
function toCall(part: LanguageModelV4Content): ToolCall[] {
  if (part.type !== 'tool-call' || part.providerExecuted === true) return [];
  return [{ id: part.toolCallId, type: 'function', function: { name: part.toolName, arguments: part.input } }];
}

export function headOf(
  requestId: string,
  modelId: string,
  told: { readonly id?: string; readonly timestamp?: Date; readonly modelId?: string } = {},
): Pick<ChatAnswer, 'id' | 'created' | 'model'> {
  const seconds = Math.floor((told.timestamp?.getTime() ?? 0) / 1_000);
  return { id: told.id ?? requestId, created: seconds, model: told.modelId ?? modelId };
}

const reasons: Readonly<Partial<Record<LanguageModelV4FinishReason['unified'], FinishReason>>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
  other: 'unknown',
};

/** @throws {RouterError} `bad_response` where the model says itself that the answer is not whole. */
export function toFinishReason({ unified }: LanguageModelV4FinishReason, name: string): FinishReason {
  const reason = reasons[unified];
  if (reason === undefined) throw new RouterError('bad_response', `${name}: the answer broke off (${unified}).`, { provider: name });
  return reason;
}

/** None where the model reported only a part of it. */
export function toUsage({ inputTokens, outputTokens }: LanguageModelV4Usage): Usage | undefined {
  const [prompt, completion] = [inputTokens.total, outputTokens.total];
  if (prompt === undefined || completion === undefined) return undefined;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(inputTokens.cacheRead !== undefined && { prompt_tokens_details: { cached_tokens: inputTokens.cacheRead } }),
    ...(outputTokens.reasoning !== undefined && { completion_tokens_details: { reasoning_tokens: outputTokens.reasoning } }),
  };
}
