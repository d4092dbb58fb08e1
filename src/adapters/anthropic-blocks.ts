import type { ChunkDelta } from '../core/types.ts';
import { isJsonObject, type JsonObject } from '../lib/json.ts';
import { fieldText, toThinkingBlock, toToolCall } from './anthropic-answer.ts';
import type { CallOrigin } from './openai-wire.ts';

/** The content blocks of one streamed message. Each event gives the delta that it means, or undefined where it means none. */
export interface Blocks {
  start(event: JsonObject): ChunkDelta | undefined;
  add(event: JsonObject): ChunkDelta | undefined;
  end(event: JsonObject): ChunkDelta | undefined;
  /** Ends what the server left open. */
  endAll(): (ChunkDelta | undefined)[];
  /** Tool calls so far. */
  calls(): number;
}

export function createBlocks(origin: CallOrigin): Blocks {
  const open = new Map<unknown, Block>();
  let calls = 0;
  const end = (index: unknown): ChunkDelta | undefined => {
    const delta = open.get(index)?.end();
    open.delete(index);
    return delta;
  };
  return {
    start({ index, content_block: found }) {
      if (!isJsonObject(found)) throw origin.badResponse('a block of the stream is not an object.');
      const block = createBlock(found, calls, origin);
      if (found['type'] === 'tool_use') calls++;
      open.set(index, block);
      return block.start;
    },
    add({ index, delta }) {
      const block = open.get(index);
      if (block === undefined || !isJsonObject(delta)) throw origin.badResponse('a piece of the stream belongs to no block.');
      return block.add(delta);
    },
    end: ({ index }) => end(index),
    endAll: () => [...open.keys()].map(end),
    calls: () => calls,
  };
}

/** One block as it grows. */
interface Block {
  readonly start: ChunkDelta | undefined;
  add(delta: JsonObject): ChunkDelta | undefined;
  end(): ChunkDelta | undefined;
}

function createBlock(found: JsonObject, calls: number, origin: CallOrigin): Block {
  switch (found['type']) {
    case 'text':
      return {
        start: toText(fieldText(found, 'text', origin)),
        add: (delta) => (delta['type'] === 'text_delta' ? toText(fieldText(delta, 'text', origin)) : undefined),
        end: () => undefined,
      };
    case 'thinking':
    case 'redacted_thinking':
      return createThought(found, origin);
    case 'tool_use':
      return createToolCall(found, calls, origin);
    default:
      // Tools that the server runs itself, and kinds that are yet to come.
      return { start: undefined, add: () => undefined, end: () => undefined };
  }
}

function toText(text: string): ChunkDelta | undefined {
  return text === '' ? undefined : { content: text };
}

function toReasoning(text: string): ChunkDelta | undefined {
  return text === '' ? undefined : { reasoning_content: text };
}

/** The text comes as it is thought; the block that can be sent back is whole only at its end. */
function createThought(found: JsonObject, origin: CallOrigin): Block {
  const pieces = { thinking: fieldText(found, 'thinking', origin), signature: fieldText(found, 'signature', origin) };
  return {
    start: toReasoning(pieces.thinking),
    add(delta) {
      if (delta['type'] === 'signature_delta') pieces.signature += fieldText(delta, 'signature', origin);
      if (delta['type'] !== 'thinking_delta') return undefined;
      const text = fieldText(delta, 'thinking', origin);
      pieces.thinking += text;
      return toReasoning(text);
    },
    end() {
      const block = toThinkingBlock({ ...found, ...pieces });
      return block && { thinking_blocks: [block] };
    },
  };
}

/** `index` counts the tool calls alone. Without any piece the arguments are the start's own, which is `{}` at Anthropic's. */
function createToolCall(found: JsonObject, index: number, origin: CallOrigin): Block {
  const call = toToolCall(found, index, origin);
  const toDelta = (text: string): ChunkDelta => ({ tool_calls: [{ index, function: { arguments: text } }] });
  let hasPieces = false;
  return {
    start: { tool_calls: [{ ...call, index, function: { name: call.function.name, arguments: '' } }] },
    add(delta) {
      const text = delta['type'] === 'input_json_delta' ? fieldText(delta, 'partial_json', origin) : '';
      hasPieces ||= text !== '';
      return text === '' ? undefined : toDelta(text);
    },
    end: () => (hasPieces ? undefined : toDelta(call.function.arguments)),
  };
}
