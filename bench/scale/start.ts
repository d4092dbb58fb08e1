import { execFileSync } from 'node:child_process';
import { type Program, startProgram } from '../../tests/campaign/_kit/program.ts';
import { canPin } from '../http/processes.ts';

/** No process here takes longer, the slowest machine included. */
const patienceMs = 300_000;

/** A process on one core, where that can be had. */
export async function startOn<Question, Reply>(
  file: string,
  core: number,
  flags: readonly string[] = [],
): Promise<Program<Question, Reply>> {
  const program = await startProgram<Question, Reply>(new URL(file, import.meta.url), flags, patienceMs);
  if (canPin) execFileSync('taskset', ['-a', '-c', '-p', String(core), String(program.pid)], { stdio: 'ignore' });
  return program;
}
