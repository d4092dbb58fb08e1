import * as z from 'zod/mini';
import {
  flag,
  ignored,
  kinds,
  list,
  name,
  object,
  oneOf,
  optional,
  type Reads,
  text,
  turned,
  unsupported,
  unsupportedKind,
} from './body-schema.ts';

/** The content blocks of a request, as far as they are carried. */
export type Block = TextBlock | ImageBlock | ToolUseBlock | ToolResultBlock | ThoughtBlock;

export interface TextBlock {
  readonly type: 'text';
  readonly text: string;
}

export interface ImageBlock {
  readonly type: 'image';
  readonly source:
    | { readonly type: 'base64'; readonly media_type: string; readonly data: string }
    | { readonly type: 'url'; readonly url: string };
}

export interface ToolUseBlock {
  readonly type: 'tool_use';
  readonly id: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export interface ToolResultBlock {
  readonly type: 'tool_result';
  readonly tool_use_id: string;
  readonly content: readonly (TextBlock | ImageBlock)[];
  readonly is_error: boolean;
}

export type ThoughtBlock =
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'redacted_thinking'; readonly data: string };

export interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly Block[];
}

/** Kinds that only Anthropic's own servers understand, or that no other protocol has a place for. */
const foreign = (...names: readonly string[]): ReturnType<typeof unsupportedKind<'type'>>[] =>
  names.map((name) => unsupportedKind('type', name, `no provider is sent ${name}`));

const textBlock = turned(
  z.strictObject({ type: z.literal('text'), text: text(), cache_control: ignored(), citations: ignored() }),
  ({ type, text: value }): TextBlock => ({ type, text: value }),
);

const source: Reads<ImageBlock['source']> = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('base64'),
      media_type: oneOf(['image/jpeg', 'image/png', 'image/gif', 'image/webp']),
      data: name(),
    }),
    z.strictObject({
      type: z.literal('url'),
      url: text().check(z.refine((url) => /^https?:\/\//i.test(url), 'must be an http or https address')),
    }),
    ...foreign('file'),
  ],
  kinds('type', ['base64', 'url']),
);

const imageBlock = turned(
  z.strictObject({ type: z.literal('image'), source, cache_control: ignored(), transformations: unsupported() }),
  ({ type, source: found }): ImageBlock => ({ type, source: found }),
);

const toolUse = turned(
  z.strictObject({
    type: z.literal('tool_use'),
    id: name(),
    name: name(),
    input: object(),
    cache_control: ignored(),
    // Who asked for the call matters to nobody who reads it later.
    caller: ignored(),
    toolset_name: unsupported(),
  }),
  ({ type, id, name, input }): ToolUseBlock => ({ type, id, name, input }),
);

const resultBlock: Reads<TextBlock | ImageBlock> = z.discriminatedUnion(
  'type',
  [textBlock, imageBlock, ...foreign('document', 'search_result', 'tool_reference', 'browser_state')],
  kinds('type', ['text', 'image']),
);

const toolResult = turned(
  z.strictObject({
    type: z.literal('tool_result'),
    tool_use_id: name(),
    content: optional(blocksOf(resultBlock, 0)),
    is_error: optional(flag()),
    cache_control: ignored(),
    toolset_name: unsupported(),
  }),
  ({ type, tool_use_id, content = [], is_error = false }): ToolResultBlock => ({ type, tool_use_id, content, is_error }),
);

const thinking = z.strictObject({ type: z.literal('thinking'), thinking: text(), signature: text() });
const redacted = z.strictObject({ type: z.literal('redacted_thinking'), data: name() });

const userBlock: Reads<Block> = z.discriminatedUnion(
  'type',
  [textBlock, imageBlock, toolResult, ...foreign('document', 'search_result', 'container_upload')],
  kinds('type', ['text', 'image', 'tool_result']),
);

const assistantBlock: Reads<Block> = z.discriminatedUnion(
  'type',
  [
    textBlock,
    toolUse,
    thinking,
    redacted,
    ...foreign(
      'server_tool_use',
      'web_search_tool_result',
      'web_fetch_tool_result',
      'code_execution_tool_result',
      'bash_code_execution_tool_result',
      'text_editor_code_execution_tool_result',
      'tool_search_tool_result',
      'container_upload',
      'mcp_tool_use',
      'mcp_tool_result',
      'compaction',
    ),
  ],
  kinds('type', ['text', 'tool_use', 'thinking', 'redacted_thinking']),
);

export const systemBlocks: Reads<readonly TextBlock[]> = blocksOf(z.discriminatedUnion('type', [textBlock], kinds('type', ['text'])), 0);

const turn: Reads<Turn> = z.discriminatedUnion(
  'role',
  [
    z.strictObject({ role: z.literal('user'), content: blocksOf(userBlock, 1) }),
    // An answer without content is sent back as it came.
    z.strictObject({ role: z.literal('assistant'), content: blocksOf(assistantBlock, 0) }),
    z.strictObject({ role: z.literal('system'), content: systemBlocks }),
  ],
  kinds('role', ['user', 'assistant', 'system']),
);

export const turns: Reads<readonly Turn[]> = list(turn, 'must be a list with at least one message', 1);

/** A text stands for one block of it. */
function blocksOf<Found>(block: Reads<Found>, least: 0 | 1): Reads<readonly (Found | TextBlock)[]> {
  const sentence = least === 0 ? 'must be text, or a list of blocks' : 'must be text, or a list with at least one block';
  return z.union([turned(text(), (value): TextBlock[] => [{ type: 'text', text: value }]), list(block, sentence, least)], sentence);
}
