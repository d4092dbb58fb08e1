import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const examples: string = join(import.meta.dirname, '../../examples');

/** The token that the READMEs show. */
export const callerToken = 'Jp4kW9-tZq2_x7Lr';

/** An example as a process of its own, as its README starts it. */
export interface RunningExample extends AsyncDisposable {
  readonly url: string;
  /** Everything it wrote so far. */
  output(): string;
  /** Tells it to end, and gives its exit code; -1 where it does not end within 10 s. */
  end(): Promise<number | null>;
}

export interface ExampleCommand {
  /** Below `examples`. */
  readonly folder: string;
  readonly program?: string;
  readonly args: readonly string[];
  /** Beside `PATH`, and nothing else. */
  readonly env: Readonly<Record<string, string>>;
  /** Where the port stands in the output. */
  readonly port?: RegExp;
}

/** A server of one file, on any port, over the sources. */
export function startServer(folder: string, env: ExampleCommand['env']): Promise<RunningExample> {
  const hook = join(import.meta.dirname, 'resolve-source.ts');
  return startExample({ folder, args: ['--import', hook, 'server.ts'], env: { PORT: '0', ...env } });
}

const slowestStartMs = 30_000;

/** @throws where it ends, or says nothing of a port, with what it wrote. */
export async function startExample(command: ExampleCommand): Promise<RunningExample> {
  const { folder, program = process.execPath, args, env, port = /port: (\d+)/ } = command;
  const child = spawn(program, args, {
    cwd: join(examples, folder),
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = once(child, 'close') as Promise<[number | null]>;
  let written = '';
  const listening = new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        written += text;
        const found = port.exec(written)?.[1];
        if (found !== undefined) resolve(found);
      });
    }
  });
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  const found = await Promise.race([listening, gone, sleep(slowestStartMs, undefined, { ref: false })]);
  if (typeof found !== 'string') {
    await kill();
    throw new Error(`The example ${folder} did not begin to listen. It wrote:\n${written}`);
  }
  return {
    url: `http://127.0.0.1:${found}`,
    output: () => written,
    async end() {
      child.kill('SIGTERM');
      const [code] = await Promise.race([gone, sleep(10_000, [-1] as const, { ref: false })]);
      return code;
    },
    [Symbol.asyncDispose]: kill,
  };
}
