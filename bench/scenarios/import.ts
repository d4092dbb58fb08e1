import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { nodeHttpFile } from '../candidates/inferlane.ts';
import { canPin, cores } from '../http/processes.ts';
import type { Values } from '../running/measure.ts';
import { nowMicros } from './scenario.ts';

// What it costs to load a package, in a new process each time.

export const importAbout =
  'wall time of a new process that imports the package and ends, less that of one that imports nothing in the same round; the files are in the cache of the system. What a package loads at its first call is not in it: inferlane loads its transport then';

export const bare = 'bare node';
const leastRounds = 4;
const root = new URL('../../dist/index.js', import.meta.url).href;

const programs: Readonly<Record<string, string>> = {
  [bare]: '',
  'globalThis.Headers': 'globalThis.Headers',
  'node:http': 'await import("node:http")',
  undici: 'await import("undici")',
  ofetch: 'await import("ofetch")',
  zod: 'await import("zod")',
  openai: 'await import("openai")',
  langchain: 'await import("@langchain/openai")',
  'ai-sdk': 'await import("ai"); await import("@ai-sdk/openai-compatible")',
  tanstack: 'await import("@tanstack/ai"); await import("@tanstack/ai-openai/compatible")',
  inferlane: `await import(${JSON.stringify(root)})`,
  ...(existsSync(nodeHttpFile) && {
    'inferlane and inferlane/node-http': `await import(${JSON.stringify(root)}); await import("${nodeHttpFile.href}")`,
  }),
};

/** One round of all before the first is not counted: it fills the cache of the system. */
export async function measureImports(rounds: number): Promise<Values[string]> {
  const names = Object.keys(programs);
  const wall: Record<string, number[]> = {};
  for (let round = -1; round < Math.max(rounds, leastRounds); round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + 1 + turn) % names.length] ?? bare;
      const ms = await wallMsOf(programs[name] ?? '');
      if (round >= 0) (wall[name] ??= []).push(ms);
    }
  }
  return { wall: Object.fromEntries(names.map((name) => [name, wall[name] ?? []])) };
}

async function wallMsOf(program: string): Promise<number> {
  const command = [process.execPath, '--input-type=module', '--eval', program];
  const [file = '', ...args] = canPin ? ['taskset', '-c', String(cores.measured), ...command] : command;
  const startMicros = nowMicros();
  const child = spawn(file, args, { cwd: new URL('..', import.meta.url), stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`node ended with ${code}: ${program}`);
  return (nowMicros() - startMicros) / 1_000;
}
