import type { LaneLimits, LaneName, Lanes } from '../../src/router/lanes.ts';

/** Without the calls of others. */
export type PlainLanes = Omit<Lanes, 'pool' | 'isIdle' | 'moveTo'>;

interface Waiting {
  readonly lane: LaneName;
  readonly joinedMs: number;
  readonly onGrant: () => void;
}

/** Who goes first of a crowd in the order of joining, where a heavy call last got a slot at `movedMs`. */
function firstOf(crowd: readonly Waiting[], movedMs: number, agingMs: number): Waiting | undefined {
  const [fast, heavy] = [crowd.find(({ lane }) => lane === 'fast'), crowd.find(({ lane }) => lane === 'heavy')];
  if (fast === undefined || heavy === undefined) return fast ?? heavy;
  return Math.max(heavy.joinedMs, movedMs) + agingMs < fast.joinedMs ? heavy : fast;
}

/** How many of a crowd are served at this moment until it is the turn of the last. */
function servedBeforeLast(crowd: readonly Waiting[], movedMs: number, agingMs: number, nowMs: number): number {
  const first = firstOf(crowd, movedMs, agingMs);
  if (first === undefined || first === crowd.at(-1)) return 0;
  const others = crowd.filter((each) => each !== first);
  return 1 + servedBeforeLast(others, first.lane === 'heavy' ? nowMs : movedMs, agingMs, nowMs);
}

/** The rules of the lanes once more, as plain as can be: one list of who holds a slot and one of who waits, searched anew at each step. */
export function referenceLanes(limits: LaneLimits): PlainLanes {
  const { queueLimit, agingMs } = limits;
  let { slots, reservedForFast } = limits;
  const held: LaneName[] = [];
  let queue: Waiting[] = [];
  let movedMs = -Infinity;
  let isGranting = false;

  const hasHeavyRoom = (): boolean => held.filter((each) => each === 'heavy').length + reservedForFast < slots;
  const hasRoom = (lane: LaneName): boolean => held.length < slots && (lane === 'fast' || hasHeavyRoom());
  const next = (): Waiting | undefined =>
    firstOf(
      queue.filter(({ lane }) => hasRoom(lane)),
      movedMs,
      agingMs,
    );
  const isFree = (lane: LaneName): boolean => hasRoom(lane) && next() === undefined;
  const take = (lane: LaneName): boolean => {
    const free = isFree(lane);
    if (free) held.push(lane);
    return free;
  };
  const leave = (waiting: Waiting): void => {
    queue = queue.filter((each) => each !== waiting);
  };
  const grantAll = (nowMs: number): void => {
    if (isGranting) return;
    isGranting = true;
    for (let waiting = next(); waiting !== undefined; waiting = next()) {
      leave(waiting);
      held.push(waiting.lane);
      if (waiting.lane === 'heavy') movedMs = nowMs;
      waiting.onGrant();
    }
    isGranting = false;
  };

  return {
    get slots() {
      return slots;
    },
    get inUse() {
      return held.length;
    },
    get waiting() {
      return queue.length;
    },
    isFree,
    take,
    give(lane, nowMs) {
      if (!held.includes(lane)) return;
      held.splice(held.indexOf(lane), 1);
      grantAll(nowMs);
    },
    join(lane, nowMs, onGrant) {
      const waiting: Waiting = { lane, joinedMs: nowMs, onGrant };
      if (take(lane)) {
        if (lane === 'heavy') movedMs = nowMs;
        onGrant();
      } else if (queue.length >= queueLimit) return undefined;
      else queue.push(waiting);
      return () => leave(waiting);
    },
    ahead(lane, nowMs) {
      if (isFree(lane)) return 0;
      return servedBeforeLast([...queue, { lane, joinedMs: nowMs, onGrant: () => {} }], movedMs, agingMs, nowMs);
    },
    isWanted(given, joining) {
      const seeking = [...queue.map(({ lane }) => lane), ...(joining === undefined ? [] : [joining])];
      const mayHelp = (lane: LaneName): boolean => lane === given || lane === 'fast' || hasHeavyRoom();
      return seeking.some((lane) => !hasRoom(lane) && mayHelp(lane));
    },
    resize(given, nowMs) {
      ({ slots, reservedForFast } = given);
      grantAll(nowMs);
    },
  };
}
