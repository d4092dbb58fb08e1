import { type Link, Ring } from '../lib/ring.ts';

/** Calls of one lane: how many are under way, and those that wait, in their order. */
export interface Lane {
  readonly name: 'fast' | 'heavy';
  inUse: number;
  /** When one of them last got a slot that it had waited for. */
  movedMs: number;
  waiting: number;
  readonly waiters: Ring<Waiter>;
}

/** Whose calls they are: how many have a slot, by lane, and how many wait. */
export interface Owner {
  fast: number;
  heavy: number;
  waiting: number;
}

export interface Waiter {
  readonly own: Owner;
  readonly joinedMs: number;
  readonly onGrant: () => void;
  lane: Lane;
  /** While it waits. */
  link: Link | undefined;
}

export function emptyLane(name: Lane['name']): Lane {
  return { name, inUse: 0, movedMs: -Infinity, waiting: 0, waiters: new Ring() };
}

/** Takes a slot, or gives one back. */
export function use(lane: Lane, own: Owner, by: 1 | -1): void {
  lane.inUse += by;
  own[lane.name] += by;
}

export function enqueue(lane: Lane, own: Owner, joinedMs: number, onGrant: () => void): Waiter {
  const waiter: Waiter = { own, joinedMs, onGrant, lane, link: undefined };
  insert(waiter);
  return waiter;
}

/** Behind all that have waited as long, or longer: nearly always the last place. */
function insert(waiter: Waiter): void {
  const { lane, joinedMs, own } = waiter;
  waiter.link = lane.waiters.add(waiter, (other) => other.joinedMs > joinedMs);
  lane.waiting += 1;
  own.waiting += 1;
}

export function remove(waiter: Waiter): void {
  const { lane, own, link } = waiter;
  if (link === undefined) return;
  link.remove();
  waiter.link = undefined;
  lane.waiting -= 1;
  own.waiting -= 1;
}

/** The calls of one owner go over to another lane, under way and waiting. */
export function moveLane(own: Owner, from: Lane, to: Lane): void {
  if (from === to) return;
  from.inUse -= own[from.name];
  to.inUse += own[from.name];
  to.movedMs = Math.max(to.movedMs, from.movedMs);
  for (const waiter of from.waiters.values()) {
    if (waiter.own !== own) continue;
    remove(waiter);
    waiter.lane = to;
    insert(waiter);
  }
}
