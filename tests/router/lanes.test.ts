import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLanes, type LaneLimits, type LaneName, type Lanes } from '../../src/router/lanes.ts';
import { type PlainLanes, referenceLanes } from './lanes-model.ts';
import { collectGarbage } from '../_kit/collect-garbage.ts';

const agingMs = 1_000;

/** At the time last named, unless told another. */
interface WatchedLanes extends Lanes {
  give(lane: LaneName, nowMs?: number): void;
  resize(limits: Pick<LaneLimits, 'slots' | 'reservedForFast'>, nowMs?: number): void;
  /** Joins under a name, at a time. */
  readonly enter: (name: string, lane: LaneName, nowMs?: number, onGrant?: () => void) => () => void;
  /** Who was granted a slot after waiting for it, in order. */
  readonly granted: string[];
}

function lanesOf(limits: Partial<LaneLimits> = {}): WatchedLanes {
  const lanes = createLanes({ slots: 1, reservedForFast: 0, queueLimit: 100, agingMs, ...limits });
  const give = lanes.give.bind(lanes);
  const resize = lanes.resize.bind(lanes);
  const granted: string[] = [];
  let latestMs = 0;
  const at = (nowMs = latestMs): number => (latestMs = nowMs);
  const enter: WatchedLanes['enter'] = (name, lane, nowMs, onGrant = () => {}) => {
    const leave = lanes.join(lane, at(nowMs), () => {
      granted.push(name);
      onGrant();
    });
    if (leave === undefined) throw new Error(`the queue is full for ${name}`);
    return leave;
  };
  return Object.assign(lanes, {
    enter,
    granted,
    give: (lane: LaneName, nowMs?: number) => give(lane, at(nowMs)),
    resize: (limits: Pick<LaneLimits, 'slots' | 'reservedForFast'>, nowMs?: number) => resize(limits, at(nowMs)),
  });
}

/** Lanes whose slots, one unless told otherwise, are in use by fast calls. */
function busyLanes(limits: Partial<LaneLimits> = {}): WatchedLanes {
  const lanes = lanesOf(limits);
  while (lanes.take('fast')) continue;
  return lanes;
}

describe('slots', () => {
  test('as many calls as there are slots go at once, and no more', () => {
    const lanes = lanesOf({ slots: 2 });
    expect([lanes.take('fast'), lanes.take('heavy'), lanes.take('fast'), lanes.take('heavy')]).toEqual([true, true, false, false]);
    expect(lanes.inUse).toBe(2);
  });

  test('asking whether a slot is free takes none', () => {
    const lanes = lanesOf();
    expect([lanes.isFree('heavy'), lanes.isFree('heavy'), lanes.inUse]).toEqual([true, true, 0]);
    expect([lanes.take('heavy'), lanes.isFree('heavy'), lanes.isFree('fast')]).toEqual([true, false, false]);
  });

  test('a slot given back is free again', () => {
    const lanes = lanesOf();
    lanes.take('fast');
    lanes.give('fast');
    expect([lanes.inUse, lanes.take('heavy')]).toEqual([0, true]);
  });

  test('heavy calls leave the reserved slots to fast ones, which may take every slot', () => {
    const lanes = lanesOf({ slots: 3, reservedForFast: 1 });
    expect([lanes.take('heavy'), lanes.take('heavy'), lanes.take('heavy'), lanes.take('fast')]).toEqual([true, true, false, true]);
    const idle = lanesOf({ slots: 3, reservedForFast: 1 });
    expect([idle.take('fast'), idle.take('fast'), idle.take('fast')]).toEqual([true, true, true]);
  });

  test('without a limit everything goes at once', () => {
    const lanes = lanesOf({ slots: Infinity, reservedForFast: 1, queueLimit: 0 });
    for (let count = 0; count < 1_000; count++) expect(lanes.take('heavy')).toBe(true);
    expect([lanes.inUse, lanes.ahead('heavy', 0)]).toEqual([1_000, 0]);
  });

  test('what nobody holds cannot be given back', () => {
    const lanes = lanesOf();
    lanes.give('fast');
    lanes.take('fast');
    lanes.give('heavy');
    expect([lanes.inUse, lanes.take('fast')]).toEqual([1, false]);
  });
});

describe('the queue', () => {
  test('whoever waits gets a slot the moment one is given back, and it is counted by then', () => {
    const lanes = busyLanes();
    let counted: readonly number[] = [];
    lanes.enter('next', 'fast', 0, () => (counted = [lanes.inUse, lanes.waiting]));
    expect([lanes.waiting, lanes.granted]).toEqual([1, []]);
    lanes.give('fast');
    expect([lanes.granted, counted, lanes.inUse, lanes.waiting]).toEqual([['next'], [1, 0], 1, 0]);
  });

  test.each(['fast', 'heavy'] as const)('the %s lane goes in the order of joining', (lane) => {
    const lanes = busyLanes();
    for (const name of ['a', 'b', 'c']) lanes.enter(name, lane);
    lanes.give('fast');
    lanes.give(lane);
    lanes.give(lane);
    expect(lanes.granted).toEqual(['a', 'b', 'c']);
  });

  test('one that joins while a slot is free has it before `join` returns, whatever the queue holds', () => {
    const lanes = lanesOf({ slots: 2, reservedForFast: 1, queueLimit: 1 });
    lanes.take('heavy');
    lanes.enter('waits for the slot of the heavy call', 'heavy');
    lanes.enter('fits', 'fast');
    expect([lanes.granted, lanes.inUse, lanes.waiting]).toEqual([['fits'], 2, 1]);
  });

  test('a full queue takes nobody more, of either lane', () => {
    const lanes = busyLanes({ queueLimit: 2 });
    lanes.enter('a', 'fast');
    lanes.enter('b', 'heavy');
    expect([lanes.join('fast', 0, () => {}), lanes.join('heavy', 0, () => {})]).toEqual([undefined, undefined]);
    expect(lanes.waiting).toBe(2);
  });

  test('a place that somebody left is free for another', () => {
    const lanes = busyLanes({ queueLimit: 1 });
    lanes.enter('a', 'fast')();
    lanes.enter('b', 'heavy');
    lanes.give('fast');
    expect(lanes.granted).toEqual(['b']);
  });

  test('whoever left gets no slot, and leaving twice leaves once', () => {
    const lanes = busyLanes();
    const leave = lanes.enter('leaver', 'fast');
    lanes.enter('next', 'fast');
    leave();
    leave();
    expect(lanes.waiting).toBe(1);
    lanes.give('fast');
    expect([lanes.granted, lanes.waiting]).toEqual([['next'], 0]);
  });

  test('leaving after the grant gives nothing back', () => {
    const lanes = busyLanes();
    const leave = lanes.enter('served', 'fast');
    lanes.enter('next', 'fast');
    lanes.give('fast');
    leave();
    expect([lanes.granted, lanes.inUse, lanes.waiting]).toEqual([['served'], 1, 1]);
  });

  test('those in the middle and at the end may leave without the others losing their order', () => {
    const lanes = busyLanes();
    const leaves = ['a', 'b', 'c', 'd', 'e'].map((name) => lanes.enter(name, 'heavy'));
    for (const index of [2, 4, 0]) leaves[index]?.();
    lanes.enter('f', 'heavy');
    lanes.give('fast');
    lanes.give('heavy');
    lanes.give('heavy');
    expect(lanes.granted).toEqual(['b', 'd', 'f']);
  });
});

describe('between the lanes', () => {
  test('a fast call goes before heavy ones that joined earlier', () => {
    const lanes = busyLanes();
    lanes.enter('heavy', 'heavy', 0);
    lanes.enter('fast', 'fast', agingMs);
    lanes.give('fast', 5 * agingMs);
    lanes.give('fast');
    expect(lanes.granted).toEqual(['fast', 'heavy']);
  });

  test('a heavy call goes before fast ones that come later than the ageing time after it', () => {
    const lanes = busyLanes();
    lanes.enter('heavy', 'heavy', 0);
    lanes.enter('fast', 'fast', agingMs + 1);
    lanes.give('fast');
    expect(lanes.granted).toEqual(['heavy']);
  });

  test.each([
    ['given back', (lanes: WatchedLanes, nowMs: number) => lanes.give('fast', nowMs)],
    ['new', (lanes: WatchedLanes, nowMs: number) => lanes.resize({ slots: 2, reservedForFast: 0 }, nowMs)],
  ])('one heavy call that has aged goes first, and the next ages from then on, where the slot is %s', (_kind, freeSlot) => {
    const lanes = busyLanes();
    for (const name of ['first heavy', 'second heavy', 'third heavy']) lanes.enter(name, 'heavy', 0);
    lanes.enter('in time', 'fast', 2 * agingMs);
    freeSlot(lanes, 3 * agingMs);
    lanes.enter('also', 'fast', 4 * agingMs);
    lanes.enter('too late', 'fast', 4 * agingMs + 1);
    for (const lane of ['heavy', 'fast', 'fast', 'heavy'] as const) lanes.give(lane);
    expect(lanes.granted).toEqual(['first heavy', 'in time', 'also', 'second heavy', 'too late']);
  });

  test('a heavy call that came after the last one got its slot ages from its own arrival', () => {
    const lanes = busyLanes();
    lanes.enter('before', 'heavy', 0);
    lanes.give('fast', 1);
    lanes.enter('heavy', 'heavy', 500);
    lanes.enter('fast', 'fast', agingMs + 500);
    lanes.give('heavy');
    expect(lanes.granted).toEqual(['before', 'fast']);
  });

  test('with an endless ageing time a heavy call goes when no fast one waits', () => {
    const lanes = busyLanes({ agingMs: Infinity });
    lanes.enter('heavy', 'heavy', 0);
    lanes.enter('fast', 'fast', 1e12);
    lanes.give('fast');
    lanes.give('fast');
    expect(lanes.granted).toEqual(['fast', 'heavy']);
  });

  test('an old heavy call that may not have the free slot keeps no fast one from it', () => {
    const lanes = lanesOf({ slots: 2, reservedForFast: 1 });
    lanes.take('heavy');
    lanes.take('fast');
    lanes.enter('heavy', 'heavy', 0);
    lanes.enter('fast', 'fast', 5 * agingMs);
    lanes.give('fast');
    expect(lanes.granted).toEqual(['fast']);
    lanes.give('heavy');
    expect(lanes.granted).toEqual(['fast', 'heavy']);
  });
});

/** Joins at `atMs`, and takes the slot for `serviceMs`. Whoever is `endless` asks again as it ends. */
interface Visit {
  readonly lane: LaneName;
  readonly atMs: number;
  readonly serviceMs: number;
  readonly isEndless?: boolean;
}

interface Served {
  readonly lane: LaneName;
  readonly waitMs: number;
  readonly startMs: number;
}

/** One slot in virtual time: who was served when, in order. */
function simulate(visits: readonly Visit[], ageMs: number, untilMs = Infinity): Served[] {
  const lanes = createLanes({ slots: 1, reservedForFast: 0, queueLimit: Infinity, agingMs: ageMs });
  const served: Served[] = [];
  let [nowMs, endsMs, index] = [0, Infinity, 0];
  let running: Visit | undefined;
  const visit = (each: Visit): void => {
    const joinedMs = nowMs;
    lanes.join(each.lane, nowMs, () => {
      served.push({ lane: each.lane, waitMs: nowMs - joinedMs, startMs: nowMs });
      [running, endsMs] = [each, nowMs + each.serviceMs];
    });
  };
  const arrivals = visits.toSorted((one, other) => one.atMs - other.atMs);
  for (;;) {
    const next = arrivals[index];
    nowMs = Math.min(next?.atMs ?? Infinity, endsMs);
    if (nowMs === Infinity || nowMs > untilMs) return served;
    if (next !== undefined && next.atMs < endsMs) {
      index += 1;
      visit(next);
    } else if (running !== undefined) {
      const { lane, isEndless } = running;
      if (isEndless === true) visit(running);
      endsMs = Infinity;
      lanes.give(lane, nowMs);
    }
  }
}

/** That come without knowing of each other, so long after each other on average. */
function nowAndThen(visit: Omit<Visit, 'atMs'>, meanGapMs: number, untilMs: number): Visit[] {
  const visits: Visit[] = [];
  const goldenRatio = (Math.sqrt(5) - 1) / 2;
  let atMs = 0;
  for (let count = 1; atMs < untilMs; count++) visits.push({ ...visit, atMs: (atMs -= meanGapMs * Math.log((count * goldenRatio) % 1)) });
  return visits;
}

describe('one slot in virtual time', () => {
  test.each([10_000, 15_000, 60_000])('a batch of 1,000 and fast calls every %d ms spare each other', (meanGapMs) => {
    const heavyMs = 10_000;
    const batch = Array.from({ length: 1_000 }, (): Visit => ({ lane: 'heavy', atMs: 0, serviceMs: heavyMs }));
    const aloneMs = batch.length * heavyMs;
    const quick = nowAndThen({ lane: 'fast', serviceMs: 1_000 }, meanGapMs, aloneMs);
    const served = simulate([...batch, ...quick], 30_000);
    const waits = served.flatMap(({ lane, waitMs }) => (lane === 'fast' ? [waitMs] : [])).toSorted((one, other) => one - other);
    expect([waits.length, served.length]).toEqual([quick.length, quick.length + batch.length]);
    expect(waits[Math.ceil(waits.length * 0.95) - 1]).toBeLessThanOrEqual(heavyMs);
    expect(served.filter(({ lane, startMs }) => lane === 'heavy' && startMs < aloneMs).length).toBeGreaterThanOrEqual(0.8 * batch.length);
  });

  test('beside fast callers who never pause a batch has a slot once per ageing time, and none of them waits for more than two of it', () => {
    const given = fc.record({
      callers: fc.integer({ min: 1, max: 6 }),
      fastMs: fc.integer({ min: 10, max: 3_000 }),
      heavyMs: fc.integer({ min: 10, max: 3_000 }),
    });
    const property = fc.property(given, ({ callers, fastMs, heavyMs }) => {
      const batch = Array.from({ length: 100 }, (): Visit => ({ lane: 'heavy', atMs: 0, serviceMs: heavyMs }));
      const crowd = Array.from({ length: callers }, (): Visit => ({ lane: 'fast', atMs: 0, serviceMs: fastMs, isEndless: true }));
      const untilMs = 30 * agingMs;
      const served = simulate([...crowd, ...batch], agingMs, untilMs);
      const starts = served.flatMap(({ lane, startMs }) => (lane === 'heavy' ? [startMs] : []));
      const gaps = [...starts, untilMs].map((startMs, index) => startMs - (starts[index - 1] ?? 0));
      const waits = served.flatMap(({ lane, waitMs }) => (lane === 'fast' ? [waitMs] : []));
      // Whoever of them came before the ageing time was over goes first.
      expect(Math.max(...gaps)).toBeLessThanOrEqual(Math.max(agingMs, heavyMs) + callers * fastMs);
      expect(Math.max(...waits)).toBeLessThanOrEqual((callers - 1) * fastMs + 2 * heavyMs);
      expect(waits.length).toBeGreaterThanOrEqual(Math.floor(untilMs / (2 * heavyMs + callers * fastMs)));
    });
    fc.assert(property, { numRuns: 500 });
  });
});

describe('another number of slots', () => {
  test('more slots are granted at once, by claim', () => {
    const lanes = busyLanes();
    lanes.enter('heavy', 'heavy');
    for (const name of ['a', 'b', 'c']) lanes.enter(name, 'fast');
    lanes.resize({ slots: 3, reservedForFast: 0 });
    expect([lanes.granted, lanes.slots, lanes.inUse]).toEqual([['a', 'b'], 3, 3]);
    lanes.resize({ slots: Infinity, reservedForFast: 0 });
    expect(lanes.granted).toEqual(['a', 'b', 'c', 'heavy']);
  });

  test('fewer slots take none away: they are gone when their calls end', () => {
    const lanes = busyLanes({ slots: 3 });
    lanes.enter('next', 'fast');
    lanes.resize({ slots: 1, reservedForFast: 0 });
    expect([lanes.inUse, lanes.slots]).toEqual([3, 1]);
    lanes.give('fast');
    lanes.give('fast');
    expect([lanes.granted, lanes.inUse]).toEqual([[], 1]);
    lanes.give('fast');
    expect([lanes.granted, lanes.inUse]).toEqual([['next'], 1]);
  });

  test('a slot that is reserved no longer goes to the heavy call that waits', () => {
    const lanes = lanesOf({ slots: 2, reservedForFast: 1 });
    lanes.take('heavy');
    lanes.enter('heavy', 'heavy');
    lanes.resize({ slots: 2, reservedForFast: 0 });
    expect(lanes.granted).toEqual(['heavy']);
  });
});

describe('how many are ahead', () => {
  test('a fast call counts the fast ones and the first heavy one where it has aged, a heavy call counts all', () => {
    const lanes = busyLanes();
    lanes.enter('old', 'heavy', 0);
    lanes.enter('as old', 'heavy', 0);
    lanes.enter('fast', 'fast', 500);
    expect([lanes.ahead('fast', agingMs), lanes.ahead('fast', agingMs + 1), lanes.ahead('heavy', 5 * agingMs)]).toEqual([1, 2, 3]);
  });

  test('nobody is ahead of a call for which a slot is free', () => {
    const lanes = lanesOf({ slots: 2, reservedForFast: 1 });
    lanes.take('heavy');
    lanes.enter('heavy', 'heavy', 0);
    expect([lanes.ahead('fast', 5 * agingMs), lanes.ahead('heavy', 5 * agingMs)]).toEqual([0, 1]);
  });

  test('where no slot is reserved, as many are served before it as were ahead', () => {
    const crowd = fc.array(fc.record({ lane: fc.constantFrom<LaneName>('fast', 'heavy'), afterMs: fc.nat(400) }), { maxLength: 20 });
    const property = fc.property(crowd, fc.constantFrom<LaneName>('fast', 'heavy'), (others, lane) => {
      const lanes = busyLanes();
      const end = (of: LaneName) => (): void => lanes.give(of);
      let nowMs = 0;
      for (const other of others) lanes.enter('other', other.lane, (nowMs += other.afterMs), end(other.lane));
      const ahead = lanes.ahead(lane, nowMs);
      lanes.enter('newcomer', lane, nowMs, end(lane));
      lanes.give('fast');
      return lanes.granted.indexOf('newcomer') === ahead && lanes.granted.length === others.length + 1;
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});

describe('what a call does as it is granted a slot', () => {
  test('a queue of calls that end as soon as they begin drains, however long it is', () => {
    const lanes = busyLanes({ queueLimit: Infinity });
    for (let count = 0; count < 20_000; count++) lanes.enter('brief', 'fast', count, () => lanes.give('fast'));
    lanes.give('fast');
    expect([lanes.granted.length, lanes.inUse, lanes.waiting]).toEqual([20_000, 0, 0]);
  });

  test('it leaves other queues, and whoever stands next there is served all the same', () => {
    const [here, there] = [busyLanes(), busyLanes()];
    const leave = there.enter('both', 'fast');
    there.enter('other', 'fast');
    here.enter('both', 'fast', 0, leave);
    here.give('fast');
    there.give('fast');
    expect([here.granted, there.granted]).toEqual([['both'], ['other']]);
  });

  test('it may make the next in line leave before a slot reaches it', () => {
    const lanes = busyLanes();
    const leaveSecond: (() => void)[] = [];
    lanes.enter('first', 'fast', 0, () => leaveSecond.forEach((leave) => leave()));
    leaveSecond.push(lanes.enter('second', 'fast'));
    lanes.enter('third', 'fast');
    lanes.resize({ slots: 3, reservedForFast: 0 });
    expect([lanes.granted, lanes.inUse]).toEqual([['first', 'third'], 3]);
  });

  test('it takes no slot that somebody who waits has a claim to', () => {
    const lanes = busyLanes();
    const taken: boolean[] = [];
    lanes.enter('first', 'fast', 0, () => taken.push(lanes.isFree('fast'), lanes.take('fast')));
    lanes.enter('second', 'fast');
    lanes.resize({ slots: 3, reservedForFast: 0 });
    expect([lanes.granted, taken, lanes.inUse]).toEqual([['first', 'second'], [false, false], 3]);
  });

  test('a call that throws as it is granted its slot does not stop later grants', () => {
    const lanes = busyLanes();
    lanes.enter('broken', 'fast', 0, () => {
      throw new Error('broken');
    });
    lanes.enter('next', 'fast');
    expect(() => lanes.give('fast')).toThrow('broken');
    lanes.give('fast');
    expect(lanes.granted).toEqual(['broken', 'next']);
  });
});

test.each([
  ['in the order in which they came', (leaves: readonly (() => void)[]) => leaves],
  ['the last first', (leaves: readonly (() => void)[]) => leaves.toReversed()],
])('ten times as many leavers take about ten times as long, %s', (_order, ordered) => {
  // Both leave 10,000 times, so that the shares of noise are alike: linear gives 1, quadratic 10.
  const leavingMs = (count: number): number => {
    let sumMs = 0;
    for (let rounds = 10_000 / count; rounds > 0; rounds--) {
      const lanes = busyLanes({ queueLimit: Infinity });
      const leaves = Array.from({ length: count }, (_, index) => lanes.enter('leaver', index % 2 === 0 ? 'fast' : 'heavy'));
      const orderedLeaves = ordered(leaves);
      const startMs = performance.now();
      for (const leave of orderedLeaves) leave();
      sumMs += performance.now() - startMs;
      expect(lanes.waiting).toBe(0);
    }
    return sumMs;
  };
  const best = (count: number): number => Math.min(...Array.from({ length: 8 }, () => leavingMs(count)));
  best(1_000);
  expect(best(10_000) / best(1_000)).toBeLessThan(7);
});

test('whoever keeps the leaving function of a call that is over keeps no other call alive', async () => {
  const lanes = busyLanes();
  const enterWith = (payload: object): (() => void) | undefined => lanes.join('fast', 0, () => void payload);
  const refs: WeakRef<object>[] = [];
  const kept: unknown[] = [];
  const crowd = (): void => {
    const leaves = ['before', 'kept', 'behind'].map((name) => {
      const payload = { name };
      refs.push(new WeakRef(payload));
      return enterWith(payload);
    });
    kept.push(leaves[1]);
    for (const index of [1, 0, 2]) leaves[index]?.();
  };
  crowd();
  await setImmediate();
  collectGarbage();
  const alive = refs.map((ref) => ref.deref()).filter((payload) => payload !== undefined);
  expect([alive, kept.length]).toEqual([[{ name: 'kept' }], 1]);
});

type Reaction = 'keeps it' | 'ends at once' | 'ends and takes again' | 'makes others leave' | 'joins again' | 'adds a slot';

type Command =
  | { readonly do: 'take' | 'give'; readonly lane: LaneName }
  | { readonly do: 'join'; readonly lane: LaneName; readonly reaction: Reaction }
  | { readonly do: 'leave'; readonly which: number }
  | { readonly do: 'resize'; readonly slots: number; readonly reservedForFast: number }
  | { readonly do: 'wait'; readonly ms: number };

const lane = fc.constantFrom<LaneName>('fast', 'heavy');
const reaction = fc.constantFrom<Reaction>(
  'keeps it',
  'keeps it',
  'ends at once',
  'ends and takes again',
  'makes others leave',
  'joins again',
  'adds a slot',
);
const join = fc.record({ do: fc.constant('join' as const), lane, reaction });
const command: fc.Arbitrary<Command> = fc.oneof(
  join,
  join,
  fc.record({ do: fc.constantFrom('take' as const, 'give' as const), lane }),
  fc.record({ do: fc.constant('leave' as const), which: fc.nat(40) }),
  fc.record({
    do: fc.constant('resize' as const),
    slots: fc.constantFrom(1, 2, 3, 5, Infinity),
    reservedForFast: fc.constantFrom(0, 0, 1, 2),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, agingMs / 2, agingMs - 1, agingMs) }),
);
const limits: fc.Arbitrary<LaneLimits> = fc.record({
  slots: fc.constantFrom(3, 1, 2, 4),
  reservedForFast: fc.constantFrom(0, 1, 2),
  queueLimit: fc.constantFrom(8, 0, 2, Infinity),
  agingMs: fc.constantFrom(agingMs, agingMs, 0, Infinity),
});

interface Player {
  readonly play: (command: Command) => void;
  /** All that the lanes answered and granted, in order. */
  readonly said: readonly unknown[];
  /** What was broken of what holds after each step, by our own count of who holds a slot and who waits. */
  readonly broken: () => string[];
}

/** Plays commands on lanes, and remembers who holds a slot, who waits and who left. */
function player(create: (limits: LaneLimits) => PlainLanes, given: LaneLimits): Player {
  const lanes = create(given);
  const said: unknown[] = [];
  const held: LaneName[] = [];
  const waiting = new Map<number, LaneName>();
  /** Of the fast calls that wait, how many heavy ones each has seen go. */
  const passedBy = new Map<number, number>();
  const leaves: (() => void)[] = [];
  const faults: string[] = [];
  let { slots, reservedForFast } = given;
  let nowMs = 0;

  const heavyHeld = (): number => held.filter((each) => each === 'heavy').length;
  const hasRoom = (of: LaneName): boolean => held.length < slots && (of === 'fast' || heavyHeld() < slots - reservedForFast);
  const take = (of: LaneName): void => {
    const isFree = lanes.isFree(of);
    const taken = lanes.take(of);
    if (isFree !== taken) faults.push('`isFree` says otherwise than `take`');
    if (taken) held.push(of);
    said.push(taken);
  };
  const give = (of: LaneName): void => {
    if (held.includes(of)) held.splice(held.indexOf(of), 1);
    lanes.give(of, nowMs);
  };
  const leave = (which: number): void => {
    leaves[which]?.();
    waiting.delete(which);
  };
  const resize = (to: Pick<LaneLimits, 'slots' | 'reservedForFast'>): void => {
    ({ slots, reservedForFast } = to);
    lanes.resize(to, nowMs);
  };
  const enter = (of: LaneName, reaction: Reaction): void => {
    const name = leaves.push(() => {}) - 1;
    waiting.set(name, of);
    said.push(lanes.ahead(of, nowMs));
    const leaving = lanes.join(of, nowMs, () => {
      if (!hasRoom(of)) faults.push('a slot was granted that was not free');
      if (!waiting.delete(name)) faults.push('a slot was granted to one that did not wait');
      held.push(of);
      if (of === 'heavy') for (const [fast, lane] of waiting) if (lane === 'fast') passedBy.set(fast, (passedBy.get(fast) ?? 0) + 1);
      if (Math.max(...passedBy.values()) > 1) faults.push('a fast call saw two heavy ones go before it');
      if (lanes.inUse !== held.length) faults.push('a slot was granted and not counted');
      said.push(`granted ${name}`, lanes.inUse, lanes.waiting);
      react(of, reaction);
    });
    if (leaving === undefined) waiting.delete(name);
    else leaves[name] = leaving;
    said.push(leaving === undefined ? 'full' : 'joined');
  };
  const react = (of: LaneName, reaction: Reaction): void => {
    if (reaction === 'ends at once' || reaction === 'ends and takes again') give(of);
    if (reaction === 'ends and takes again') take(of);
    if (reaction === 'makes others leave') for (const name of [...waiting.keys()].slice(0, 2)) leave(name);
    if (reaction === 'joins again') enter(of === 'fast' ? 'heavy' : 'fast', 'keeps it');
    if (reaction === 'adds a slot') resize({ slots: slots + 1, reservedForFast });
  };
  return {
    said,
    play(command) {
      if (command.do === 'take') take(command.lane);
      if (command.do === 'give') give(command.lane);
      if (command.do === 'join') enter(command.lane, command.reaction);
      if (command.do === 'leave') leave(command.which);
      if (command.do === 'resize') resize(command);
      if (command.do === 'wait') nowMs += command.ms;
      const ahead = [lanes.ahead('fast', nowMs), lanes.ahead('heavy', nowMs)];
      const both = ['fast', 'heavy'] as const;
      const wanted = both.flatMap((of) => [undefined, ...both].map((joining) => lanes.isWanted(of, joining)));
      said.push(command.do, lanes.slots, lanes.inUse, lanes.waiting, lanes.isFree('fast'), lanes.isFree('heavy'), ...ahead, ...wanted);
    },
    broken() {
      const idle = [...waiting.values()].some(hasRoom);
      return [
        ...faults,
        ...(idle ? ['somebody waits while a slot is free for it'] : []),
        ...(lanes.inUse === held.length ? [] : ['`inUse` is not how many hold a slot']),
        ...(lanes.waiting === waiting.size ? [] : ['`waiting` is not how many wait']),
        ...(lanes.waiting <= given.queueLimit ? [] : ['more wait than may']),
      ];
    },
  };
}

test('random runs grant as the reference model does, and each step leaves the books true', { timeout: 60_000 }, () => {
  const property = fc.property(limits, fc.array(command, { maxLength: 60, size: 'max' }), (given, commands) => {
    const [own, model] = [player(createLanes, given), player(referenceLanes, given)];
    for (const each of commands) {
      own.play(each);
      model.play(each);
      expect(own.broken()).toEqual([]);
    }
    expect(own.said).toEqual(model.said);
  });
  fc.assert(property, { numRuns: 5_000 });
});
