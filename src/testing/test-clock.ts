import type { Clock } from '../index.ts';
import { seededRandom } from './seeded-random.ts';
import { quiet } from './turns.ts';

export interface TestClockOptions {
  /**
   * Of `random`: the same seed gives the same numbers.
   * @default 1
   */
  readonly seed?: number | undefined;
  /**
   * What `nowMs()` starts at; far from 0, so that a forgotten difference to the start shows.
   * @default 1_000_000
   */
  readonly startMs?: number | undefined;
}

/**
 * A clock that stands still until it is told to go on, for `createRouter({ clock })` and `fakeBackend(…, { clock })`. It fits
 * adapters of your own and fake backends, as msw handlers and by `listen()` alike: those run in this process, and what they send
 * arrives within a few turns of the event loop, which `settle()` waits for. It cannot wait for bytes from another process or
 * another machine; there, use the system's clock.
 */
export interface TestClock extends Clock {
  /** Lets everything that waits for nothing but promises and turns of the event loop happen; no time passes. */
  settle(): Promise<void>;
  /**
   * Goes on by `ms`, timer by timer in the order they are due; after each one, what waits for promises happens.
   * @throws {RangeError} for what is no time: below 0, NaN, Infinity.
   */
  advance(ms: number): Promise<void>;
  /**
   * Goes on from timer to timer until the promise settles, and gives what it gives.
   * @throws {Error} when no timer is left, or a day has passed, and it still waits.
   */
  run<Value>(promise: PromiseLike<Value>): Promise<Value>;
  /** Timers that are set and neither fired nor cancelled. */
  timers(): number;
  /** Every delay that was asked for; a platform timer takes no NaN, no negative and nothing above 2^31 - 1. */
  readonly delays: readonly number[];
  /** Numbers from 0 (inclusive) to 1 (exclusive), the same in every run; for `createRouter({ random })`. */
  readonly random: () => number;
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** 2033-05-18: the wall clock at `nowMs() === 0`. */
const wallStartMs = 2_000_000_000_000;
const longestRunMs = 24 * 60 * 60 * 1_000;

export function testClock({ seed = 1, startMs = 1_000_000 }: TestClockOptions = {}): TestClock {
  const timers = new Set<Timer>();
  const delays: number[] = [];
  let nowMs = startMs;
  const nextDue = (untilMs: number): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) if (timer.atMs <= untilMs && (first === undefined || timer.atMs < first.atMs)) first = timer;
    return first;
  };
  /** Fires the next timer that is due until then, and says whether there was one. */
  const step = async (untilMs: number): Promise<boolean> => {
    const timer = nextDue(untilMs);
    if (timer === undefined) return false;
    timers.delete(timer);
    nowMs = Math.max(nowMs, timer.atMs);
    timer.callback();
    await quiet();
    return true;
  };
  return {
    nowMs: () => nowMs,
    wallMs: () => wallStartMs + nowMs,
    schedule(delayMs, callback) {
      delays.push(delayMs);
      const timer = { atMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    settle: quiet,
    async advance(ms) {
      if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`advance() takes milliseconds from 0 on, and not ${ms}.`);
      const untilMs = nowMs + ms;
      await quiet();
      while (await step(untilMs));
      nowMs = untilMs;
      await quiet();
    },
    async run(promise) {
      if (typeof (promise as { then?: unknown } | undefined)?.then !== 'function') {
        throw new TypeError('run() takes a promise; a function that makes one has to be called first.');
      }
      const untilMs = nowMs + longestRunMs;
      const ending = await runUntilSettled(promise, () => step(untilMs));
      if (ending === 'settled') return promise;
      if (timers.size > 0) throw new Error('A day has passed on the test clock, and the promise still waits.');
      throw new Error(`There is no timer of the test clock left, and the promise still waits. ${whatItMayWaitFor}`);
    },
    timers: () => timers.size,
    delays,
    random: seededRandom(seed),
  };
}

const whatItMayWaitFor =
  "What it waits for may be on another clock (a fake backend has the system's unless it is made with { clock }), or comes from outside of this process.";

async function runUntilSettled(promise: PromiseLike<unknown>, step: () => Promise<boolean>): Promise<'settled' | 'waiting'> {
  const state = { hasSettled: false };
  const settle = (): void => void (state.hasSettled = true);
  promise.then(settle, settle);
  await quiet();
  while (!state.hasSettled && (await step()));
  return state.hasSettled ? 'settled' : 'waiting';
}
