import type { HealthReport } from '../../src/core/adapter.ts';
import { type FakeOptions, type Outcome, refused } from '../_kit/fake-adapter.ts';
import type { FakeProvider } from '../_kit/fake-router.ts';
import type { TestClock } from '../_kit/test-clock.ts';

/** What a server says when it is asked how it is. */
export type Says = 'ok' | 'warming' | 'hangs' | Error;

export interface Server {
  says: Says;
  does: Outcome;
  /** When it was asked how it is, on the clock of the test, where that has been given to it. */
  readonly askedMs: number[];
  /** The most questions after its health that it had at once, and those that it has now. */
  readonly atOnce: { now: number; most: number };
  clock: TestClock | undefined;
  /** Serves from now on, or refuses every connection. */
  go(up: boolean): void;
  readonly provider: FakeProvider;
}

/** A server that can be asked how it is and changes its mind; on this machine, so that nobody counts what it is asked. */
export function server(options: Omit<Extract<FakeProvider, { does: unknown }>, 'does' | 'fake'> = {}, more: FakeOptions = {}): Server {
  const made: Server = {
    says: 'ok',
    does: 'yes',
    askedMs: [],
    atOnce: { now: 0, most: 0 },
    clock: undefined,
    go(up) {
      made.says = up ? 'ok' : refused();
      made.does = up ? 'yes' : refused();
    },
    provider: {
      locality: 'host',
      ...options,
      does: () => made.does,
      fake: { ...more, health: (signal) => report(made, signal) },
    },
  };
  return made;
}

async function report(server: Server, signal: AbortSignal): Promise<HealthReport> {
  server.askedMs.push(server.clock?.nowMs() ?? 0);
  server.atOnce.now += 1;
  server.atOnce.most = Math.max(server.atOnce.most, server.atOnce.now);
  try {
    if (server.says instanceof Error) throw server.says;
    if (server.says === 'hangs') {
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
    }
    return { state: server.says === 'warming' ? 'warming' : 'ok', version: '1.2.3' };
  } finally {
    server.atOnce.now -= 1;
  }
}
