import type { ChatChunk, ChunkDelta, FinishReason, Usage } from '../core/types.ts';
import { isJsonObject, type JsonObject } from '../lib/json.ts';
import { headOf, refusalOf, toUsage } from './anthropic-answer.ts';
import { createBlocks } from './anthropic-blocks.ts';
import { type CallOrigin, toFinishReason } from './openai-wire.ts';

/** A message as it grows. Each event of its stream gives the chunks that it means; throws `bad_response` for what it cannot mean. */
export interface GrowingMessage {
  start(event: JsonObject): ChatChunk[];
  startBlock(event: JsonObject): ChatChunk[];
  addToBlock(event: JsonObject): ChatChunk[];
  endBlock(event: JsonObject): ChatChunk[];
  change(event: JsonObject): ChatChunk[];
  end(): ChatChunk[];
}

export function createMessage(origin: CallOrigin): GrowingMessage {
  let head: ReturnType<typeof headOf> | undefined;
  let counts: JsonObject = {};
  let reason: FinishReason | null = null;
  let hasContent = false;
  const blocks = createBlocks(origin);
  const chunkOf = (choices: ChatChunk['choices'], usage?: Usage): ChatChunk => {
    head ??= headOf({}, origin);
    return { ...head, object: 'chat.completion.chunk', choices, ...(usage && { usage }) };
  };
  const toChunks = (delta: ChunkDelta | undefined): ChatChunk[] => {
    hasContent ||= delta !== undefined;
    return delta === undefined ? [] : [chunkOf([{ index: 0, delta, finish_reason: null }])];
  };
  const finish = (found: FinishReason, refusal?: string): ChatChunk[] => {
    reason = found;
    const last = chunkOf([{ index: 0, delta: refusal === undefined ? {} : { refusal }, finish_reason: found }]);
    return [...blocks.endAll().flatMap(toChunks), last];
  };
  return {
    start({ message }) {
      if (head !== undefined || !isJsonObject(message)) return [];
      head = headOf(message, origin);
      counts = join(counts, withoutOutput(message['usage']));
      return [chunkOf([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }])];
    },
    startBlock: (event) => toChunks(blocks.start(event)),
    addToBlock: (event) => toChunks(blocks.add(event)),
    endBlock: (event) => toChunks(blocks.end(event)),
    change({ delta, usage }) {
      counts = join(counts, usage);
      if (reason !== null || !isJsonObject(delta)) return [];
      const found = toFinishReason(delta['stop_reason'], blocks.calls() > 0, origin);
      return found === null ? [] : finish(found, refusalOf(delta));
    },
    end() {
      if (reason === null && !hasContent) throw origin.badResponse('the stream held no content.');
      const usage = toUsage(counts);
      return [...(reason === null ? finish('unknown') : []), ...(usage ? [chunkOf([], usage)] : [])];
    },
  };
}

/** What was written is not known at the start: the API says 1 there, and servers that say nothing later have not counted. */
function withoutOutput(usage: unknown): unknown {
  return isJsonObject(usage) ? { ...usage, output_tokens: null } : usage;
}

/** Later counts are those of the whole message so far; what is null or left out stays as it was. */
function join(counts: JsonObject, later: unknown): JsonObject {
  if (!isJsonObject(later)) return counts;
  return { ...counts, ...Object.fromEntries(Object.entries(later).filter(([, value]) => value != null)) };
}
