import type { RouterError } from '../core/errors.ts';
import type { ChatChunk } from '../core/types.ts';
import { isJsonObject, type JsonObject, parseJson } from '../lib/json.ts';
import type { SseEvent } from '../lib/sse.ts';
import type { ItemReader } from '../lib/read-stream.ts';
import { createThinkSplitter } from '../lib/think-tags.ts';
import type { ResolvedDialect } from './openai-dialect.ts';
import { RepeatedEvents } from './openai-repeated.ts';
import { moveDeltaThoughts, restOf, type ThoughtState } from './openai-thoughts.ts';
import { type CallNumbers, createCallNumbers } from './openai-tool-calls.ts';
import { evenText, evenToolCalls, fillHead, gaveUp, hasText, isUsage, noModel, type CallOrigin, toFinishReason } from './openai-wire.ts';

/** The classified error in a chunk, or undefined where it holds none. */
export type ErrorIn = (value: unknown) => RouterError | undefined;

/** The data of the event that ends every stream. It is no proof of success: some servers send it after an error too. */
export const terminator = '[DONE]';

/**
 * Reads one stream. It is whole at `[DONE]`, or at the end of the events once every choice gave its finish reason. `errorIn`
 * finds the classified error in a chunk.
 */
export function createChunkReader(
  errorIn: ErrorIn,
  origin: CallOrigin,
  { isNoModel }: Pick<ResolvedDialect, 'isNoModel'>,
): ItemReader<SseEvent> {
  return new ChunkReader(errorIn, origin, isNoModel);
}

/** A class, because there is one for every stream. */
class ChunkReader implements ItemReader<SseEvent> {
  readonly #errorIn: ErrorIn;
  readonly #origin: CallOrigin;
  readonly #isNoModel: ResolvedDialect['isNoModel'];
  readonly #choices = new Choices();
  readonly #repeated = new RepeatedEvents();
  #hasContent = false;
  #last: ChatChunk | undefined;
  #isUnloaded = false;

  constructor(errorIn: ErrorIn, origin: CallOrigin, isNoModel: ResolvedDialect['isNoModel']) {
    this.#errorIn = errorIn;
    this.#origin = origin;
    this.#isNoModel = isNoModel;
  }

  read(event: SseEvent, batch: ChatChunk[]): boolean {
    if (event.data === terminator) return true;
    if (event.data === '') return false;
    const known = event.event === undefined ? this.#repeated.read(event.data) : undefined;
    if (known === undefined) return this.#readWhole(event, batch);
    batch.push((this.#last = known));
    return false;
  }

  #readWhole(event: SseEvent, batch: ChatChunk[]): boolean {
    const origin = this.#origin;
    const value = parseJson(event.data);
    if (event.event === 'error') throw errorOf(value ?? event.data, this.#errorIn, origin);
    const chunk = toChunk(value, event.event !== undefined && event.event !== 'message', this.#errorIn, origin);
    if (chunk === undefined) return false;
    if (!this.#hasContent && this.#isNoModel(chunk)) this.#isUnloaded = true;
    for (const choice of chunk['choices'] as unknown[]) this.#hasContent = addChoice(choice, this.#choices, origin) || this.#hasContent;
    // Told before the finish reason is handed on: whoever has seen that has seen an answer.
    if (this.#isUnloaded && !this.#hasContent && this.#choices.all().some(isFinished)) throw noModel(origin);
    if (!this.#hasContent && endsInCalls(chunk)) throw origin.badResponse('the stream ended with tool calls and held none.');
    if (chunk['usage'] && !isUsage(chunk['usage'])) delete chunk['usage'];
    fillHead(chunk, 'chat.completion.chunk', origin);
    batch.push((this.#last = chunk as unknown as ChatChunk));
    this.#repeated.note(event.data, this.#last, origin);
    return false;
  }

  end(isTerminated: boolean, batch: ChatChunk[]): void {
    const origin = this.#origin;
    const states = this.#choices.all();
    if (this.#isUnloaded && !this.#hasContent) throw noModel(origin);
    const isWhole = isTerminated ? states.some(isFinished) : states.length > 0 && states.every(isFinished);
    if (!isWhole) {
      if (states.some(({ finish }) => finish === 'empty')) throw gaveUp('', origin);
      if (!isTerminated) throw origin.badResponse('the stream ended before its terminator.');
      if (!this.#hasContent) throw origin.badResponse('the stream held no content.');
    }
    const rest = restOf(states, this.#last);
    if (rest !== undefined) batch.push(rest);
  }
}

/** The choices of one stream. Nearly all have one, and a map takes 0.3 KB as long as the stream lasts. */
class Choices {
  #first: ChoiceState | undefined;
  #others: Map<number, ChoiceState> | undefined;

  of(index: number): ChoiceState {
    const found = this.#first?.index === index ? this.#first : this.#others?.get(index);
    if (found !== undefined) return found;
    const made: ChoiceState = { index, finish: 'none', calls: undefined, splitter: createThinkSplitter() };
    if (this.#first === undefined) this.#first = made;
    else (this.#others ??= new Map()).set(index, made);
    return made;
  }

  all(): ChoiceState[] {
    return this.#first === undefined ? [] : [this.#first, ...(this.#others?.values() ?? [])];
  }
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

function errorOf(value: unknown, errorIn: ErrorIn, origin: CallOrigin): RouterError {
  return errorIn(value) ?? errorIn({ error: value }) ?? origin.badResponse('the stream holds an error event.');
}

/** An object with a list of choices, or undefined for a foreign event that is none. */
function toChunk(value: unknown, isForeign: boolean, errorIn: ErrorIn, origin: CallOrigin): JsonObject | undefined {
  if (isJsonObject(value) && !value['error'] && Array.isArray(value['choices'])) return value;
  const error = value === undefined ? undefined : errorIn(value);
  if (error) throw error;
  if (isForeign) return undefined;
  if (!isJsonObject(value)) throw origin.badResponse('an event of the stream is not a JSON object.');
  // A few servers leave the empty list out of the chunk that carries the usage; those written in Go say null.
  if (value['choices'] === null || (value['choices'] === undefined && isUsage(value['usage']))) return { ...value, choices: [] };
  throw origin.badResponse('an event of the stream holds no choices.');
}

/** Whether a choice ends with calls of tools. For a chunk of choices that were evened out. */
function endsInCalls({ choices }: JsonObject): boolean {
  return (choices as ChatChunk['choices']).some(({ finish_reason: reason }) => reason === 'tool_calls');
}

/** A server that does not stream answers with a whole message. */
function deltaOf(choice: JsonObject): unknown {
  if (choice['delta'] === undefined && choice['message'] !== undefined) {
    choice['delta'] = choice['message'];
    delete choice['message'];
  }
  return (choice['delta'] ??= {});
}

/** Evens out one choice in place; true where it carries something that a reader would miss. */
function addChoice(choice: unknown, choices: Choices, origin: CallOrigin): boolean {
  if (!isJsonObject(choice)) throw origin.badResponse('a choice of the stream is not an object.');
  const delta = deltaOf(choice);
  if (!isJsonObject(delta)) throw origin.badResponse('a delta of the stream is not an object.');
  const index = typeof choice['index'] === 'number' ? choice['index'] : 0;
  choice['index'] = index;
  const state = choices.of(index);

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
