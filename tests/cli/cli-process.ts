import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

export const program: string = join(import.meta.dirname, '../../src/cli/main.ts');

export interface Running {
  readonly child: ChildProcess;
  out(): string;
  err(): string;
  /** The exit code; -1 where it does not end within 8 s. */
  ended(): Promise<number | null>;
}

/** `stdout`: where it goes; left out: to a pipe that is read, and shown by `out()`. `env`: beside `PATH`. */
export function start(
  argv: readonly string[],
  folder: string,
  stdout?: 'unread' | number,
  env: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(process.execPath, [program, ...argv], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['pipe', typeof stdout === 'number' ? stdout : 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  if (stdout === undefined) child.stdout?.on('data', (bytes: Buffer) => (out += bytes.toString()));
  child.stderr?.on('data', (bytes: Buffer) => (err += bytes.toString()));
  const exit = once(child, 'exit');
  const close = (stdout === 'unread' ? exit : once(child, 'close')) as Promise<[number | null]>;
  return {
    child,
    out: () => out,
    err: () => err,
    ended: async () => (await Promise.race([close, sleep(8_000, [-1] as const, { ref: false })]))[0],
  };
}
