import type { Clock } from '../lib/clock.ts';
import { setNewest } from '../lib/newest.ts';
import { accrue, type Allowance, aloneTerms, giveBack, lackingFor, type Meters, newAllowance, spend, type Terms } from './allowance.ts';
import { createTeller, roundTripMs } from './allowance-teller.ts';

/** Limits per minute, spent without waiting: what is shared with other processes is taken ahead of need, and settled afterwards. */
export interface Allowances {
  /** The one of that name, with that limit from now on. */
  of(name: string, perMinute: number): Allowance;
  /** How long until so many may be spent; 0 where they may now. */
  waitMs(allowance: Allowance, count: number): number;
  spend(allowance: Allowance, count: number): void;
  /** Fewer were needed than were spent; below 0: more. */
  giveBack(allowance: Allowance, count: number): void;
  /** Somebody went without for want of it. */
  noteRefused(allowance: Allowance, count: number): void;
  /** Settles with the store what is owed, and gives back what was not needed. */
  close(): Promise<void>;
}

/** Names of callers are bounded; who is forgotten starts anew. */
export const mostCallers = 10_000;
/** The store is told so soon after something was spent, and at once where it is getting short. */
const soonMs = 200;

export function createAllowances(clock: Clock, meters: Meters | undefined, processes: () => number): Allowances {
  const all = new Map<string, Allowance>();
  const teller = meters && createTeller({ clock, meters, all, processes });
  const upToDate = (allowance: Allowance): Terms => {
    const terms = teller?.termsOf(allowance.perMinute) ?? aloneTerms(allowance.perMinute);
    accrue(allowance, terms, clock.nowMs());
    return terms;
  };
  return {
    of(name, perMinute) {
      const known = all.get(name) ?? newAllowance(name, perMinute, clock.nowMs());
      known.perMinute = perMinute;
      setNewest(all, name, known, mostCallers);
      return known;
    },
    waitMs(allowance, count) {
      const terms = upToDate(allowance);
      const lacking = lackingFor(allowance, count, terms);
      if (lacking === 0) return 0;
      return terms.perMs > 0 ? lacking / terms.perMs : Math.max(allowance.dryUntilMs - clock.nowMs(), roundTripMs);
    },
    spend(allowance, count) {
      const { capacity } = upToDate(allowance);
      spend(allowance, count);
      teller?.askFor(allowance, allowance.owed > capacity / 2 ? 0 : soonMs);
    },
    giveBack(allowance, count) {
      upToDate(allowance);
      giveBack(allowance, count, teller !== undefined);
      teller?.askFor(allowance, soonMs);
    },
    noteRefused(allowance, count) {
      allowance.refused += count;
      teller?.askFor(allowance, 0);
    },
    close: async () => teller?.close(),
  };
}
