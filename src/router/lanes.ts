import { emptyLane, enqueue, type Lane, moveLane, type Owner, remove, use, type Waiter } from './lane-queue.ts';

/**
 * Who may call one provider now, and who waits. Two lanes share its slots: `fast` for calls that a person waits for, `heavy` for batch
 * work. Within a lane whoever has waited longest is the first to go. Between them fast calls go first, until batch work has stood still for
 * `agingMs`: then its first call goes before all fast ones that come later. Only that one does, and the next starts to age as it goes. So
 * fast calls without end do not stop batch work, and while a fast call waits at most one heavy call gets a slot, however long the batch is.
 */
export type LaneName = 'fast' | 'heavy';

const laneNames: readonly LaneName[] = ['fast', 'heavy'];

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
  /** Those who take their slots from one pool stand in one queue, and all of the above is said of all of them together. */
  readonly pool: SlotPool;
  /** None of its own calls has a slot or waits for one. */
  readonly isIdle: boolean;
  /** Its own calls, under way and waiting, go over to other slots; those who wait keep their age. Grants none: `resize` does. */
  moveTo(others: SlotPool): void;
}

export function createPool(limits: LaneLimits): SlotPool {
  return { ...limits, fast: emptyLane('fast'), heavy: emptyLane('heavy'), isGranting: false };
}

/** Calls that have slots of their own. */
export function createLanes(limits: LaneLimits): Lanes {
  return lanesOf(createPool(limits));
}

/** Calls that share the slots of a pool with others. */
export function lanesOf(pool: SlotPool): Lanes {
  return new PooledLanes(pool);
}

/** A class, because an object with so many getters takes the time of a quarter of a call, for each model of each provider. */
class PooledLanes implements Lanes {
  pool: SlotPool;
  readonly #own: Owner = { fast: 0, heavy: 0, waiting: 0 };

  constructor(pool: SlotPool) {
    this.pool = pool;
  }

  get isIdle(): boolean {
    const { fast, heavy, waiting: stillWaiting } = this.#own;
    return fast + heavy + stillWaiting === 0;
  }

  get slots(): number {
    return this.pool.slots;
  }

  get inUse(): number {
    return inUse(this.pool);
  }

  get waiting(): number {
    return waiting(this.pool);
  }

  isFree(lane: LaneName): boolean {
    return hasSlot(this.pool, lane) && bestClaim(this.pool) === undefined;
  }

  /** Needs no time: no heavy call waits here that could have had the slot, and whoever joins anew from now on ages from its own arrival. */
  take(lane: LaneName): boolean {
    const free = this.isFree(lane);
    if (free) use(this.pool[lane], this.#own, 1);
    return free;
  }

  give(lane: LaneName, nowMs: number): void {
    if (this.#own[lane] === 0) return;
    use(this.pool[lane], this.#own, -1);
    grantAll(this.pool, nowMs);
  }

  join(lane: LaneName, sinceMs: number, onGrant: () => void): (() => void) | undefined {
    if (this.take(lane)) {
      onGrant();
      return () => {};
    }
    if (this.waiting >= this.pool.queueLimit) return undefined;
    const waiter = enqueue(this.pool[lane], this.#own, sinceMs, onGrant);
    return () => remove(waiter);
  }

  ahead(lane: LaneName, nowMs: number): number {
    if (this.isFree(lane)) return 0;
    const { pool } = this;
    // A heavy call of now goes before none that is here, and a fast one before all heavy ones but the first.
    return lane === 'heavy' ? waiting(pool) : pool.fast.waiting + (heavyClaimMs(pool) < nowMs ? 1 : 0);
  }

  isWanted(given: LaneName, joining: LaneName | undefined): boolean {
    return isWanted(this.pool, given, joining);
  }

  resize(others: Pick<LaneLimits, 'slots' | 'reservedForFast'> & Partial<LaneLimits>, nowMs: number): void {
    Object.assign(this.pool, others);
    grantAll(this.pool, nowMs);
  }

  moveTo(others: SlotPool): void {
    for (const lane of laneNames) moveLane(this.#own, this.pool[lane], others[lane]);
    this.pool = others;
  }
}

/** The books of some slots. Only this file looks into them. */
export interface SlotPool {
  slots: number;
  reservedForFast: number;
  queueLimit: number;
  agingMs: number;
  readonly fast: Lane;
  readonly heavy: Lane;
  isGranting: boolean;
}

function inUse({ fast, heavy }: SlotPool): number {
  return fast.inUse + heavy.inUse;
}

function waiting({ fast, heavy }: SlotPool): number {
  return fast.waiting + heavy.waiting;
}

function hasSlot(pool: SlotPool, lane: LaneName): boolean {
  return inUse(pool) < pool.slots && (lane === 'fast' || pool.heavy.inUse < pool.slots - pool.reservedForFast);
}

/** After their number fell it takes more than one slot to let somebody go, so this asks what is short, and not what would follow. */
function isWanted(pool: SlotPool, given: LaneName, joining: LaneName | undefined): boolean {
  const isShort = (lane: LaneName): boolean => (lane === joining || pool[lane].waiting > 0) && !hasSlot(pool, lane);
  // What a fast call gives back is of no use to heavy ones while they have all that they may have.
  return isShort('fast') || (isShort('heavy') && (given === 'heavy' || pool.heavy.inUse < pool.slots - pool.reservedForFast));
}

/** Who gets the next slot. Undefined where nobody waits, or no slot is free for those who do. */
function bestClaim(pool: SlotPool): Waiter | undefined {
  const fast = hasSlot(pool, 'fast') ? pool.fast.waiters.first() : undefined;
  const heavy = hasSlot(pool, 'heavy') ? pool.heavy.waiters.first() : undefined;
  if (fast === undefined || heavy === undefined) return fast ?? heavy;
  // Of equal claims the fast one wins: a heavy call that goes leaves the next one a claim no older than any fast call that waits.
  return heavyClaimMs(pool) < fast.joinedMs ? heavy : fast;
}

/** The first heavy call that waits goes before the fast ones that join after this. Infinity where none waits. */
function heavyClaimMs({ heavy, agingMs }: SlotPool): number {
  const first = heavy.waiters.first();
  return first === undefined ? Infinity : Math.max(first.joinedMs, heavy.movedMs) + agingMs;
}

/**
 * One at a time, asking anew after each: an `onGrant` may give, join, leave or resize here. The call that it makes then returns at once
 * and this loop goes on, because a chain of calls that end as soon as they begin would otherwise be as deep as the queue is long.
 */
function grantAll(pool: SlotPool, nowMs: number): void {
  if (pool.isGranting) return;
  pool.isGranting = true;
  try {
    for (let waiter = bestClaim(pool); waiter !== undefined; waiter = bestClaim(pool)) {
      remove(waiter);
      use(waiter.lane, waiter.own, 1);
      waiter.lane.movedMs = nowMs;
      waiter.onGrant();
    }
  } finally {
    pool.isGranting = false;
  }
}
