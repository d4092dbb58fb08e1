import { createCollector } from '../core/collect.ts';
import { RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatCompletion, ChatRequest, RouteTrace } from '../core/types.ts';
import type { OpenStream } from './open-stream.ts';
import type { Run } from './run.ts';
import { createReader } from './stream-reader.ts';

/**
 * The chunks of one answer, from exactly one provider. Reading drives it: nothing is fetched before it is asked for. Leaving the loop
 * closes the connection. It can be read once.
 */
export interface ChatStream extends AsyncIterable<ChatChunk> {
  /** Who answers, and what was tried before. Complete when the stream has ended. */
  readonly route: RouteTrace;
  [Symbol.asyncIterator](): AsyncIterableIterator<ChatChunk>;
}

/** Makes the stream that callers read of one that has begun. Batches end here: what comes out is one chunk at a time. */
export function createChatStream(run: Run<ChatRequest>, open: OpenStream): ChatStream {
  const reader = createReader(run, open);
  let batch: readonly ChatChunk[] = open.begun;
  let index = 0;
  let isRead = false;
  let waiting = 0;
  let reading: Promise<unknown> = Promise.resolve();

  const pull = async (): Promise<IteratorResult<ChatChunk>> => {
    try {
      while (index >= batch.length) {
        const next = await reader.read();
        if (next === undefined) return { done: true, value: undefined };
        batch = next;
        index = 0;
      }
      return { done: false, value: batch[index++] as ChatChunk };
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
      reader.leave();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return {
    route: run.trace,
    [Symbol.asyncIterator]() {
      if (isRead) throw new RouterError('invalid_request', 'A stream can be read once; collect(stream) keeps its answer.');
      isRead = true;
      return iterator;
    },
  };
}

/** The whole answer of a stream, as `router.chat()` gives it. Rejects with whatever interrupted the stream. */
export async function collect(stream: ChatStream): Promise<ChatCompletion> {
  const collector = createCollector();
  for await (const chunk of stream) collector.add(chunk);
  // A collected answer has a choice: the collector throws where none came.
  return Object.assign(collector.answer() as Omit<ChatCompletion, 'route'>, { route: stream.route });
}

/** The text of the first choice, piece by piece. */
export async function* textOf(stream: ChatStream): AsyncGenerator<string, void, undefined> {
  for await (const { choices } of stream) {
    const content = choices.find(({ index }) => index === 0)?.delta.content;
    if (content) yield content;
  }
}
