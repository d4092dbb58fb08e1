import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Places } from '../fake/server.ts';
import type { Sample } from '../http/probe.ts';
import { canPin, cores, freePort, pin } from '../http/processes.ts';
import type { Block } from '../scenarios/scenario.ts';
import type { Order, Ready, Reply } from './run-candidate.ts';

/** A candidate in its process, which is idle while others run. */
export interface Running extends Ready {
  readonly name: string;
  run(scenario: string, isWarmUp?: boolean): Promise<Block>;
  /** Has it go on there. */
  moveTo(core: number): void;
  profile(scenario: string, how: NonNullable<Order['profile']>): Promise<void>;
  stop(): Promise<void>;
}

const fileOf = (path: string): string => new URL(path, import.meta.url).pathname;
const patienceMs = 90_000;

interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly core: number;
  /** Of Node. */
  readonly flags?: readonly string[];
  readonly output?: 'inherit' | 'ignore';
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * After eight seconds with little to do V8 gives memory back, and throws code away that was compiled for objects of which none is left
 * then. A busy application has no such seconds; here everybody waits that long for the others, and whom it met was a matter of chance.
 */
const flagsOfAll = ['--no-memory-reducer'];

function startNode({ file, args, core, flags = [], output = 'inherit', env }: Program): ChildProcess {
  const command = [process.execPath, ...flagsOfAll, ...flags, file, ...args];
  const [program = '', ...rest] = canPin ? ['taskset', '-c', String(core), ...command] : command;
  return spawn(program, rest, { stdio: ['ignore', output, output, 'ipc'], env: { ...cleanEnv(), ...env } });
}

/** Nothing of the caller's environment decides what a candidate does. */
const cleanEnv = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], NODE_ENV: 'production' });

export interface RunningServer {
  readonly places: Places;
  /** Whether it takes all of its core, to answer without being woken. */
  stayAwake(isWanted: boolean): void;
  stop(): void;
}

export async function startServer(): Promise<RunningServer> {
  const child = startNode({ file: fileOf('../fake/server.ts'), args: [], core: cores.others });
  const [places] = (await once(child, 'message')) as [Places];
  return { places, stayAwake: (isWanted) => void child.send(isWanted), stop: () => child.disconnect() };
}

export interface StartOptions {
  readonly name: string;
  readonly places: Places;
  readonly gateway: Gateway | undefined;
  /** Of Node. */
  readonly flags?: readonly string[];
  /** @default that of those who are measured */
  readonly core?: number | undefined;
}

export async function startCandidate({ name, places, gateway, flags = [], core = cores.measured }: StartOptions): Promise<Running> {
  const env = gateway && { BENCH_GATEWAY: gateway.url };
  const args = [name, JSON.stringify(places)];
  const child = startNode({ file: fileOf('./run-candidate.ts'), args, core, flags, ...(env && { env }) });
  const ready = await reply(child, name);
  if (!('ready' in ready)) throw new Error(`${name} did not start.`);
  const order = async (what: Order): Promise<Block> => {
    child.send(what);
    const answer = await reply(child, name);
    if (!('block' in answer)) throw new Error('error' in answer ? answer.error : 'an answer without a block');
    return answer.block;
  };
  return {
    name,
    ...ready.ready,
    async run(scenario, isWarmUp = false) {
      const before = (await gateway?.cpuMicros()) ?? 0;
      const block = await order({ run: scenario, isWarmUp });
      const after = (await gateway?.cpuMicros()) ?? 0;
      // Its core is that of the next one.
      await gateway?.rest();
      return { ...block, cpuMicros: block.cpuMicros + after - before };
    },
    moveTo: (to) => pin(to, child.pid),
    profile: async (scenario, profile) => void (await order({ run: scenario, profile })),
    stop: () => stop(child),
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

/** The gateway of a candidate. */
export interface Gateway {
  readonly url: string;
  cpuMicros(): Promise<number>;
  /** Waits until it has nothing left to do, a second at most. */
  rest(): Promise<void>;
  stop(): Promise<void>;
}

/** Of 20 ms, for being asked and little else. */
const idleMicros = 2_000;

/** As its README has it, on the core of those that are measured. What it says of each dead server is not shown. */
export async function startGateway(): Promise<Gateway> {
  const port = await freePort();
  const file = fileOf('../node_modules/@portkey-ai/gateway/build/start-server.js');
  const flags = ['--import', fileOf('../http/probe.ts')];
  const child = startNode({ file, args: ['--headless', `--port=${port}`], core: cores.measured, flags, output: 'ignore' });
  await untilOpen(port);
  const cpuMicros = async (): Promise<number> => {
    child.send('sample');
    const [sample] = (await once(child, 'message')) as [Sample];
    return sample.cpuMicros;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    cpuMicros,
    async rest() {
      for (let looks = 0, before = await cpuMicros(); looks < 50; looks++) {
        await sleep(20);
        const now = await cpuMicros();
        if (now - before < idleMicros) return;
        before = now;
      }
    },
    stop: () => stop(child),
  };
}

async function untilOpen(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const isOpen = await fetch(`http://127.0.0.1:${port}`).then(
      () => true,
      () => false,
    );
    if (isOpen) return;
    await sleep(100);
  }
  throw new Error(`Nobody listens on ${port}.`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || !child.connected) return;
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
}
