import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { BackendFacts } from './backend.ts';
import type { Ready, ServersReport, Wish } from './servers-program.ts';

/** The servers of the campaign, seen from the process that calls them. */
export interface Fleet extends Ready, AsyncDisposable {
  report(): Promise<ServersReport>;
}

export async function launchFleet(backends: readonly BackendFacts[]): Promise<Fleet> {
  const child = fork(new URL('./servers-program.ts', import.meta.url), {
    execArgv: [],
    // Maps travel as they are.
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exit = once(child, 'exit');
  const ask = async <Answer>(wish: Wish): Promise<Answer> => {
    const answer = once(child, 'message') as Promise<[Answer]>;
    child.send(wish);
    const first = await Promise.race([answer, exit.then(() => undefined)]);
    if (first === undefined) throw new Error('the process of the servers has ended');
    return first[0];
  };
  const ready = await ask<Ready>({ backends });
  return {
    ...ready,
    report: () => ask<ServersReport>('report'),
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await exit;
    },
  };
}
