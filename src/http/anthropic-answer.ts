import type { AssistantMessage, ChatCompletion, FinishReason, Usage } from '../index.ts';
import { readCalls } from './tool-calls.ts';

/** An answer as `POST /v1/messages` gives it. What no other protocol knows is null, as Anthropic writes it. */
export function toMessage({ id, model, choices: [choice], usage }: ChatCompletion, requestId: string): object {
  const { message, finish_reason: reason } = choice;
  return {
    ...headOf({ id, model }, requestId),
    content: toContent(message, reason),
    ...stopOf(reason, (message.tool_calls ?? []).length > 0, message.refusal ?? undefined),
    usage: toUsage(usage),
  };
}

/** What a message and the start of its stream have in common. */
export function headOf({ id, model }: { readonly id: string; readonly model: string }, requestId: string): object {
  return { id: id === '' ? `msg_${requestId}` : id, type: 'message', role: 'assistant', model, container: null, diagnostics: null };
}

function toContent(message: AssistantMessage, reason: FinishReason): readonly object[] {
  const { content, reasoning_content: reasoning, thinking_blocks: signed = [], tool_calls: calls = [] } = message;
  const isTold = signed.some(({ type }) => type === 'thinking');
  return [
    ...(reasoning && !isTold ? [{ type: 'thinking', thinking: reasoning, signature: '' }] : []),
    ...signed,
    ...(content ? [textBlock(content)] : []),
    ...readCalls(calls, reason).map(({ id, name, input }) => toolUseBlock(id, name, input)),
  ];
}

export function textBlock(text: string): object {
  return { type: 'text', text, citations: null };
}

export function toolUseBlock(id: string, name: string, input: object): object {
  return { type: 'tool_use', id: id === '' ? `toolu_${crypto.randomUUID()}` : id, name, input, caller: { type: 'direct' } };
}

const stopReasons: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
  unknown: 'end_turn',
};

/** Which sequence stopped an answer is nowhere told but here, so it is never known. */
export function stopOf(reason: FinishReason, hasCalls: boolean, refusal: string | undefined): object {
  const isCall = hasCalls && (reason === 'stop' || reason === 'unknown');
  const isRefusal = refusal !== undefined && refusal !== '';
  return {
    stop_reason: isRefusal ? 'refusal' : isCall ? 'tool_use' : stopReasons[reason],
    stop_sequence: null,
    stop_details: isRefusal ? { type: 'refusal', category: null, explanation: refusal } : null,
  };
}

/** The API has no answer without counts: where the server has not counted, they are 0. `input_tokens` leaves out what came from the cache. */
export function toUsage(usage: Usage | undefined): object {
  return { ...countsOf(usage), cache_creation: null, inference_geo: null, service_tier: null, speed: null };
}

/** The counts that the end of a stream tells as well. */
export function countsOf(usage: Usage | undefined): object {
  const cached = usage?.prompt_tokens_details?.cached_tokens;
  const thoughts = usage?.completion_tokens_details?.reasoning_tokens;
  return {
    input_tokens: Math.max((usage?.prompt_tokens ?? 0) - (cached ?? 0), 0),
    cache_creation_input_tokens: null,
    cache_read_input_tokens: cached ?? null,
    output_tokens: usage?.completion_tokens ?? 0,
    output_tokens_details: thoughts === undefined ? null : { thinking_tokens: thoughts },
    server_tool_use: null,
  };
}
