import type { LanguageModelV4Message, LanguageModelV4Prompt, LanguageModelV4ToolResultOutput, SharedV4Warning } from '@ai-sdk/provider';
import type { ChatMessage, ContentPart, ImagePart, ThinkingBlock, ToolCall } from '../index.ts';
import { fileToPart } from './file-part.ts';

type MessageOf<Role extends LanguageModelV4Message['role']> = Extract<LanguageModelV4Message, { readonly role: Role }>;
type AssistantPart = MessageOf<'assistant'>['content'][number];

/**
 * The AI SDK's prompt as messages of ours.
 * @throws {UnsupportedFunctionalityError} for files that no server here takes; what an answer of another provider leaves behind in a
 * history (its own tools, files that it made) is left out with a warning, because the conversation can go on without it.
 */
export function toMessages(prompt: LanguageModelV4Prompt, warnings: SharedV4Warning[]): ChatMessage[] {
  const left = new Set<string>();
  const messages = prompt.flatMap((message) => toMessage(message, left));
  for (const what of left) warnings.push({ type: 'unsupported', feature: what, details: 'Left out of the history that is sent.' });
  return messages;
}

function toMessage(message: LanguageModelV4Message, left: Set<string>): ChatMessage[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: message.content }];
    case 'user':
      return [
        { role: 'user', content: shortest(message.content.map((part) => (part.type === 'text' ? textPart(part.text) : fileToPart(part)))) },
      ];
    case 'assistant':
      return [toAssistant(message.content, left)];
    case 'tool':
      return toResults(message);
  }
}

const textPart = (text: string): ContentPart => ({ type: 'text', text });

/** One text goes as a plain string, which every server understands. */
function shortest(parts: readonly ContentPart[]): string | readonly ContentPart[] {
  const [first] = parts;
  return parts.length === 1 && first?.type === 'text' ? first.text : parts;
}

function toAssistant(parts: readonly AssistantPart[], left: Set<string>): ChatMessage {
  let text = '';
  let reasoning = '';
  const blocks: ThinkingBlock[] = [];
  const calls: ToolCall[] = [];
  for (const part of parts) {
    if (part.type === 'text') text += part.text;
    else if (part.type === 'reasoning') {
      reasoning += part.text;
      blocks.push(...blocksIn(part.providerOptions?.['inferlane']?.['thinkingBlocks']));
    } else if (part.type === 'tool-call' && part.providerExecuted !== true) {
      calls.push({ id: part.toolCallId, type: 'function', function: { name: part.toolName, arguments: toJson(part.input) } });
    } else left.add(partNames[part.type]);
  }
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(blocks.length > 0 && { thinking_blocks: blocks }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

const partNames: Readonly<Record<Exclude<AssistantPart['type'], 'text' | 'reasoning'>, string>> = {
  file: 'files that an assistant made',
  custom: 'parts of one provider alone',
  'reasoning-file': 'files of reasoning',
  'tool-call': 'tools that a provider ran by itself',
  'tool-result': 'tools that a provider ran by itself',
};

/** Signed thoughts go by way of the application, and a browser where there is one: what has not their shape is not passed on. */
function blocksIn(value: unknown): ThinkingBlock[] {
  return Array.isArray(value) ? (value as readonly unknown[]).filter(isBlock) : [];
}

function isBlock(value: unknown): value is ThinkingBlock {
  if (typeof value !== 'object' || value === null) return false;
  const { type, thinking, signature, data } = value as Readonly<Record<string, unknown>>;
  return type === 'thinking'
    ? typeof thinking === 'string' && typeof signature === 'string'
    : type === 'redacted_thinking' && typeof data === 'string';
}

/** What is JSON text already stays as it is: a call whose arguments were no JSON comes back as the text that it was. */
function toJson(input: unknown): string {
  if (typeof input !== 'string') return JSON.stringify(input ?? {});
  try {
    JSON.parse(input);
    return input;
  } catch {
    return JSON.stringify(input);
  }
}

/** Results of tools. Images among them follow in a message of the user, since few servers take them inside a result. */
function toResults({ content }: MessageOf<'tool'>): ChatMessage[] {
  const images: ImagePart[] = [];
  const results = content.flatMap((part): ChatMessage[] => {
    // An approval is for tools that a provider runs by itself.
    if (part.type !== 'tool-result') return [];
    return [{ role: 'tool', tool_call_id: part.toolCallId, content: outputText(part.output, images) }];
  });
  if (images.length === 0) return results;
  return [...results, { role: 'user', content: [textPart('The images of the results above:'), ...images] }];
}

function outputText(output: LanguageModelV4ToolResultOutput, images: ImagePart[]): string {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return output.value;
    case 'json':
    case 'error-json':
      return JSON.stringify(output.value);
    case 'execution-denied':
      return output.reason ?? 'The call of this tool was denied.';
    case 'content':
      return output.value.map((part) => contentText(part, images)).join('\n');
  }
}

type ContentOutput = Extract<LanguageModelV4ToolResultOutput, { readonly type: 'content' }>['value'][number];

function contentText(part: ContentOutput, images: ImagePart[]): string {
  if (part.type === 'text') return part.text;
  if (part.type === 'custom') return JSON.stringify(part);
  const made = fileToPart(part);
  if (made.type === 'text') return made.text;
  images.push(made);
  return '(an image, below)';
}
