import { createCollector } from '../core/collect.ts';
import { RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatCompletion, ChatRequest } from '../core/types.ts';
import type { RouteTrace } from '../core/route.ts';
import type { Opened } from './carry-out.ts';
import type { OpenStream } from './open-stream.ts';
import type { Run } from './run.ts';
import { createReader, type StreamReader } from './stream-reader.ts';

/**
 * The chunks of one answer, from exactly one provider unless a chunk with `inferlane` says that another went on. Reading drives it:
 * nothing is fetched before it is asked for. Leaving the loop closes the connection, and so does losing the last reference to the
 * stream. It can be read once.
 */
export interface ChatStream extends AsyncIterable<ChatChunk> {
  /** Who answers, and what was tried before. Complete when the stream has ended. */
  readonly route: RouteTrace;
  [Symbol.asyncIterator](): AsyncIterableIterator<ChatChunk>;
}

/**
 * Closes streams that were dropped without being read to their end or left. Nothing that the reader holds leads back to the iterator,
 * or it would never be dropped.
 */
const dropped = new FinalizationRegistry<() => void>((leave) => leave());

/** Makes the stream that callers read of one that has begun. */
export function createChatStream(run: Run<ChatRequest>, opened: Opened<ChatRequest, OpenStream>): ChatStream {
  return chatStream(createReader(run, opened), opened.result.begun, run.trace);
}

/** Batches end here: what comes out is one chunk at a time, those of `begun` first. */
export function chatStream(reader: StreamReader, begun: readonly ChatChunk[], route: RouteTrace): ChatStream {
  let batch = begun;
  let index = 0;
  let isRead = false;
  let waiting = 0;
  let reading: Promise<unknown> = Promise.resolve();
  // What has ended may lead back to the iterator, by the stack of an error, and would then keep it.
  const forget = (): void => void dropped.unregister(reader);

  const pull = async (): Promise<IteratorResult<ChatChunk>> => {
    try {
      while (index >= batch.length) {
        const next = await reader.read();
        // A batch may have been on its way when the reader left.
        if (next === undefined || reader.isLeft()) {
          forget();
          return { done: true, value: undefined };
        }
        batch = next;
        index = 0;
      }
      return { done: false, value: batch[index++] as ChatChunk };
    } catch (error) {
      forget();
      throw error;
    } finally {
      waiting -= 1;
    }
  };
  const iterator: AsyncIterableIterator<ChatChunk> = {
    next() {
      const isReady = index < batch.length && !reader.isBroken();
      if (isReady && waiting === 0) return Promise.resolve({ done: false, value: batch[index++] as ChatChunk });
      if (reader.isBroken()) batch = [];
      // Calls that do not wait for each other get their pieces in order.
      waiting += 1;
      const next = reading.then(pull, pull);
      reading = next;
      return next;
    },
    return() {
      batch = [];
      forget();
      reader.leave();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  // A stream leads to its iterator, so whoever holds either of them keeps it going.
  dropped.register(iterator, reader.leave, reader);
  return {
    route,
    [Symbol.asyncIterator]() {
      if (isRead) throw new RouterError('invalid_request', 'A stream can be read once; collect(stream) keeps its answer.');
      isRead = true;
      return iterator;
    },
  };
}

/** The whole answer of a stream, as `router.chat()` gives it. Rejects with whatever interrupted the stream. */
export async function collect(stream: ChatStream): Promise<ChatCompletion> {
  let collector = createCollector();
  for await (const chunk of stream) {
    if (chunk.inferlane?.type === 'reset') collector = createCollector();
    else collector.add(chunk);
  }
  // A collected answer has a choice: the collector throws where none came.
  return Object.assign(collector.answer() as Omit<ChatCompletion, 'route'>, { route: stream.route });
}

/**
 * The text of the first choice, piece by piece. Text cannot be taken back, so where the stream begins anew (`onStreamFailure:
 * 'restart'`) it throws `stream_interrupted`.
 */
export async function* textOf(stream: ChatStream): AsyncGenerator<string, void, undefined> {
  for await (const { choices, inferlane } of stream) {
    if (inferlane?.type === 'reset') {
      const message = `${inferlane.from}: the stream broke and begins anew, which text alone cannot tell; read the chunks instead.`;
      throw new RouterError('stream_interrupted', message, { provider: inferlane.from });
    }
    const content = choices.find(({ index }) => index === 0)?.delta.content;
    if (content) yield content;
  }
}
