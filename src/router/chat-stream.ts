import { createCollector } from '../core/collect.ts';
import { RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatCompletion, ChatRequest } from '../core/types.ts';
import type { RouteTrace } from '../core/route.ts';
import { pending, Waker } from '../lib/polled.ts';
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
const dropped = new FinalizationRegistry<Watched>(({ reader }) => reader?.leave());

/** What is taken off a registry, V8 holds until its whole collection, so it must not lead to a call that is over. */
interface Watched {
  reader: StreamReader | undefined;
}

/** Makes the stream that callers read of one that has begun. */
export function createChatStream(run: Run<ChatRequest>, opened: Opened<ChatRequest, OpenStream>): ChatStream {
  return chatStream(createReader(run, opened), opened.result.begun, run.trace);
}

/** Batches end here: what comes out is one chunk at a time, those of `begun` first. */
export function chatStream(reader: StreamReader, begun: readonly ChatChunk[], route: RouteTrace): ChatStream {
  return new OnceRead(new Chunks(reader, begun), route);
}

/** A stream leads to its iterator, so whoever holds either of them keeps it going. */
class OnceRead implements ChatStream {
  readonly route: RouteTrace;
  readonly #chunks: Chunks;
  #isRead = false;

  constructor(chunks: Chunks, route: RouteTrace) {
    this.#chunks = chunks;
    this.route = route;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<ChatChunk> {
    if (this.#isRead) throw new RouterError('invalid_request', 'A stream can be read once; collect(stream) keeps its answer.');
    this.#isRead = true;
    return this.#chunks;
  }
}

const nobodyReads: Promise<unknown> = Promise.resolve();

/** A class, because there is one for every stream. */
class Chunks implements AsyncIterableIterator<ChatChunk> {
  readonly #reader: StreamReader;
  readonly #waker = new Waker();
  #batch: readonly ChatChunk[];
  #index = 0;
  #waiting = 0;
  #reading: Promise<unknown> = nobodyReads;
  readonly #watched: Watched;

  constructor(reader: StreamReader, begun: readonly ChatChunk[]) {
    this.#reader = reader;
    this.#batch = begun;
    this.#watched = { reader };
    dropped.register(this, this.#watched, this.#watched);
  }

  /** A function of its own, as `return` is: whoever holds no more than it goes on reading. */
  readonly next = (): Promise<Next> => this.#next();
  readonly return = (): Promise<Next> => this.#leave();

  [Symbol.asyncIterator](): this {
    return this;
  }

  #next(): Promise<Next> {
    const isBroken = this.#reader.isBroken();
    if (isBroken) this.#batch = [];
    else if (this.#waiting === 0 && this.#index < this.#batch.length) return Promise.resolve(this.#ofBatch());
    this.#waiting += 1;
    const next = this.#waiting === 1 ? this.#pull() : this.#pullLater();
    this.#reading = next;
    return next;
  }

  #leave(): Promise<Next> {
    this.#batch = [];
    this.#forget();
    this.#reader.leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Calls that do not wait for each other get their pieces in order. */
  #pullLater(): Promise<Next> {
    const pull = (): Promise<Next> => this.#pull();
    return this.#reading.then(pull, pull);
  }

  #pull(): Promise<Next> {
    try {
      return Promise.resolve(this.#poll());
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** What is awaited goes on where the caller called, whoever wakes it. */
  readonly #poll = (): Next | Promise<Next> => {
    try {
      while (this.#index >= this.#batch.length) {
        const batch = this.#reader.poll(this.#waker.wake);
        if (batch === pending) return this.#waker.sleep().then(this.#poll);
        // A batch may have been on its way when the reader left.
        if (batch === undefined || this.#reader.isLeft()) {
          this.#forget();
          this.#waiting -= 1;
          return { done: true, value: undefined };
        }
        this.#batch = batch;
        this.#index = 0;
      }
      this.#waiting -= 1;
      return this.#ofBatch();
    } catch (error) {
      this.#forget();
      this.#waiting -= 1;
      throw error;
    }
  };

  #ofBatch(): Next {
    return { done: false, value: this.#batch[this.#index++] as ChatChunk };
  }

  /** What has ended may lead back to the iterator, by the stack of an error, and would then keep it. */
  #forget(): void {
    dropped.unregister(this.#watched);
    this.#watched.reader = undefined;
  }
}

type Next = IteratorResult<ChatChunk>;

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
