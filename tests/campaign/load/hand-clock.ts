import type { Clock } from '../../../src/index.ts';

/** A clock that is moved by hand, for hundreds of thousands of calls: timers lie in a heap, and cancelled ones are dropped when due. */
export interface HandClock extends Clock {
  /** Goes on to `atMs`; after each timer, everything that waits for promises alone happens. */
  to(atMs: number): Promise<void>;
  /** Goes on from timer to timer until nothing is left to wait for, a virtual hour at most. */
  drain(): Promise<void>;
}

interface Timer {
  readonly atMs: number;
  /** Keeps those of one moment in their order. */
  readonly order: number;
  callback: (() => void) | undefined;
}

const hourMs = 3_600_000;

export function handClock(startMs = 1_000_000): HandClock {
  const heap: Timer[] = [];
  let nowMs = startMs;
  let made = 0;
  const fireNext = async (): Promise<void> => {
    const timer = takeFirst(heap);
    if (timer?.callback === undefined) return;
    nowMs = Math.max(nowMs, timer.atMs);
    timer.callback();
    await settle();
  };
  const to = async (atMs: number): Promise<void> => {
    while (heap[0] !== undefined && heap[0].atMs <= atMs) await fireNext();
    nowMs = Math.max(nowMs, atMs);
  };
  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    schedule(delayMs, callback) {
      made += 1;
      const timer: Timer = { atMs: nowMs + delayMs, order: made, callback };
      insert(heap, timer);
      return () => void (timer.callback = undefined);
    },
    to,
    async drain() {
      const untilMs = nowMs + hourMs;
      await settle();
      while (heap[0] !== undefined && heap[0].atMs <= untilMs) await fireNext();
    },
  };
}

/** Everything that waits for nothing but promises has happened after one turn of the event loop. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(left: Timer, right: Timer): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}

function insert(heap: Timer[], timer: Timer): void {
  let at = heap.push(timer) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!isBefore(timer, heap[above] as Timer)) break;
    heap[at] = heap[above] as Timer;
    at = above;
  }
  heap[at] = timer;
}

function takeFirst(heap: Timer[]): Timer | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && isBefore(heap[below + 1] as Timer, heap[below] as Timer)) below += 1;
    if (!isBefore(heap[below] as Timer, last)) break;
    heap[at] = heap[below] as Timer;
    at = below;
  }
  heap[at] = last;
  return first;
}
