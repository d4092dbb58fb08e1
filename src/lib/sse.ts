import { createParser } from 'eventsource-parser';
import type { Body } from './byte-source.ts';
import { defaultStreamLimits, eventTooLarge, openText, type StreamLimits } from './stream-text.ts';
import { createWholeParts, wholeEvents } from './whole-parts.ts';

export { defaultStreamLimits, type StreamLimits };

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
export async function* readEvents(
  body: Body,
  limits: StreamLimits = defaultStreamLimits,
  terminator?: string | ((event: SseEvent) => boolean),
): AsyncGenerator<readonly SseEvent[], void, undefined> {
  const isLast = typeof terminator === 'function' ? terminator : ({ data }: SseEvent) => data === terminator;
  const reader = createEventReader(limits.maxEventBytes, isLast);
  const text = openText(body, limits.maxStreamBytes);
  // Blanks say nothing yet of what the body is; from the first other character on this is undefined, or the JSON.
  let blanks: string | undefined = '';
  let json: string | undefined;
  try {
    for (let piece = await text.next(); piece !== undefined; piece = await text.next()) {
      if (blanks !== undefined) {
        const start = piece.search(/\S/);
        if (blanks.length + (start === -1 ? piece.length : start) > limits.maxEventBytes)
          throw eventTooLarge('event', limits.maxEventBytes);
        blanks += piece;
        if (start === -1) continue;
        piece = blanks;
        blanks = undefined;
        if (/^\s*\{/.test(piece)) json = '';
      }
      if (json !== undefined) {
        json += piece;
        if (json.length > limits.maxEventBytes) throw eventTooLarge('event', limits.maxEventBytes);
        continue;
      }
      const batch = reader.read(piece);
      if (batch.length > 0) yield batch;
      if (reader.isTerminated()) return;
      if (reader.isTooLarge()) throw eventTooLarge('event', limits.maxEventBytes);
    }
    if (json !== undefined) yield [{ event: undefined, data: json }];
  } finally {
    if (reader.isTerminated()) text.drain();
    else text.close();
  }
}

interface EventReader {
  /** The events that this piece ended. */
  read(piece: string): readonly SseEvent[];
  isTerminated(): boolean;
  isTooLarge(): boolean;
}

function createEventReader(maxChars: number, isLast: (event: SseEvent) => boolean): EventReader {
  // The parser gets whole events only, so that it holds nothing between two reads: a line of one would keep all of its read alive.
  const events = createWholeParts(wholeEvents, maxChars);
  let batch: SseEvent[] = [];
  let isTerminated = false;
  const parser = createParser({
    onEvent({ event, data }) {
      if (isTerminated) return;
      const found = { event, data };
      batch.push(found);
      isTerminated = isLast(found);
    },
  });
  // The decoder has taken the byte order mark off, and this is the one that the parser would look for: a second one is text.
  parser.feed('\uFEFF');
  return {
    read(piece) {
      parser.feed(events.add(piece));
      const found = batch;
      batch = [];
      return found;
    },
    isTerminated: () => isTerminated,
    isTooLarge: () => events.isTooLong(),
  };
}
