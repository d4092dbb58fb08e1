import * as z from 'zod/mini';
import type { ChatRequest, ResponseFormat, Tool, ToolChoice } from '../index.ts';
import { messages } from './openai-messages.ts';
import { type Extras, type ServerFields, toExtra } from './server-fields.ts';
import {
  atLeast,
  count,
  extra,
  flag,
  ignored,
  isEmpty,
  isObject,
  kinds,
  list,
  modelName,
  mustBeObject,
  number,
  object,
  oneOf,
  optional,
  readBody,
  type Reads,
  text,
  textOrTexts,
  unsupported,
  unsupportedKind,
  whole,
} from './body-schema.ts';

/** What a body asks for, in the router's words. */
export interface Asked extends Extras {
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
      cache_control: ignored(),
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
  stop: optional(textOrTexts('must be text, or a list of 4 texts at most', 0, 4)),
  max_tokens: optional(count()),
  presence_penalty: optional(number(-2, 2)),
  frequency_penalty: optional(number(-2, 2)),
  seed: optional(whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
  logit_bias: optional(z.custom<Record<string, number>>(isBias, 'must be an object of whole numbers from -100 to 100')),
  user: optional(text()),
  extra: optional(extra()),
  top_k: optional(atLeast(-1)),
  min_p: optional(number(0, 1)),
  repetition_penalty: optional(number(0, 2)),
  stream: optional(flag()),
  // Padding against readers of the traffic's lengths; nothing of the answer.
  stream_options: optional(z.strictObject({ include_usage: optional(flag()), include_obfuscation: ignored() }, mustBeObject)),
} satisfies z.core.$ZodShape;

type Unread<Name extends string> = Readonly<Record<Name, Reads<undefined>>>;

/** What asks nothing of the answer. A prediction makes it come sooner, and no other. */
export const fieldsLeftOut: Unread<
  | 'metadata'
  | 'store'
  | 'safety_identifier'
  | 'prompt_cache_key'
  | 'prompt_cache_options'
  | 'prompt_cache_retention'
  | 'service_tier'
  | 'prediction'
> = {
  metadata: ignored(),
  store: ignored(),
  safety_identifier: ignored(),
  prompt_cache_key: ignored(),
  prompt_cache_options: ignored(),
  prompt_cache_retention: ignored(),
  service_tier: ignored(),
  prediction: ignored(),
};

/** What would change the answer, and no server that speaks for several could be told. */
export const fieldsRefused: Unread<'audio' | 'modalities' | 'moderation' | 'web_search_options' | 'functions' | 'function_call'> = {
  audio: unsupported(),
  modalities: unsupported('answers are text', (value) => Array.isArray(value) && value.length === 1 && value[0] === 'text'),
  moderation: unsupported(),
  web_search_options: unsupported('extra carries fields of one type of provider'),
  functions: unsupported('use tools', isEmpty),
  function_call: unsupported('use tool_choice'),
};

const chatBody = z.strictObject(
  {
    ...samplingFields,
    messages,
    max_completion_tokens: optional(count()),
    logprobs: optional(flag()),
    top_logprobs: optional(whole(0, 20)),
    tools: optional(list(tool, 'must be a list of tools')),
    tool_choice: optional(toolChoice),
    parallel_tool_calls: optional(flag()),
    response_format: optional(responseFormat),
    reasoning_effort: optional(oneOf(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])),
    verbosity: optional(oneOf(['low', 'medium', 'high'])),
    chat_template_kwargs: optional(object()),
    ...fieldsLeftOut,
    ...fieldsRefused,
  },
  mustBeObject,
);

const promptSentence = 'must be one text: tokens mean something to one model only, and several prompts are several calls';

/** What the older API cannot say in chats, or what no chat can do. */
const completionBody = z.strictObject(
  {
    ...samplingFields,
    prompt: textOrTexts(promptSentence, 1, 1),
    best_of: unsupported('n gives several answers', (value) => value === 1),
    echo: unsupported('', (value) => value === false),
    logprobs: unsupported('chats have them'),
    suffix: unsupported('', (value) => value === ''),
  },
  mustBeObject,
);

/**
 * A body of `POST /v1/chat/completions`.
 * @throws {HttpRefusal} 400
 */
export function readChat(body: unknown): Asked {
  const { verbosity, chat_template_kwargs, ...rest } = readBody(chatBody, body);
  return toAsked(withoutTools(rest), { chat_template_kwargs, verbosity });
}

/**
 * A body of `POST /v1/completions`. Models of today take chats, so the prompt becomes a message.
 * @throws {HttpRefusal} 400
 */
export function readCompletion(body: unknown): Asked {
  const { prompt, ...rest } = readBody(completionBody, body);
  const content = typeof prompt === 'string' ? prompt : prompt.join('');
  return toAsked({ ...rest, messages: [{ role: 'user', content }] }, {});
}

type Read = ChatRequest & Pick<ServerFields, 'top_k' | 'min_p' | 'repetition_penalty'> & { readonly stream?: boolean | undefined };

/** What is empty asks for nothing, and some servers refuse it, or would have to know what it is a list of. */
function toAsked({ stream, stream_options: options, ...read }: Read, more: ServerFields): Asked {
  const { top_k, min_p, repetition_penalty, stop, logit_bias: bias, extra: given, ...rest } = read;
  const serverFields = { top_k, min_p, repetition_penalty, ...more };
  const request = {
    ...rest,
    stop: stop?.length === 0 ? undefined : stop,
    logit_bias: bias && Object.keys(bias).length > 0 ? bias : undefined,
    extra: toExtra(serverFields, given),
  };
  return { request, isStream: stream === true, includesUsage: options?.include_usage === true, serverFields };
}

/** Without tools there is nothing to choose; a choice that demands one goes on, to be refused. */
function withoutTools<Asks extends Pick<ChatRequest, 'tools' | 'tool_choice' | 'parallel_tool_calls'>>(read: Asks): Asks {
  const { tools, tool_choice: choice } = read;
  if (tools !== undefined && tools.length > 0) return read;
  const isIdle = choice === undefined || choice === 'auto' || choice === 'none';
  return { ...read, tools: undefined, ...(isIdle && { tool_choice: undefined, parallel_tool_calls: undefined }) };
}

function isBias(value: unknown): value is Record<string, number> {
  return isObject(value) && Object.values(value).every((bias) => Number.isInteger(bias) && Math.abs(bias as number) <= 100);
}
