import * as z from 'zod/mini';
import {
  anyNumber,
  anyWhole,
  count,
  flag,
  isEmpty,
  list,
  mustBeObject,
  name,
  object,
  oneOf,
  optional,
  type Reads,
  text,
  textOrTexts,
  unsupported,
  whole,
} from './body-schema.ts';

// Bodies of requests as Ollama's own document has them (`docs/openapi.yaml`, version 0.33), with what its server takes beyond that.

/** Names of options that the router has a word for; others are for servers of Ollama. */
export interface OllamaOptions {
  readonly temperature?: number | undefined;
  readonly top_p?: number | undefined;
  readonly seed?: number | undefined;
  readonly stop?: string | readonly string[] | undefined;
  /** Below 0: without a limit. */
  readonly num_predict?: number | undefined;
  readonly frequency_penalty?: number | undefined;
  readonly presence_penalty?: number | undefined;
  readonly top_k?: number | undefined;
  readonly min_p?: number | undefined;
  readonly repeat_penalty?: number | undefined;
  readonly [name: string]: unknown;
}

/** What all three bodies have. */
interface CommonBody {
  readonly model: string;
  readonly options?: OllamaOptions | undefined;
  readonly keep_alive?: string | number | undefined;
  readonly truncate?: boolean | undefined;
}

/** What the two that generate have. */
export interface GeneratingBody extends CommonBody {
  readonly stream?: boolean | undefined;
  /** The empty text is that of older clients, and means none. */
  readonly format?: '' | 'json' | Readonly<Record<string, unknown>> | undefined;
  readonly think?: boolean | 'low' | 'medium' | 'high' | 'max' | undefined;
  readonly shift?: boolean | undefined;
  readonly logprobs?: boolean | undefined;
  readonly top_logprobs?: number | undefined;
}

export interface ChatBody extends GeneratingBody {
  readonly messages?: readonly OllamaMessage[] | undefined;
  readonly tools?: readonly OllamaTool[] | undefined;
}

export interface OllamaMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content?: string | undefined;
  readonly thinking?: string | undefined;
  /** Base64. */
  readonly images?: readonly string[] | undefined;
  readonly tool_calls?: readonly OllamaToolCall[] | undefined;
  /** Of a result: the tool. */
  readonly tool_name?: string | undefined;
  readonly name?: string | undefined;
  readonly tool_call_id?: string | undefined;
}

export interface OllamaToolCall {
  readonly id?: string | undefined;
  readonly function: { readonly name: string; readonly arguments?: Readonly<Record<string, unknown>> | undefined };
}

interface OllamaTool {
  readonly function: {
    readonly name: string;
    readonly description?: string | undefined;
    readonly parameters?: Readonly<Record<string, unknown>> | undefined;
    readonly strict?: boolean | undefined;
  };
}

export interface GenerateBody extends GeneratingBody {
  readonly prompt?: string | undefined;
  readonly system?: string | undefined;
  readonly images?: readonly string[] | undefined;
}

export interface EmbedBody extends CommonBody {
  readonly input: string | readonly string[];
  readonly dimensions?: number | undefined;
}

const options = z.looseObject(
  {
    temperature: optional(anyNumber()),
    top_p: optional(anyNumber()),
    seed: optional(anyWhole()),
    stop: optional(textOrTexts()),
    num_predict: optional(anyWhole().check(z.refine((tokens) => tokens !== 0, 'must not be 0; below 0 there is no limit'))),
    frequency_penalty: optional(anyNumber()),
    presence_penalty: optional(anyNumber()),
    top_k: optional(anyWhole()),
    min_p: optional(anyNumber()),
    repeat_penalty: optional(anyNumber()),
  },
  mustBeObject,
);

const common = {
  model: name(),
  options: optional(options),
  keep_alive: optional(z.union([z.string(), z.number()], 'must be a duration like "5m", or seconds')),
  truncate: optional(flag()),
};

const efforts = ['low', 'medium', 'high', 'max'] as const;

const generating = {
  ...common,
  stream: optional(flag()),
  format: optional(z.union([z.literal(''), z.literal('json'), object()], 'must be "json" or a JSON Schema')),
  think: optional(z.union([z.boolean(), z.enum(efforts)], `must be true, false or one of ${efforts.join(', ')}`)),
  shift: optional(flag()),
  logprobs: optional(flag()),
  top_logprobs: optional(whole(0, 20)),
};

const images = optional(list(text(), 'must be a list of images in base64'));
const isFunction = z.literal('function', 'must be "function"');

const toolCall = z.strictObject(
  {
    id: optional(text()),
    type: optional(isFunction),
    function: z.strictObject(
      { index: optional(anyWhole()), name: name(), description: optional(text()), arguments: optional(object()) },
      mustBeObject,
    ),
  },
  mustBeObject,
);

const tool = z.strictObject(
  {
    type: isFunction,
    function: z.strictObject(
      { name: name(), description: optional(text()), parameters: optional(object()), strict: optional(flag()) },
      mustBeObject,
    ),
  },
  mustBeObject,
);

const message = z.strictObject(
  {
    role: oneOf(['system', 'user', 'assistant', 'tool']),
    content: optional(text()),
    thinking: optional(text()),
    images,
    tool_calls: optional(list(toolCall, 'must be a list of calls')),
    tool_name: optional(text()),
    name: optional(text()),
    tool_call_id: optional(text()),
  },
  mustBeObject,
);

/** The body of `POST /api/chat`. */
export const chatBody: Reads<ChatBody> = z.strictObject(
  {
    ...generating,
    messages: optional(list(message, 'must be a list of messages')),
    tools: optional(list(tool, 'must be a list of tools')),
  },
  mustBeObject,
);

const needsTemplate = unsupported('the server that answers has a template of its own', isEmpty);

/** The body of `POST /api/generate`. */
export const generateBody: Reads<GenerateBody> = z.strictObject(
  {
    ...generating,
    prompt: optional(text()),
    system: optional(text()),
    images,
    suffix: needsTemplate,
    template: needsTemplate,
    raw: unsupported('the server that answers has a template of its own', (value) => value === false),
    context: unsupported('send the conversation to /api/chat', isEmpty),
  },
  mustBeObject,
);

/** The body of `POST /api/embed`. */
export const embedBody: Reads<EmbedBody> = z.strictObject(
  {
    ...common,
    input: textOrTexts(),
    dimensions: optional(count()),
  },
  mustBeObject,
);

/** The body of `POST /api/show`; older clients say `name`. */
export const showBody: Reads<{ readonly model?: string | undefined; readonly name?: string | undefined }> = z.strictObject(
  { model: optional(text()), name: optional(text()), verbose: optional(flag()) },
  mustBeObject,
);
