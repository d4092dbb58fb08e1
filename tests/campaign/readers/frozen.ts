import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** How many of the two answers a program got whose prototypes cannot be changed. */
export async function runFrozen(port: number): Promise<number> {
  const program = new URL('./frozen-program.ts', import.meta.url).pathname;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--disable-proto=throw', program, String(port)], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return (JSON.parse(stdout) as boolean[]).filter(Boolean).length;
}
