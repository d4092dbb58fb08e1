import { nextOf, type Polled } from './polled.ts';

/**
 * The items of one body, read and taken apart by whoever wants them. What an `AsyncGenerator` gives, for a fraction of its cost: each of
 * those takes several promises for every read, and one would read from another here.
 */
export interface Batches<Item> extends Polled<Uint8Array> {
  /** The items that end with it. @throws {RouterError} `limit_exceeded` */
  take(bytes: Uint8Array | undefined): readonly Item[];
  /** Nothing more is wanted: the last item has come. */
  isTerminated(): boolean;
  /** Lets the body go. May be called at any time, and again; whoever waits gets undefined. */
  close(): void;
}

/** The same, for those who loop. */
export async function* looped<Item>(batches: Batches<Item>): AsyncGenerator<readonly Item[], void, undefined> {
  try {
    while (!batches.isTerminated()) {
      const bytes = await nextOf(batches);
      const items = batches.take(bytes);
      if (items.length > 0) yield items;
      if (bytes === undefined) return;
    }
  } finally {
    batches.close();
  }
}
