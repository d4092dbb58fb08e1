import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs a command in a process group of its own, so that whatever it has started can be ended with it: after `limitMs`, when this process
 * is interrupted, and where something outlives the command. Resolves with the exit code; null after a signal.
 */
export async function runInGroup(command: string, given: readonly string[], limitMs: number): Promise<number | null> {
  const child = spawn(command, given, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  const end = (): void => killGroup(child);
  const interrupt = (signal: NodeJS.Signals): void => {
    end();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  const timer = setTimeout(end, limitMs);
  process.on('exit', end).on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  } finally {
    clearTimeout(timer);
    process.off('exit', end).off('SIGINT', interrupt).off('SIGTERM', interrupt);
    end();
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}
