import type { ChatChoice, ChatChunk, ChatMessage } from '../index.ts';

/** A longer text is cut, and says so. */
const mostPartChars = 8_192;
/** Of all messages of one attribute, as JSON. The beginning of a long conversation is left out, not its end. */
const mostChars = 65_536;

/** One part of a message, in the form of the conventions' `gen_ai.input.messages` and `gen_ai.output.messages`. */
type Part = Readonly<Record<string, unknown>>;

interface Message {
  readonly role: string;
  readonly parts: readonly Part[];
  readonly finish_reason?: string;
}

/** JSON, because spans hold no structured values everywhere yet. */
export function inputMessages(messages: readonly ChatMessage[]): string {
  return bounded(messages.map((message) => ({ role: message.role, parts: partsOf(message) })));
}

export function outputMessages(choices: readonly Pick<ChatChoice, 'message' | 'finish_reason'>[]): string {
  return bounded(choices.map(({ message, finish_reason }) => ({ role: 'assistant', parts: partsOf(message), finish_reason })));
}

function partsOf(message: ChatMessage): readonly Part[] {
  const { role, content, reasoning_content, tool_calls = [], tool_call_id } = message;
  if (role === 'tool') return [{ type: 'tool_call_response', id: tool_call_id ?? null, response: cut(wordsOf(content)) }];
  const thoughts: readonly Part[] = reasoning_content ? [{ type: 'reasoning', content: cut(reasoning_content) }] : [];
  const calls = tool_calls.map(({ id, function: { name, arguments: given } }) => ({
    type: 'tool_call',
    id,
    name,
    arguments: asJson(given),
  }));
  return [...thoughts, ...contentParts(content), ...calls];
}

function contentParts(content: ChatMessage['content']): readonly Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', content: cut(content) }];
  // Images are large, and their addresses may carry credentials.
  return (content ?? []).map((part) => (part.type === 'text' ? { type: 'text', content: cut(part.text) } : { type: 'image' }));
}

function wordsOf(content: ChatMessage['content']): string {
  return typeof content === 'string' ? content : (content ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** The arguments of a tool are wanted as the object that they stand for. */
function asJson(text: string): unknown {
  if (text.length > mostPartChars) return cut(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function cut(text: string): string {
  return text.length > mostPartChars ? `${text.slice(0, mostPartChars)}… (${text.length - mostPartChars} more)` : text;
}

function bounded(messages: readonly Message[]): string {
  const kept: string[] = [];
  let chars = 0;
  for (const message of messages.toReversed()) {
    const text = JSON.stringify(message);
    chars += text.length + 1;
    if (chars > mostChars) {
      // The newest is what a trace is looked at for.
      if (kept.length === 0) kept.push(JSON.stringify(shortened(message)));
      break;
    }
    kept.unshift(text);
  }
  return `[${kept.join(',')}]`;
}

/** What stands around the parts of a message, and the part that says how many were left out. */
const mostAroundParts = 512;

/** A message that is too large by itself, with as many of its last parts as fit. */
function shortened(message: Message): Message {
  const { parts } = message;
  let first = parts.length;
  let chars = mostAroundParts;
  while (first > 0) {
    chars += JSON.stringify(parts[first - 1]).length + 1;
    if (chars > mostChars) break;
    first -= 1;
  }
  return { ...message, parts: [{ type: 'text', content: `… (${first} more before)` }, ...parts.slice(first)] };
}

/** The answer of a stream while it grows, up to what is kept of one. */
export interface GrowingOutput {
  add(chunk: ChatChunk): void;
  messages(): string;
}

interface Growing {
  content: string;
  reasoning: string;
  finish: ChatChoice['finish_reason'];
  readonly calls: Map<number, { id: string; name: string; arguments: string }>;
}

export function createOutput(): GrowingOutput {
  let choices = new Map<number, Growing>();
  return {
    add(chunk) {
      if (chunk.inferlane?.type === 'reset') choices = new Map();
      for (const { index, delta, finish_reason } of chunk.choices) {
        const choice = choices.get(index) ?? { content: '', reasoning: '', finish: 'unknown' as const, calls: new Map() };
        choices.set(index, choice);
        choice.content = grown(choice.content, delta.content);
        choice.reasoning = grown(choice.reasoning, delta.reasoning_content);
        choice.finish = finish_reason ?? choice.finish;
        for (const { index: place, id, function: called } of delta.tool_calls ?? []) {
          const call = choice.calls.get(place) ?? { id: '', name: '', arguments: '' };
          choice.calls.set(place, call);
          call.id ||= id ?? '';
          call.name ||= called?.name ?? '';
          call.arguments = grown(call.arguments, called?.arguments);
        }
      }
    },
    messages: () => outputMessages([...choices.values()].map(toChoice)),
  };
}

function toChoice({ content, reasoning, finish, calls }: Growing): Pick<ChatChoice, 'message' | 'finish_reason'> {
  const tool_calls = [...calls.values()].map(({ id, ...called }) => ({ id, type: 'function' as const, function: called }));
  return { message: { role: 'assistant', content, reasoning_content: reasoning, tool_calls }, finish_reason: finish };
}

/** A stream may go on for ever; what comes after the limit is not kept. */
function grown(text: string, more: string | null | undefined): string {
  return more === null || more === undefined || text.length > mostPartChars ? text : text + more;
}
