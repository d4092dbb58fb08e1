import type { AssistantMessage, ChatAnswer, ThinkingBlock, ToolCall, Usage } from '../core/types.ts';
import { isCount, isJsonObject, type JsonObject } from '../lib/json.ts';
import { type CallOrigin, toFinishReason } from './openai-wire.ts';

/**
 * The message that `/v1/messages` answers with, as OpenAI's answer. Blocks of the server's own tools, which only
 * `extra.anthropic` can ask for, are left out. Throws `bad_response` for what is no message.
 */
export function toAnswer(value: unknown, origin: CallOrigin): ChatAnswer {
  if (!isJsonObject(value) || value['type'] !== 'message' || !Array.isArray(value['content'])) {
    throw origin.badResponse('the answer is not a message.');
  }
  const message = toMessage(value['content'], refusalOf(value), origin);
  const usage = toUsage(value['usage']);
  return {
    ...headOf(value, origin),
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: toFinishReason(value['stop_reason'], Boolean(message.tool_calls), origin) ?? 'unknown' }],
    ...(usage && { usage }),
  };
}

function toMessage(content: readonly unknown[], refusal: string | undefined, origin: CallOrigin): AssistantMessage {
  let text = '';
  let reasoning = '';
  const thoughts: ThinkingBlock[] = [];
  const calls: ToolCall[] = [];
  for (const block of content) {
    if (!isJsonObject(block)) throw origin.badResponse('a block of the answer is not an object.');
    if (block['type'] === 'text') text += fieldText(block, 'text', origin);
    if (block['type'] === 'thinking') reasoning += fieldText(block, 'thinking', origin);
    if (block['type'] === 'tool_use') calls.push(toToolCall(block, calls.length, origin));
    const thought = toThinkingBlock(block);
    if (thought) thoughts.push(thought);
  }
  return {
    role: 'assistant',
    content: text === '' && (calls.length > 0 || refusal !== undefined) ? null : text,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(thoughts.length > 0 && { thinking_blocks: thoughts }),
    ...(refusal !== undefined && { refusal }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

/** A field that must be text; `''` where it is not there. */
export function fieldText(value: JsonObject, field: string, origin: CallOrigin): string {
  const text = value[field] ?? '';
  if (typeof text !== 'string') throw origin.badResponse(`the ${field} of a block is not text.`);
  return text;
}

/** Undefined for thoughts without a signature, which servers that imitate this API send: they could never be sent back. */
export function toThinkingBlock({ type, thinking, signature, data }: JsonObject): ThinkingBlock | undefined {
  if (type === 'redacted_thinking' && typeof data === 'string') return { type, data };
  if (type !== 'thinking' || typeof signature !== 'string' || signature === '') return undefined;
  return { type, thinking: typeof thinking === 'string' ? thinking : '', signature };
}

/** A `tool_use` block; where the server gives no id, one is made that no other answer has. */
export function toToolCall({ id, name, input }: JsonObject, index: number, { requestId, badResponse }: CallOrigin): ToolCall {
  if (typeof name !== 'string' || name === '') throw badResponse('a tool call names no function.');
  const text = JSON.stringify(isJsonObject(input) ? input : {});
  const own = typeof id === 'string' && id !== '' ? id : `call_${requestId}_${index}`;
  return { id: own, type: 'function', function: { name, arguments: text } };
}

/** Why the model refused, where the server says so. */
export function refusalOf({ stop_details: details }: JsonObject): string | undefined {
  const explanation = isJsonObject(details) ? details['explanation'] : undefined;
  return typeof explanation === 'string' && explanation !== '' ? explanation : undefined;
}

/** What a message and its stream begin with. The API tells no time. */
export function headOf({ id, model }: JsonObject, origin: CallOrigin): { id: string; created: number; model: string } {
  return {
    id: typeof id === 'string' && id !== '' ? id : `chatcmpl-${origin.requestId}`,
    created: 0,
    model: typeof model === 'string' && model !== '' ? model : (origin.model ?? ''),
  };
}

/** `input_tokens` leaves out what was read from the cache or written to it. Undefined where either count was not reported. */
export function toUsage(usage: unknown): Usage | undefined {
  if (!isJsonObject(usage)) return undefined;
  const { input_tokens: input, output_tokens: output, cache_read_input_tokens: read, cache_creation_input_tokens: written } = usage;
  if (!isCount(input) || !isCount(output)) return undefined;
  const prompt = input + (isCount(read) ? read : 0) + (isCount(written) ? written : 0);
  const thoughts = isJsonObject(usage['output_tokens_details']) ? usage['output_tokens_details']['thinking_tokens'] : undefined;
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    ...(isCount(read) && { prompt_tokens_details: { cached_tokens: read } }),
    ...(isCount(thoughts) && { completion_tokens_details: { reasoning_tokens: thoughts } }),
  };
}
