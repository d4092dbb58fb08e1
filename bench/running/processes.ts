import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Places } from '../fake/server.ts';
import { canPin, cores, freePort, type Running as Gateway, start } from '../http/processes.ts';
import type { Block } from '../scenarios/scenario.ts';
import type { Order, Ready, Reply } from './run-candidate.ts';

/** A candidate in its process, which is idle while others run. */
export interface Running extends Ready {
  readonly name: string;
  run(scenario: string): Promise<Block>;
  stop(): Promise<void>;
}

const fileOf = (path: string): string => new URL(path, import.meta.url).pathname;
const patienceMs = 90_000;

function startNode(file: string, args: readonly string[], core: number, flags: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const command = [process.execPath, ...flags, file, ...args];
  const [program = '', ...rest] = canPin ? ['taskset', '-c', String(core), ...command] : command;
  return spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env });
}

/** Nothing of the caller's environment decides what a candidate does. */
const cleanEnv = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], NODE_ENV: 'production' });

export async function startServer(): Promise<{ readonly places: Places; stop(): void }> {
  const child = startNode(fileOf('../fake/server.ts'), [], cores.others, [], cleanEnv());
  const [places] = (await once(child, 'message')) as [Places];
  return { places, stop: () => child.disconnect() };
}

export interface StartOptions {
  readonly name: string;
  readonly places: Places;
  readonly gateway: Gateway | undefined;
  /** Of Node. */
  readonly flags?: readonly string[];
}

export async function startCandidate({ name, places, gateway, flags = [] }: StartOptions): Promise<Running> {
  const env = { ...cleanEnv(), ...(gateway && { BENCH_GATEWAY: `http://127.0.0.1:${gateway.port}` }) };
  const child = startNode(fileOf('./run-candidate.ts'), [name, JSON.stringify(places)], cores.measured, flags, env);
  const ready = await reply(child, name);
  if (!('ready' in ready)) throw new Error(`${name} did not start.`);
  return {
    name,
    ...ready.ready,
    async run(scenario) {
      const before = (await gateway?.sample())?.cpuMicros ?? 0;
      child.send({ run: scenario } satisfies Order);
      const answer = await reply(child, name);
      if (!('block' in answer)) throw new Error('error' in answer ? answer.error : 'an answer without a block');
      const after = (await gateway?.sample())?.cpuMicros ?? 0;
      return { ...answer.block, cpuMicros: answer.block.cpuMicros + after - before };
    },
    async stop() {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

async function reply(child: ChildProcess, name: string): Promise<Reply> {
  const waiting = new AbortController();
  const { signal } = waiting;
  const ended = once(child, 'exit', { signal }).then(([code]) => Promise.reject(new Error(`${name} ended with ${String(code)}.`)));
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`${name} took longer than ${patienceMs} ms.`)), patienceMs);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
  const message = once(child, 'message', { signal });
  try {
    return ((await Promise.race([message, ended, late])) as readonly unknown[])[0] as Reply;
  } finally {
    // Whichever did not come is no longer waited for, and says so to nobody.
    for (const each of [message, ended, late]) each.catch(() => undefined);
    waiting.abort();
  }
}

/** As its README has it, on the core of those that are measured. */
export async function startGateway(): Promise<Gateway> {
  const port = await freePort();
  return start({
    file: fileOf('../node_modules/@portkey-ai/gateway/build/start-server.js'),
    args: ['--headless', `--port=${port}`],
    probe: fileOf('../http/probe.ts'),
    core: cores.measured,
    port,
  });
}

export type { Gateway };
