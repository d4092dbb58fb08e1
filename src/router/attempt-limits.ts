import type { Timeouts } from '../config/config.ts';
import type { Run } from './run.ts';

/** A model that has to be loaded first has the time for that on top. */
export function withLoad(timeouts: Timeouts, allowanceMs: number): Timeouts {
  return allowanceMs === 0 ? timeouts : { ...timeouts, firstTokenMs: timeouts.firstTokenMs + allowanceMs };
}

/** The end of an attempt. */
export interface AttemptEnd {
  readonly endsAtMs: number;
  readonly endPhase: 'total' | 'deadline';
  /** It would have had longer, if nobody had to be left time. */
  readonly isCut: boolean;
}

/**
 * Half of what is left is kept for those who could take over. A whole answer tells nothing until it is there, so that bounds the attempt;
 * a stream tells by its first content, which has to come within that half, and is then bound by the deadline alone.
 */
export function endOf({ call }: Run<unknown>, { totalMs }: Timeouts, isLast: boolean, nowMs: number): AttemptEnd {
  const leftMs = call.endsAtMs - nowMs;
  const shareMs = isLast || call.verb === 'stream' ? leftMs : leftMs / 2;
  const limitMs = Math.min(totalMs ?? Infinity, shareMs);
  const isCut = limitMs < (totalMs ?? Infinity);
  return limitMs < leftMs
    ? { endsAtMs: nowMs + limitMs, endPhase: 'total', isCut }
    : { endsAtMs: call.endsAtMs, endPhase: 'deadline', isCut };
}
