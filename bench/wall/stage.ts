import { type ChildProcess, fork } from 'node:child_process';
import type { Speaker } from './bytes.ts';
import type { Order, StageReport } from './server.ts';

export interface Stage {
  readonly urls: Readonly<Record<Speaker, string>>;
  report(): Promise<StageReport>;
  close(): Promise<void>;
}

export interface World extends AsyncDisposable {
  open(fault: string): Promise<Stage>;
}

/** Starts the process of the servers. `await using` ends it. */
export function openWorld(): World {
  const child: ChildProcess = fork(new URL('./server.ts', import.meta.url), [], { execArgv: [] });
  const waiting = new Map<number, (value: unknown) => void>();
  let count = 0;
  child.on('message', ({ id, value }: { id: number; value: unknown }) => {
    waiting.get(id)?.(value);
    waiting.delete(id);
  });
  const order = <Value>(what: { do: 'open'; fault: string } | { do: 'report' | 'close'; stage: number }): Promise<[number, Value]> => {
    const id = ++count;
    return new Promise((resolve) => {
      waiting.set(id, (value) => resolve([id, value as Value]));
      child.send({ ...what, id } satisfies Order);
    });
  };
  return {
    async open(fault) {
      const [stage, urls] = await order<Stage['urls']>({ do: 'open', fault });
      return {
        urls,
        report: async () => (await order<StageReport>({ do: 'report', stage }))[1],
        close: async () => void (await order({ do: 'close', stage })),
      };
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}
