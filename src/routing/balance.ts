import type { Score } from './expected-time.ts';
import type { CandidateFacts } from './facts.ts';
import { boundedLoad, rendezvousOrder } from './rendezvous.ts';
import type { ShareMember, Shares } from './weighted.ts';

/** How candidates that stand equal are ordered. */
export type Balance = 'priority' | 'weighted' | 'least-busy' | 'expected-ttft';

export interface BalanceInput {
  readonly balance: Balance;
  /** Calls of one session go to one provider while it is not overloaded. */
  readonly session: string | undefined;
  /** The shares given out so far within a tier. */
  readonly sharesOf: (tier: number) => Shares;
  /** The time until its first content that is expected of a candidate. */
  readonly scoreFor: (facts: CandidateFacts) => Score;
  /** The plan is for a person: expected times are part of it, also where they decide nothing. */
  readonly isShown: boolean;
  /** Between equals the call prefers whoever is likely to have the model, or the beginning of the prompt, in memory. */
  readonly affinity: boolean;
  /** The provider that served the model well of late. */
  readonly lastServed: string | undefined;
}

/** A member of a tier that got its turn by weight; booked when the call begins. */
export interface ShareTurn {
  readonly shares: Shares;
  readonly members: readonly ShareMember[];
  readonly index: number;
}

/** One tier in the order in which its members are tried, and whose turn it was by weight. */
export interface Arranged {
  readonly order: readonly CandidateFacts[];
  /** Of each of them, where they decided. */
  readonly scores?: readonly Score[];
  readonly turn?: ShareTurn;
}

export function arrange(tier: number, members: readonly CandidateFacts[], input: BalanceInput): Arranged {
  const { balance, session } = input;
  if (session !== undefined && members.length > 1) return bySession(members, session, input);
  if (balance === 'expected-ttft') return bySoonest(members, input.scoreFor);
  if (members.length === 1) return { order: members };
  if (balance === 'weighted') return byTurn(members, input.sharesOf(tier));
  if (balance === 'least-busy') return preferring(pick(members, smallestFirst(members.map(busynessOf))), input);
  return { order: input.affinity ? warmFirst(members) : members };
}

/** A call makes five attempts at most, so only so many are put in order; the others follow as the registry has them. */
export const mostOrdered = 16;

/** The indexes of the smallest keys first. The order of the registry decides between equals. */
function smallestFirst(keys: readonly number[]): number[] {
  const best: number[] = [];
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as number;
    if (best.length === mostOrdered && key >= (keys[best[mostOrdered - 1] as number] as number)) continue;
    let at = Math.min(best.length, mostOrdered - 1);
    for (; at > 0 && (keys[best[at - 1] as number] as number) > key; at--) best[at] = best[at - 1] as number;
    best[at] = index;
  }
  if (keys.length <= mostOrdered) return best;
  const isFirst = new Uint8Array(keys.length);
  for (const index of best) isFirst[index] = 1;
  for (let index = 0; index < keys.length; index++) if (isFirst[index] === 0) best.push(index);
  return best;
}

function pick<Item>(items: readonly Item[], indexes: readonly number[]): Item[] {
  return indexes.map((index) => items[index] as Item);
}

/** Where all are busy, a prompt that is read anew delays those who wait behind it as well, so another queue has to be that much shorter. */
const anew = 2;

/** What is saved by a cached beginning of the prompt is part of each score. */
function bySoonest(members: readonly CandidateFacts[], scoreFor: BalanceInput['scoreFor']): Arranged {
  const most = mostSeen(members);
  const scores = members.map(scoreFor);
  const keys = members.map(({ isFull, seenTokens }, index) => (scores[index] as Score).totalMs * (isFull && seenTokens < most ? anew : 1));
  const indexes = smallestFirst(keys);
  return { order: pick(members, indexes), scores: pick(scores, indexes) };
}

/**
 * A session has an order of its own among the members. Where its first one is busy, or another one has seen more of the prompt, expected
 * times decide: they tell how long a cache is worth a wait.
 */
function bySession(members: readonly CandidateFacts[], session: string, { scoreFor }: BalanceInput): Arranged {
  const indexes = rendezvousOrder(
    session,
    members.map((facts) => ({ ...facts.place, inFlight: callsAt(facts), hasSlot: hasSlot(facts) })),
  );
  const order = pick(members, indexes);
  const most = mostSeen(order);
  const [first] = order;
  const isSettled = first === undefined || most === 0 || (!first.isFull && first.seenTokens === most);
  return isSettled ? { order } : bySoonest(order, scoreFor);
}

/** Those without a free slot take no turn while another has one: the call could only wait there. */
function byTurn(members: readonly CandidateFacts[], shares: Shares): Arranged {
  const free = members.filter(({ isFull }) => !isFull);
  const able = free.length === 0 ? members : free;
  const sharers = able.map(({ place }) => place);
  const index = shares.next(sharers);
  return { order: ahead(able[index] as CandidateFacts, members), turn: { shares, members: sharers, index } };
}

/** However often it failed, a candidate is believed to succeed so often. */
const leastShare = 0.001;

/** Above this it counts as one that never failed: what is left of an old failure decides nothing between equals. */
const fineShare = 0.9;

function busynessOf(facts: CandidateFacts): number {
  return workOf(facts) / facts.place.weight;
}

/** Calls there, with the one that is about to begin. A provider that fails at once is never busy, so failures count as work. */
function workOf(facts: CandidateFacts): number {
  const { successShare } = facts;
  return (callsAt(facts) + 1) / (successShare > fineShare ? 1 : Math.max(successShare, leastShare));
}

/** Our own calls there and those of others. */
function callsAt({ busy, elsewhere }: CandidateFacts): number {
  return busy + elsewhere;
}

/** Calls beyond its bounded share that a provider may have for what it has seen: few calls are never spread evenly. */
const spareCalls = 4;

/**
 * Prompts of all kinds begin alike. Without a bound, the first provider to have read what all of them share would get every call while it
 * has slots, and the others none.
 */
function mostDrawnPerWeight(members: readonly CandidateFacts[]): number {
  let calls = 0;
  let weights = 0;
  for (const facts of members) {
    calls += callsAt(facts);
    weights += facts.place.weight;
  }
  return (boundedLoad * calls) / weights;
}

/**
 * The provider that has seen most of the prompt goes first, else the one that served the model last, unless it has two calls more to do
 * than the least busy one. One that has seen more than that one may have some more than its share, as far as it has slots; where it has
 * none free, expected times decide: they tell how long its cache is worth a wait.
 */
function preferring(members: readonly CandidateFacts[], { lastServed, scoreFor }: BalanceInput): Arranged {
  const [idlest] = members;
  const isSeen = mostSeen(members) > 0;
  if (idlest === undefined || (!isSeen && lastServed === undefined)) return { order: members };
  const least = leastWork(members);
  const perWeight = isSeen ? mostDrawnPerWeight(members) : 0;
  let favourite: CandidateFacts | undefined;
  let most = 0;
  for (const facts of members) {
    const value = facts.seenTokens + (facts.place.provider === lastServed ? 0.5 : 0);
    if (value <= most) continue;
    const mayDraw = hasSlot(facts) && callsAt(facts) <= perWeight * facts.place.weight + spareCalls;
    const isFit = facts.seenTokens > idlest.seenTokens && (facts.isFull || mayDraw);
    if (!isFit && (hasMore(facts, least) || facts.isFull)) continue;
    favourite = facts;
    most = value;
  }
  if (favourite === undefined) return { order: members };
  return favourite.isFull ? bySoonest(members, scoreFor) : { order: ahead(favourite, members) };
}

function mostSeen(members: readonly CandidateFacts[]): number {
  return members.reduce((tokens, { seenTokens }) => Math.max(tokens, seenTokens), 0);
}

/** Of a known number of slots one is free, as far as anybody tells. */
function hasSlot(facts: CandidateFacts): boolean {
  const { isFull, slots } = facts;
  return !isFull && slots !== Infinity && callsAt(facts) < slots;
}

/**
 * Where the first one would have to load the model, the first of those that have told to have it loaded goes before it, unless it has two
 * calls more to do.
 */
function warmFirst(members: readonly CandidateFacts[]): readonly CandidateFacts[] {
  if (members[0]?.loadMs === 0) return members;
  const least = leastWork(members);
  const warm = members.find((facts) => facts.loadMs === 0 && facts.isLoaded && !hasMore(facts, least) && !facts.isFull);
  return warm === undefined ? members : ahead(warm, members);
}

function leastWork(members: readonly CandidateFacts[]): number {
  return members.reduce((least, facts) => Math.min(least, workOf(facts)), Infinity);
}

function hasMore(facts: CandidateFacts, least: number): boolean {
  return workOf(facts) >= least + 2;
}

function ahead(first: CandidateFacts, members: readonly CandidateFacts[]): CandidateFacts[] {
  return [first, ...members.filter((each) => each !== first)];
}
