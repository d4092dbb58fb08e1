import type { Call } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import type { ChatMessage, ChatRequest, ContentPart } from '../core/types.ts';

const speakers = { system: 'System', developer: 'System', user: 'User', assistant: 'Assistant', tool: 'Tool' } as const;

/**
 * Messages as one text, for servers that only continue a text. A single message of the user is sent as it is. A conversation
 * becomes one line per message, and the line that the model is to write stands open at the end:
 *
 *     System: Be brief.
 *     User: Hello!
 *     Assistant:
 *
 * Where the last message is to be continued, its line is the open one. A call of a tool becomes `[calls name(arguments)]` in its
 * message, and its result a line of its own (`Tool: …`). Throws `unsupported` for what is no text.
 */
export function toPrompt({ request, continues = false }: Pick<Call<ChatRequest>, 'request' | 'continues'>, provider: string): string {
  const { messages } = request;
  const [first] = messages;
  if (messages.length === 1 && first?.role === 'user') return textOf(first, provider);
  const lines = messages.map((message) => `${speakers[message.role]}: ${textOf(message, provider)}`);
  return [...lines, ...(continues ? [] : ['Assistant:'])].join('\n');
}

/** A prompt without one of its parts would ask another question. */
function textOf({ content, tool_calls: calls = [] }: ChatMessage, provider: string): string {
  const parts = typeof content === 'string' ? [content] : (content ?? []).map((part) => textOfPart(part, provider));
  const said = parts.filter((text) => text !== '');
  return [...said, ...calls.map(({ function: called }) => `[calls ${called.name}(${called.arguments})]`)].join('\n');
}

function textOfPart(part: ContentPart, provider: string): string {
  if (part.type === 'text') return part.text;
  throw new RouterError('unsupported', `${provider}: this server takes a text, and a message holds a part that is none.`, { provider });
}

/** A base model's pipeline gives the prompt back in front of what it wrote. */
export function withoutPrompt(text: string, prompt: string): string {
  return text.startsWith(prompt) ? text.slice(prompt.length) : text;
}

/** The request's stop sequences; an empty one would stop everything. */
export function stopsOf({ stop }: ChatRequest): readonly string[] {
  return (typeof stop === 'string' ? [stop] : (stop ?? [])).filter((text) => text !== '');
}

/** `max_completion_tokens` is the newer name. */
export function maxTokensOf(request: ChatRequest): number | undefined {
  return request.max_completion_tokens ?? request.max_tokens;
}
