import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sample } from './probe.ts';

/** A server in a process of its own. */
export interface Running {
  readonly port: number;
  sample(): Promise<Sample>;
  stop(): Promise<void>;
}

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  /** Loaded before it. */
  readonly probe: string;
  /** Where `taskset` is there. */
  readonly core: number;
  /** Known beforehand by a program that does not tell it. */
  readonly port?: number;
}

/** Who is measured has one core, and all else the other. */
export const cores = { measured: 1, others: 0 } as const;

/** A process on a core of its own needs two of them, and Linux. */
export const canPin: boolean = availableParallelism() >= 2 && hasTaskset();

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A process with all its threads. */
export function pin(core: number, pid: number | undefined): void {
  if (canPin && pid !== undefined) execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' });
}

/** This process, which puts the load. */
export const pinSelf = (core: number): void => pin(core, process.pid);

export async function start({ file, args, probe, core, port }: Program): Promise<Running> {
  const command = [process.execPath, '--import', probe, file, ...args];
  const [program = '', ...rest] = canPin ? ['taskset', '-c', String(core), ...command] : command;
  const env = { PATH: process.env['PATH'], NODE_ENV: 'production' };
  const options: SpawnOptions = { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env };
  const child = spawn(program, rest, options);
  if (port !== undefined) await untilOpen(port);
  return {
    port: port ?? ((await reply(child)) as number),
    sample() {
      child.send('sample');
      return reply(child) as Promise<Sample>;
    },
    async stop() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

async function reply(child: ChildProcess): Promise<unknown> {
  const stopWaiting = new AbortController();
  const { signal } = stopWaiting;
  const ended = once(child, 'exit', { signal }).then(([code]) => Promise.reject(new Error(`A server ended with ${String(code)}.`)));
  const message = once(child, 'message', { signal });
  try {
    return ((await Promise.race([message, ended])) as readonly unknown[])[0];
  } finally {
    // Whichever of the two did not come is no longer waited for, and says so to nobody.
    message.catch(() => undefined);
    ended.catch(() => undefined);
    stopWaiting.abort();
  }
}

async function untilOpen(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await sleep(100);
  }
  throw new Error(`Nobody listens on ${port}.`);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
