import type { ChatChunk } from '../core/types.ts';
import type { SseEvent } from '../lib/sse.ts';
import { createMessage } from './anthropic-message.ts';
import type { ErrorIn } from './openai-wire-stream.ts';
import { isWireObject, type Origin, type WireObject } from './openai-wire.ts';

/** The event that ends every whole answer. */
export function isLast({ event }: SseEvent): boolean {
  return event === 'message_stop';
}

/**
 * The chunks of one stream of `/v1/messages`, one array per batch of events. Ends at `message_stop` and throws otherwise: an
 * end without it is `bad_response`, an error event what it says. What came before a failure is yielded before it is thrown,
 * so that what a caller gets does not depend on where the network cut the bytes.
 */
export async function* readChunks(
  events: AsyncIterable<readonly SseEvent[]>,
  errorIn: ErrorIn,
  origin: Origin,
): AsyncGenerator<readonly ChatChunk[], void, undefined> {
  const read = createEventReader(errorIn, origin);
  try {
    for await (const batch of events) {
      const { chunks, ended, failure } = readBatch(batch, read);
      if (chunks.length > 0) yield chunks;
      if (failure !== undefined) throw failure.error;
      if (ended) return;
    }
  } catch (error) {
    // An abort breaks the connection, but the reason of it is the caller's.
    throw origin.signal.aborted ? origin.signal.reason : error;
  }
  throw origin.signal.aborted ? origin.signal.reason : origin.badResponse('the stream ended before its terminator.');
}

interface Batch {
  readonly chunks: readonly ChatChunk[];
  readonly ended: boolean;
  readonly failure?: { readonly error: unknown };
}

function readBatch(batch: readonly SseEvent[], read: (event: SseEvent) => Batch): Batch {
  const chunks: ChatChunk[] = [];
  for (const event of batch) {
    try {
      const found = read(event);
      chunks.push(...found.chunks);
      if (found.ended) return { chunks, ended: true };
    } catch (error) {
      return { chunks, ended: false, failure: { error } };
    }
  }
  return { chunks, ended: false };
}

function createEventReader(errorIn: ErrorIn, origin: Origin): (event: SseEvent) => Batch {
  const message = createMessage(origin);
  return (event) => {
    if (event.data === '') return { chunks: [], ended: false };
    const value = parse(event.data);
    if (!isWireObject(value)) {
      const error = event.event === 'error' ? errorIn({ error: event.data }) : undefined;
      throw error ?? origin.badResponse('an event of the stream is not a JSON object.');
    }
    switch (value['type'] ?? event.event) {
      case 'message_start':
        return { chunks: message.start(value), ended: false };
      case 'content_block_start':
        return { chunks: message.startBlock(value), ended: false };
      case 'content_block_delta':
        return { chunks: message.addToBlock(value), ended: false };
      case 'content_block_stop':
        return { chunks: message.endBlock(value), ended: false };
      case 'message_delta':
        return { chunks: message.change(value), ended: false };
      case 'message_stop':
        return { chunks: message.end(), ended: true };
      default:
        throwError(value, event.event, errorIn, origin);
        return { chunks: [], ended: false };
    }
  };
}

/** Servers that imitate this API put errors of other shapes into their streams; pings and what is yet to come hold none. */
function throwError(value: WireObject, name: string | undefined, errorIn: ErrorIn, origin: Origin): void {
  const error = errorIn(value) ?? (name === 'error' ? errorIn({ error: value }) : undefined);
  if (error) throw error;
  if (name === 'error' || value['type'] === 'error') throw origin.badResponse('the stream holds an error event.');
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    // The parser's own message quotes the text, so it goes nowhere.
    return undefined;
  }
}
