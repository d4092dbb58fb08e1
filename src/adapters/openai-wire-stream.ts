import type { RouterError } from '../core/errors.ts';
import type { ChatChunk } from '../core/types.ts';
import type { SseEvent } from '../lib/sse.ts';
import {
  evenText,
  evenToolCalls,
  fillHead,
  gaveUp,
  isUsage,
  isWireObject,
  type Origin,
  toFinishReason,
  type WireObject,
} from './openai-wire.ts';

/** The classified error in a chunk, or undefined where it holds none. */
export type ErrorIn = (value: unknown) => RouterError | undefined;

/** The data of the event that ends every stream. It is no proof of success: some servers send it after an error too. */
export const terminator = '[DONE]';

/**
 * The chunks of one stream, one array per batch of events. Ends at `[DONE]`, or at the end of the events once every choice
 * gave its finish reason; throws otherwise. What came before a failure is yielded before it is thrown, so that what a caller
 * gets does not depend on where the network cut the bytes.
 */
export async function* readChunks(
  events: AsyncIterable<readonly SseEvent[]>,
  errorIn: ErrorIn,
  origin: Origin,
): AsyncGenerator<readonly ChatChunk[], void, undefined> {
  const reader = createChunkReader(errorIn, origin);
  try {
    for await (const batch of events) {
      const { chunks, terminated, failure } = readBatch(batch, reader);
      if (chunks.length > 0) yield chunks;
      if (failure !== undefined) throw failure;
      if (terminated) return reader.end(true);
    }
    reader.end(false);
  } catch (error) {
    // An abort breaks the connection, but the reason of it is the caller's.
    throw origin.signal.aborted ? origin.signal.reason : error;
  }
}

function readBatch(batch: readonly SseEvent[], reader: ChunkReader): { chunks: ChatChunk[]; terminated: boolean; failure?: unknown } {
  const chunks: ChatChunk[] = [];
  try {
    for (const event of batch) {
      if (event.data === terminator) return { chunks, terminated: true };
      const chunk = reader.read(event);
      if (chunk !== undefined) chunks.push(chunk);
    }
    return { chunks, terminated: false };
  } catch (failure) {
    return { chunks, terminated: false, failure };
  }
}

interface ChunkReader {
  /** Undefined for events without a meaning here: empty data, and names that this protocol does not have (`ping`). */
  read(event: SseEvent): ChatChunk | undefined;
  /** Throws unless what was read is a whole answer. */
  end(terminated: boolean): void;
}

function createChunkReader(errorIn: ErrorIn, origin: Origin): ChunkReader {
  const choices = new Map<number, ChoiceState>();
  let hasContent = false;
  return {
    read(event) {
      if (event.data === '') return undefined;
      const value = parse(event.data);
      if (event.event === 'error') throw errorOf(value ?? event.data, errorIn, origin);
      const chunk = toChunk(value, event.event !== undefined && event.event !== 'message', errorIn, origin);
      if (chunk === undefined) return undefined;
      for (const choice of chunk['choices'] as unknown[]) hasContent = addChoice(choice, choices, origin) || hasContent;
      if (chunk['usage'] && !isUsage(chunk['usage'])) delete chunk['usage'];
      fillHead(chunk, 'chat.completion.chunk', origin);
      return chunk as unknown as ChatChunk;
    },
    end(terminated) {
      const states = [...choices.values()];
      if (terminated ? states.some(isFinished) : states.length > 0 && states.every(isFinished)) return;
      if (states.some(({ finish }) => finish === 'empty')) throw gaveUp('', origin);
      if (!terminated) throw origin.badResponse('the stream ended before its terminator.');
      if (!hasContent) throw origin.badResponse('the stream held no content.');
    },
  };
}

interface ChoiceState {
  hasToolCalls: boolean;
  /** `empty`: only empty finish reasons came. Some servers send one with every chunk, so it ends nothing by itself. */
  finish: 'none' | 'empty' | 'said';
}

function isFinished({ finish }: ChoiceState): boolean {
  return finish === 'said';
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    // The parser's own message quotes the text, so it goes nowhere.
    return undefined;
  }
}

function errorOf(value: unknown, errorIn: ErrorIn, origin: Origin): RouterError {
  return errorIn(value) ?? errorIn({ error: value }) ?? origin.badResponse('the stream holds an error event.');
}

/** An object with a list of choices, or undefined for a foreign event that is none. */
function toChunk(value: unknown, isForeign: boolean, errorIn: ErrorIn, origin: Origin): WireObject | undefined {
  if (isWireObject(value) && !value['error'] && Array.isArray(value['choices'])) return value;
  const error = value === undefined ? undefined : errorIn(value);
  if (error) throw error;
  if (isForeign) return undefined;
  if (!isWireObject(value)) throw origin.badResponse('an event of the stream is not a JSON object.');
  // A few servers leave the empty list out of the chunk that carries the usage.
  if (value['choices'] === undefined && isUsage(value['usage'])) return { ...value, choices: [] };
  throw origin.badResponse('an event of the stream holds no choices.');
}

/** Evens out one choice in place; true where it carries something that a reader would miss. */
function addChoice(choice: unknown, choices: Map<number, ChoiceState>, origin: Origin): boolean {
  if (!isWireObject(choice)) throw origin.badResponse('a choice of the stream is not an object.');
  const delta = (choice['delta'] ??= {});
  if (!isWireObject(delta)) throw origin.badResponse('a delta of the stream is not an object.');
  const index = typeof choice['index'] === 'number' ? choice['index'] : (choice['index'] = 0);
  const state = choices.get(index as number) ?? { hasToolCalls: false, finish: 'none' };
  choices.set(index as number, state);

  evenText(delta, origin);
  const calls = evenToolCalls(delta, origin);
  calls.forEach((call, position) => (call['index'] ??= position));
  state.hasToolCalls ||= calls.length > 0;

  const said = choice['finish_reason'];
  const reason = toFinishReason(said, state.hasToolCalls, origin);
  if (said !== undefined) choice['finish_reason'] = reason;
  if (reason !== null) state.finish = 'said';
  else if (said === '' && state.finish === 'none') state.finish = 'empty';
  return Boolean(delta['content'] || delta['reasoning_content'] || delta['refusal'] || calls.length > 0);
}
