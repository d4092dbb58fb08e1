import type { LanguageModelV4FilePart, LanguageModelV4Message, LanguageModelV4Prompt, LanguageModelV4TextPart } from '@ai-sdk/provider';
import { type ChatMessage, type ContentPart, RouterError } from '../index.ts';

type Part = LanguageModelV4TextPart | LanguageModelV4FilePart;
type Urls = Readonly<Record<string, readonly RegExp[]>>;
type Assistant = Extract<LanguageModelV4Message, { readonly role: 'assistant' }>;

/**
 * Our messages as the AI SDK's prompt. The router fetches nothing, so an image by its address goes only to a model that takes it.
 * @throws {RouterError} `unsupported` for such an image and another model.
 */
export function toPrompt(messages: readonly ChatMessage[], urls: Urls, name: string): LanguageModelV4Prompt {
  const prompt: LanguageModelV4Prompt = [];
  const tools = new Map<string, string>();
  for (const message of messages) {
    for (const { id, function: called } of message.tool_calls ?? []) tools.set(id, called.name);
    if (message.role === 'tool') addResult(prompt, message, tools.get(message.tool_call_id ?? '') ?? message.name ?? 'unknown');
    else prompt.push(toMessage(message, (part) => toPart(part, urls, name)));
  }
  return prompt;
}

function toMessage(message: ChatMessage, partOf: (part: ContentPart) => Part): LanguageModelV4Message {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: textOf(message.content) };
    case 'assistant':
      return toAssistant(message);
    default:
      return { role: 'user', content: partsOf(message.content).map(partOf) };
  }
}

function toAssistant({ content, reasoning_content: reasoning, tool_calls: calls = [] }: ChatMessage): Assistant {
  const text = textOf(content);
  return {
    role: 'assistant',
    content: [
      ...(reasoning ? [{ type: 'reasoning' as const, text: reasoning }] : []),
      ...(text === '' ? [] : [{ type: 'text' as const, text }]),
      ...calls.map(({ id, function: called }) => ({
        type: 'tool-call' as const,
        toolCallId: id,
        toolName: called.name,
        input: parsed(called.arguments),
      })),
    ],
  };
}

/** Results of one turn stand in one message. */
function addResult(prompt: LanguageModelV4Prompt, { tool_call_id: toolCallId = '', content }: ChatMessage, toolName: string): void {
  const last = prompt.at(-1);
  const part = { type: 'tool-result' as const, toolCallId, toolName, output: { type: 'text' as const, value: textOf(content) } };
  if (last?.role === 'tool') last.content.push(part);
  else prompt.push({ role: 'tool', content: [part] });
}

function partsOf(content: ChatMessage['content']): readonly ContentPart[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []);
}

function textOf(content: ChatMessage['content']): string {
  return partsOf(content)
    .map((part) => (part.type === 'text' ? part.text : ''))
    .join('');
}

/** Arguments that are no JSON stay the text that they are. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text) as unknown;
  } catch {
    return text;
  }
}

function toPart(part: ContentPart, urls: Urls, name: string): Part {
  if (part.type === 'text') return { type: 'text', text: part.text };
  const { url } = part.image_url;
  const [, mediaType, data] = /^data:([\w.+/-]+)[^,]*;base64,(.*)$/s.exec(url) ?? [];
  if (mediaType !== undefined && data !== undefined) return { type: 'file', mediaType, data: { type: 'data', data } };
  const patterns = Object.entries(urls).filter(([types]) => /^(?:\*|\*\/\*|image\/.*)$/.test(types));
  if (!URL.canParse(url) || !patterns.some(([, known]) => known.some((pattern) => pattern.test(url.toLowerCase())))) {
    throw new RouterError('unsupported', `${name}: this model takes no images by their address; send the bytes.`, { provider: name });
  }
  return { type: 'file', mediaType: 'image/*', data: { type: 'url', url: new URL(url) } };
}
