import type { Clock } from '../lib/clock.ts';
import { checkedSum, checkedTake } from './bounds.ts';
import { expiringMap } from './expiring-map.ts';
import type { Sum, SumAsk, TakeAsk, Taken } from './store.ts';

export interface MemoryAllowances {
  take(ask: TakeAsk): Taken;
  add(ask: SumAsk): Sum;
}

/** An allowance that is full again, or has not been asked for so long, is forgotten. */
const longestFillMs = 31 * 86_400_000;

export function memoryAllowances(clock: Clock): MemoryAllowances {
  const levels = expiringMap<{ readonly level: number; readonly atMs: number }>();
  const totals = expiringMap<number>();
  return {
    take(ask) {
      const { name, perMinute, most, wanted, least } = checkedTake(ask);
      const nowMs = clock.nowMs();
      const { level, atMs } = levels.get(name, nowMs) ?? { level: most, atMs: nowMs };
      const there = Math.min(most, level + ((nowMs - atMs) * perMinute) / 60_000);
      const given = wanted < 0 ? Math.max(wanted, there - most) : enough(Math.min(wanted, Math.floor(there)), least);
      const fillMs = perMinute === 0 ? longestFillMs : Math.min(longestFillMs, (most / perMinute) * 60_000);
      levels.set(name, { level: there - given, atMs: nowMs }, nowMs + fillMs, nowMs);
      return { given, waitMs: waitMs(there, Math.max(least, 1), { perMinute, most }) };
    },
    add(ask) {
      const { name, windowMs, amount } = checkedSum(ask);
      const nowMs = clock.wallMs();
      const endsMs = (Math.floor(nowMs / windowMs) + 1) * windowMs;
      const key = `${windowMs} ${name}`;
      const total = (totals.get(key, nowMs) ?? 0) + amount;
      if (amount !== 0) totals.set(key, total, endsMs, nowMs);
      return { total, leftMs: endsMs - nowMs };
    },
  };
}

function enough(possible: number, least: number): number {
  return possible < least ? 0 : possible;
}

function waitMs(there: number, needed: number, { perMinute, most }: Pick<TakeAsk, 'perMinute' | 'most'>): number {
  if (there >= needed) return 0;
  return needed > most || perMinute === 0 ? Infinity : Math.ceil(((needed - there) / perMinute) * 60_000);
}
