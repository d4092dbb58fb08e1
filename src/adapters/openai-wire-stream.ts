import type { RouterError } from '../core/errors.ts';
import type { ChatChunk } from '../core/types.ts';
import type { SseEvent } from '../lib/sse.ts';
import { createThinkSplitter } from '../lib/think-tags.ts';
import type { Dialect } from './openai-dialect.ts';
import { moveDeltaThoughts, restOf, type ThoughtState } from './openai-thoughts.ts';
import { type CallNumbers, createCallNumbers } from './openai-tool-calls.ts';
import {
  evenText,
  evenToolCalls,
  fillHead,
  gaveUp,
  hasText,
  isUsage,
  isWireObject,
  noModel,
  type Origin,
  toFinishReason,
  type WireObject,
} from './openai-wire.ts';

/** What a server's dialect says about reading its streams. */
export type StreamRules = Pick<Dialect, 'thinkTags' | 'isNoModel'>;

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
  rules: StreamRules = {},
): AsyncGenerator<readonly ChatChunk[], void, undefined> {
  const reader = createChunkReader(errorIn, origin, rules);
  let terminated = false;
  try {
    for await (const batch of events) {
      const read = readBatch(batch, reader);
      if (read.chunks.length > 0) yield read.chunks;
      if (read.failure !== undefined) throw read.failure;
      terminated = read.terminated;
      if (terminated) break;
    }
    const rest = reader.end(terminated);
    if (rest !== undefined) yield [rest];
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
  /** Throws unless what was read is a whole answer. Gives what was still held back of it. */
  end(terminated: boolean): ChatChunk | undefined;
}

function createChunkReader(errorIn: ErrorIn, origin: Origin, { thinkTags = true, isNoModel }: StreamRules): ChunkReader {
  const choices = new Map<number, ChoiceState>();
  let hasContent = false;
  let last: ChatChunk | undefined;
  let isUnloaded = false;
  const stateOf = (index: number): ChoiceState => {
    const found = choices.get(index);
    if (found) return found;
    const made: ChoiceState = { finish: 'none', calls: undefined, splitter: thinkTags ? createThinkSplitter() : undefined };
    choices.set(index, made);
    return made;
  };
  return {
    read(event) {
      if (event.data === '') return undefined;
      const value = parse(event.data);
      if (event.event === 'error') throw errorOf(value ?? event.data, errorIn, origin);
      const chunk = toChunk(value, event.event !== undefined && event.event !== 'message', errorIn, origin);
      if (chunk === undefined) return undefined;
      if (!hasContent && isNoModel?.(chunk)) isUnloaded = true;
      for (const choice of chunk['choices'] as unknown[]) hasContent = addChoice(choice, stateOf, origin) || hasContent;
      // Told before the finish reason is handed on: whoever has seen that has seen an answer.
      if (isUnloaded && !hasContent && [...choices.values()].some(isFinished)) throw noModel(origin);
      if (chunk['usage'] && !isUsage(chunk['usage'])) delete chunk['usage'];
      fillHead(chunk, 'chat.completion.chunk', origin);
      return (last = chunk as unknown as ChatChunk);
    },
    end(terminated) {
      const states = [...choices.values()];
      if (isUnloaded && !hasContent) throw noModel(origin);
      if (terminated ? states.some(isFinished) : states.length > 0 && states.every(isFinished)) return restOf(choices, last);
      if (states.some(({ finish }) => finish === 'empty')) throw gaveUp('', origin);
      if (!terminated) throw origin.badResponse('the stream ended before its terminator.');
      if (!hasContent) throw origin.badResponse('the stream held no content.');
      return restOf(choices, last);
    },
  };
}

interface ChoiceState extends ThoughtState {
  /** Undefined until a tool call came. */
  calls: CallNumbers | undefined;
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
function addChoice(choice: unknown, stateOf: (index: number) => ChoiceState, origin: Origin): boolean {
  if (!isWireObject(choice)) throw origin.badResponse('a choice of the stream is not an object.');
  const delta = (choice['delta'] ??= {});
  if (!isWireObject(delta)) throw origin.badResponse('a delta of the stream is not an object.');
  const index = typeof choice['index'] === 'number' ? choice['index'] : 0;
  choice['index'] = index;
  const state = stateOf(index);

  evenText(delta, origin);
  for (const call of evenToolCalls(delta, origin)) (state.calls ??= createCallNumbers(index, origin)).add(call);
  const isContent = hasText(delta);

  const said = choice['finish_reason'];
  const reason = toFinishReason(said, state.calls !== undefined, origin);
  if (said !== undefined) choice['finish_reason'] = reason;
  if (reason !== null) state.finish = 'said';
  else if (said === '' && state.finish === 'none') state.finish = 'empty';
  if (state.splitter !== undefined) moveDeltaThoughts(delta, state, reason !== null);
  return isContent;
}
