import * as z from 'zod/mini';
import type { ChatMessage, ContentPart, ImagePart, TextPart, ToolCall } from '../index.ts';
import { ignored, kinds, list, oneOf, optional, type Reads, text, turned, unsupported, unsupportedKind } from './body-schema.ts';

/** Marks for the caches of servers, in the words of OpenAI and of Anthropic. */
const cacheMarks = { prompt_cache_breakpoint: ignored(), cache_control: ignored() };

const textPart = turned(z.strictObject({ type: z.literal('text'), text: text(), ...cacheMarks }), ({ type, text: value }): TextPart => ({
  type,
  text: value,
}));

/** Some servers take whatever else stands here for a file of their own disk. */
const imageUrl = text().check(z.refine((url) => /^(?:https?:\/\/|data:)/i.test(url), 'must be an http or https address, or a data URL'));

/** Data and addresses go on as they are: nothing is fetched here. */
const imagePart = turned(
  z.strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({ url: imageUrl, detail: optional(oneOf(['auto', 'low', 'high'])) }, 'must be an object with url'),
    ...cacheMarks,
  }),
  ({ type, image_url }): ImagePart => ({ type, image_url }),
);

/** What a model refused with is what it said. */
const refusalPart = turned(z.strictObject({ type: z.literal('refusal'), refusal: text() }), ({ refusal }): TextPart => ({
  type: 'text',
  text: refusal,
}));

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
      function: z.strictObject(
        { name: text(), arguments: text(), parsed_arguments: ignored() },
        'must be an object with name and arguments',
      ),
      // Whoever puts the pieces of a stream together sends back what they were.
      index: ignored(),
    }),
    unsupportedKind('type', 'custom'),
  ],
  kinds('type', ['function']),
);

const common = { name: optional(text()), cache_control: ignored() };

const assistant = turned(
  z.strictObject({
    role: z.literal('assistant'),
    content: optional(assistantParts),
    refusal: optional(text()),
    ...common,
    tool_calls: optional(list(toolCall, 'must be a list of calls')),
    reasoning_content: optional(text()),
    // Answers are sent back as they came, from here, from other servers, and as clients keep them.
    reasoning: optional(text()),
    reasoning_details: ignored(),
    thinking_blocks: ignored(),
    provider_specific_fields: ignored(),
    parsed: ignored(),
    annotations: ignored(),
    audio: unsupported(),
    function_call: unsupported('use tool_calls'),
  }),
  ({ content, refusal, reasoning, reasoning_content = reasoning, ...rest }): ChatMessage => {
    return { ...rest, reasoning_content, content: content ?? refusal ?? null };
  },
);

const message: Reads<ChatMessage> = z.discriminatedUnion(
  'role',
  [
    z.strictObject({ role: z.literal('developer'), content: textParts, ...common }),
    z.strictObject({ role: z.literal('system'), content: textParts, ...common }),
    z.strictObject({ role: z.literal('user'), content: userParts, ...common }),
    assistant,
    z.strictObject({ role: z.literal('tool'), content: textParts, tool_call_id: text(), ...common }),
    unsupportedKind('role', 'function', 'use the role tool'),
  ],
  kinds('role', ['developer', 'system', 'user', 'assistant', 'tool']),
);

export const messages: Reads<ChatMessage[]> = list(message, 'must be a list with at least one message', 1);

function parts<Part>(part: Reads<Part>): Reads<string | Part[]> {
  const sentence = 'must be text, or a list with at least one part';
  return z.union([text(), list(part, sentence, 1)], sentence);
}
