import type { HedgeConfig } from '../config/config.ts';
import type { Verb } from '../core/events.ts';
import type { ModelState } from './model-state.ts';

/** So many times are remembered for each model at each provider. */
const mostTimes = 64;

/** Takes a time in, and the oldest one out. */
export function remember(times: number[], ms: number): void {
  times.push(ms);
  if (times.length > mostTimes) times.shift();
}

/** After how long an attempt is slow: what 95 of 100 needed. Undefined while too little is known. */
export function slowAfterMs({ wholeTimes, firstTimes }: Readonly<ModelState>, verb: Verb, hedge: HedgeConfig): number | undefined {
  const times = verb === 'stream' ? firstTimes : wholeTimes;
  if (times.length < hedge.minSamples) return undefined;
  const sorted = [...times].sort((left, right) => left - right);
  const usualMs = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? Infinity;
  return Math.max(usualMs, hedge.minDelayMs);
}

/** Bounds hedges to a share of all calls. */
export interface HedgeLoad {
  /** Counts a call. */
  earn(): void;
  /** True, once, where a hedge may be sent. */
  spend(): boolean;
}

/** Unused shares add up to this many hedges: a slow minute after a quiet hour is no licence. */
const mostSaved = 5;

export function createHedgeLoad(hedge: HedgeConfig | undefined): HedgeLoad {
  let saved = 0;
  return {
    earn() {
      saved = Math.min(mostSaved, saved + (hedge?.maxLoad ?? 0));
    },
    spend() {
      if (saved < 1) return false;
      saved -= 1;
      return true;
    },
  };
}
