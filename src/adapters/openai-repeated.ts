import type { ChatChunk, ChunkDelta } from '../core/types.ts';
import type { JsonObject } from '../lib/json.ts';
import { type CallOrigin, evenText } from './openai-wire.ts';

/** The texts of a delta of which one event differs from the next. */
type TextField = 'content' | 'reasoning_content';

/** All of an event but one text. */
interface Around {
  readonly before: string;
  readonly after: string;
  readonly field: TextField;
}

/** And what the event became. */
interface Frame extends Around {
  readonly chunk: ChatChunk;
}

/** What is learned costs as much as it saves on twenty events, and the first of them are awaited. */
const firstNoted = 16;
/** Where so many events in a row differ in more than a text (each has a time, or a count), nothing further is looked for. */
const mostMisses = 8;
/** Longer parts of a text hold on to all of it, in V8 from 13 characters on. */
const longestPart = 12;
/** What stands for itself between the quotes of JSON. */
// oxlint-disable-next-line no-control-regex
const plain = /^[^"\\\u0000-\u001f]*$/;

/**
 * The events of an answer are mostly the same but for the text of the next token, and to parse the rest of each again takes longer than
 * everything else that is done with it. What two events in a row had around their texts is held to be around further ones: of those the
 * text alone is read, and the chunk is made of a copy. A class, because there is one for every stream.
 */
export class RepeatedEvents {
  #frame: Frame | undefined;
  /** Seen once. */
  #candidate: Around | undefined;
  #misses = 0;
  #parsed = 0;

  /** The chunk of an event that differs from others in its text alone; undefined where it has to be parsed. */
  read(data: string): ChatChunk | undefined {
    const frame = this.#frame;
    if (frame === undefined) return undefined;
    const { before, after } = frame;
    const end = data.length - after.length;
    // Of two slices V8 compares the memory; `startsWith` goes from character to character.
    if (end < before.length || data.slice(0, before.length) !== before || data.slice(end) !== after) return undefined;
    const text = textOf(data.slice(before.length, end));
    return text === undefined ? undefined : copyOf(frame.chunk, frame.field, text);
  }

  /**
   * Learns from an event that had to be parsed, and the chunk that it became. A text that comes out as it went in has changed nothing of
   * how the next one is read.
   */
  note(data: string, chunk: ChatChunk, origin: CallOrigin): void {
    if (this.#misses === mostMisses || ++this.#parsed < firstNoted) return;
    const around = aroundTextOf(data, chunk);
    if (around === undefined) return;
    const { before, after, field } = around;
    const isSecond = this.#candidate?.before === before && this.#candidate.after === after;
    this.#misses = isSecond ? 0 : this.#misses + 1;
    // It holds on to the whole of what the network brought.
    this.#candidate = isSecond || this.#misses === mostMisses ? undefined : around;
    if (!isSecond || !isAround(around, origin)) return;
    this.#frame = { before: detached(before), after: detached(after), field, chunk: copyOf(chunk, field, '') };
  }
}

/** What a part of a JSON text says between its quotes; undefined where it is not the inside of one text. */
function textOf(part: string): string | undefined {
  if (part.length <= longestPart && plain.test(part)) return part;
  try {
    return JSON.parse(`"${part}"`) as string;
  } catch {
    return undefined;
  }
}

function copyOf(chunk: ChatChunk, field: TextField, text: string): ChatChunk {
  const [choice] = chunk.choices as [ChatChunk['choices'][0]];
  const delta: ChunkDelta = { ...choice.delta };
  delta[field] = text;
  return { ...chunk, choices: [{ ...choice, delta }] };
}

/** Undefined for a chunk without a text that stands in the event as it is, and for one that holds anything that copies would share. */
function aroundTextOf(data: string, chunk: ChatChunk): Around | undefined {
  const [choice] = chunk.choices;
  if (choice === undefined || chunk.choices.length > 1) return undefined;
  const field = choice.delta.content ? 'content' : 'reasoning_content';
  const text = choice.delta[field] ?? '';
  const start = data.indexOf(`"${text}"`) + 1;
  if (text === '' || start === 0) return undefined;
  if (!isFlat(chunk, 'choices') || !isFlat(choice, 'delta') || !isFlat(choice.delta)) return undefined;
  return { before: data.slice(0, start), after: data.slice(start + text.length), field };
}

const isFlat = (value: object, except?: string): boolean =>
  Object.entries(value).every(([name, each]) => name === except || typeof each !== 'object' || each === null);

const probe = 'inferlane probe';

/** Whether it is this text that stands between, all of it and no other: the same word may stand in another place. */
function isAround({ before, after, field }: Around, origin: CallOrigin): boolean {
  try {
    const { choices } = JSON.parse(`${before}${probe}${after}`) as { readonly choices: readonly [{ readonly delta: JsonObject }] };
    const { delta } = choices[0];
    evenText(delta, origin);
    return delta[field] === probe;
  } catch {
    return false;
  }
}

/** A copy that holds on to nothing else. */
const detached = (text: string): string => JSON.parse(JSON.stringify(text)) as string;
