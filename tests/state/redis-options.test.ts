import { createClient, createCluster, createSentinel } from 'redis';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/core/errors.ts';
import { type RedisStoreOptions, redisStore } from '../../src/state/redis.ts';
import { exportedNames } from '../_kit/exported-names.ts';

function refusal(options: RedisStoreOptions): ConfigError {
  try {
    redisStore(options);
  } catch (error) {
    if (error instanceof ConfigError) return error;
  }
  throw new Error('The options were taken.');
}

describe('the options of a store in Redis', () => {
  test('these names are exported, and no others', { timeout: 60_000 }, () => {
    expect(exportedNames('state/redis.ts').toSorted()).toEqual(['RedisClient', 'RedisStoreOptions', 'redisStore']);
  });

  test.each(['', ' ', 'a b', 'a\nb', 'a{b', 'a}b', 'a\0b', 'a\u00A0b', 'a'.repeat(65)])('the prefix %j is refused', (prefix) => {
    expect(refusal({ prefix, url: 'redis://127.0.0.1' }).issues).toEqual([{ path: 'prefix', message: expect.any(String) as string }]);
  });

  test.each(['shop', 'shop:live', 'a'.repeat(64), 'ä-1', 'a*?[b]'])('the prefix %j is taken', (prefix) => {
    expect(() => redisStore({ prefix, url: 'redis://127.0.0.1' })).not.toThrow();
  });

  test('a prefix that is left out is refused, also where no types are checked', () => {
    expect(refusal({ url: 'redis://127.0.0.1' } as unknown as RedisStoreOptions).issues.map(({ path }) => path)).toEqual(['prefix']);
  });

  test('exactly one of url and client is needed', () => {
    expect(refusal({ prefix: 'shop' }).issues.map(({ path }) => path)).toEqual(['url']);
    expect(refusal({ prefix: 'shop', url: 'redis://127.0.0.1', client: createClient() }).issues.map(({ path }) => path)).toEqual(['url']);
  });

  test.each(['', 'http://:hunter2@host', 'not a url hunter2', 'redis://:hunter2@host/first', 'redis://:hunter2%ZZ@host'])(
    'the address %j is refused, and not shown',
    (url) => {
      const { message } = refusal({ prefix: 'shop', url });
      expect(message).toContain('url: must be like');
      expect(message).not.toContain('hunter2');
    },
  );

  test.each(['redis://host', 'rediss://user:p%40ss@host:6380/2', 'redis://[::1]:6379', 'unix:///run/redis.sock'])(
    'the address %j is taken',
    (url) => {
      expect(() => redisStore({ prefix: 'shop', url })).not.toThrow();
    },
  );

  test('clients of one server, of a cluster and of a sentinel fit', () => {
    const clients: NonNullable<RedisStoreOptions['client']>[] = [
      createClient(),
      createCluster({ rootNodes: [] }),
      createSentinel({ name: 'main', sentinelRootNodes: [] }),
    ];
    expect(clients).toHaveLength(3);
  });
});
