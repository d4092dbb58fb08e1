import type { ChatChunk } from '../core/types.ts';

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
export async function* readStream<Item>(
  items: AsyncIterable<readonly Item[]>,
  reader: ItemReader<Item>,
  signal: AbortSignal,
): AsyncGenerator<readonly ChatChunk[], void, undefined> {
  let isTerminated = false;
  try {
    for await (const read of items) {
      const batch: ChatChunk[] = [];
      let failure: { readonly error: unknown } | undefined;
      try {
        isTerminated = readItems(read, reader, batch);
      } catch (error) {
        failure = { error };
      }
      if (batch.length > 0) yield batch;
      if (failure !== undefined) throw failure.error;
      if (isTerminated) break;
    }
    const rest: ChatChunk[] = [];
    reader.end(isTerminated, rest);
    if (rest.length > 0) yield rest;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

function readItems<Item>(items: readonly Item[], reader: ItemReader<Item>, batch: ChatChunk[]): boolean {
  for (const item of items) if (reader.read(item, batch)) return true;
  return false;
}
