import type { ErrorCode } from '../core/error-codes.ts';

/** A rest that a provider asked for, or that its answers call for. Pure: time and randomness are arguments. */
export interface Cooldown {
  readonly untilMs: number;
  /** Rests in a row, each without a success after it: the exponent of the next one. */
  readonly rests: number;
  /** When it was last called for. */
  readonly sinceMs: number;
  /** What called for it. */
  readonly reason: ErrorCode;
}

export const noCooldown: Cooldown = Object.freeze({ untilMs: -Infinity, rests: 0, sinceMs: -Infinity, reason: 'overloaded' });

/** Without a word from the server: 1 s, doubling to 30 s, each with full jitter above a quarter of it. */
const firstMs = 1_000;
const longestMs = 30_000;
/** A model that is being loaded is looked for more often: it may be there any moment. */
const longestLoadingMs = 5_000;
/** Exhausted quota, or credentials refused: nothing will change by itself soon. */
export const longRestMs = 300_000;

/** The next rest. A longer one that is under way is never shortened. */
export function rest(current: Cooldown, reason: ErrorCode, toldMs: number | undefined, nowMs: number, random: number): Cooldown {
  const rests = current.rests + 1;
  const plainMs = Math.min(firstMs * 2 ** current.rests, reason === 'model_loading' ? longestLoadingMs : longestMs);
  const untilMs = nowMs + (toldMs ?? plainMs * (0.25 + 0.75 * random));
  return untilMs < current.untilMs ? { ...current, rests, sinceMs: nowMs } : { untilMs, rests, sinceMs: nowMs, reason };
}

/** The pause before the same provider is tried again: full jitter over 250 ms, doubling to 4 s; never 0. */
export function backoffMs(retry: number, random: number): number {
  return Math.max(1, Math.min(250 * 2 ** (retry - 1), 4_000) * random);
}
