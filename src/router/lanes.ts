/**
 * Who may call one provider now, and who waits. Two lanes share its slots: `fast` for calls that a person waits for, `heavy` for batch
 * work. Within a lane whoever has waited longest is the first to go. Between them fast calls go first, until batch work has stood still for
 * `agingMs`: then its first call goes before all fast ones that come later. Only that one does, and the next starts to age as it goes. So
 * fast calls without end do not stop batch work, and while a fast call waits at most one heavy call gets a slot, however long the batch is.
 */
export type LaneName = 'fast' | 'heavy';

export interface LaneLimits {
  /** Calls under way at once, both lanes together. Infinity: no limit. */
  readonly slots: number;
  /** Slots that heavy calls leave free. Fewer than `slots`, or heavy calls would wait for ever. */
  readonly reservedForFast: number;
  /** Calls that may wait, both lanes together. */
  readonly queueLimit: number;
  /**
   * The first heavy call that waits competes like a fast one that came this long after it did, or after the last heavy call to get a
   * slot, whichever was later. Infinity: it goes when no fast call waits.
   */
  readonly agingMs: number;
}

/** `nowMs` never falls from one call of these to the next, and no `sinceMs` lies after it. */
export interface Lanes {
  readonly slots: number;
  /** More than `slots` for a while after their number fell. Without the streams that have given theirs back before their end. */
  readonly inUse: number;
  readonly waiting: number;
  /** Would `take` succeed? */
  isFree(lane: LaneName): boolean;
  /** Takes a slot, where one is free for this lane and nobody who waits has a claim to it. */
  take(lane: LaneName): boolean;
  /**
   * Gives a slot of this lane back. Whoever has the best claim to it is told before this returns; in an `onGrant`, as soon as that one
   * has returned.
   */
  give(lane: LaneName, nowMs: number): void;
  /**
   * Waits for a slot; one that is free is granted before this returns. `onGrant` is called once, and the slot is its own by then. A call
   * that comes back has its place again: `sinceMs` is when it first joined. Gives a function that leaves the queue, which does nothing
   * once the slot was granted; undefined where the queue is full.
   */
  join(lane: LaneName, sinceMs: number, onGrant: () => void): (() => void) | undefined;
  /** Of the calls that wait now, how many would be served before one that joined this lane. 0 where a slot is free for it. */
  ahead(lane: LaneName, nowMs: number): number;
  /** Would a slot of the lane `given` be of use to those who wait, or to one more call, of the lane `joining`? */
  isWanted(given: LaneName, joining: LaneName | undefined): boolean;
  /**
   * Other limits. Slots in use beyond them end with their calls; new ones are granted before this returns. Those who wait already stay,
   * however few may wait from now on.
   */
  resize(limits: Pick<LaneLimits, 'slots' | 'reservedForFast'> & Partial<LaneLimits>, nowMs: number): void;
}

export function createLanes(limits: LaneLimits): Lanes {
  const books: Books = { ...limits, fast: emptyLane(), heavy: emptyLane(), isGranting: false };
  const isFree = (lane: LaneName): boolean => hasSlot(books, lane) && bestClaim(books) === undefined;
  // Needs no time: no heavy call waits here that could have had the slot, and whoever joins anew from now on ages from its own arrival.
  const take = (lane: LaneName): boolean => {
    const free = isFree(lane);
    if (free) books[lane].inUse += 1;
    return free;
  };
  return {
    get slots() {
      return books.slots;
    },
    get inUse() {
      return inUse(books);
    },
    get waiting() {
      return waiting(books);
    },
    isFree,
    take,
    give(lane, nowMs) {
      if (books[lane].inUse === 0) return;
      books[lane].inUse -= 1;
      grantAll(books, nowMs);
    },
    join(lane, sinceMs, onGrant) {
      if (take(lane)) {
        onGrant();
        return () => {};
      }
      if (waiting(books) >= books.queueLimit) return undefined;
      const waiter = insert(books[lane], sinceMs, onGrant);
      return () => remove(waiter);
    },
    ahead(lane, nowMs) {
      if (isFree(lane)) return 0;
      // A heavy call of now goes before none that is here, and a fast one before all heavy ones but the first.
      return lane === 'heavy' ? waiting(books) : books.fast.waiting + (heavyClaimMs(books) < nowMs ? 1 : 0);
    },
    isWanted: (given, joining) => isWanted(books, given, joining),
    resize(others, nowMs) {
      Object.assign(books, others);
      grantAll(books, nowMs);
    },
  };
}

interface Books {
  slots: number;
  reservedForFast: number;
  queueLimit: number;
  agingMs: number;
  readonly fast: Lane;
  readonly heavy: Lane;
  isGranting: boolean;
}

/** Calls of one lane: how many are under way, and those that wait, linked in their order so that any of them leaves in one step. */
interface Lane {
  inUse: number;
  /** When one of them last got a slot that it had waited for. */
  movedMs: number;
  waiting: number;
  first: Waiter | undefined;
  last: Waiter | undefined;
}

interface Waiter {
  readonly lane: Lane;
  readonly joinedMs: number;
  readonly onGrant: () => void;
  waits: boolean;
  before: Waiter | undefined;
  behind: Waiter | undefined;
}

function emptyLane(): Lane {
  return { inUse: 0, movedMs: -Infinity, waiting: 0, first: undefined, last: undefined };
}

function inUse({ fast, heavy }: Books): number {
  return fast.inUse + heavy.inUse;
}

function waiting({ fast, heavy }: Books): number {
  return fast.waiting + heavy.waiting;
}

function hasSlot(books: Books, lane: LaneName): boolean {
  return inUse(books) < books.slots && (lane === 'fast' || books.heavy.inUse < books.slots - books.reservedForFast);
}

/** After their number fell it takes more than one slot to let somebody go, so this asks what is short, and not what would follow. */
function isWanted(books: Books, given: LaneName, joining: LaneName | undefined): boolean {
  const isShort = (lane: LaneName): boolean => (lane === joining || books[lane].waiting > 0) && !hasSlot(books, lane);
  // What a fast call gives back is of no use to heavy ones while they have all that they may have.
  return isShort('fast') || (isShort('heavy') && (given === 'heavy' || books.heavy.inUse < books.slots - books.reservedForFast));
}

/** Who gets the next slot. Undefined where nobody waits, or no slot is free for those who do. */
function bestClaim(books: Books): Waiter | undefined {
  const fast = hasSlot(books, 'fast') ? books.fast.first : undefined;
  const heavy = hasSlot(books, 'heavy') ? books.heavy.first : undefined;
  if (fast === undefined || heavy === undefined) return fast ?? heavy;
  // Of equal claims the fast one wins: a heavy call that goes leaves the next one a claim no older than any fast call that waits.
  return heavyClaimMs(books) < fast.joinedMs ? heavy : fast;
}

/** The first heavy call that waits goes before the fast ones that join after this. Infinity where none waits. */
function heavyClaimMs({ heavy, agingMs }: Books): number {
  return heavy.first === undefined ? Infinity : Math.max(heavy.first.joinedMs, heavy.movedMs) + agingMs;
}

/**
 * One at a time, asking anew after each: an `onGrant` may give, join, leave or resize here. The call that it makes then returns at once
 * and this loop goes on, because a chain of calls that end as soon as they begin would otherwise be as deep as the queue is long.
 */
function grantAll(books: Books, nowMs: number): void {
  if (books.isGranting) return;
  books.isGranting = true;
  try {
    for (let waiter = bestClaim(books); waiter !== undefined; waiter = bestClaim(books)) {
      remove(waiter);
      waiter.lane.inUse += 1;
      waiter.lane.movedMs = nowMs;
      waiter.onGrant();
    }
  } finally {
    books.isGranting = false;
  }
}

/** Behind all that have waited as long, or longer: nearly always the last place. */
function insert(lane: Lane, joinedMs: number, onGrant: () => void): Waiter {
  let before = lane.last;
  while (before !== undefined && before.joinedMs > joinedMs) before = before.before;
  const behind = before === undefined ? lane.first : before.behind;
  const waiter: Waiter = { lane, joinedMs, onGrant, waits: true, before, behind };
  if (before === undefined) lane.first = waiter;
  else before.behind = waiter;
  if (behind === undefined) lane.last = waiter;
  else behind.before = waiter;
  lane.waiting += 1;
  return waiter;
}

function remove(waiter: Waiter): void {
  if (!waiter.waits) return;
  const { lane, before, behind } = waiter;
  if (before === undefined) lane.first = behind;
  else before.behind = behind;
  if (behind === undefined) lane.last = before;
  else behind.before = before;
  // Whoever keeps the leaving function of a call that is over keeps no others alive with it.
  waiter.before = undefined;
  waiter.behind = undefined;
  waiter.waits = false;
  lane.waiting -= 1;
}
