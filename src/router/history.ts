import type { ChatMessage, ToolCall } from '../core/types.ts';
import { checkMessage, type Writable } from './request-fields.ts';

/**
 * A copy of the messages in which tool calls are as OpenAI writes them, whoever made them: arguments as JSON text (Ollama gives
 * objects), an id for each (older servers give none), and each result with the id of its call. What differs between servers
 * beyond that is their adapters' business.
 * @throws {RouterError} `invalid_request`
 */
export function acceptableHistory(messages: readonly ChatMessage[]): ChatMessage[] {
  const acceptable: ChatMessage[] = [];
  let open: Set<string> | undefined;
  // By number, because a list may have holes.
  for (let at = 0; at < messages.length; at += 1) {
    const message = checkedCopy(messages[at], at);
    if (message.role === 'assistant') {
      const told = withCalls(message, at);
      open = told.tool_calls && new Set(told.tool_calls.map(({ id }) => id));
      acceptable.push(told);
    } else acceptable.push(message.role === 'tool' ? answering(message, open) : message);
  }
  return acceptable;
}

/** With the list of parts, which applications like to build up as they go. */
function checkedCopy(given: ChatMessage | undefined, at: number): ChatMessage {
  const copy = { ...given } as Writable<ChatMessage>;
  checkMessage(copy, at);
  if (typeof copy.content === 'object' && copy.content !== null) copy.content = [...copy.content];
  return copy;
}

/** No calls are written as null or as an empty list by some servers, and refused by others. */
function withCalls(message: ChatMessage, at: number): ChatMessage {
  if (!('tool_calls' in message)) return message;
  const { tool_calls: calls = [], ...rest } = message;
  if (calls.length === 0) return rest;
  return { ...rest, tool_calls: calls.map((call, index) => acceptableCall(call, `call_${at}_${index}`)) };
}

/** Without an id the results stand in the order of the calls. */
function answering(message: ChatMessage, open: Set<string> | undefined): ChatMessage {
  const id = message.tool_call_id || open?.values().next().value;
  if (id === undefined) return message;
  open?.delete(id);
  return { ...message, tool_call_id: id };
}

function acceptableCall(call: ToolCall, madeUp: string): ToolCall {
  const { name, arguments: given } = call.function as { name: string; arguments: unknown };
  const text = typeof given === 'string' ? given : JSON.stringify(given ?? {});
  return { id: call.id || madeUp, type: 'function', function: { name, arguments: text } };
}
