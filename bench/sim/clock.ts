import type { Clock } from '../../src/index.ts';
import { createDueQueue, type Due } from '../../src/testing/simulation/due-queue.ts';

/** Time that moves from one event to the next. The router's timers and the world's stand in one queue. */
export interface SimClock extends Clock {
  /** Something of the world happens after `delayMs`; the result calls it off. */
  at(delayMs: number, callback: () => void): () => void;
  /** Goes from event to event until `isOver`, or until nothing is left to happen. Rejects with what an event throws. */
  run(isOver: () => boolean): Promise<void>;
  events(): number;
}

/**
 * How promises get their turn between two events. `tick`: an event is followed by one microtask that asks for the next tick, and Node
 * ticks only when no microtask is left, so that everything that waits for promises has happened, whatever the length of its chain.
 * `loop`: by two turns of the event loop, which is what anybody would believe at once, at thirty times the price.
 */
export type Stepping = 'tick' | 'loop';

interface Event extends Due {
  callback: (() => void) | undefined;
}

/** What the clock shows at the beginning. */
export const startMs = 1_000_000;
const wallStartMs = 2_000_000_000_000;

/** After so many ticks the event loop gets a turn: finalizers and rejections wait for it. */
const ticksInARow = 1_024;

export function createSimClock(stepping: Stepping = 'tick'): SimClock {
  const queue = createDueQueue<Event>();
  let nowMs = startMs;
  let made = 0;
  let done = 0;
  const at = (delayMs: number, callback: () => void): (() => void) => {
    if (!(delayMs >= 0)) throw new RangeError(`nothing can happen in ${delayMs} ms`);
    const event: Event = { atMs: nowMs + delayMs, order: made++, callback };
    queue.add(event);
    return () => void (event.callback = undefined);
  };
  /** False where nothing is left to happen. */
  const step = (): boolean => {
    for (let event = queue.removeFirst(); event !== undefined; event = queue.removeFirst()) {
      const { callback } = event;
      if (callback === undefined) continue;
      event.callback = undefined;
      nowMs = event.atMs;
      done += 1;
      callback();
      return true;
    }
    return false;
  };
  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs - startMs + wallStartMs,
    schedule: at,
    at,
    events: () => done,
    run: (isOver) =>
      new Promise((resolve, reject) => {
        const next = (): void => process.nextTick(turn);
        const turn = (): void => {
          try {
            if (isOver() || !step()) return resolve();
          } catch (error) {
            return reject(error as Error);
          }
          if (stepping === 'loop') setImmediate(() => setImmediate(turn));
          else if (done % ticksInARow === 0) setImmediate(turn);
          else queueMicrotask(next);
        };
        setImmediate(turn);
      }),
  };
}
