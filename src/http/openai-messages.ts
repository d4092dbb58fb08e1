import * as z from 'zod';
import type { ChatMessage, ContentPart, ImagePart, TextPart, ToolCall } from '../index.ts';
import { ignored, kinds, list, oneOf, optional, type Reads, text, unsupported, unsupportedKind } from './openai-schema.ts';

const anyLength = Number.MAX_SAFE_INTEGER;

const textPart = z
  .strictObject({ type: z.literal('text'), text: text(), prompt_cache_breakpoint: ignored() })
  .transform(({ type, text: value }): TextPart => ({ type, text: value }));

/** Data and addresses go on as they are: nothing is fetched here. */
const imagePart = z
  .strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({ url: text(), detail: optional(oneOf(['auto', 'low', 'high'])) }, 'must be an object with url'),
    prompt_cache_breakpoint: ignored(),
  })
  .transform(({ type, image_url }): ImagePart => ({ type, image_url }));

/** What a model refused with is what it said. */
const refusalPart = z
  .strictObject({ type: z.literal('refusal'), refusal: text() })
  .transform(({ refusal }): TextPart => ({ type: 'text', text: refusal }));

const textParts = parts<TextPart>(z.discriminatedUnion('type', [textPart], kinds('type', ['text'])));
const userParts = parts<ContentPart>(
  z.discriminatedUnion(
    'type',
    [textPart, imagePart, unsupportedKind('type', 'input_audio'), unsupportedKind('type', 'file')],
    kinds('type', ['text', 'image_url']),
  ),
);
const assistantParts = parts<TextPart>(z.discriminatedUnion('type', [textPart, refusalPart], kinds('type', ['text', 'refusal'])));

const toolCall: Reads<ToolCall> = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('function'),
      id: text(),
      function: z.strictObject({ name: text(), arguments: text() }, 'must be an object with name and arguments'),
    }),
    unsupportedKind('type', 'custom'),
  ],
  kinds('type', ['function']),
);

const name = optional(text());

const assistant = z
  .strictObject({
    role: z.literal('assistant'),
    content: optional(assistantParts),
    refusal: optional(text()),
    name,
    tool_calls: optional(list(toolCall, 0, anyLength, 'must be a list of calls')),
    reasoning_content: optional(text()),
    // Answers are sent back as they came.
    annotations: ignored(),
    audio: unsupported(),
    function_call: unsupported('use tool_calls'),
  })
  .transform(({ content, refusal, ...rest }): ChatMessage => {
    return { ...rest, content: content ?? refusal ?? null };
  });

const message: Reads<ChatMessage> = z.discriminatedUnion(
  'role',
  [
    z.strictObject({ role: z.literal('developer'), content: textParts, name }),
    z.strictObject({ role: z.literal('system'), content: textParts, name }),
    z.strictObject({ role: z.literal('user'), content: userParts, name }),
    assistant,
    z.strictObject({ role: z.literal('tool'), content: textParts, tool_call_id: text(), name }),
    unsupportedKind('role', 'function', 'use the role tool'),
  ],
  kinds('role', ['developer', 'system', 'user', 'assistant', 'tool']),
);

export const messages: Reads<ChatMessage[]> = list(message, 1, anyLength, 'must be a list with at least one message');

function parts<Part>(part: Reads<Part>): Reads<string | Part[]> {
  const sentence = 'must be text, or a list with at least one part';
  return z.union([text(), list(part, 1, anyLength, sentence)], sentence);
}
