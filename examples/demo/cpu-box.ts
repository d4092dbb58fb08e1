import { fork } from 'node:child_process';
import { once } from 'node:events';

/** `cpu-server.ts` as a child process. */
export interface CpuBox extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Kills it (SIGKILL) in its next answer, when the first token is in hand and not yet sent; then calls back. */
  killAtFirstToken(killed: () => void): void;
}

export async function startCpuBox(modelPath: string): Promise<CpuBox> {
  const child = fork(new URL('cpu-server.ts', import.meta.url), [modelPath], { execArgv: [] });
  const gone = once(child, 'exit');
  // One that ends instead of listening has written why to the error output, which it shares.
  const tooEarly = gone.then(() => Promise.reject(new Error('the process of cpu-box ended before it listened')));
  const [{ url }] = (await Promise.race([once(child, 'message'), tooEarly])) as [{ readonly url: string }];
  let atFirstToken = (): void => void child.send('go on');
  child.on('message', () => atFirstToken());
  return {
    url,
    pid: child.pid ?? 0,
    killAtFirstToken(killed) {
      atFirstToken = () => {
        child.kill('SIGKILL');
        killed();
      };
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
