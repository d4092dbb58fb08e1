import { createHash } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { redisStore } from '../../src/state/redis.ts';
import { mostConclusions, type StoreConnection } from '../../src/state/store.ts';
import { describeWithRedis } from '../_kit/redis-server.ts';
import { toxicProxy } from '../_kit/toxic-proxy.ts';
import { fenceOf, named, read, ready, write } from './store-conformance.ts';

const root = 'shop:{inferlane:1:shop}';
const hashOf = (name: string): string => createHash('sha256').update(JSON.stringify(name)).digest('hex');

describeWithRedis('what others wrote into the keys of a store in Redis', (redis) => {
  const begin = async (): Promise<{ connection: StoreConnection; odd: string[] }> => {
    await redis().reset();
    const connection = redisStore({ url: redis().url, prefix: 'shop' }).connect();
    const odd: string[] = [];
    connection.onOdd((message) => odd.push(message));
    onTestFinished(() => connection.close());
    await ready(connection);
    await write(connection, 'one', { name: 'a', value: 'honest', keepMs: 60_000 }, { name: 'bad', value: 'v', keepMs: 60_000 });
    return { connection, odd };
  };
  const nowMs = async (): Promise<number> => Number(((await redis().command('TIME')) as string[])[0]) * 1_000;

  test.each<[string, (nowMs: number) => string]>([
    ['no JSON', (now) => `${now} ${now + 60_000} {"name`],
    ['JSON of another form', (now) => `${now} ${now + 60_000} {"__proto__":{"value":"x"},"name":"bad"}`],
    ['a list of objects', (now) => `${now} ${now + 60_000} [{"__proto__":1},{"toString":1}]`],
    ['a list of one', (now) => `${now} ${now + 60_000} ["bad"]`],
    ['lists in lists', (now) => `${now} ${now + 60_000} ${'['.repeat(60_000)}`],
    ['no times', () => '["bad","v"]'],
    ['times that are words', () => `now later ["bad","v"]`],
    ['times that are no numbers', () => `nan nan ["bad","v"]`],
    ['endless times', () => `0 ${'9'.repeat(400)} ["bad","v"]`],
    ['negative times', (now) => `-5 ${now + 60_000} ["bad","v"]`],
    ['a date of writing far ahead', (now) => `${now + 600_000} ${now + 660_000} ["bad","v"]`],
    ['an end in a year', (now) => `${now} ${now + 31_536_000_000} ["bad","v"]`],
    ['an end before its beginning', (now) => `${now} ${now - 1} ["bad","v"]`],
    ['bytes', (now) => `${now} ${now + 60_000} \u0000\u0001\uFFFD`],
    ['a byte of NUL alone', () => '\0'],
  ])('%s is not read and told once, and the rest is read', async (_what, text) => {
    const { connection, odd } = await begin();
    await redis().command('HSET', `${root}:values`, hashOf('bad'), text(await nowMs()));
    for (let time = 0; time < 2; time++) expect(named(await read(connection))).toEqual(['a=honest']);
    expect(odd).toEqual([expect.stringContaining('not what a store writes')]);
  });

  test('a value that is longer than a store writes is not read, and told', async () => {
    const { connection, odd } = await begin();
    const now = await nowMs();
    await redis().command('HSET', `${root}:values`, hashOf('bad'), `${now} ${now + 60_000} ["bad","${'v'.repeat(2_049)}"]`);
    expect(named(await read(connection))).toEqual(['a=honest']);
    expect(odd).toEqual([expect.stringContaining('too long')]);
  });

  test('a value of 100 MB, or very many long ones, never cross the wire', { timeout: 120_000 }, async () => {
    const { connection, odd } = await begin();
    const now = await nowMs();
    const times = `${now} ${now + 60_000} `;
    const proxy = await toxicProxy(redis().port);
    onTestFinished(() => proxy.close());
    const far = redisStore({ url: `redis://127.0.0.1:${proxy.port}`, prefix: 'shop' }).connect();
    onTestFinished(() => far.close());
    await ready(far);
    const long = (length: number): Promise<unknown> => {
      const script = "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. string.rep('x', ARGV[3]))";
      return redis().command('EVAL', script, '1', `${root}:values`, hashOf('bad'), times, `${length}`);
    };
    await long(104_857_600);
    const before = proxy.bytesToClient();
    expect(named(await read(far))).toEqual(['a=honest']);
    expect(named(await read(connection))).toEqual(['a=honest']);
    expect(proxy.bytesToClient() - before).toBeLessThan(10_000);
    expect(odd).toEqual([expect.stringContaining('too long')]);
    await long(1_000_000);
    expect(named(await read(far))).toEqual(['a=honest']);
    expect(proxy.bytesToClient() - before).toBeLessThan(20_000);
    const many = `local t = redis.call('TIME') local now = t[1] * 1000
      for i = 1, 1000 do
        redis.call('HSET', KEYS[1], i, string.format('%.0f %.0f ', now, now + 60000) .. '["n","' .. string.rep('x', 60000) .. '"]')
        redis.call('ZADD', KEYS[2], i, i)
      end`;
    await redis().command('EVAL', many, '2', `${root}:values`, `${root}:versions`);
    await read(far);
    expect(proxy.bytesToClient() - before).toBeLessThan(10_000_000);
  });

  test('fields that no version names go, and honest ones stay', async () => {
    const { connection } = await begin();
    await redis().command('HSET', `${root}:values`, '__proto__', 'x', 'constructor', 'y');
    expect(named(await read(connection))).toEqual(['a=honest', 'bad=v']);
    expect(await redis().command('HLEN', `${root}:values`)).toBe(2);
  });

  test.each(['inf', '9e18', '8e15'])('the version %s in the data does not stop versions from growing', async (version) => {
    const { connection } = await begin();
    const { version: before } = await read(connection);
    await redis().command('ZADD', `${root}:versions`, version, hashOf('bad'));
    await redis().command('SET', `${root}:newest`, version);
    const { version: after } = await write(connection, 'one', { name: 'c', value: 'v', keepMs: 60_000 });
    expect(after).toBeGreaterThan(before);
    expect(after).toBeLessThan(8e15);
    expect(named(await read(connection, before))).toEqual(['c=v']);
  });

  test.each([
    ['words', 'x', 'soon', 'many'],
    ['no numbers', 'x', 'nan', 'nan'],
    ['endless ones', 'x', 'inf', 'inf'],
    ['an end in a year', 'x', '', '7'],
  ])('a lease with %s is free', async (_what, token, ends, fence) => {
    const { connection } = await begin();
    const late = ends === '' ? `${(await nowMs()) + 31_536_000_000}` : ends;
    await redis().command('HSET', `${root}:lease:${hashOf('probe')}`, 'token', token, 'ends', late, 'fence', fence);
    const first = fenceOf(await connection.lease({ name: 'probe', token: 'one', forMs: 1 }));
    expect(first).toBeGreaterThan(1e15);
    expect(Number.isSafeInteger(first)).toBe(true);
  });

  test.each([
    ['nan', 'nan'],
    ['-5', '-5'],
    ['inf', 'inf'],
    ['many', 'soon'],
    ['3', '7e15'],
  ])('an allowance with the level %s since %s gives at most its most', async (level, at) => {
    const { connection } = await begin();
    await redis().command('HSET', `${root}:allowance:${hashOf('rpm')}`, 'level', level, 'at', at);
    const ask = { name: 'rpm', perMinute: 60, most: 5, wanted: 9, least: 0 };
    const [first] = await connection.take([ask]);
    expect(first?.given).toBeGreaterThanOrEqual(0);
    expect(first?.given).toBeLessThanOrEqual(5);
    await connection.take([{ ...ask, wanted: -9 }]);
    expect((await connection.take([ask]))[0]?.given).toBe(5);
  });

  test.each(['nan', 'inf', '-inf', '1e300', 'many'])('a sum of %s begins anew', async (total) => {
    const { connection } = await begin();
    const ask = { name: 'usd', windowMs: 86_400_000, amount: 2 };
    await connection.add([ask]);
    await redis().command('HSET', `${root}:sum:86400000:${hashOf('usd')}`, 'total', total);
    expect((await connection.add([ask]))[0]?.total).toBe(2);
  });

  test('more values than there may be are cut down at the next write', async () => {
    const { connection } = await begin();
    const fill = "for i = 1, 20000 do redis.call('HSET', KEYS[1], i, 'x') redis.call('ZADD', KEYS[2], i, i) end";
    await redis().command('EVAL', fill, '2', `${root}:values`, `${root}:versions`);
    expect(named(await write(connection, 'one', { name: 'c', value: 'v', keepMs: 60_000 }))).toContain('c=v');
    expect(await redis().command('HLEN', `${root}:values`)).toBe(mostConclusions);
  });
});
