import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';
import { expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { keepConnected } from '../../src/state/redis-client.ts';
import { redisStore } from '../../src/state/redis.ts';
import type { StoreConnection } from '../../src/state/store.ts';
import { runProgram } from '../_kit/child-program.ts';
import { describeWithRedis, startRedis } from '../_kit/redis-server.ts';
import { type ToxicProxy, toxicProxy } from '../_kit/toxic-proxy.ts';
import { fenceOf, named, read, ready, write } from './store-conformance.ts';

const change = { name: 'a', value: 'v', keepMs: 60_000 };

function openStore(port: number, user: string): StoreConnection {
  const connection = redisStore({ url: `redis://${user}127.0.0.1:${port}`, prefix: 'shop' }).connect();
  onTestFinished(() => connection.close());
  return connection;
}

function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'resolved', String);
}

describeWithRedis('a store in Redis where the server is not well', (redis) => {
  const open = (port = redis().port, user = ''): StoreConnection => openStore(port, user);
  const begin = async (): Promise<StoreConnection> => {
    await redis().reset();
    const connection = open();
    await ready(connection);
    return connection;
  };
  const beginBehind = async (): Promise<{ connection: StoreConnection; proxy: ToxicProxy }> => {
    await redis().reset();
    const proxy = await toxicProxy(redis().port);
    onTestFinished(() => proxy.close());
    const connection = open(proxy.port);
    await ready(connection);
    return { connection, proxy };
  };
  const answers = (connection: StoreConnection): Promise<void> =>
    expect.poll(() => failure(read(connection)), { timeout: 20_000, interval: 20 }).toBe('resolved');

  test('a server that is not there rejects at once, says why, and is found when it comes', async () => {
    const server = await startRedis();
    onTestFinished(() => server.close());
    await server.kill();
    const connection = open(server.port);
    await expect.poll(() => failure(read(connection))).toMatch(/^Error: ECONNREFUSED /);
    await server.start();
    await answers(connection);
  });

  test('a server that is killed and comes back empty is found again, and versions and fences go on', async () => {
    const server = await startRedis();
    onTestFinished(() => server.close());
    const connection = open(server.port);
    await ready(connection);
    const before = await write(connection, 'one', change);
    const fence = fenceOf(await connection.lease({ name: 'a', token: 'one', forMs: 60_000 }));
    const underWay = failure(read(connection));
    await server.kill();
    expect(await underWay).toMatch(/^(?:resolved|Error: [A-Z]+ )/);
    await expect.poll(() => failure(read(connection))).toMatch(/^Error: [A-Z]+ There is no connection/);
    await server.start();
    await answers(connection);
    expect((await write(connection, 'one', change)).version).toBeGreaterThan(before.version);
    expect(fenceOf(await connection.lease({ name: 'a', token: 'one', forMs: 60_000 }))).toBeGreaterThan(fence);
  });

  test('scripts that the server has forgotten are given to it again', async () => {
    const connection = await begin();
    await write(connection, 'one', change);
    await redis().command('SCRIPT', 'FLUSH');
    expect(named(await read(connection))).toEqual(['a=v']);
    await redis().command('SCRIPT', 'FLUSH');
    await expect(connection.lease({ name: 'a', token: 'one', forMs: 1 })).resolves.toMatchObject({ isMine: true });
  });

  test('a replica rejects as READONLY, and answers again when it is the master', async () => {
    const connection = await begin();
    await redis().command('REPLICAOF', '127.0.0.1', '1');
    expect(await failure(write(connection, 'one', change))).toMatch(/^Error: (?:READONLY|MASTERDOWN) /);
    await redis().command('REPLICAOF', 'NO', 'ONE');
    await answers(connection);
  });

  test.each([
    ['values', (connection: StoreConnection) => read(connection)],
    ['members', (connection: StoreConnection) => read(connection)],
  ])('the key "%s" of another type rejects as WRONGTYPE, and answers again when it is gone', async (key, ask) => {
    const connection = await begin();
    const name = `shop:{inferlane:1:shop}:${key}`;
    await redis().command('SET', name, 'x');
    expect(await failure(ask(connection))).toMatch(/^Error: WRONGTYPE /);
    await redis().command('DEL', name);
    await answers(connection);
  });

  test('a server without memory rejects as OOM', async () => {
    const connection = await begin();
    await redis().command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await failure(write(connection, 'one', change))).toMatch(/^Error: OOM /);
    await redis().command('CONFIG', 'SET', 'maxmemory', '0');
    await answers(connection);
  });

  test('a password that is missing or wrong rejects, is shown nowhere, and the right one is found', async () => {
    await redis().reset();
    await redis().command('ACL', 'SETUSER', 'router', 'on', '>hunter2', 'allkeys', 'allchannels', 'allcommands');
    await redis().command('ACL', 'SETUSER', 'keyless', 'on', '>hunter3', '~other:*', 'allchannels', 'allcommands');
    onTestFinished(async () => void (await redis().command('ACL', 'DELUSER', 'router', 'keyless')));
    const wrong = open(undefined, 'router:secret-guess@');
    await expect.poll(() => failure(read(wrong))).toMatch(/^Error: WRONGPASS /);
    const forbidden = open(undefined, 'keyless:hunter3@');
    await expect.poll(() => failure(read(forbidden))).toMatch(/^Error: NOPERM /);
    for (const text of [await failure(read(wrong)), await failure(read(forbidden))]) {
      expect(text).not.toMatch(/secret-guess|hunter|keyless|router|127\.0\.0\.1|redis:|shop/);
    }
    const right = open(undefined, 'router:hunter2@');
    await ready(right);
    await answers(right);
  });

  test('a server that wants a password rejects as NOAUTH who has none', async () => {
    const server = await startRedis();
    onTestFinished(() => server.close());
    const connection = open(server.port);
    await ready(connection);
    await server.command('ACL', 'SETUSER', 'default', 'resetpass', '>hunter2');
    const late = open(server.port);
    await expect.poll(() => failure(read(late)), { timeout: 10_000 }).toMatch(/^Error: NOAUTH /);
  });

  test('who may not subscribe is told so, and writes and reads all the same', async () => {
    await redis().reset();
    await redis().command('ACL', 'SETUSER', 'deaf', 'on', '>hunter2', 'allkeys', 'resetchannels', 'allcommands');
    onTestFinished(async () => void (await redis().command('ACL', 'DELUSER', 'deaf')));
    const connection = open(undefined, 'deaf:hunter2@');
    const odd: string[] = [];
    connection.onOdd((message) => odd.push(message));
    await ready(connection);
    expect(named(await write(connection, 'one', change))).toEqual(['a=v']);
    await expect.poll(() => odd).toEqual([expect.stringContaining('refuses subscriptions')]);
  });

  test('a server that stops answering rejects all that waits within seconds, and what came late changes nothing', async () => {
    const { connection, proxy } = await beginBehind();
    proxy.hang();
    const texts = await Promise.all(Array.from({ length: 70 }, () => failure(write(connection, 'one', change))));
    expect(texts.filter((text) => text.startsWith('Error: BUSY '))).toHaveLength(6);
    expect(texts.filter((text) => text.startsWith('Error: ETIMEDOUT '))).toHaveLength(64);
    proxy.heal();
    await answers(connection);
    expect(named(await write(connection, 'one', change))).toEqual(['a=v']);
  });

  test('a connection that is accepted and hangs is given up for another one', async () => {
    const { connection, proxy } = await beginBehind();
    proxy.hang();
    proxy.cut();
    await expect.poll(() => failure(read(connection)), { timeout: 10_000 }).toMatch(/^Error: ETIMEDOUT /);
    proxy.heal();
    await answers(connection);
  });

  test('a process that stands still for a while goes on', async () => {
    const connection = await begin();
    redis().pause();
    const text = failure(read(connection));
    await sleep(300);
    redis().resume();
    expect(await text).toBe('resolved');
  });

  test('a slow way is waited for', async () => {
    const { connection, proxy } = await beginBehind();
    proxy.delay(60, 60);
    const startMs = performance.now();
    await read(connection);
    expect(performance.now() - startMs).toBeGreaterThan(100);
  });

  test('a way that is cut and refused comes back, and whoever listens is told that something may have been missed', async () => {
    const { connection, proxy } = await beginBehind();
    const other = open();
    await ready(other);
    let heard = 0;
    connection.onChange(() => heard++);
    const hears = (): Promise<void> =>
      expect.poll(() => write(other, 'other', change).then(() => heard), { timeout: 10_000 }).toBeGreaterThan(0);
    await hears();
    proxy.refuse();
    await expect.poll(() => failure(read(connection))).toMatch(/^Error: [A-Z]+ There is no connection/);
    await write(other, 'other', { ...change, value: 'missed' });
    heard = 0;
    proxy.heal();
    await expect.poll(() => heard, { timeout: 10_000 }).toBeGreaterThan(0);
    await answers(connection);
    expect(named(await read(connection))).toEqual(['a=missed']);
    heard = 0;
    await hears();
  });

  test('no more than two connections stand, and none after closing, also while there is no way', async () => {
    const { connection, proxy } = await beginBehind();
    await expect.poll(() => proxy.connections()).toBe(2);
    proxy.cut();
    await answers(connection);
    await expect.poll(() => proxy.connections()).toBe(2);
    await connection.close();
    await expect.poll(() => proxy.connections()).toBe(0);
    const hasty = open(proxy.port);
    await hasty.close();
    await sleep(800);
    expect(proxy.connections()).toBe(0);
    expect(await failure(read(hasty))).toMatch(/^Error: CLOSED /);
  });

  test('questions under way when it is closed are rejected', async () => {
    const { connection, proxy } = await beginBehind();
    proxy.hang();
    const waiting = failure(read(connection));
    await sleep(20);
    await connection.close();
    expect(await waiting).toMatch(/^Error: [A-Z]+ /);
  });

  test('a client of the user’s own is used, not closed, and the one for messages ends with the store', async () => {
    await redis().reset();
    const client = createClient({ url: redis().url, disableOfflineQueue: true }).on('error', () => undefined);
    onTestFinished(() => client.destroy());
    const connection = redisStore({ client, prefix: 'shop' }).connect();
    expect(await failure(read(connection))).toMatch(/^Error: OFFLINE /);
    await client.connect();
    const other = open();
    await ready(other);
    let heard = 0;
    connection.onChange(() => heard++);
    await expect.poll(() => write(other, 'other', change).then(() => heard), { timeout: 10_000 }).toBeGreaterThan(0);
    expect(named(await read(connection))).toEqual(['a=v']);
    const listening = async (): Promise<number> =>
      ((await redis().command('PUBSUB', 'NUMSUB', 'shop:{inferlane:1:shop}:changes')) as [string, number])[1];
    expect(await listening()).toBe(2);
    await connection.close();
    await expect.poll(listening).toBe(1);
    expect(await client.ping()).toBe('PONG');
    expect(await failure(read(connection))).toMatch(/^Error: CLOSED /);
  });

  test.each(['reached', 'not reached'])('a process ends by itself while its store is %s', async (how) => {
    const port = how === 'reached' ? redis().port : 1;
    const { output, code } = await runProgram(`
      import { setTimeout as sleep } from 'node:timers/promises';
      import { redisStore } from '${new URL('../../src/state/redis.ts', import.meta.url).href}';
      const connection = redisStore({ url: 'redis://127.0.0.1:${port}', prefix: 'shop' }).connect();
      await sleep(700);
      console.log(await connection.add([]).then(() => 'reached', () => 'not reached'));`);
    expect({ output: output.trim(), code }).toEqual({ output: how, code: 0 });
  });
});

test('what is closed does not connect any more', () => {
  const create = vi.fn<() => never>();
  const kept = keepConnected({ create, prepare: async () => undefined, clock: systemClock, random: () => 0 });
  kept.close();
  kept.open();
  expect(create).not.toHaveBeenCalled();
  expect(kept.ready()).toBeUndefined();
});
