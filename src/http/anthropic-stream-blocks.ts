import { type ChunkDelta, RouterError, type ThinkingBlock, type ToolCallDelta } from '../index.ts';
import { textBlock, toolUseBlock } from './anthropic-answer.ts';
import type { StreamEvent } from './anthropic-stream.ts';

/** The content blocks of one stream, one after the other: this protocol's readers take one at a time. */
export interface Blocks {
  add(delta: ChunkDelta): StreamEvent[];
  /** Ends the block that is open. */
  end(): StreamEvent[];
  hasCalls(): boolean;
}

/** `call`: the index among the tool calls. */
type Kind = { readonly is: 'text' | 'thinking' } | { readonly is: 'tool'; readonly call: number };

export function createBlocks(): Blocks {
  const calls = new Set<number>();
  let open: Kind | undefined;
  let index = -1;
  const end = (): StreamEvent[] => {
    if (open === undefined) return [];
    open = undefined;
    return [{ type: 'content_block_stop', index }];
  };
  const start = (kind: Kind, block: object): StreamEvent[] => {
    const ended = end();
    open = kind;
    index += 1;
    return [...ended, { type: 'content_block_start', index, content_block: block }];
  };
  const change = (delta: object): StreamEvent => ({ type: 'content_block_delta', index, delta });

  const think = (text: string): StreamEvent[] => {
    const started = open?.is === 'thinking' ? [] : start({ is: 'thinking' }, { type: 'thinking', thinking: '', signature: '' });
    return text === '' ? started : [...started, change({ type: 'thinking_delta', thinking: text })];
  };
  /** A block comes when it has ended: its text is there already, unless the whole answer came at once. */
  const sign = (block: ThinkingBlock): StreamEvent[] => {
    if (block.type === 'redacted_thinking') return [...start({ is: 'thinking' }, block), ...end()];
    const told = open?.is === 'thinking' ? [] : think(block.thinking);
    return [...told, change({ type: 'signature_delta', signature: block.signature }), ...end()];
  };
  const say = (text: string): StreamEvent[] => {
    const started = open?.is === 'text' ? [] : start({ is: 'text' }, textBlock(''));
    return [...started, change({ type: 'text_delta', text })];
  };
  const call = ({ index: at, id = '', function: called }: ToolCallDelta): StreamEvent[] => {
    const text = called?.arguments ?? '';
    const isOpen = open?.is === 'tool' && open.call === at;
    // A call that is over has nothing more to say.
    if (!isOpen && calls.has(at) && text === '') return [];
    if (!isOpen && (calls.has(at) || !called?.name)) throw new RouterError('bad_response', 'The pieces of the tool calls are mixed up.');
    calls.add(at);
    const started = isOpen ? [] : start({ is: 'tool', call: at }, toolUseBlock(id, called?.name ?? '', {}));
    return text === '' ? started : [...started, change({ type: 'input_json_delta', partial_json: text })];
  };

  return {
    add({ reasoning_content: reasoning, thinking_blocks: signed = [], content, tool_calls: pieces = [] }) {
      const isWhole = open?.is !== 'thinking' && signed.some(({ type }) => type === 'thinking');
      return [
        ...(reasoning && !isWhole ? think(reasoning) : []),
        ...signed.flatMap(sign),
        ...(content ? say(content) : []),
        ...pieces.flatMap(call),
      ];
    },
    end,
    hasCalls: () => calls.size > 0,
  };
}
