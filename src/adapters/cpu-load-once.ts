/** Something loaded at first use and shared from then on. */
export interface Load<Value> {
  readonly get: () => Promise<Value>;
  /** What is loaded now; undefined before, and while it is being loaded. */
  readonly held: () => Value | undefined;
  /** Waits for a load under way, frees what it gave, and forgets it. */
  readonly drop: (dispose: (value: Value) => Promise<void>) => Promise<void>;
}

/** One load for all who ask meanwhile and after; a failed one is tried again by the next. */
export function loadOnce<Value>(load: () => Promise<Value>): Load<Value> {
  let loading: Promise<Value> | undefined;
  let loaded: Value | undefined;
  return {
    get() {
      if (loading !== undefined) return loading;
      const begun = load().then(
        (value) => {
          if (loading === begun) loaded = value;
          return value;
        },
        (error: unknown) => {
          if (loading === begun) loading = undefined;
          throw error;
        },
      );
      return (loading = begun);
    },
    held: () => loaded,
    async drop(dispose) {
      const dropped = loading?.then(dispose, () => undefined);
      loading = loaded = undefined;
      await dropped;
    },
  };
}
