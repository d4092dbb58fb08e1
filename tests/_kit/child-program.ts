import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs the text of a module in a process of its own, and gives what it printed; `code` is -1 where it does not end within 8 s. */
export async function runProgram(source: string): Promise<{ output: string; code: number | null }> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(source);
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const ended = await Promise.race([exit, sleep(8_000, undefined, { ref: false })]);
  if (ended === undefined) child.kill('SIGKILL');
  return { output, code: ended === undefined ? -1 : ended[0] };
}
