/** Calls of one lane: how many are under way, and those that wait, linked in their order so that any of them leaves in one step. */
export interface Lane {
  readonly name: 'fast' | 'heavy';
  inUse: number;
  /** When one of them last got a slot that it had waited for. */
  movedMs: number;
  waiting: number;
  first: Waiter | undefined;
  last: Waiter | undefined;
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
  waits: boolean;
  before: Waiter | undefined;
  behind: Waiter | undefined;
}

export function emptyLane(name: Lane['name']): Lane {
  return { name, inUse: 0, movedMs: -Infinity, waiting: 0, first: undefined, last: undefined };
}

/** Takes a slot, or gives one back. */
export function use(lane: Lane, own: Owner, by: 1 | -1): void {
  lane.inUse += by;
  own[lane.name] += by;
}

export function enqueue(lane: Lane, own: Owner, joinedMs: number, onGrant: () => void): Waiter {
  const waiter: Waiter = { own, joinedMs, onGrant, lane, waits: false, before: undefined, behind: undefined };
  insert(waiter);
  return waiter;
}

/** Behind all that have waited as long, or longer: nearly always the last place. */
function insert(waiter: Waiter): void {
  const { lane, joinedMs, own } = waiter;
  let before = lane.last;
  while (before !== undefined && before.joinedMs > joinedMs) before = before.before;
  const behind = before === undefined ? lane.first : before.behind;
  waiter.before = before;
  waiter.behind = behind;
  waiter.waits = true;
  if (before === undefined) lane.first = waiter;
  else before.behind = waiter;
  if (behind === undefined) lane.last = waiter;
  else behind.before = waiter;
  lane.waiting += 1;
  own.waiting += 1;
}

export function remove(waiter: Waiter): void {
  if (!waiter.waits) return;
  const { lane, own, before, behind } = waiter;
  if (before === undefined) lane.first = behind;
  else before.behind = behind;
  if (behind === undefined) lane.last = before;
  else behind.before = before;
  // Whoever keeps the leaving function of a call that is over keeps no others alive with it.
  waiter.before = undefined;
  waiter.behind = undefined;
  waiter.waits = false;
  lane.waiting -= 1;
  own.waiting -= 1;
}

/** The calls of one owner go over to another lane, under way and waiting. */
export function moveLane(own: Owner, from: Lane, to: Lane): void {
  if (from === to) return;
  from.inUse -= own[from.name];
  to.inUse += own[from.name];
  to.movedMs = Math.max(to.movedMs, from.movedMs);
  for (let waiter = from.first; waiter !== undefined;) {
    const next = waiter.behind;
    if (waiter.own === own) {
      remove(waiter);
      waiter.lane = to;
      insert(waiter);
    }
    waiter = next;
  }
}
