import type { ChatChunk } from '../core/types.ts';
import type { Batches } from './batches.ts';
import { nextOf, type Polled, pending } from './polled.ts';

/** What one protocol makes of the events or lines of one stream. */
export interface ItemReader<Item> {
  /** Puts what an event or line says into the batch. True where it is the last one, whatever follows. */
  read(item: Item, batch: ChatChunk[]): boolean;
  /**
   * Nothing more comes. Throws unless what was read is a whole answer; what was still held back of it goes into the batch.
   * `isTerminated`: the last event came, and not just the end of the body.
   */
  end(isTerminated: boolean, batch: ChatChunk[]): void;
}

/**
 * The chunks of one stream, one array per network read. What came before a failure in the same read is handed on first, so that
 * what a caller gets does not depend on where the network cut the bytes. Where the signal has aborted its reason is thrown,
 * untouched: the broken connection is only the way of stopping.
 */
export function readStream<Item>(
  items: Batches<Item>,
  reader: ItemReader<Item>,
  signal: AbortSignal,
): AsyncIterableIterator<readonly ChatChunk[]> & Polled<readonly ChatChunk[]> {
  return new Chunks(items, reader, signal);
}

type Read = IteratorResult<readonly ChatChunk[], undefined>;

const done: Read = Object.freeze({ done: true, value: undefined });

/** A class, because there is one for every stream. */
class Chunks<Item> implements AsyncIterableIterator<readonly ChatChunk[]>, Polled<readonly ChatChunk[]> {
  readonly #items: Batches<Item>;
  readonly #reader: ItemReader<Item>;
  readonly #signal: AbortSignal;
  #failure: { readonly error: unknown } | undefined;
  #isTerminated = false;
  /** All of the body. */
  #isRead = false;
  #isOver = false;

  constructor(items: Batches<Item>, reader: ItemReader<Item>, signal: AbortSignal) {
    this.#items = items;
    this.#reader = reader;
    this.#signal = signal;
  }

  poll(wake: () => void): readonly ChatChunk[] | typeof pending | undefined {
    try {
      while (!this.#isOver) {
        if (this.#failure !== undefined) throw this.#failure.error;
        const batch = this.#hasEnded() ? this.#end() : this.#read(wake);
        if (batch === pending || batch.length > 0) return batch;
      }
      return undefined;
    } catch (error) {
      this.#close();
      throw this.#signal.aborted ? this.#signal.reason : error;
    }
  }

  async next(): Promise<Read> {
    const value = await nextOf(this);
    return value === undefined ? done : { done: false, value };
  }

  return(): Promise<Read> {
    this.#close();
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #hasEnded(): boolean {
    return this.#isTerminated || this.#isRead || this.#items.isTerminated();
  }

  #read(wake: () => void): readonly ChatChunk[] | typeof pending {
    const bytes = this.#items.poll(wake);
    if (bytes === pending) return pending;
    const batch: ChatChunk[] = [];
    this.#isRead = bytes === undefined;
    const items = this.#items.take(bytes);
    try {
      this.#isTerminated = readItems(items, this.#reader, batch);
    } catch (error) {
      this.#failure = { error };
    }
    return batch;
  }

  #end(): readonly ChatChunk[] {
    this.#close();
    const rest: ChatChunk[] = [];
    this.#reader.end(this.#isTerminated, rest);
    return rest;
  }

  #close(): void {
    this.#isOver = true;
    this.#items.close();
  }
}

function readItems<Item>(items: readonly Item[], reader: ItemReader<Item>, batch: ChatChunk[]): boolean {
  for (const item of items) if (reader.read(item, batch)) return true;
  return false;
}
