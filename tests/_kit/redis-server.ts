import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe } from 'vitest';
import { notTested } from './not-tested.ts';
import { findProgram, type SystemProgram } from './system-program.ts';

const program: SystemProgram = {
  variable: 'REDIS_SERVER_PATH',
  places: ['/usr/bin/redis-server', '/usr/local/bin/redis-server', '/usr/bin/valkey-server'],
  package: 'redis-server',
};

/** A real server of our own on a free port, which keeps nothing on disk. Not the service that the package of some systems starts. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty. */
  start(): Promise<void>;
  /** SIGSTOP: connections stay, and nothing is answered. */
  pause(): void;
  resume(): void;
  /** One command on a connection of its own, as texts and numbers. */
  command(...words: readonly string[]): Promise<unknown>;
  /** Empty again, without password, limits and master, for the next test. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

async function commandTo(port: number, words: readonly string[]): Promise<unknown> {
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false }, RESP: 2 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand([...words]);
  } finally {
    client.destroy();
  }
}

export async function startRedis(executable: string | undefined = findProgram(program)): Promise<RedisServer> {
  if (executable === undefined) throw new Error('There is no redis-server.');
  const folder = mkdtempSync(join(tmpdir(), 'inferlane-redis-'));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const killNow = (): void => void child?.kill('SIGKILL');
  process.once('exit', killNow);
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    killNow();
    await exit;
  };
  const command: RedisServer['command'] = (...words) => commandTo(port, words);
  const start = async (): Promise<void> => {
    const settings = { port: `${port}`, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no', 'enable-debug-command': 'yes' };
    child = spawn(
      executable,
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      { stdio: 'ignore' },
    );
    for (let tries = 0; tries < 200; tries++) {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}.`);
      if ((await command('PING').catch(() => undefined)) === 'PONG') return;
      await sleep(25);
    }
    throw new Error('redis-server does not answer.');
  };
  await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    kill,
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    command,
    async reset() {
      await command('REPLICAOF', 'NO', 'ONE');
      await command('CONFIG', 'SET', 'maxmemory', '0');
      await command('FLUSHALL');
    },
    async close() {
      process.removeListener('exit', killNow);
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Tests that need a server. Where there is none they say so; on a build server that is a failure. */
export function describeWithRedis(name: string, body: (redis: () => RedisServer) => void): void {
  const path = findProgram(program);
  if (path === undefined) {
    return notTested(
      `there is no redis-server here and none could be installed: ${name}`,
      'Install Debian’s redis-server, or set REDIS_SERVER_PATH.',
    );
  }
  describe(name, { timeout: 30_000 }, () => {
    let server: RedisServer | undefined;
    beforeAll(async () => {
      server = await startRedis(path);
    }, 60_000);
    afterAll(() => server?.close());
    body(() => server as RedisServer);
  });
}
