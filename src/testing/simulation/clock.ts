import type { Clock } from '../../index.ts';

/** Time that goes from one event to the next. */
export interface ReplayClock extends Clock {
  /** Goes on until `isOver`. Rejects where nothing is left to happen before that, and with what an event throws. */
  run(isOver: () => boolean): Promise<void>;
}

interface Timer {
  readonly atMs: number;
  /** Keeps those of one moment in their order. */
  readonly order: number;
  callback: (() => void) | undefined;
}

/** After so many ticks the event loop gets a turn: finalizers and rejections wait for it. */
const ticksInARow = 1_024;

/**
 * Between two events everything that waits for promises happens: an event is followed by a microtask that asks for Node's next tick, which
 * comes when no microtask is left. It waits for nothing else, so what is replayed must not leave the process.
 */
export function createReplayClock(startMs: number): ReplayClock {
  const heap = createHeap();
  let nowMs = startMs;
  let made = 0;
  let done = 0;
  const step = (): void => {
    for (let timer = heap.take(); timer !== undefined; timer = heap.take()) {
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
      heap.add(timer);
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

interface Heap {
  add(timer: Timer): void;
  take(): Timer | undefined;
}

/** A binary heap: what is due first comes first. */
function createHeap(): Heap {
  const heap: Timer[] = [];
  const sink = (timer: Timer): void => {
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
      if (!isBefore(heap[child] as Timer, timer)) break;
      heap[index] = heap[child] as Timer;
      index = child;
    }
    heap[index] = timer;
  };
  return {
    add(timer) {
      let index = heap.length;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (!isBefore(timer, heap[parent] as Timer)) break;
        heap[index] = heap[parent] as Timer;
        index = parent;
      }
      heap[index] = timer;
    },
    take() {
      const first = heap[0];
      const last = heap.pop();
      if (last !== undefined && heap.length > 0) sink(last);
      return first;
    },
  };
}

function isBefore(left: Timer, right: Timer): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}
