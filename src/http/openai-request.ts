import * as z from 'zod';
import type { ChatRequest, ResponseFormat, Tool, ToolChoice } from '../index.ts';
import { messages } from './openai-messages.ts';
import {
  count,
  extra,
  flag,
  ignored,
  isObject,
  kinds,
  list,
  modelName,
  number,
  object,
  oneOf,
  oneOrMore,
  optional,
  readBody,
  type Reads,
  text,
  unsupported,
  unsupportedKind,
  whole,
} from './openai-schema.ts';

/** What a body asks for, in the router's words. */
export interface Asked {
  readonly request: ChatRequest;
  readonly isStream: boolean;
  readonly includesUsage: boolean;
}

const tool: Reads<Tool> = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('function'),
      function: z.strictObject(
        { name: text(), description: optional(text()), parameters: optional(object()), strict: optional(flag()) },
        'must be an object with name',
      ),
    }),
    unsupportedKind('type', 'custom'),
  ],
  kinds('type', ['function']),
);

const toolChoiceSentence = 'must be none, auto, required, or an object that names a function';
const toolChoice: Reads<ToolChoice> = z.union(
  [
    z.enum(['none', 'auto', 'required']),
    z.discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('function'),
        function: z.strictObject({ name: text() }, 'must be an object with name'),
      }),
      unsupportedKind('type', 'allowed_tools'),
      unsupportedKind('type', 'custom'),
    ]),
  ],
  toolChoiceSentence,
);

const responseFormat: Reads<ResponseFormat> = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('text') }),
    z.strictObject({ type: z.literal('json_object') }),
    z.strictObject({
      type: z.literal('json_schema'),
      json_schema: z.strictObject(
        { name: text(), schema: object(), description: optional(text()), strict: optional(flag()) },
        'must be an object with name and schema',
      ),
    }),
  ],
  kinds('type', ['text', 'json_object', 'json_schema']),
);

/** Fields that chats and completions share. */
const samplingFields = {
  model: modelName(),
  temperature: optional(number(0, 2)),
  top_p: optional(number(0, 1)),
  n: optional(whole(1, 128)),
  stop: optional(oneOrMore(4, 'must be text, or a list of 1 to 4 texts')),
  max_tokens: optional(count()),
  presence_penalty: optional(number(-2, 2)),
  frequency_penalty: optional(number(-2, 2)),
  seed: optional(whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
  logit_bias: optional(z.custom<Record<string, number>>(isBias, 'must be an object of whole numbers from -100 to 100')),
  user: optional(text()),
  extra: optional(extra()),
  stream: optional(flag()),
  // Padding against readers of the traffic's lengths; nothing of the answer.
  stream_options: optional(z.strictObject({ include_usage: optional(flag()), include_obfuscation: ignored() }, 'must be an object')),
} satisfies z.ZodRawShape;

const elsewhere = 'extra carries fields of one type of provider';

const chatBody = z.strictObject(
  {
    ...samplingFields,
    messages,
    max_completion_tokens: optional(count()),
    logprobs: optional(flag()),
    top_logprobs: optional(whole(0, 20)),
    tools: optional(list(tool, 0, Number.MAX_SAFE_INTEGER, 'must be a list of tools')),
    tool_choice: optional(toolChoice),
    parallel_tool_calls: optional(flag()),
    response_format: optional(responseFormat),
    reasoning_effort: optional(oneOf(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])),
    metadata: ignored(),
    store: ignored(),
    safety_identifier: ignored(),
    prompt_cache_key: ignored(),
    prompt_cache_options: ignored(),
    prompt_cache_retention: ignored(),
    service_tier: ignored(),
    // What the answer is expected to be makes it come sooner, and no other.
    prediction: ignored(),
    audio: unsupported(),
    modalities: unsupported('answers are text', (value) => Array.isArray(value) && value.length === 1 && value[0] === 'text'),
    moderation: unsupported(),
    verbosity: unsupported(elsewhere),
    web_search_options: unsupported(elsewhere),
    functions: unsupported('use tools'),
    function_call: unsupported('use tool_choice'),
  },
  'must be an object',
);

const promptSentence = 'must be one text: tokens mean something to one model only, and several prompts are several calls';

/** What the older API cannot say in chats, or what no chat can do. */
const completionBody = z.strictObject(
  {
    ...samplingFields,
    prompt: oneOrMore(1, promptSentence),
    best_of: unsupported('n gives several answers', (value) => value === 1),
    echo: unsupported('', (value) => value === false),
    logprobs: unsupported('chats have them'),
    suffix: unsupported('', (value) => value === ''),
  },
  'must be an object',
);

/**
 * A body of `POST /v1/chat/completions`.
 * @throws {HttpRefusal} 400
 */
export function readChat(body: unknown): Asked {
  const { stream, stream_options: options, ...request } = readBody(chatBody, body);
  return { request, isStream: stream === true, includesUsage: options?.include_usage === true };
}

/**
 * A body of `POST /v1/completions`. Models of today take chats, so the prompt becomes a message.
 * @throws {HttpRefusal} 400
 */
export function readCompletion(body: unknown): Asked {
  const { prompt, stream, stream_options: options, ...rest } = readBody(completionBody, body);
  const content = typeof prompt === 'string' ? prompt : prompt.join('');
  const request: ChatRequest = { ...rest, messages: [{ role: 'user', content }] };
  return { request, isStream: stream === true, includesUsage: options?.include_usage === true };
}

function isBias(value: unknown): value is Record<string, number> {
  return isObject(value) && Object.values(value).every((bias) => Number.isInteger(bias) && Math.abs(bias as number) <= 100);
}
