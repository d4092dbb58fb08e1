import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Canaries } from '../_kit/canaries.ts';

/** A backend that can be killed. */
export interface BackendProcess extends AsyncDisposable {
  readonly url: string;
  /** What is under way there, and the first requests it got. It does not say when it has been killed. */
  report(): Promise<Report>;
  kill(signal: NodeJS.Signals): void;
}

export interface Report {
  readonly chats: number;
  readonly streams: number;
  readonly received: readonly string[];
}

/** `holds`: calls are left where their text says; `answers`: at once. */
export async function startBackend(behaviour: 'holds' | 'answers', { of }: Canaries): Promise<BackendProcess> {
  const program = new URL('./backend-program.ts', import.meta.url);
  const child = fork(program, [behaviour, of.completion, of.reasoning], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exit = once(child, 'exit');
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    url: `http://127.0.0.1:${port}`,
    async report() {
      child.send('report');
      const [report] = (await once(child, 'message')) as [Report];
      return report;
    },
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      // A process that was stopped hears of nothing else.
      child.kill('SIGKILL');
      await exit;
    },
  };
}
