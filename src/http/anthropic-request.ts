import type { ChatMessage, ChatRequest, ContentPart, ReasoningEffort, Tool, ToolCall, ToolChoice } from '../index.ts';
import type { Block, ImageBlock, TextBlock, ThoughtBlock, ToolResultBlock, ToolUseBlock, Turn } from './anthropic-blocks.ts';
import type { CustomTool, MessagesBody, Thinking, ToolChoiceField } from './anthropic-body.ts';
import { badRequest } from './failure.ts';
import { toExtra } from './server-fields.ts';

/**
 * The request that a body asks for. Thinking goes to Anthropic's own servers as it was written, and to others as an effort.
 * @throws {HttpRefusal} 400 where the budget for thoughts leaves nothing for the answer.
 */
export function toChatRequest(body: Omit<MessagesBody, 'max_tokens'> & { readonly max_tokens?: number | undefined }): ChatRequest {
  const { model, max_tokens, system, messages, temperature, top_p, stop_sequences, tools, tool_choice: choice, output_config } = body;
  refuseBudget(body.thinking, max_tokens);
  const effort = output_config?.effort ?? effortOf(body.thinking);
  const format = output_config?.format ?? body.output_format;
  const extra = extraOf(body);
  return {
    model,
    messages: [...toSystem(system ?? []), ...messages.flatMap(toMessages)],
    ...(max_tokens !== undefined && { max_tokens }),
    ...(temperature !== undefined && { temperature }),
    ...(top_p !== undefined && { top_p }),
    ...(stop_sequences !== undefined && stop_sequences.length > 0 && { stop: stop_sequences }),
    ...(tools !== undefined && tools.length > 0 && { tools: tools.map(toTool) }),
    ...(choice !== undefined && { tool_choice: toToolChoice(choice) }),
    ...(choice?.disable_parallel_tool_use === true && { parallel_tool_calls: false }),
    ...(effort !== undefined && { reasoning_effort: effort }),
    ...(format !== undefined && {
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: format.schema, strict: true } },
    }),
    ...(extra !== undefined && { extra }),
  };
}

function refuseBudget(thinking: Thinking | undefined, maxTokens: number | undefined): void {
  if (thinking?.type !== 'enabled' || maxTokens === undefined || thinking.budget_tokens < maxTokens) return;
  throw badRequest('thinking.budget_tokens must be less than max_tokens.', 'thinking.budget_tokens');
}

/** Whoever decides by itself how much to think is asked for nothing. */
function effortOf(thinking: Thinking | undefined): ReasoningEffort | undefined {
  if (thinking === undefined || thinking.type === 'adaptive') return undefined;
  if (thinking.type === 'disabled') return 'none';
  return thinking.budget_tokens < 4_096 ? 'low' : thinking.budget_tokens < 8_192 ? 'medium' : 'high';
}

/** Its newer models refuse `top_k`, which only those who speak this API can know. Not to think is told as an effort. */
function extraOf({ top_k, thinking }: Pick<MessagesBody, 'top_k' | 'thinking'>): ChatRequest['extra'] {
  const anthropic = {
    ...(top_k !== undefined && { top_k }),
    ...(thinking !== undefined && thinking.type !== 'disabled' && { thinking }),
  };
  return toExtra({ top_k }, Object.keys(anthropic).length > 0 ? { anthropic } : undefined);
}

function toSystem(blocks: readonly TextBlock[]): ChatMessage[] {
  return blocks.length === 0 ? [] : [{ role: 'system', content: blocks.map(({ text }) => text).join('\n\n') }];
}

/** One message, or several: every tool's result is one of its own, and stands before what else the user says. */
function toMessages({ role, content }: Turn): ChatMessage[] {
  if (role === 'system') return toSystem(content.filter(isOf('text')));
  if (role === 'assistant') return [toAssistant(content)];
  const said = content.filter((block) => block.type === 'text' || block.type === 'image');
  return [
    ...content.filter(isOf('tool_result')).map(toResult),
    ...(said.length === 0 ? [] : [{ role: 'user', content: toContent(said) } as const]),
  ];
}

function isOf<Type extends Block['type']>(type: Type): (block: Block) => block is Extract<Block, { readonly type: Type }> {
  return (block): block is Extract<Block, { readonly type: Type }> => block.type === type;
}

/** Thoughts without a signature are those of servers that sign none; only signed ones could go back to Anthropic. */
function toAssistant(blocks: readonly Block[]): ChatMessage {
  const text = blocks
    .filter(isOf('text'))
    .map((block) => block.text)
    .join('');
  const thoughts = blocks.filter((block): block is ThoughtBlock => block.type === 'thinking' || block.type === 'redacted_thinking');
  const signed = thoughts.filter((block) => block.type === 'redacted_thinking' || block.signature !== '');
  const reasoning = thoughts.map((block) => (block.type === 'thinking' ? block.thinking : '')).join('');
  const calls = blocks.filter(isOf('tool_use')).map(toToolCall);
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(signed.length > 0 && { thinking_blocks: signed }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function toToolCall({ id, name, input }: ToolUseBlock): ToolCall {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input) } };
}

/** Other protocols tell a failure of a tool in its text alone. */
function toResult({ tool_use_id, content, is_error }: ToolResultBlock): ChatMessage {
  const [first, ...rest] = content;
  const told =
    first?.type === 'text' ? [{ ...first, text: `Error: ${first.text}` }, ...rest] : [{ type: 'text', text: 'Error' } as const, ...content];
  return { role: 'tool', tool_call_id: tool_use_id, content: toContent(is_error ? told : content) };
}

/** A single text is told as text, which every server reads. */
function toContent(blocks: readonly (TextBlock | ImageBlock)[]): string | readonly ContentPart[] {
  const [first, ...rest] = blocks;
  if (first === undefined) return '';
  return first.type === 'text' && rest.length === 0 ? first.text : blocks.map(toPart);
}

function toPart(block: TextBlock | ImageBlock): ContentPart {
  if (block.type === 'text') return block;
  const { source } = block;
  return { type: 'image_url', image_url: { url: source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}` } };
}

function toTool({ name, description, input_schema: parameters, strict }: CustomTool): Tool {
  const detail = { name, ...(description !== undefined && { description }), parameters, ...(strict !== undefined && { strict }) };
  return { type: 'function', function: detail };
}

function toToolChoice({ type, name = '' }: ToolChoiceField): ToolChoice {
  if (type === 'tool') return { type: 'function', function: { name } };
  return type === 'any' ? 'required' : type;
}
