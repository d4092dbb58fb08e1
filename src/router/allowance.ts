import type { StoreLink } from '../state/link.ts';

/** What counts across processes, where there is a store. Undefined answers: it does not answer now. Nothing of it is waited for by a call. */
export type Meters = Pick<StoreLink, 'members' | 'take' | 'add'>;

/** What one process has of a limit per minute. Times on the router's clock. */
export interface Allowance {
  readonly name: string;
  perMinute: number;
  /** Spent, and not covered yet by what came in; below 0: taken ahead of need. */
  owed: number;
  /** When it was last brought up to date. */
  atMs: number;
  /** The store has nothing for it before this. */
  dryUntilMs: number;
  /** Since the store was last asked: what was spent, and what there was not enough for. */
  spent: number;
  refused: number;
  askedMs: number;
  /** The least that lay ahead of need since what was not needed was last given back. */
  leastAhead: number;
}

/** How much of a limit is a process's own to spend. */
export interface Terms {
  /** What it may owe: what an allowance that nobody has used can give at once. */
  readonly capacity: number;
  /** What comes in by itself. */
  readonly perMs: number;
}

export function newAllowance(name: string, perMinute: number, nowMs: number): Allowance {
  return {
    name,
    perMinute,
    owed: 0,
    atMs: nowMs,
    dryUntilMs: -Infinity,
    spent: 0,
    refused: 0,
    askedMs: nowMs,
    leastAhead: 0,
  };
}

const msPerMinute = 60_000;

/** Where nobody else spends of it. */
export function aloneTerms(perMinute: number): Terms {
  return { capacity: perMinute, perMs: perMinute / msPerMinute };
}

/**
 * Where others do. A quarter of it is in the hands of the processes, so that none of them asks before it spends; what they spend of that
 * the store makes up for. While it does not answer, each has its part of what comes in.
 */
export function sharedTerms(perMinute: number, processes: number, isAnswering: boolean): Terms {
  return {
    capacity: Math.max(1, perMinute / 4 / processes),
    perMs: isAnswering ? 0 : perMinute / msPerMinute / processes,
  };
}

/** How long what was taken ahead of need may lie with a process: until it is given back. */
export const sweepMs = 2_000;

/** What the store holds at most: without what the processes may owe, and what they may have taken earlier than they spend it. */
export function mostInStore(perMinute: number, processes: number): number {
  const { capacity } = sharedTerms(perMinute, processes, true);
  return Math.max(1, Math.floor(perMinute * (1 - (2 * sweepMs) / msPerMinute) - processes * capacity));
}

export function accrue(allowance: Allowance, { perMs }: Terms, nowMs: number): void {
  if (allowance.owed > 0) allowance.owed = Math.max(0, allowance.owed - perMs * (nowMs - allowance.atMs));
  allowance.atMs = nowMs;
}

/** Sums of parts of a millisecond's worth. */
const tolerance = 1e-6;

/** How much is lacking for so many; 0 where they are there. What is more than there can ever be is there when nothing is owed. */
export function lackingFor({ owed }: Readonly<Allowance>, count: number, { capacity }: Terms): number {
  const lacking = owed + Math.min(count, capacity) - capacity;
  return lacking <= tolerance ? 0 : lacking;
}

export function spend(allowance: Allowance, count: number): void {
  allowance.owed += count;
  allowance.spent += count;
  allowance.leastAhead = Math.min(allowance.leastAhead, Math.max(0, -allowance.owed));
}

/** It was less after all, or more (below 0). */
export function giveBack(allowance: Allowance, count: number, isShared: boolean): void {
  allowance.owed -= count;
  // Nobody can have more than all of it.
  if (!isShared) allowance.owed = Math.max(0, allowance.owed);
}

/** So much is taken ahead of need: what a quarter of a second takes at the pace of now, and what there was not enough for. */
const aheadMs = 250;

/** What to ask the store for: what is owed, and what will be needed; 0 where there is enough. */
export function wantedNow({ owed, spent, refused, askedMs, perMinute }: Readonly<Allowance>, nowMs: number): number {
  const ahead = (spent * aheadMs) / Math.max(aheadMs, nowMs - askedMs) + refused;
  return Math.max(0, Math.ceil(owed - tolerance) + Math.floor(Math.min(ahead, perMinute / 8)));
}
