/**
 * Where kept answers lie: the part of `keyv` that is needed, so that a `new Keyv()` fits as it is. Values are texts of JSON, without the
 * prompt they answer. Both methods may be async, and either may fail: a call goes on without them.
 */
export interface KeyValueStore {
  get(key: string): unknown;
  /** @param ttlMs after which the store may forget it; one that does not is not believed any longer than that either. */
  set(key: string, value: string, ttlMs: number): unknown;
}
