import { RouterError } from '../core/errors.ts';
import type { ChatMessage, ContentPart, ToolCall } from '../core/types.ts';

/**
 * A copy of the messages in which tool calls are as OpenAI writes them, whoever made them: arguments as JSON text (Ollama gives
 * objects), an id for each (older servers give none), and each result with the id of its call. What differs between servers
 * beyond that is their adapters' business.
 */
export function acceptableHistory(messages: readonly ChatMessage[]): ChatMessage[] {
  let open = new Set<string>();
  return messages.map((given, at) => {
    const message = copyOf(given);
    if (message.role === 'assistant') {
      const { tool_calls, ...rest } = message;
      const calls = listOf(tool_calls, at).map((call, index) => acceptableCall(call, `call_${at}_${index}`));
      open = new Set(calls.map(({ id }) => id));
      // No calls are written as null or as an empty list by some servers, and refused by others.
      return calls.length === 0 ? rest : { ...message, tool_calls: calls };
    }
    if (message.role !== 'tool') return message;
    const named = message.tool_call_id;
    // Without an id the results stand in the order of the calls.
    const id = named === undefined || named === '' ? open.values().next().value : named;
    if (id !== undefined) open.delete(id);
    return id === undefined ? message : { ...message, tool_call_id: id };
  });
}

/** With the list of parts, which applications like to build up as they go. */
function copyOf(message: ChatMessage): ChatMessage {
  const { content } = message;
  return Array.isArray(content) ? { ...message, content: [...(content as readonly ContentPart[])] } : { ...message };
}

/** @throws {RouterError} `invalid_request` for what is no list of calls. */
function listOf(calls: unknown, at: number): readonly ToolCall[] {
  if (calls === undefined || calls === null) return [];
  if (Array.isArray(calls) && calls.every(namesFunction)) return calls as readonly ToolCall[];
  const path = `messages[${at}].tool_calls`;
  throw new RouterError('invalid_request', `The call cannot be carried out: ${path} must be a list of calls, each with function.name.`);
}

function namesFunction(call: unknown): boolean {
  const called: unknown = (call as { function?: unknown } | null)?.function;
  return typeof (called as { name?: unknown } | null | undefined)?.name === 'string';
}

function acceptableCall(call: ToolCall, madeUp: string): ToolCall {
  const { name, arguments: given } = call.function as { name: string; arguments: unknown };
  const text = typeof given === 'string' ? given : JSON.stringify(given ?? {});
  return { id: call.id || madeUp, type: 'function', function: { name, arguments: text } };
}
