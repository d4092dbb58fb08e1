import type { Call } from '../core/adapter.ts';
import type { ChatMessage, ChatRequest } from '../core/types.ts';
import { isJsonObject, type JsonObject } from '../lib/json.ts';
import type { Dialect, ResolvedDialect } from './openai-dialect.ts';
import { type ChatBody, toChatBody } from './openai-wire.ts';

/** The body of a whole answer: the request's fields as this server takes them, then the fields of `extra` for its type. */
export function toWholeBody(dialect: ResolvedDialect, call: Call<ChatRequest>): JsonObject {
  return { ...bodyOf(dialect, call), stream: false };
}

/** Usage is always asked for: routing learns from it, and a chunk without choices harms no reader. */
export function toStreamBody(dialect: ResolvedDialect, call: Call<ChatRequest>): JsonObject {
  const options = call.request.extra?.[dialect.name]?.['stream_options'];
  return { ...bodyOf(dialect, call), stream: true, stream_options: { ...(isJsonObject(options) && options), include_usage: true } };
}

function bodyOf(dialect: ResolvedDialect, { request, model, continues }: Call<ChatRequest>): JsonObject {
  const { name, capabilities, body, ignores, limitName, continued } = dialect;
  const asked = toChatBody(request, model, toMessages(request.messages, dialect));
  // Servers that have no word for efforts are asked all the same where none is wanted.
  const isEffort = asked.reasoning_effort !== undefined && capabilities.reasoningEffort !== true;
  const thoughtless = isEffort ? { ...asked, reasoning_effort: undefined } : asked;
  const own = limitName === undefined ? thoughtless : withLimit(thoughtless, limitName);
  const whole = { ...body(without(own, ignores)), ...request.extra?.[name] };
  return continues && continued ? continued(whole) : whole;
}

/** Where the request uses both names, the server's own counts. */
function withLimit(
  { max_tokens: older, max_completion_tokens: newer, ...rest }: ChatBody,
  limitName: NonNullable<Dialect['limitName']>,
): ChatBody {
  return { ...rest, [limitName]: limitName === 'max_tokens' ? (older ?? newer) : (newer ?? older) };
}

function without(body: ChatBody, ignores: ResolvedDialect['ignores']): ChatBody {
  if (!ignores.some((name) => body[name] !== undefined)) return body;
  const rest: Record<string, unknown> = { ...body };
  for (const name of ignores) delete rest[name];
  return rest as unknown as ChatBody;
}

type Takes = Pick<ResolvedDialect, 'takesReasoning' | 'takesDeveloper'>;

/** OpenAI refuses longer ids of tool calls; vLLM makes longer ones (vllm-project/vllm#22966). */
const maxIdLength = 40;

/**
 * The conversation without what other providers left in it and this server may refuse: signed thoughts, reasoning, the role
 * `developer`, long ids, fields that say nothing. Calls without text say `null`, as OpenAI writes them. Messages that are fine are
 * the very same objects.
 */
function toMessages(messages: readonly ChatMessage[], takes: Takes): readonly ChatMessage[] {
  return messages.map((message) => (isForeign(message, takes) ? toOwn(message, takes) : message));
}

function isForeign(message: ChatMessage, takes: Takes): boolean {
  const { role, content, tool_calls: calls, tool_call_id: id = '', reasoning_content: reasoning, thinking_blocks: blocks } = message;
  for (const name in message) if (!saysSomething([name, message[name as keyof ChatMessage]])) return true;
  if (id.length > maxIdLength || calls?.some((call) => call.id.length > maxIdLength)) return true;
  if (blocks !== undefined || (reasoning !== undefined && !takes.takesReasoning)) return true;
  return (role === 'developer' && !takes.takesDeveloper) || (content === undefined && calls !== undefined);
}

function toOwn(message: ChatMessage, { takesReasoning, takesDeveloper }: Takes): ChatMessage {
  const { role, reasoning_content: reasoning, thinking_blocks: _, ...others } = message;
  const { content, ...rest } = Object.fromEntries(Object.entries(others).filter(saysSomething)) as Omit<ChatMessage, 'role'>;
  const { tool_calls: calls, tool_call_id: id } = rest;
  return {
    role: role === 'developer' && !takesDeveloper ? 'system' : role,
    content: content === undefined && calls !== undefined ? null : content,
    ...rest,
    ...(calls && { tool_calls: calls.map((call) => ({ ...call, id: shortId(call.id) })) }),
    ...(id !== undefined && { tool_call_id: shortId(id) }),
    ...(takesReasoning && typeof reasoning === 'string' && { reasoning_content: reasoning }),
  };
}

/** Answers of other servers hold `refusal: null`, `annotations: []`, `tool_calls: []`, which strict ones refuse in a message. */
function saysSomething([name, value]: [string, unknown]): boolean {
  return name === 'content' || !(value === null || (Array.isArray(value) && value.length === 0));
}

/** Made anew for each request, so a call and its result must get the same one. The random part of an id stands at its end. */
function shortId(id: string): string {
  return id.length <= maxIdLength ? id : id.slice(0, 8) + id.slice(8 - maxIdLength);
}

/**
 * For servers that understand no tool named in `tool_choice`: the named tool goes alone and must be used, which is the same
 * question.
 */
export function namedTool({ tools = [], tool_choice: choice }: ChatBody): Partial<ChatBody> {
  if (typeof choice !== 'object') return {};
  const named = tools.filter((tool) => tool.function.name === choice.function.name);
  return named.length === 0 ? {} : { tools: named, tool_choice: 'required' };
}
