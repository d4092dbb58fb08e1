import { createClient } from 'redis';
import { ConfigError, type ConfigIssue } from '../core/errors.ts';
import { systemClock, systemRandom } from '../lib/clock.ts';
import { connectMs, type RedisClient } from './redis-client.ts';
import { redisConnection } from './redis-connection.ts';
import { keysOf } from './redis-keys.ts';
import type { StateStore } from './store.ts';

export type { RedisClient } from './redis-client.ts';

export interface RedisStoreOptions {
  /**
   * In front of every key: at most 64 characters, without blanks and braces. Routers with the same prefix share what they know, so
   * each application, and each of its stages, has one of its own.
   */
  readonly prefix: string;
  /** `redis://user:password@host:6379/0`, or `rediss://…` for TLS. This, or `client`. */
  readonly url?: string | undefined;
  /**
   * A client of the package `redis` that is yours: of `createClient`, `createCluster` or `createSentinel`. You connect it, listen to its
   * errors and close it; a duplicate of it, for messages, is made and closed here. Set `disableOfflineQueue` on it.
   */
  readonly client?: RedisClient | undefined;
}

/**
 * What several processes share, kept in Redis from version 6 on or in Valkey. Connecting, reconnecting and giving up are its own
 * affair: it never throws later, a server that is away shows as rejected questions, and none of its connections keeps a process alive.
 * @throws {ConfigError} for a prefix or an address that is none, and where not exactly one of `url` and `client` is given.
 */
export function redisStore(options: RedisStoreOptions): StateStore {
  const { prefix, url, client } = options;
  const issues = issuesOf(options);
  if (issues.length > 0) throw new ConfigError(issues);
  const keys = keysOf(prefix);
  const create = (): RedisClient => client?.duplicate() ?? ownClient(url ?? '');
  return { connect: () => redisConnection({ keys, client, create, clock: systemClock, random: systemRandom }) };
}

/** One that ends with its connection: a next one is made by whoever keeps it. */
function ownClient(url: string): RedisClient {
  return createClient({
    url,
    RESP: 2,
    maintNotifications: 'disabled',
    disableOfflineQueue: true,
    clientInfoTag: 'inferlane',
    // Keep-alive finds a dead peer on a connection for messages, on which nothing is asked.
    socket: { connectTimeout: connectMs, keepAliveInitialDelay: 5_000, reconnectStrategy: false },
  });
}

function issuesOf({ prefix, url, client }: RedisStoreOptions): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  if (typeof prefix !== 'string' || !/^[^\s{}\p{C}]{1,64}$/u.test(prefix)) {
    issues.push({ path: 'prefix', message: 'must be 1 to 64 characters without blanks and braces' });
  }
  if ((url === undefined) === (client === undefined)) issues.push({ path: 'url', message: 'must be given, or client in its place' });
  if (url !== undefined && !isAddress(url)) {
    issues.push({ path: 'url', message: 'must be like "redis://host:6379" or "rediss://user:password@host:6379/0"' });
  }
  return issues;
}

/** Asks the client itself, which connects to nothing before it is told to. Its own error would show the address. */
function isAddress(url: string): boolean {
  try {
    ownClient(url).destroy();
    return url !== '';
  } catch {
    return false;
  }
}
