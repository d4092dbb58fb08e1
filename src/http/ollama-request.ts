import type { ChatMessage, ChatRequest, ContentPart, EmbedRequest, ResponseFormat, ToolCall } from '../index.ts';
import { badRequest } from './failure.ts';
import type { ChatBody, EmbedBody, GenerateBody, GeneratingBody, OllamaMessage, OllamaOptions, OllamaToolCall } from './ollama-schema.ts';
import { type ServerFields, toExtra } from './server-fields.ts';

/** What a chat asks for. */
export function chatRequestOf(body: ChatBody): ChatRequest {
  const { messages = [], tools } = body;
  return {
    ...settingsOf(body),
    messages: messagesOf(messages),
    ...(tools !== undefined && tools.length > 0 && { tools: tools.map((tool) => ({ type: 'function', function: tool.function })) }),
  };
}

/** What a prompt asks for, as a chat: the server that answers puts its own template around it. */
export function generateRequestOf(body: GenerateBody): ChatRequest {
  const { prompt = '', system = '', images } = body;
  const messages: OllamaMessage[] = [{ role: 'user', content: prompt, images }];
  if (system !== '') messages.unshift({ role: 'system', content: system });
  return { ...settingsOf(body), messages: messagesOf(messages, '') };
}

export function embedRequestOf({ model, input, dimensions, keep_alive, truncate, options = {} }: EmbedBody): EmbedRequest {
  return { model, input, dimensions, extra: extraOf({ keep_alive, truncate, options: setOnly(options) }) };
}

function settingsOf(body: GeneratingBody): Omit<ChatRequest, 'messages'> {
  const { model, format, think, logprobs, top_logprobs, keep_alive, truncate, shift, options = {} } = body;
  const { temperature, top_p, seed, stop, num_predict = -1, frequency_penalty, presence_penalty, ...others } = options;
  const own = extraOf({ keep_alive, truncate, shift, think: think === true ? think : undefined, options: setOnly(others) });
  return {
    model,
    temperature,
    top_p,
    seed,
    stop: stop?.length === 0 ? undefined : stop,
    max_tokens: num_predict > 0 ? num_predict : undefined,
    frequency_penalty,
    presence_penalty,
    logprobs,
    top_logprobs,
    response_format: formatOf(format),
    reasoning_effort: think === true ? 'medium' : think === false ? 'none' : think,
    extra: toExtra(serverFieldsOf(options), own),
  };
}

/** Options that servers of other types know as well. */
export function serverFieldsOf({ top_k, min_p, repeat_penalty }: OllamaOptions): ServerFields {
  return { top_k, min_p, repetition_penalty: repeat_penalty };
}

/** What only Ollama understands goes to servers of Ollama as it came. */
function extraOf(fields: Readonly<Record<string, unknown>>): ChatRequest['extra'] {
  const ollama = setOnly(fields);
  return ollama && { ollama };
}

/** The fields that are set; undefined where none is. */
function setOnly(fields: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

function formatOf(format: GeneratingBody['format']): ResponseFormat | undefined {
  if (format === 'json') return { type: 'json_object' };
  return typeof format === 'object' ? { type: 'json_schema', json_schema: { name: 'answer', schema: format } } : undefined;
}

/** @param place What stands before `images` in the path of a fault; by default that of each message. */
function messagesOf(messages: readonly OllamaMessage[], place?: string): ChatMessage[] {
  let open = openCalls([]);
  return messages.map((message, at): ChatMessage => {
    const { role, thinking } = message;
    const content = contentOf(message, place ?? `messages[${at}].`);
    if (role === 'tool') {
      const id = open.take(message.tool_call_id, message.tool_name ?? message.name);
      return { role, content, ...(id !== undefined && { tool_call_id: id }) };
    }
    const calls = (message.tool_calls ?? []).map((call, index) => callOf(call, `call_${at}_${index}`));
    if (role === 'assistant') open = openCalls(calls);
    return { role, content, ...(thinking && { reasoning_content: thinking }), ...(calls.length > 0 && { tool_calls: calls }) };
  });
}

interface OpenCalls {
  /** The id of the call that a result belongs to, which is open no more. */
  take(id: string | undefined, name: string | undefined): string | undefined;
}

/** Clients name the tool of a result where they do not name the call; without either, results stand in the order of their calls. */
function openCalls(calls: readonly ToolCall[]): OpenCalls {
  const names = new Map(calls.map(({ id, function: called }) => [id, called.name]));
  // Looking through thousands of calls for each of thousands of results takes seconds, and what was not found once is not found later.
  const missed = new Set<string | undefined>();
  const find = (name: string | undefined): string | undefined => {
    if (missed.has(name)) return undefined;
    for (const [id, called] of names) if (name === undefined || called === name) return id;
    missed.add(name);
    return undefined;
  };
  return {
    take(given, name) {
      const id = given ?? find(name);
      if (id !== undefined) names.delete(id);
      return id;
    },
  };
}

function callOf({ id, function: called }: OllamaToolCall, madeUp: string): ToolCall {
  return { id: id || madeUp, type: 'function', function: { name: called.name, arguments: JSON.stringify(called.arguments ?? {}) } };
}

function contentOf({ content = '', images = [] }: OllamaMessage, place: string): string | ContentPart[] {
  if (images.length === 0) return content;
  const parts = images.map((image, at): ContentPart => ({
    type: 'image_url',
    image_url: { url: dataUrl(image, `${place}images[${at}]`) },
  }));
  return content === '' ? parts : [{ type: 'text', text: content }, ...parts];
}

/** How the files of each kind begin, in base64. */
const imageTypes: readonly (readonly [beginning: string, type: string])[] = [
  ['/9j/', 'jpeg'],
  ['iVBORw0KGgo', 'png'],
  ['UklGR', 'webp'],
  ['R0lGOD', 'gif'],
];

/** The wire has no word for the kind of an image, and all others have. */
function dataUrl(image: string, path: string): string {
  const type = imageTypes.find(([beginning]) => image.startsWith(beginning))?.[1];
  if (type === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(image)) {
    throw badRequest(`${path} must be a JPEG, PNG, WebP or GIF image in base64.`, path);
  }
  return `data:image/${type};base64,${image}`;
}
