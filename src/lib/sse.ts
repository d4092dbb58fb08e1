import { createParser } from 'eventsource-parser';
import { type Batches, looped } from './batches.ts';
import type { Body } from './byte-source.ts';
import type { pending } from './polled.ts';
import { defaultStreamLimits, eventTooLarge, openText, type StreamLimits, type TextBody } from './stream-text.ts';
import { createWholeParts, wholeEvents, type WholeParts } from './whole-parts.ts';

export interface SseEvent {
  /** The `event:` name; undefined where none was sent. */
  readonly event: string | undefined;
  /** The `data:` lines, joined by newlines. */
  readonly data: string;
}

/**
 * Server-sent events, one batch per network read, or several for a large one; reads without a finished event yield nothing, and an
 * event that the end cuts off is dropped. Comments, `id` and `retry` are ignored. An event whose data is the `terminator`, or
 * which a function says is it, is the last one: what follows is discarded. Leaving before it cancels the body. Throws
 * `limit_exceeded` for an event that is above the limit with its comments and names, and a classified fault (`unavailable`, `timeout`)
 * where the connection broke.
 *
 * A body that begins with `{` has no events: the server answered a stream with JSON, mostly an error with a good status. All of it
 * is told as one event, whose reader knows what the protocol says of it.
 */
export function readEvents(
  body: Body,
  limits: StreamLimits = defaultStreamLimits,
  terminator?: Terminator,
): AsyncGenerator<readonly SseEvent[], void, undefined> {
  return looped(openEvents(body, limits, terminator));
}

type Terminator = string | ((event: SseEvent) => boolean);

/** What `readEvents` gives, for whoever asks for each batch. */
export function openEvents(body: Body, limits: StreamLimits, terminator: Terminator | undefined): Batches<SseEvent> {
  return new Events(body, limits, terminator);
}

/** A class, because there is one for every stream. */
class Events implements Batches<SseEvent> {
  readonly #text: TextBody;
  readonly #parts: WholeParts;
  readonly #terminator: Terminator | undefined;
  /** Blanks say nothing yet of what the body is; from the first other character on this is undefined. */
  #blanks: string | undefined = '';
  /** Undefined where the body holds events. */
  #json: string | undefined;
  #isTerminated = false;
  #isClosed = false;

  constructor(body: Body, limits: StreamLimits, terminator: Terminator | undefined) {
    this.#text = openText(body, limits.maxStreamBytes);
    this.#parts = createWholeParts(wholeEvents, limits.maxEventBytes);
    this.#terminator = terminator;
  }

  poll(wake: () => void): Uint8Array | typeof pending | undefined {
    // What came before one that is too large was handed out before it.
    if (this.#parts.isTooLong()) throw eventTooLarge('event', this.#parts.maxChars);
    return this.#text.poll(wake);
  }

  take(bytes: Uint8Array | undefined): readonly SseEvent[] {
    const piece = this.#text.decode(bytes);
    const text = this.#blanks === undefined ? piece : this.#start(this.#blanks, piece);
    if (this.#json !== undefined) return this.#addJson(text, bytes === undefined);
    const events = this.#untilLast(eventsOf(this.#parts.add(text)));
    if (events.length === 0 && this.#parts.isTooLong()) throw eventTooLarge('event', this.#parts.maxChars);
    return events;
  }

  isTerminated(): boolean {
    return this.#isTerminated;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isTerminated) this.#text.drain();
    else this.#text.close();
  }

  /** What there is to read of a body that has held nothing but blanks. */
  #start(blanks: string, piece: string): string {
    const start = piece.search(/\S/);
    if (blanks.length + (start === -1 ? piece.length : start) > this.#parts.maxChars) throw eventTooLarge('event', this.#parts.maxChars);
    const text = blanks + piece;
    this.#blanks = start === -1 ? text : undefined;
    if (start === -1) return '';
    if (/^\s*\{/.test(text)) this.#json = '';
    return text;
  }

  #addJson(text: string, isEnd: boolean): readonly SseEvent[] {
    const json = `${this.#json}${text}`;
    if (json.length > this.#parts.maxChars) throw eventTooLarge('event', this.#parts.maxChars);
    this.#json = json;
    return isEnd ? [{ event: undefined, data: json }] : [];
  }

  #isLast(event: SseEvent): boolean {
    return typeof this.#terminator === 'function' ? this.#terminator(event) : event.data === this.#terminator;
  }

  #untilLast(events: readonly SseEvent[]): readonly SseEvent[] {
    for (let index = 0; index < events.length; index++) {
      if (!this.#isLast(events[index] as SseEvent)) continue;
      this.#isTerminated = true;
      return index + 1 === events.length ? events : events.slice(0, index + 1);
    }
    return events;
  }
}

/** Where the parser puts what it finds. */
let sink: SseEvent[] | undefined;

/** One for all streams: it gets whole events only, and LF alone, so that it holds nothing between two of its calls. */
const parser = createParser({ onEvent: ({ event, data }) => void sink?.push({ event, data }) });
// The decoder has taken the byte order mark off, and this is the one that the parser would look for: a second one is text.
parser.feed('\uFEFF');

const plain = 'data: ';
const newline = 10;

/** Of whole events those of one line of data, as nearly all are that servers send, are cut out; from any other on the parser reads. */
function eventsOf(text: string): readonly SseEvent[] {
  const events: SseEvent[] = [];
  if (text.includes('\r')) return parsed(text.replace(/\r\n?/g, '\n'), events);
  let start = 0;
  while (text.startsWith(plain, start)) {
    const end = text.indexOf('\n', start);
    if (text.charCodeAt(end + 1) !== newline) break;
    events.push({ event: undefined, data: text.slice(start + plain.length, end) });
    start = end + 2;
  }
  return start === text.length ? events : parsed(text.slice(start), events);
}

/** @param text Its lines end with LF. */
function parsed(text: string, events: SseEvent[]): readonly SseEvent[] {
  // Not kept beyond this: it would hold the last events of whichever stream was read last.
  sink = events;
  parser.feed(text);
  sink = undefined;
  return events;
}
