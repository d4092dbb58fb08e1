import type { Clock } from '../../index.ts';
import { createDueQueue, type Due } from './due-queue.ts';

/** Time that goes from one event to the next. */
export interface ReplayClock extends Clock {
  /** Goes on until `isOver`. Rejects where nothing is left to happen before that, and with what an event throws. */
  run(isOver: () => boolean): Promise<void>;
}

interface Timer extends Due {
  callback: (() => void) | undefined;
}

/** After so many ticks the event loop gets a turn: finalizers and rejections wait for it. */
const ticksInARow = 1_024;

/**
 * Between two events everything that waits for promises happens: an event is followed by a microtask that asks for Node's next tick, which
 * comes when no microtask is left. It waits for nothing else, so what is replayed must not leave the process.
 */
export function createReplayClock(startMs: number): ReplayClock {
  const queue = createDueQueue<Timer>();
  let nowMs = startMs;
  let made = 0;
  let done = 0;
  const step = (): void => {
    for (let timer = queue.removeFirst(); timer !== undefined; timer = queue.removeFirst()) {
      const { callback } = timer;
      if (callback === undefined) continue;
      timer.callback = undefined;
      nowMs = Math.max(nowMs, timer.atMs);
      done += 1;
      return callback();
    }
    throw new Error('Nothing is left to happen, and calls of the replay have not ended.');
  };
  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    schedule(delayMs, callback) {
      const timer: Timer = { atMs: nowMs + Math.max(0, delayMs), order: made++, callback };
      queue.add(timer);
      return () => void (timer.callback = undefined);
    },
    run: (isOver) =>
      new Promise((resolve, reject) => {
        const next = (): void => process.nextTick(turn);
        const turn = (): void => {
          try {
            if (isOver()) return resolve();
            step();
          } catch (error) {
            return reject(error as Error);
          }
          if (done % ticksInARow === 0) setImmediate(turn);
          else queueMicrotask(next);
        };
        setImmediate(turn);
      }),
  };
}
