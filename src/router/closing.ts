import type { Adapter } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import { bounded } from '../lib/bounded.ts';
import type { Clock } from '../lib/clock.ts';
import { createStop, type StopSignal } from '../lib/stop.ts';

/** Counts the calls under way, and closes the router when they have ended or had their time. */
export interface Closing {
  /** Aborts with the `closed` error when the time of the calls under way is over. */
  readonly shutdown: StopSignal;
  readonly closed: boolean;
  readonly inFlight: number;
  /** @throws {RouterError} `closed` */
  assertOpen(): void;
  /** Counts a call in. @throws {RouterError} `closed` */
  enter(): void;
  leave(): void;
  /** Frees an adapter that nobody calls any more. `close` waits for that as well. */
  free(adapter: Adapter): void;
  /** `adapters`: those that are not free by then, asked for when the calls have ended. */
  close(adapters: () => readonly Adapter[], drainMs: number): Promise<void>;
}

/** An adapter frees what it holds within this, or is left behind (5 s). */
const adapterMs = 5_000;

export function createClosing(clock: Clock): Closing {
  const shutdown = createStop();
  let inFlight = 0;
  let closing: Promise<void> | undefined;
  let drained: (() => void) | undefined;
  const freeing = new Set<Promise<void>>();
  const free = (adapter: Adapter): void => {
    const freed = closeAdapter(adapter, clock, closedError()).then(() => void freeing.delete(freed));
    freeing.add(freed);
  };
  const closeAll = async (adapters: () => readonly Adapter[], drainMs: number): Promise<void> => {
    const late = closedError();
    if (inFlight > 0) await bounded(new Promise<void>((resolve) => (drained = resolve)), drainMs, late, clock).catch(() => undefined);
    shutdown.stop(late);
    // Several providers may share one.
    for (const adapter of new Set(adapters())) free(adapter);
    await Promise.all(freeing);
  };
  const assertOpen = (): void => {
    if (closing !== undefined) throw closedError();
  };
  return {
    shutdown,
    get closed() {
      return closing !== undefined;
    },
    get inFlight() {
      return inFlight;
    },
    assertOpen,
    enter() {
      assertOpen();
      inFlight += 1;
    },
    leave() {
      inFlight -= 1;
      if (inFlight === 0) drained?.();
    },
    free,
    close: (adapters, drainMs) => (closing ??= closeAll(adapters, drainMs)),
  };
}

/** What an adapter throws while it is freed helps nobody: the router is going away. */
async function closeAdapter(adapter: Adapter, clock: Clock, late: RouterError): Promise<void> {
  try {
    if (adapter.close) await bounded(adapter.close(), adapterMs, late, clock);
  } catch {
    return;
  }
}

/** The error of a router that was closed; also the reason that in-flight calls are stopped with. */
function closedError(): RouterError<'closed'> {
  return new RouterError('closed', 'The router was closed.');
}
