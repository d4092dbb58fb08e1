import type { Clock } from '../../../src/index.ts';
import { createDueQueue, type Due } from '../../../src/testing/simulation/due-queue.ts';

/** Time that only moves from one thing to do to the next. The router's timers and the world's stand in one queue. */
export interface VirtualClock {
  nowMs(): number;
  /** What the router gets. */
  readonly forRouter: Clock;
  /** Something of the world happens after `delayMs`; the result calls it off. */
  at(delayMs: number, callback: () => void): () => void;
  sleep(delayMs: number): Promise<void>;
  /** Does the next thing, at its time. False where nothing is left before `untilMs`. */
  step(untilMs?: number): boolean;
  /** The wall clock alone jumps. */
  jumpWall(byMs: number): void;
  /** Timers of the router that are neither fired nor cancelled; with `all` those in the background too. */
  routerTimers(all?: boolean): number;
  /** What the world has still to do. */
  worldEvents(): number;
  /** Delays that a platform timer does not hold: NaN, below 0, above 2^31 - 1. */
  readonly badDelays: readonly number[];
}

interface Entry extends Due {
  readonly owner: Owner;
  callback: (() => void) | undefined;
}

type Owner = 'router' | 'background' | 'world';

const longestTimerMs = 2_147_483_647;
const wallStartMs = 2_000_000_000_000;

export function createVirtualClock(startMs = 1_000_000): VirtualClock {
  const queue = createDueQueue<Entry>();
  const badDelays: number[] = [];
  let nowMs = startMs;
  let wallOffsetMs = wallStartMs;
  let order = 0;
  const left: Record<Owner, number> = { router: 0, background: 0, world: 0 };
  const add = (delayMs: number, callback: () => void, owner: Owner): (() => void) => {
    const entry: Entry = { atMs: nowMs + delayMs, order: order++, owner, callback };
    queue.add(entry);
    left[owner] += 1;
    return () => {
      if (entry.callback === undefined) return;
      entry.callback = undefined;
      left[owner] -= 1;
    };
  };
  const at = (delayMs: number, callback: () => void): (() => void) => add(delayMs, callback, 'world');
  return {
    nowMs: () => nowMs,
    forRouter: {
      nowMs: () => nowMs,
      wallMs: () => nowMs + wallOffsetMs,
      schedule(delayMs, callback, background = false) {
        const holds = delayMs >= 0 && delayMs <= longestTimerMs;
        if (!holds) badDelays.push(delayMs);
        return add(holds ? delayMs : 0, callback, background ? 'background' : 'router');
      },
    },
    at,
    sleep: (delayMs) => new Promise((resolve) => at(delayMs, resolve)),
    step(untilMs = Infinity) {
      for (let entry = queue.first(); entry !== undefined && entry.atMs <= untilMs; entry = queue.first()) {
        queue.removeFirst();
        const { callback } = entry;
        if (callback === undefined) continue;
        entry.callback = undefined;
        left[entry.owner] -= 1;
        nowMs = Math.max(nowMs, entry.atMs);
        callback();
        return true;
      }
      return false;
    },
    jumpWall: (byMs) => void (wallOffsetMs += byMs),
    routerTimers: (all = false) => left.router + (all ? left.background : 0),
    worldEvents: () => left.world,
    badDelays,
  };
}
