import type { Call } from '../core/adapter.ts';
import type { ChatMessage, ChatRequest } from '../core/types.ts';

const speakers = { system: 'System', developer: 'System', user: 'User', assistant: 'Assistant', tool: 'Tool' } as const;

/**
 * Messages as one text, for servers that only continue a text. A single message of the user is sent as it is. A conversation
 * becomes one line per message, and the line that the model is to write stands open at the end:
 *
 *     System: Be brief.
 *     User: Hello!
 *     Assistant:
 *
 * Where the last message is to be continued, its line is the open one. A call of a tool becomes `[calls name(arguments)]` in its message, and its result a line of its own (`Tool: …`).
 */
export function toPrompt({ request, continues = false }: Pick<Call<ChatRequest>, 'request' | 'continues'>): string {
  const { messages } = request;
  const [first] = messages;
  if (messages.length === 1 && first?.role === 'user') return textOf(first);
  const lines = messages.map((message) => `${speakers[message.role]}: ${textOf(message)}`);
  return [...lines, ...(continues ? [] : ['Assistant:'])].join('\n');
}

/** Images are not declared, so none arrives. */
function textOf({ content, tool_calls: calls = [] }: ChatMessage): string {
  const parts = typeof content === 'string' ? [content] : (content ?? []).map((part) => (part.type === 'text' ? part.text : ''));
  const said = parts.filter((text) => text !== '');
  return [...said, ...calls.map(({ function: called }) => `[calls ${called.name}(${called.arguments})]`)].join('\n');
}

/** The request's stop sequences; an empty one would stop everything. */
export function stopsOf({ stop }: ChatRequest): readonly string[] {
  return (typeof stop === 'string' ? [stop] : (stop ?? [])).filter((text) => text !== '');
}

/** `max_completion_tokens` is the newer name. */
export function maxTokensOf(request: ChatRequest): number | undefined {
  return request.max_completion_tokens ?? request.max_tokens;
}
