import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/lib/clock.ts';

/** A clock that stands still until it is told to go on. */
export interface TestClock extends Clock {
  /** Lets everything that waits for nothing but promises happen; no time passes. */
  settle(): Promise<void>;
  /** Goes on by `ms`, timer by timer in the order they are due; after each one, what waits for promises happens. */
  advance(ms: number): Promise<void>;
  /** Timers that are set and neither fired nor cancelled. */
  timers(): number;
  /** Every delay that was asked for; a platform timer takes no NaN, no negative and nothing above 2^31 - 1. */
  readonly delays: readonly number[];
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Starts at 1,000,000 ms, so that a forgotten difference to the start shows; the wall says 2033-05-18. */
export function testClock(): TestClock {
  const timers = new Set<Timer>();
  const delays: number[] = [];
  let nowMs = 1_000_000;
  const nextDue = (untilMs: number): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) if (timer.atMs <= untilMs && (first === undefined || timer.atMs < first.atMs)) first = timer;
    return first;
  };
  return {
    nowMs: () => nowMs,
    wallMs: () => 2_000_000_000_000 + nowMs,
    schedule(delayMs, callback) {
      delays.push(delayMs);
      const timer = { atMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    settle,
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (let timer = nextDue(untilMs); timer !== undefined; timer = nextDue(untilMs)) {
        timers.delete(timer);
        nowMs = Math.max(nowMs, timer.atMs);
        timer.callback();
        await settle();
      }
      nowMs = untilMs;
      await settle();
    },
    timers: () => timers.size,
    delays,
  };
}

async function settle(): Promise<void> {
  // One turn of the loop runs every promise job there is; a second one those of sockets and of what they started.
  await setImmediate();
  await setImmediate();
}
