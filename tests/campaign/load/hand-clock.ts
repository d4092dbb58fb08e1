import type { Clock } from '../../../src/index.ts';
import { createDueQueue, type Due } from '../../../src/testing/simulation/due-queue.ts';

/** A clock that is moved by hand, for hundreds of thousands of calls: timers lie in a heap, and cancelled ones are dropped when due. */
export interface HandClock extends Clock {
  /** Goes on to `atMs`; after each timer, everything that waits for promises alone happens. */
  to(atMs: number): Promise<void>;
  /** Goes on from timer to timer until nothing is left to wait for, a virtual hour at most. */
  drain(): Promise<void>;
}

interface Timer extends Due {
  callback: (() => void) | undefined;
}

const hourMs = 3_600_000;

export function handClock(startMs = 1_000_000): HandClock {
  const queue = createDueQueue<Timer>();
  let nowMs = startMs;
  let made = 0;
  const isDueBy = (atMs: number): boolean => (queue.first()?.atMs ?? Infinity) <= atMs;
  const fireNext = async (): Promise<void> => {
    const timer = queue.removeFirst();
    if (timer?.callback === undefined) return;
    nowMs = Math.max(nowMs, timer.atMs);
    timer.callback();
    await settle();
  };
  const to = async (atMs: number): Promise<void> => {
    while (isDueBy(atMs)) await fireNext();
    nowMs = Math.max(nowMs, atMs);
  };
  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    schedule(delayMs, callback) {
      made += 1;
      const timer: Timer = { atMs: nowMs + delayMs, order: made, callback };
      queue.add(timer);
      return () => void (timer.callback = undefined);
    },
    to,
    async drain() {
      const untilMs = nowMs + hourMs;
      await settle();
      while (isDueBy(untilMs)) await fireNext();
    },
  };
}

/** Everything that waits for nothing but promises has happened after one turn of the event loop. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
