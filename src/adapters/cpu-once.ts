/** Something loaded at first use and shared from then on. */
export interface Once<Value> {
  readonly get: () => Promise<Value>;
  /** Waits for a load under way, frees what it gave, and forgets it. */
  readonly drop: (dispose: (value: Value) => Promise<void>) => Promise<void>;
}

/** One load for all who ask meanwhile and after; a failed one is tried again by the next. */
export function once<Value>(load: () => Promise<Value>): Once<Value> {
  let held: Promise<Value> | undefined;
  return {
    get() {
      held ??= load().catch((error: unknown) => {
        held = undefined;
        throw error;
      });
      return held;
    },
    async drop(dispose) {
      const dropped = held?.then(dispose, () => undefined);
      held = undefined;
      await dropped;
    },
  };
}
