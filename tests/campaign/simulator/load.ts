import type { Locality, Verb } from '../../../src/index.ts';
import type { Dice } from './dice.ts';

/** How the answer of a stream is read. `stall`: reading stops for longer than any limit. `never`: it is not read at all. */
export type Reading = 'all' | 'slow' | 'parallel' | 'break' | 'return' | 'stall' | 'never';

/** One call of a caller, and what the caller does meanwhile. */
export interface CallPlan {
  readonly index: number;
  readonly atMs: number;
  readonly verb: Verb;
  readonly namesModel: boolean;
  /** Embeddings: how many texts. */
  readonly inputs: number;
  readonly reading: Reading;
  /** After so many pieces the reader leaves, or stops. */
  readonly leavesAfter: number;
  readonly readGapMs: number;
  /** `before`: the signal has aborted already. */
  readonly abort: 'none' | 'before' | 'after';
  readonly abortAfterMs: number;
  /** The number of a signal that several calls share. */
  readonly group: number | undefined;
  readonly deadlineMs: number | undefined;
  readonly maxAttempts: number | undefined;
  readonly provider: string | undefined;
  readonly allowPaid: boolean | undefined;
  readonly onStreamFailure: 'error' | 'restart' | 'continue' | undefined;
  readonly hedge: false | undefined;
  readonly intent: string | undefined;
  readonly session: string | undefined;
  readonly maxLocality: Locality | undefined;
}

export interface Disturbances {
  readonly wallJumps: readonly { readonly atMs: number; readonly byMs: number }[];
  readonly healthAtMs: readonly number[];
  /** When somebody asks where a request would go. */
  readonly explainAtMs: readonly number[];
  /** The events whose listener throws. */
  readonly throwsOn: readonly string[];
  /** When groups of calls are aborted at once. */
  readonly groupAbortsMs: readonly number[];
  /** So long after each pin somebody says that all models fit again. */
  readonly unpinAfterMs: number | undefined;
  readonly closeAtMs: number | undefined;
  readonly drainMs: number;
}

interface LoadOptions {
  readonly calls: number;
  readonly spanMs: number;
  readonly ids: readonly string[];
}

const groups = 3;

export function planLoad(dice: Dice, { calls, spanMs, ids }: LoadOptions): CallPlan[] {
  const isBursty = dice.chance(0.4);
  const bursts = Array.from({ length: dice.whole(1, 8) }, () => dice.share() * spanMs);
  const times = Array.from({ length: calls }, () => (isBursty ? dice.pick(bursts) + dice.whole(0, 30) : dice.share() * spanMs));
  const embeds = dice.chance(0.5) ? 2 : 0;
  return times
    .toSorted((left, right) => left - right)
    .map((atMs, index) => {
      const isGrouped = dice.chance(0.1);
      const abort = dice.chance(0.15) ? (dice.chance(0.1) ? 'before' : 'after') : 'none';
      return {
        index,
        atMs,
        verb: dice.weighted<Verb>({ chat: 4, stream: 5, embed: embeds }),
        namesModel: dice.chance(0.8),
        inputs: dice.whole(1, 3),
        reading: dice.weighted<Reading>({ all: 12, slow: 3, parallel: 2, break: 2, return: 1, stall: 1, never: 0.5 }),
        leavesAfter: dice.whole(0, 5),
        readGapMs: dice.spread(1, 4_000),
        abort: isGrouped ? 'none' : abort,
        abortAfterMs: dice.spread(1, 20_000) - 1,
        group: isGrouped ? dice.whole(0, groups - 1) : undefined,
        deadlineMs: dice.chance(0.15) ? dice.spread(20, 20_000) : undefined,
        maxAttempts: dice.chance(0.1) ? dice.whole(1, 6) : undefined,
        provider: dice.chance(0.06) ? dice.pick(ids) : undefined,
        allowPaid: dice.chance(0.06) ? dice.chance(0.5) : undefined,
        onStreamFailure: dice.chance(0.1) ? dice.pick(['error', 'restart', 'continue'] as const) : undefined,
        hedge: dice.chance(0.1) ? false : undefined,
        intent: undefined,
        session: undefined,
        maxLocality: undefined,
      };
    });
}

const noisy = [
  'request:start',
  'attempt:start',
  'attempt:error',
  'attempt:end',
  'failover',
  'breaker:open',
  'request:end',
  'request:error',
];

export function planDisturbances(dice: Dice, spanMs: number): Disturbances {
  const some = (probability: number, most: number): readonly number[] =>
    dice.chance(probability) ? Array.from({ length: dice.whole(1, most) }, () => dice.share() * spanMs) : [];
  const hour = 3_600_000;
  return {
    wallJumps: some(0.3, 4).map((atMs) => ({ atMs, byMs: dice.pick([hour, -hour, 24 * hour, -1_000, 600_000]) })),
    healthAtMs: some(0.25, 5),
    throwsOn: dice.chance(0.3) ? Array.from({ length: dice.whole(1, 3) }, () => dice.pick(noisy)) : [],
    groupAbortsMs: Array.from({ length: groups }, () => (dice.chance(0.5) ? dice.share() * spanMs : Infinity)),
    closeAtMs: dice.chance(0.12) ? dice.share() * spanMs : undefined,
    drainMs: dice.pick([0, 50, 1_000, 5_000]),
    unpinAfterMs: undefined,
    // Drawn last, so that what is drawn above stays what it was for each seed.
    explainAtMs: some(0.3, 6),
  };
}
