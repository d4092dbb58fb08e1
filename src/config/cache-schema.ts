import type { KeyValueStore } from '../core/key-value-store.ts';
import type { CacheOptions } from './cache-options.ts';
import { type Fields, flag, made, milliseconds, strict, type Takes } from './schema-parts.ts';

export const cache: Takes<CacheOptions> = strict({
  store: made<KeyValueStore>({ get: 'function', set: 'function' }, 'must have get() and set(), as a new Keyv() has'),
  ttlMs: milliseconds().optional(),
  shared: flag().optional(),
  timeoutMs: milliseconds().optional(),
} satisfies Fields<CacheOptions>);
