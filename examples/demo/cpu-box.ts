import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** `cpu-server.ts` as a child process. */
export interface CpuBox extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Kills it (SIGKILL) in its next answer, when the first token is in hand and not yet sent; then calls back. */
  killAtFirstToken(killed: () => void): void;
}

/** What the child says. */
type Message = { readonly at: 'listening'; readonly url: string } | { readonly at: 'first-token' };

export async function startCpuBox(modelPath: string): Promise<CpuBox> {
  const child = fork(new URL('cpu-server.ts', import.meta.url), [modelPath], { execArgv: [] });
  const gone = once(child, 'exit');
  const url = await addressOf(child, gone);
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

/** A child that ends instead of listening has written why to the error output, which it shares. */
async function addressOf(child: ChildProcess, gone: Promise<unknown>): Promise<string> {
  const tooEarly = gone.then(() => Promise.reject(new Error('the process of cpu-box ended before it listened')));
  const [message] = (await Promise.race([once(child, 'message'), tooEarly])) as [Message];
  if (message.at !== 'listening') throw new Error('the process of cpu-box answered before it listened');
  return message.url;
}
