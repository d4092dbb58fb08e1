import * as z from 'zod/mini';
import type { KeyValueStore } from '../core/key-value-store.ts';
import type { CacheOptions } from './cache-options.ts';
import { type Fields, flag, made, milliseconds, strict, type Takes } from './schema-parts.ts';

export const cache = (): Takes<CacheOptions> =>
  strict({
    store: made<KeyValueStore>({ get: 'function', set: 'function' }, 'must have get() and set(), as a new Keyv() has'),
    ttlMs: z.optional(milliseconds()),
    shared: z.optional(flag()),
    timeoutMs: z.optional(milliseconds()),
  } satisfies Fields<CacheOptions>);
