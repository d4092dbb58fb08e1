import type { KeyValueStore } from '../core/key-value-store.ts';

/** Answers that are kept, so that the same request is not asked twice. */
export interface CacheOptions {
  /** Where they lie: a `new Keyv()`, over any of its stores, or whatever else has its `get()` and `set()`. */
  readonly store: KeyValueStore;
  /**
   * How long an answer is good for.
   * @default 3_600_000
   */
  readonly ttlMs?: number | undefined;
  /**
   * Whether calls get the answers of other callers (`caller`) too.
   * @default false
   */
  readonly shared?: boolean | undefined;
  /**
   * How long a call waits for the store, before it goes on without.
   * @default 50
   */
  readonly timeoutMs?: number | undefined;
}
