import { createParser } from 'eventsource-parser';
import { defaultStreamLimits, eventTooLarge, openText, type StreamLimits } from './stream-text.ts';

export { defaultStreamLimits, type StreamLimits };

export interface SseEvent {
  /** The `event:` name; undefined where none was sent. */
  readonly event: string | undefined;
  /** The `data:` lines, joined by newlines. */
  readonly data: string;
}

/**
 * Server-sent events, one batch per network read; reads without a finished event yield nothing, and an event that the end
 * cuts off is dropped. Comments, `id` and `retry` are ignored. An event whose data is the `terminator`, or which a function
 * says is it, is the last one: what follows is discarded. Leaving before it cancels the body. Throws `limit_exceeded`, and a
 * classified fault (`unavailable`, `timeout`) where the connection broke.
 *
 * A body that begins with `{` has no events: the server answered a stream with JSON, mostly an error with a good status. All of it
 * is told as one event, whose reader knows what the protocol says of it.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  limits: StreamLimits = defaultStreamLimits,
  terminator?: string | ((event: SseEvent) => boolean),
): AsyncGenerator<readonly SseEvent[], void, undefined> {
  const isLast = typeof terminator === 'function' ? terminator : ({ data }: SseEvent) => data === terminator;
  let batch: SseEvent[] = [];
  let terminated = false;
  let tooLarge = false;
  const parser = createParser({
    maxBufferSize: limits.maxEventBytes,
    onEvent({ event, data }) {
      if (terminated) return;
      const found = { event, data };
      batch.push(found);
      terminated = isLast(found);
    },
    onError: ({ type }) => void (tooLarge ||= type === 'max-buffer-size-exceeded'),
  });
  const text = openText(body, limits.maxStreamBytes);
  let json: string | undefined;
  let isFirst = true;
  try {
    for (let piece = await text.next(); piece !== undefined; piece = await text.next()) {
      if (isFirst && /^\s*\{/.test(piece)) json = '';
      isFirst = false;
      if (json !== undefined) {
        json += piece;
        if (json.length > limits.maxEventBytes) throw eventTooLarge('event', limits.maxEventBytes);
        continue;
      }
      parser.feed(piece);
      if (batch.length > 0) {
        yield batch;
        batch = [];
      }
      if (terminated) return;
      if (tooLarge) throw eventTooLarge('event', limits.maxEventBytes);
    }
    if (json !== undefined) yield [{ event: undefined, data: json }];
  } finally {
    if (terminated) text.drain();
    else text.close();
  }
}
