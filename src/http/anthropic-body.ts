import * as z from 'zod/mini';
import type { ReasoningEffort } from '../index.ts';
import { systemBlocks, type TextBlock, type Turn, turns } from './anthropic-blocks.ts';
import {
  atLeast,
  count,
  flag,
  ignored,
  isEmpty,
  isObject,
  kinds,
  list,
  mustBeObject,
  name,
  number,
  object,
  oneOf,
  optional,
  readBody,
  type Reads,
  text,
  turned,
  unsupported,
  unsupportedKind,
} from './body-schema.ts';

/** What is read of a body of `POST /v1/messages`. */
export interface MessagesBody {
  readonly model: string;
  readonly max_tokens: number;
  readonly messages: readonly Turn[];
  readonly system?: readonly TextBlock[] | undefined;
  readonly stream?: boolean | undefined;
  readonly temperature?: number | undefined;
  readonly top_p?: number | undefined;
  readonly top_k?: number | undefined;
  readonly stop_sequences?: readonly string[] | undefined;
  readonly tools?: readonly CustomTool[] | undefined;
  readonly tool_choice?: ToolChoiceField | undefined;
  readonly thinking?: Thinking | undefined;
  readonly output_config?: OutputConfig | undefined;
  /** The older place of `output_config.format`. */
  readonly output_format?: OutputConfig['format'];
}

export interface CustomTool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly input_schema: Readonly<Record<string, unknown>>;
  readonly strict?: boolean | undefined;
}

export interface ToolChoiceField {
  readonly type: 'auto' | 'any' | 'tool' | 'none';
  readonly name?: string | undefined;
  readonly disable_parallel_tool_use?: boolean | undefined;
}

export type Thinking =
  | { readonly type: 'enabled'; readonly budget_tokens: number; readonly display?: string | undefined }
  | { readonly type: 'adaptive'; readonly display?: string | undefined }
  | { readonly type: 'disabled' };

interface OutputConfig {
  readonly effort?: Exclude<ReasoningEffort, 'none' | 'minimal'> | undefined;
  readonly format?: { readonly type: 'json_schema'; readonly schema: Readonly<Record<string, unknown>> } | undefined;
}

const isFalse = (value: unknown): boolean => value === false;

/** Tools that Anthropic's servers run, or know the schema of, are told by their type. */
const anyTool = z.looseObject(
  { type: unsupported('only tools of the caller are (type custom)', (type) => type === 'custom') },
  'must be an object with name and input_schema',
);

const customTool: Reads<CustomTool> = z.strictObject({
  type: ignored(),
  name: text().check(
    z.refine((value) => /^[a-zA-Z0-9_-]{1,128}$/.test(value), 'must be 1 to 128 letters, digits, underscores and hyphens'),
  ),
  description: optional(text()),
  input_schema: z.custom<Record<string, unknown>>(
    (schema) => isObject(schema) && schema['type'] === 'object',
    'must be a JSON Schema of type object',
  ),
  strict: optional(flag()),
  cache_control: ignored(),
  // Says in how large pieces the input is streamed.
  eager_input_streaming: ignored(),
  defer_loading: unsupported('', isFalse),
  input_examples: unsupported('tell them in the description', isEmpty),
  allowed_callers: unsupported('', (callers) => Array.isArray(callers) && callers.every((caller) => caller === 'direct')),
});

const tool: Reads<CustomTool> = z.pipe(
  turned(anyTool, (found): unknown => found),
  customTool,
);

const isParallel = { disable_parallel_tool_use: optional(flag()) };

const toolChoice: Reads<ToolChoiceField> = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('auto'), ...isParallel }),
    z.strictObject({ type: z.literal('any'), ...isParallel }),
    z.strictObject({ type: z.literal('tool'), name: text(), ...isParallel }),
    z.strictObject({ type: z.literal('none') }),
  ],
  kinds('type', ['auto', 'any', 'tool', 'none']),
);

const display = optional(oneOf(['summarized', 'omitted']));

const thinking: Reads<Thinking> = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('enabled'), budget_tokens: atLeast(1_024), display }),
    z.strictObject({ type: z.literal('adaptive'), display }),
    z.strictObject({ type: z.literal('disabled') }),
    unsupportedKind('type', 'between_tools'),
  ],
  kinds('type', ['enabled', 'adaptive', 'disabled']),
);

const format: Reads<OutputConfig['format']> = optional(
  z.strictObject({ type: z.literal('json_schema', 'must be json_schema'), schema: object() }, 'must be an object with type and schema'),
);

const outputConfig: Reads<OutputConfig> = z.strictObject(
  { effort: optional(oneOf(['low', 'medium', 'high', 'xhigh', 'max'])), format },
  mustBeObject,
);

/** Edits that take nothing away; the assistant that writes code sends this one with every request. */
const keepsAll = z.strictObject({
  edits: z.optional(z.array(z.strictObject({ type: z.literal('clear_thinking_20251015'), keep: z.literal('all') }))),
});

/** Fields that a question for the number of tokens has as well. */
const common = {
  model: name(),
  messages: turns,
  system: optional(systemBlocks),
  tools: optional(list(tool, 'must be a list of tools')),
  tool_choice: optional(toolChoice),
  thinking: optional(thinking),
  output_config: optional(outputConfig),
  output_format: format,
  cache_control: ignored(),
  speed: ignored(),
  context_management: unsupported('', (value) => keepsAll.safeParse(value).success),
  mcp_servers: unsupported('', isEmpty),
};

const messagesBody: Reads<MessagesBody> = z.strictObject(
  {
    ...common,
    max_tokens: count(),
    stream: optional(flag()),
    temperature: optional(number(0, 1)),
    top_p: optional(number(0, 1)),
    top_k: optional(atLeast(0)),
    stop_sequences: optional(list(text(), 'must be a list of texts')),
    metadata: ignored(),
    service_tier: ignored(),
    container: unsupported(),
    diagnostics: unsupported(),
    inference_geo: unsupported('where a call may go is up to the server'),
  },
  'must be an object with model, max_tokens and messages',
);

const countBody: Reads<Omit<MessagesBody, 'max_tokens'>> = z.strictObject(common, 'must be an object with model and messages');

/** @throws {HttpRefusal} 400 with the path of the field that is wrong. */
export function readMessagesBody(body: unknown): MessagesBody {
  return readBody(messagesBody, body);
}

/**
 * The body of a question for the number of tokens, which has no limit of its answer.
 * @throws {HttpRefusal} 400 with the path of the field that is wrong.
 */
export function readCountBody(body: unknown): Omit<MessagesBody, 'max_tokens'> {
  return readBody(countBody, body);
}
