import type { ChatChunk, ChunkBatches } from '../core/types.ts';

/** Between a generation that calls back per token and a reader that asks for batches. */
export interface Outbox {
  /** What arrives after the end is dropped. */
  push(chunk: ChatChunk): void;
  /** No more will come: the reader gets what lies here, then the end. */
  end(): void;
  /** The reader gets what lies here, then the error. */
  fail(error: unknown): void;
  /** The reader gets the reason at once. */
  abort(reason: unknown): void;
  readonly batches: ChunkBatches;
}

/**
 * `onLeave` is called when the reader leaves early, even before its first read: a generator's `finally` would not run then,
 * and the model would go on for nobody.
 */
export function createOutbox(onLeave: () => void): Outbox {
  let pending: ChatChunk[] = [];
  let ending: { readonly error?: unknown } | undefined;
  let wake: (() => void)[] = [];

  const changed = (): void => {
    const sleepers = wake;
    wake = [];
    for (const resolve of sleepers) resolve();
  };
  const close = (how: { readonly error?: unknown }): void => {
    ending ??= how;
    changed();
  };
  const next = async (): Promise<IteratorResult<readonly ChatChunk[]>> => {
    if (pending.length === 0 && ending === undefined) {
      await new Promise<void>((resolve) => wake.push(resolve));
      // Another reader may have been quicker.
      return next();
    }
    if (pending.length > 0) {
      const batch = pending;
      pending = [];
      return { done: false, value: batch };
    }
    if (ending && 'error' in ending) {
      const { error } = ending;
      ending = {};
      throw error;
    }
    return { done: true, value: undefined };
  };

  return {
    push(chunk) {
      if (ending) return;
      pending.push(chunk);
      changed();
    },
    end: () => close({}),
    fail: (error) => close({ error }),
    abort(reason) {
      if (ending === undefined) pending = [];
      close({ error: reason });
    },
    batches: {
      [Symbol.asyncIterator]: () => ({
        next,
        async return() {
          pending = [];
          ending = {};
          changed();
          onLeave();
          return { done: true, value: undefined };
        },
      }),
    },
  };
}
