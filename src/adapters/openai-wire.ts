import type { Call } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import type { AssistantMessage, ChatAnswer, ChatChoice, ChatMessage, ChatRequest, FinishReason, ToolCall, Usage } from '../core/types.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject, type JsonObject } from '../lib/json.ts';
import type { NetworkContext } from './context.ts';

/** What a chat body is made of: the request's own fields. A dialect changes these; `extra` and `stream` come after it. */
export type ChatBody = Omit<ChatRequest, 'extra' | 'stream_options'>;

/** Who answers which call: for messages of errors, and for what a server left out of its answer. */
export interface CallOrigin {
  readonly provider: string;
  readonly requestId: string;
  readonly model: string | undefined;
  readonly badResponse: HttpClient['badResponse'];
}

export function originOf({ requestId, model }: Call<unknown>, { provider, http }: NetworkContext): CallOrigin {
  return { provider, requestId, model, badResponse: http.badResponse };
}

/** Beside the model and the messages. */
const optionalFields = [
  'temperature',
  'top_p',
  'n',
  'stop',
  'max_tokens',
  'max_completion_tokens',
  'presence_penalty',
  'frequency_penalty',
  'seed',
  'logprobs',
  'top_logprobs',
  'logit_bias',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'reasoning_effort',
  'user',
] as const satisfies readonly (keyof ChatRequest)[];

/** Only fields that are known here are sent, and of those the ones that are set: most requests set few. */
export function toChatBody(request: ChatRequest, model: string | undefined, messages: readonly ChatMessage[]): ChatBody {
  const body: JsonObject = { model, messages };
  for (const name of optionalFields) if (request[name] !== undefined) body[name] = request[name];
  return body as unknown as ChatBody;
}

/**
 * Checks an answer and evens out what servers do differently, in place: the object that came is the one that is returned.
 * Throws `bad_response` for what is no completion, `overloaded` or `unavailable` where the server gave it up.
 */
export function toChatAnswer(value: unknown, origin: CallOrigin): ChatAnswer {
  if (!isJsonObject(value)) throw origin.badResponse('the answer is not an object.');
  const { choices } = value;
  if (!Array.isArray(choices) || choices.length === 0) throw origin.badResponse('the answer holds no choices.');
  choices.forEach((choice, position) => evenChoice(choice, position, origin));
  if ('usage' in value && !isUsage(value['usage'])) delete value['usage'];
  fillHead(value, 'chat.completion', origin);
  return value as unknown as ChatAnswer;
}

/**
 * Throws `model_not_found` for an answer without any text of which `isNoModel` says that nothing is loaded. Told by the answer as
 * it came.
 */
export function checkLoaded(value: unknown, isNoModel: (value: JsonObject) => boolean, origin: CallOrigin): void {
  if (!isJsonObject(value) || !isNoModel(value)) return;
  const choices: unknown[] = Array.isArray(value['choices']) ? value['choices'] : [];
  const messages = choices.map((choice) => (isJsonObject(choice) ? choice['message'] : undefined));
  if (messages.some((message) => isJsonObject(message) && hasText(message))) return;
  throw noModel(origin);
}

export function noModel({ provider }: CallOrigin): RouterError {
  return new RouterError('model_not_found', `${provider}: no model is loaded.`, { provider });
}

/** Whether a message or delta carries something that a reader would miss. */
export function hasText(part: JsonObject): boolean {
  const { content, reasoning_content: reasoning, reasoning: other, thinking, refusal, tool_calls: calls } = part;
  return Boolean(content || reasoning || other || thinking || refusal || (Array.isArray(calls) && calls.length > 0));
}

function evenChoice(choice: unknown, position: number, origin: CallOrigin): void {
  if (!isJsonObject(choice) || !isJsonObject(choice['message'])) throw origin.badResponse('a choice of the answer has no message.');
  const { message } = choice;
  evenText(message, origin);
  const calls = evenToolCalls(message, origin);
  calls.forEach((call, index) => fillToolCall(call, `call_${origin.requestId}_${position}_${index}`, origin));
  message['content'] ??= null;
  message['role'] ??= 'assistant';
  if (typeof choice['index'] !== 'number') choice['index'] = position;
  if (choice['finish_reason'] === '') throw gaveUp('', origin);
  const reason = toFinishReason(choice['finish_reason'], calls.length > 0, origin) ?? (calls.length > 0 ? 'tool_calls' : 'unknown');
  choice['finish_reason'] = reason;
  if (isHollow(message as unknown as AssistantMessage, reason)) throw origin.badResponse('a choice of the answer has no content.');
}

/** A choice may be without text only where something else explains it. An empty text is an answer. */
function isHollow(message: AssistantMessage, reason: ChatChoice['finish_reason']): boolean {
  if (message.content !== null || message.refusal || message.reasoning_content || message.tool_calls?.length) return false;
  return reason !== 'length' && reason !== 'content_filter';
}

/**
 * Text fields of a message or delta: `content` must be text, and reasoning is moved to `reasoning_content` from the other
 * names that servers use (`reasoning`: vLLM since 2026, Ollama, Together; `thinking`: a few proxies).
 */
export function evenText(part: JsonObject, origin: CallOrigin): void {
  if (Array.isArray(part['content'])) joinParts(part, part['content'], origin);
  const { content } = part;
  if (typeof content !== 'string' && content !== null && content !== undefined) throw origin.badResponse('the content is not text.');
  for (const name of ['reasoning', 'thinking']) {
    const reasoning = part[name];
    if (typeof reasoning !== 'string') continue;
    part['reasoning_content'] ||= reasoning;
    delete part[name];
  }
  const { reasoning_content: thought } = part;
  if (typeof thought !== 'string' && thought !== null && thought !== undefined) throw origin.badResponse('the reasoning is not text.');
}

/** Mistral's reasoning models answer in parts: `{ type: 'text', text }` and `{ type: 'thinking', thinking: [texts] }`. */
function joinParts(part: JsonObject, parts: readonly unknown[], origin: CallOrigin): void {
  const texts = (list: readonly unknown[]): string => list.map((item) => textOfPart(item, origin)).join('');
  const thoughts = parts.filter((item) => isJsonObject(item) && Array.isArray(item['thinking'])) as { thinking: unknown[] }[];
  const others = parts.filter((item) => !(thoughts as unknown[]).includes(item));
  part['content'] = parts.length === 0 ? null : texts(others);
  if (thoughts.length > 0) part['reasoning_content'] ||= texts(thoughts.flatMap(({ thinking }) => thinking));
}

function textOfPart(item: unknown, origin: CallOrigin): string {
  const text = isJsonObject(item) ? item['text'] : undefined;
  if (typeof text !== 'string') throw origin.badResponse('the content is not text.');
  return text;
}

/** The tool calls of a message or delta; vLLM writes null where there are none. */
export function evenToolCalls(part: JsonObject, origin: CallOrigin): JsonObject[] {
  const calls = part['tool_calls'];
  if (calls === undefined) return [];
  if (calls === null) delete part['tool_calls'];
  else if (!Array.isArray(calls) || !calls.every(isJsonObject)) throw origin.badResponse('the tool calls are no list of objects.');
  return (calls ?? []) as JsonObject[];
}

/** llama.cpp of early 2025 sends `id: ""`; a tool's result could not be matched with its call. */
function fillToolCall(call: JsonObject, id: string, origin: CallOrigin): void {
  const { name, arguments: text } = (isJsonObject(call['function']) ? call['function'] : {}) as Partial<ToolCall['function']>;
  if (typeof name !== 'string' || typeof text !== 'string') throw origin.badResponse('a tool call has no name or no arguments.');
  call['id'] ||= id;
  call['type'] ??= 'function';
}

const finishReasons: ReadonlyMap<unknown, FinishReason> = new Map([
  ...(['stop', 'eos', 'eos_token', 'stop_sequence', 'end_turn', 'word', 'pause_turn', 'repetition'] as const).map(
    (said) => [said, 'stop'] as const,
  ),
  ...(['length', 'limit', 'max_tokens', 'model_context_window_exceeded'] as const).map((said) => [said, 'length'] as const),
  ...(['tool_calls', 'tool_use', 'function_call'] as const).map((said) => [said, 'tool_calls'] as const),
  ...(['content_filter', 'refusal'] as const).map((said) => [said, 'content_filter'] as const),
]);

/**
 * OpenAI's word for why a choice ended; null where the server said nothing (yet), and an empty word says nothing. Words that
 * nobody knows become `unknown`. Throws where the word means that the server gave up, or only loaded a model.
 */
export function toFinishReason(said: unknown, hasToolCalls: boolean, origin: CallOrigin): FinishReason | null {
  if (said === null || said === undefined || said === '') return null;
  if (said === 'abort' || said === 'error') throw gaveUp(said, origin);
  if (said === 'load' || said === 'unload') throw origin.badResponse('the server loaded or unloaded a model instead of answering.');
  const reason = finishReasons.get(said) ?? 'unknown';
  return reason === 'stop' && hasToolCalls ? 'tool_calls' : reason;
}

/** vLLM and SGLang abort what they have no room for (a full queue, a higher priority); the other words are faults. */
export function gaveUp(said: 'abort' | 'error' | '', { provider }: CallOrigin): RouterError {
  const code = said === 'abort' ? 'overloaded' : 'unavailable';
  return new RouterError(code, `${provider}: the server ended the answer with finish_reason "${said}".`, { provider });
}

/** Counts that are no numbers are dropped rather than invented. */
export function isUsage(usage: unknown): usage is Usage {
  return isJsonObject(usage) && [usage['prompt_tokens'], usage['completion_tokens'], usage['total_tokens']].every(Number.isFinite);
}

/** Fields that every answer and chunk must have. `created` is 0 where the server did not say when. */
export function fillHead(value: JsonObject, object: 'chat.completion' | 'chat.completion.chunk', origin: CallOrigin): void {
  value['id'] ||= `chatcmpl-${origin.requestId}`;
  value['object'] = object;
  if (typeof value['created'] !== 'number') value['created'] = 0;
  if (typeof value['model'] !== 'string') value['model'] = origin.model ?? '';
}
