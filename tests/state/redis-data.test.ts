import { createHash } from 'node:crypto';
import { expect, onTestFinished, test, vi } from 'vitest';
import { redisStore } from '../../src/state/redis.ts';
import type { Change, StoreConnection } from '../../src/state/store.ts';
import { describeWithRedis } from '../_kit/redis-server.ts';
import { fenceOf, named, read, ready, write } from './store-conformance.ts';

const root = 'shop:{inferlane:1:shop}';
const fieldOf = (name: string): string => createHash('sha256').update(JSON.stringify(name)).digest('hex');
const kept = (name: string, value = 'v'): Change => ({ name, value, keepMs: 60_000 });

describeWithRedis('what a store in Redis keeps', (redis) => {
  const connect = async (prefix = 'shop'): Promise<StoreConnection> => {
    const connection = redisStore({ url: redis().url, prefix }).connect();
    onTestFinished(() => connection.close());
    await ready(connection);
    return connection;
  };
  const begin = async (): Promise<StoreConnection> => {
    await redis().reset();
    return connect();
  };
  const keysOf = async (pattern = '*'): Promise<string[]> => ((await redis().command('KEYS', pattern)) as string[]).toSorted();

  test('only the clock of the server counts: processes whose clocks are ten minutes apart agree', async () => {
    const one = await begin();
    const other = await connect();
    const now = Date.now;
    const clock = vi.spyOn(Date, 'now');
    const at = <Answer>(skewMs: number, ask: () => Promise<Answer>): Promise<Answer> => {
      clock.mockImplementation(() => now() + skewMs);
      return ask();
    };
    const early = await at(-600_000, () => write(one, 'one', kept('a')));
    const late = await at(600_000, () => write(other, 'other', kept('b')));
    expect(late.conclusions.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(late.conclusions.every(({ ageMs }) => ageMs < 60_000)).toBe(true);
    expect(late.version - early.version).toBeLessThan(60_000_000);
    expect(late.members).toBe(2);
    const first = await at(600_000, () => one.lease({ name: 'probe', token: 'one', forMs: 30_000 }));
    expect(first.isMine).toBe(true);
    expect(await at(-600_000, () => other.lease({ name: 'probe', token: 'other', forMs: 30_000 }))).toMatchObject({ isMine: false });
    const sum = { name: 'usd', windowMs: 86_400_000, amount: 1 };
    await at(-86_400_000, () => one.add([sum]));
    expect((await at(86_400_000, () => other.add([sum])))[0]?.total).toBe(2);
  });

  test('of two that race for a lease 1,000 times exactly one gets it each time, and fences only grow', { timeout: 120_000 }, async () => {
    const one = await begin();
    const other = await connect();
    let fence = 0;
    const wins = { one: 0, other: 0, both: 0, none: 0 };
    for (let round = 0; round < 1_000; round++) {
      // Whoever asks first is not always heard first.
      const pair = round % 2 === 0 ? ([one, other] as const) : ([other, one] as const);
      const answers = await Promise.all(
        pair.map((connection, place) => connection.lease({ name: 'probe', token: `${place}`, forMs: 60_000 })),
      );
      const mine = answers.filter(({ isMine }) => isMine).length;
      if (mine !== 1) wins[mine === 0 ? 'none' : 'both']++;
      const winner = answers.findIndex(({ isMine }) => isMine);
      const next = fenceOf(answers[winner] ?? { isMine: false, leftMs: 0 });
      expect(next).toBeGreaterThan(fence);
      fence = next;
      wins[pair[winner] === one ? 'one' : 'other']++;
      await pair[winner]?.release('probe', `${winner}`);
    }
    expect(wins).toMatchObject({ both: 0, none: 0 });
    expect(wins.one + wins.other).toBe(1_000);
  });

  test('when all data are lost, versions and fences still grow, and a late result is still refused', async () => {
    const connection = await begin();
    const before = await write(connection, 'one', kept('a'));
    const late = fenceOf(await connection.lease({ name: 'a', token: 'one', forMs: 60_000 }));
    await redis().command('FLUSHALL');
    const young = fenceOf(await connection.lease({ name: 'a', token: 'other', forMs: 60_000 }));
    expect(young).toBeGreaterThan(late);
    expect((await write(connection, 'new', kept('c'))).version).toBeGreaterThan(before.version);
    const after = await connection.sync({
      member: 'one',
      changes: [{ ...kept('a'), fence: late }, kept('b')],
      sinceVersion: before.version,
    });
    expect(after.refused).toEqual(['a']);
    expect(named(after)).toEqual(['c=v', 'b=v']);
    expect(after.version).toBeGreaterThan(before.version);
  });

  test('a member that has seen more than the store knows gets all that there is, and versions go on from what it has seen', async () => {
    const connection = await begin();
    const { version } = await write(connection, 'one', kept('a'));
    const ahead = version + 10_000_000_000;
    const synced = await connection.sync({ member: 'one', changes: [], sinceVersion: ahead });
    expect(named(synced)).toEqual(['a=v']);
    expect(synced.version).toBe(ahead);
    const written = await connection.sync({ member: 'one', changes: [kept('b')], sinceVersion: ahead });
    expect(written.version).toBeGreaterThan(ahead);
    expect(named(await read(connection, ahead))).toEqual(['b=v']);
  });

  test('two prefixes share nothing, and neither do two layouts', async () => {
    const one = await begin();
    const other = await connect('shop2');
    await write(one, 'one', kept('a'));
    await one.lease({ name: 'probe', token: 'one', forMs: 60_000 });
    await redis().command('HSET', 'shop:{inferlane:2:shop}:values', fieldOf('new'), 'another layout');
    await redis().command('ZADD', 'shop:{inferlane:2:shop}:versions', '9', fieldOf('new'));
    expect(await read(other)).toMatchObject({ conclusions: [], members: 1 });
    expect(fenceOf(await other.lease({ name: 'probe', token: 'other', forMs: 60_000 }))).toBeGreaterThan(0);
    expect(named(await read(one))).toEqual(['a=v']);
    expect(await redis().command('HGET', 'shop:{inferlane:2:shop}:values', fieldOf('new'))).toBe('another layout');
  });

  test('every key begins with the prefix, lies in one slot, ends some time, and shows no name', async () => {
    const connection = await begin();
    await write(connection, 'secret member', { ...kept('secret name'), fence: 1 });
    await connection.lease({ name: 'secret name', token: 'secret token', forMs: 1_000 });
    await connection.take([{ name: 'secret name', perMinute: 60, most: 10, wanted: 1, least: 1 }]);
    await connection.add([{ name: 'secret name', windowMs: 3_600_000, amount: 1 }]);
    const keys = await keysOf();
    expect(keys).toHaveLength(8);
    const slots = await Promise.all(
      keys.map((key) =>
        redis()
          .command('CLUSTER', 'KEYSLOT', key)
          .catch(() => key.replace(/.*(\{.*\}).*/, '$1')),
      ),
    );
    expect(new Set(slots).size).toBe(1);
    for (const key of keys) {
      expect(key.startsWith(`${root}:`)).toBe(true);
      expect(key).not.toContain('secret');
      expect(await redis().command('PTTL', key)).toBeGreaterThan(0);
    }
    expect(JSON.stringify(await redis().command('ZRANGE', `${root}:members`, '0', '-1'))).not.toContain('secret');
    expect(JSON.stringify(await redis().command('HGETALL', keys.find((key) => key.includes(':lease:')) ?? ''))).not.toContain('secret');
  });

  test('asking for nothing leaves nothing behind', async () => {
    const connection = await begin();
    await connection.take([{ name: 'a', perMinute: 60, most: 10, wanted: 0, least: 0 }]);
    await connection.add([{ name: 'a', windowMs: 1_000, amount: 0 }]);
    await connection.release('a', 'b');
    expect(await keysOf()).toEqual([]);
  });

  test('what has ended goes from the server too', async () => {
    const connection = await begin();
    await write(connection, 'one', { ...kept('short'), keepMs: 1 }, kept('long'));
    await expect.poll(() => read(connection).then(named)).toEqual(['long=v']);
    await read(connection);
    expect(await redis().command('HLEN', `${root}:values`)).toBe(1);
    expect(await redis().command('ZCARD', `${root}:ends`)).toBe(1);
  });

  test.each(['values', 'versions', 'ends', 'newest', 'members'])('the loss of the key "%s" alone breaks nothing', async (key) => {
    const connection = await begin();
    const { version } = await write(connection, 'one', kept('a'), kept('b'));
    await redis().command('DEL', `${root}:${key}`);
    const synced = await connection.sync({ member: 'one', changes: [kept('c')], sinceVersion: version });
    expect(synced.version).toBeGreaterThan(version);
    expect(named(synced).at(-1)).toBe('c=v');
    await read(connection);
    expect(await redis().command('HLEN', `${root}:values`)).toBe(await redis().command('ZCARD', `${root}:versions`));
  });

  test('members that have been silent for 10 s, or are ahead of time, are not counted', async () => {
    const connection = await begin();
    const [seconds] = (await redis().command('TIME')) as string[];
    const nowMs = Number(seconds) * 1_000;
    await redis().command('ZADD', `${root}:members`, `${nowMs - 11_000}`, 'gone', `${nowMs + 600_000}`, 'ahead', `${nowMs - 1}`, 'there');
    expect(await read(connection)).toMatchObject({ members: 2 });
  });

  test('a thousand members are counted, and each sync stays small', async () => {
    const connection = await begin();
    const syncs = Array.from({ length: 1_000 }, (_, place) => place);
    for (let from = 0; from < syncs.length; from += 50) {
      await Promise.all(syncs.slice(from, from + 50).map((place) => write(connection, `member ${place}`)));
    }
    expect(await read(connection)).toMatchObject({ members: 1_001, conclusions: [] });
  });

  test('an allowance gives no more than its rate and its most, whoever asks', async () => {
    await begin();
    const connections = await Promise.all(Array.from({ length: 8 }, () => connect()));
    const ask = { name: 'tpm', perMinute: 30_000, most: 200, wanted: 7, least: 1 };
    let given = 0;
    const [before] = (await redis().command('TIME')) as [string, string];
    const startMs = performance.now();
    while (performance.now() - startMs < 2_000) {
      const answers = await Promise.all(connections.map((connection) => connection.take([ask])));
      given += answers.reduce((sum, [taken]) => sum + (taken?.given ?? 0), 0);
    }
    const passedMs = performance.now() - startMs;
    expect(Number(before)).toBeGreaterThan(0);
    expect(given).toBeLessThanOrEqual(200 + (passedMs * 30_000) / 60_000);
    expect(given).toBeGreaterThanOrEqual(200 + 900);
  });
});
