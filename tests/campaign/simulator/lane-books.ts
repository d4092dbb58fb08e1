import { isRouterError, type LoadReport, type RouterEvents, type RouterSnapshot, type Verb } from '../../../src/index.ts';
import type { AttemptRecord, RequestRecord } from './ledger.ts';
import type { CallPlan } from './load.ts';
import { deadlineMsOf, laneOf, mayServe, usualSlots } from './possible.ts';
import type { ProviderPlan, Scenario } from './scenario.ts';
import type { Complain } from './violations.ts';

/** Slots and queues as the events tell of them, held against limits that are worked out here anew. */
export interface LaneBooks {
  entered(request: RequestRecord, payload: RouterEvents['queue:enter']): void;
  left(request: RequestRecord, payload: RouterEvents['queue:leave']): void;
  started(request: RequestRecord, attempt: AttemptRecord): void;
  ended(request: RequestRecord, attempt: AttemptRecord): void;
  requestEnded(request: RequestRecord): void;
  /** A backend says at this moment how many calls it takes. */
  told(provider: string, report: LoadReport): void;
  /** Nothing more happens at this moment. */
  quiet(): void;
  /** How many wait has to be what the router says. Only while it is quiet. */
  compare(snapshot: RouterSnapshot): void;
  /** May somebody wait where no event says so? Then only the router itself can tell how many wait. */
  isUnsure(): boolean;
  /** Would the call have had to wait for a slot there? */
  isFull(request: RequestRecord, provider: string): boolean;
  readonly counts: LaneCounts;
}

export interface LaneCounts {
  queued: number;
  granted: number;
  /** Calls that went before others that waited for the same slots in the same lane. */
  overtakable: number;
  /** Slots in queues that were full when the call came. */
  late: number;
  saturated: number;
  /** Slots that heavy calls were not given, because they are kept for fast ones. */
  reserved: number;
}

type Lane = 'fast' | 'heavy';

/** The slots that some calls share: those of a provider, or of one of its models. */
interface Pool {
  readonly plan: ProviderPlan;
  readonly inUse: Record<Lane, number>;
  readonly underWay: Map<AttemptRecord, RequestRecord>;
  /** When anything last changed here. */
  changedMs: number;
  /** When a heavy call last got a slot that it had waited for, for all that is sure, and at the latest. */
  heavyMovedMs: { surely: number; latest: number };
  told: number | undefined;
  toldMs: number;
  /** What held before it was told: within the moment itself nobody can say which of the two holds. */
  toldBefore: number | undefined;
}

/** Since when a call has waited for the slots of a pool, be it with gaps. `latest`: Infinity where it may never have waited there. */
interface Since {
  readonly earliestMs: number;
  readonly latestMs: number;
}

interface Entry {
  readonly request: RequestRecord;
  readonly lane: Lane;
  readonly pools: ReadonlyMap<string, Pool>;
  /** Those whose queues may have been full: from the first second on it may be there as well, and no event tells so. */
  readonly perhaps: ReadonlyMap<string, Pool>;
  /** Where it cannot be asked, or could not once: a call that gets a slot there leaves that queue in silence, and waits on elsewhere. */
  readonly doubtful: Set<Pool>;
  readonly enteredMs: number;
  /** Somebody else was free: until when it may wait for better ones. */
  readonly untilMs: number;
  readonly order: number;
}

interface Options {
  readonly scenario: Scenario;
  nowMs(): number;
  /** Something speaks against a call there at this moment. */
  isBarred(provider: string, model: string): boolean;
  readonly complain: Complain;
}

const who = ({ plan }: RequestRecord): string => `request ${plan.index}`;

const isAt = ({ pools }: Entry, pool: Pool): boolean => [...pools.values()].includes(pool);

const roundingMs = 0.01;
/** So often a call looks whether a queue that was full has a place. */
const lookMs = 1_000;
/** No attempt begins with less than this left of the deadline. */
const leastMs = 50;
const never: Since = { earliestMs: Infinity, latestMs: Infinity };
const usualAgingMs = 30_000;
const usualLimit = 1_000;

export function createLaneBooks(options: Options): LaneBooks {
  const { scenario, nowMs, isBarred, complain } = options;
  const { settings, providers } = scenario;
  const limit = settings.queue?.limit ?? usualLimit;
  const timeoutMs = settings.queue?.timeoutMs ?? Infinity;
  const agingMs = settings.queue?.agingMs ?? usualAgingMs;
  const pools = new Map<string, Pool>();
  const waiting = new Map<RequestRecord, Entry>();
  const waitedMs = new Map<RequestRecord, number>();
  /** Its places since its last attempt, also those that it has left for a moment. */
  const places = new Map<RequestRecord, Map<Pool, Since>>();
  /** The last grant of a call: until its attempt begins, its slot is its own. */
  const grants = new Map<RequestRecord, { readonly pool: Pool; readonly atMs: number }>();
  let doubts: { readonly victim: Entry; readonly pool: Pool; readonly what: string }[] = [];
  let order = 0;
  let isDirty = false;
  const counts: LaneCounts = { queued: 0, granted: 0, overtakable: 0, late: 0, saturated: 0, reserved: 0 };

  const poolOf = (id: string, verb: Verb): Pool => {
    const plan = providers.find((each) => each.id === id) as ProviderPlan;
    const key = plan.type === 'ollama' && plan.maxConcurrent === undefined ? `${id}/${verb === 'embed' ? 'e' : 'm'}` : id;
    const known = pools.get(key);
    if (known !== undefined) return known;
    const untold = { changedMs: -Infinity, told: undefined, toldMs: -Infinity, toldBefore: undefined };
    const made: Pool = {
      plan,
      inUse: { fast: 0, heavy: 0 },
      underWay: new Map(),
      heavyMovedMs: { surely: -Infinity, latest: -Infinity },
      ...untold,
    };
    pools.set(key, made);
    return made;
  };
  const queuesOf = (id: string): Pool[] => [poolOf(id, 'chat'), poolOf(id, 'embed')];
  const touch = (pool: Pool): void => {
    pool.changedMs = nowMs();
    isDirty = true;
  };
  /** Slots that streams may have lent to calls that wait. */
  const lent = ({ underWay }: Pool, lane: Lane): number =>
    [...underWay].filter(([{ startMs }, { plan }]) => isUnread(plan) && nowMs() - startMs >= unreadMs && laneOf(plan, settings) === lane)
      .length;
  const isFree = (pool: Pool, lane: Lane, slots: number): boolean => {
    const { fast, heavy } = pool.inUse;
    return fast + heavy < slots && (lane === 'fast' || heavy < slots - reservedIn(pool.plan, slots));
  };
  const isPerhapsAt = ({ perhaps, enteredMs }: Entry, pool: Pool): boolean =>
    enteredMs + lookMs <= nowMs() && [...perhaps.values()].includes(pool);
  const waitersAt = (pool: Pool): Entry[] => [...waiting.values()].filter((entry) => isAt(entry, pool));
  /** With those of whom nobody can say. */
  const mostAt = (pool: Pool): Entry[] => [...waiting.values()].filter((entry) => isAt(entry, pool) || isPerhapsAt(entry, pool));
  const isFull = (request: RequestRecord, provider: string): boolean => {
    const pool = poolOf(provider, request.plan.verb);
    const lane = laneOf(request.plan, settings);
    return !isFree(pool, lane, slotsNow(pool)) || mostAt(pool).some((each) => each.lane === lane);
  };
  /** Of a pool whose queue has a place nobody is refused. */
  const refusing = ({ plan }: RequestRecord, ids: readonly string[]): Map<string, Pool> => {
    const others = providers.filter((each) => !ids.includes(each.id) && mayServe(plan, each, scenario));
    const all = others.map(({ id }): [string, Pool] => [id, poolOf(id, plan.verb)]);
    return new Map(all.filter(([, pool]) => mostAt(pool).length >= limit));
  };
  /** Writes down when a call that begins to wait has first joined each queue, for all that is known. */
  const place = ({ request, pools: all, perhaps }: Entry): void => {
    const own = places.get(request) ?? new Map<Pool, Since>();
    places.set(request, own);
    for (const pool of all.values()) {
      const { earliestMs, latestMs } = own.get(pool) ?? never;
      own.set(pool, { earliestMs: Math.min(earliestMs, nowMs()), latestMs: Math.min(latestMs, nowMs()) });
    }
    for (const pool of perhaps.values()) {
      const { earliestMs, latestMs } = own.get(pool) ?? never;
      own.set(pool, { earliestMs: Math.min(earliestMs, nowMs() + lookMs), latestMs });
    }
  };
  /** Of a call that waits as it begins all rules are known, but whose vectors would do. */
  const isElsewhere = (request: RequestRecord, ids: readonly string[]): boolean => {
    const { plan, startMs, attempts, waits } = request;
    if (plan.verb === 'embed' || startMs !== nowMs() || attempts.length > 0 || waits > 1) return false;
    const others = providers.filter((each) => !ids.includes(each.id) && mayServe(plan, each, scenario) && !isBarred(each.id, 'm'));
    return others.some(({ id }) => poolOf(id, plan.verb).changedMs < nowMs() && !isFull(request, id));
  };
  const sinceOf = (request: RequestRecord, pool: Pool): Since => places.get(request)?.get(pool) ?? never;
  const doubt = (victim: Entry, pool: Pool, what: string): void => void doubts.push({ victim, pool, what });
  const wasThere = ({ enteredMs }: Entry): boolean => enteredMs < nowMs();

  /** Whoever had a better claim to the slot that this call has just got. Whether they still wait is seen when all is quiet. */
  const weigh = ({ request, lane, order: turn }: Entry, pool: Pool): void => {
    const { earliestMs } = sinceOf(request, pool);
    const others = waitersAt(pool);
    const own = others.filter((each) => each.lane === lane);
    if (own.length > 0) counts.overtakable += 1;
    for (const each of own) {
      const { latestMs } = sinceOf(each.request, pool);
      // Of those that came back in this very moment nobody knows whether they were there in time.
      const isFirst = latestMs < earliestMs ? wasThere(each) || each.order < turn : latestMs === earliestMs && each.order < turn;
      if (isFirst) doubt(each, pool, `${who(request)} at ${pool.plan.id} went before ${who(each.request)}, which came first`);
    }
    const { surely, latest } = pool.heavyMovedMs;
    // The slot that it has just got is not in use yet.
    const isFreeForAll = isFree(pool, 'heavy', slotsIn(pool, nowMs()));
    for (const each of others.filter((other) => other.lane !== lane && wasThere(other))) {
      const { latestMs } = sinceOf(each.request, pool);
      const what = `${who(request)} (${lane}) at ${pool.plan.id} went before ${who(each.request)} (${each.lane})`;
      if (lane === 'fast' && Math.max(latestMs, latest) + agingMs < earliestMs - roundingMs && isFreeForAll)
        doubt(each, pool, `${what}, which has aged`);
      if (lane === 'heavy' && Math.max(earliestMs, surely) + agingMs > latestMs + roundingMs)
        doubt(each, pool, `${what}, and has not aged`);
    }
  };

  return {
    counts,
    entered(request, { providers: ids, lane }) {
      counts.queued += 1;
      isDirty = true;
      if (waiting.has(request)) complain('waits once', `${who(request)} waits twice`);
      if (request.attempts.some(({ endMs }) => endMs === undefined)) complain('waits once', `${who(request)} waits beside its attempt`);
      if (lane !== laneOf(request.plan, settings)) complain('waits once', `${who(request)} waits in the lane ${lane}`);
      const entry: Entry = {
        request,
        lane: laneOf(request.plan, settings),
        pools: new Map(ids.map((id) => [id, poolOf(id, request.plan.verb)])),
        perhaps: refusing(request, ids),
        doubtful: new Set(),
        enteredMs: nowMs(),
        untilMs: isElsewhere(request, ids) ? nowMs() + deadlineMsOf(request.plan, settings) / 2 : Infinity,
        order: (order += 1),
      };
      if (ids.length === 0) complain('waits once', `${who(request)} waits for nobody`);
      place(entry);
      waiting.set(request, entry);
    },
    left(request, { provider, ms }) {
      const entry = waiting.get(request);
      if (entry === undefined) return complain('waits once', `${who(request)} leaves a queue that it is not in`);
      waiting.delete(request);
      isDirty = true;
      const stayedMs = nowMs() - entry.enteredMs;
      const allMs = (waitedMs.get(request) ?? 0) + stayedMs;
      waitedMs.set(request, allMs);
      if (Math.abs(ms - stayedMs) > roundingMs) complain('waits once', `${who(request)} waited ${stayedMs} ms, not ${ms} ms`);
      if (allMs > timeoutMs + roundingMs) complain('waits as long as it may', `${who(request)} waited ${allMs} ms of ${timeoutMs} ms`);
      const endsAtMs = request.startMs + deadlineMsOf(request.plan, settings) - leastMs;
      if (nowMs() > endsAtMs + roundingMs)
        complain('waits as long as it may', `${who(request)} waited ${nowMs() - endsAtMs} ms beyond what its deadline allows`);
      if (nowMs() > entry.untilMs + roundingMs)
        complain('waits as long as it may', `${who(request)} waited ${stayedMs} ms, and another was free for it`);
      const own = places.get(request);
      // No second was over.
      for (const pool of entry.perhaps.values()) if (sinceOf(request, pool).earliestMs > nowMs()) own?.delete(pool);
      if (provider === undefined) {
        // It may have been given a slot in the moment in which it left.
        const all = [...entry.pools.values(), ...entry.perhaps.values()];
        if (entry.lane === 'heavy') for (const { heavyMovedMs } of all) heavyMovedMs.latest = nowMs();
        return;
      }
      const named = entry.pools.get(provider);
      const pool = named ?? entry.perhaps.get(provider);
      if (pool === undefined || (named === undefined && stayedMs < lookMs - roundingMs))
        return complain('waits once', `${who(request)} got a slot at ${provider}, where it did not wait`);
      counts.granted += 1;
      if (named === undefined) counts.late += 1;
      weigh(entry, pool);
      // A slot that was free when it came is no turn of its lane.
      const hasWaited = named !== undefined && stayedMs > 0;
      if (entry.lane === 'heavy') pool.heavyMovedMs = { surely: hasWaited ? nowMs() : pool.heavyMovedMs.surely, latest: nowMs() };
      grants.set(request, { pool, atMs: nowMs() });
    },
    started(request, attempt) {
      const pool = poolOf(attempt.provider, request.plan.verb);
      const lane = laneOf(request.plan, settings);
      pool.inUse[lane] += 1;
      pool.underWay.set(attempt, request);
      touch(pool);
      if (waiting.has(request)) complain('waits once', `${who(request)} is sent while it waits`);
      places.delete(request);
      const [fast, heavy] = (['fast', 'heavy'] as const).map((each) => pool.inUse[each] - lent(pool, each)) as [number, number];
      const slots = slotsIn(pool, nowMs());
      if (fast + heavy > slots) complain('calls at once', `${attempt.provider}: ${fast + heavy} of ${slots}, with ${who(request)}`);
      else if (lane === 'heavy' && heavy > slots - reservedIn(pool.plan, slots)) {
        complain('calls at once', `${attempt.provider}: ${heavy} heavy ones of ${slots}, with ${who(request)}, of which some are reserved`);
      }
      const grant = grants.get(request);
      grants.delete(request);
      if (grant?.pool === pool && grant.atMs === nowMs()) return;
      const victim = waitersAt(pool).find((each) => each.lane === lane);
      if (victim !== undefined) doubt(victim, pool, `${who(request)} at ${attempt.provider} did not wait, and ${who(victim.request)} does`);
    },
    ended(request, attempt) {
      const pool = poolOf(attempt.provider, request.plan.verb);
      pool.underWay.delete(attempt);
      pool.inUse[laneOf(request.plan, settings)] -= 1;
      touch(pool);
    },
    requestEnded(request) {
      const { error } = request;
      if (waiting.has(request)) complain('waits once', `${who(request)} ends while it waits`);
      grants.delete(request);
      const known = places.get(request);
      places.delete(request);
      if (!isRouterError(error, 'saturated')) return;
      counts.saturated += 1;
      if (request.attempts.length > 0) complain('waits as long as it may', `${who(request)} is saturated after an attempt`);
      // Later on nobody knows any more how it was when the call was turned away.
      if (nowMs() > request.startMs + (waitedMs.get(request) ?? 0) + roundingMs) return;
      for (const { provider, code } of error.skipped) {
        if (code !== 'saturated') continue;
        const pool = poolOf(provider, request.plan.verb);
        const lane = laneOf(request.plan, settings);
        if (pool.changedMs >= nowMs() || isBarred(provider, request.plan.verb === 'embed' ? 'e' : 'm')) continue;
        if (isFree(pool, lane, slotsIn(pool, nowMs())))
          complain('no wait beside a free slot', `${who(request)} was turned away from ${provider}`);
        const isEarly = known?.has(pool) !== true && mostAt(pool).length < limit;
        const endsAtMs = request.startMs + deadlineMsOf(request.plan, settings);
        const hasTime = (waitedMs.get(request) ?? 0) < timeoutMs - roundingMs && endsAtMs - nowMs() > leastMs;
        if (isEarly && hasTime) complain('waits as long as it may', `${who(request)} found no place in the queue of ${provider}`);
      }
    },
    told(provider, { slots }) {
      // Of those that tell it none keeps its models apart.
      tell(poolOf(provider, 'chat'), slots, nowMs());
      isDirty = true;
    },
    quiet() {
      if (!isDirty) return;
      isDirty = false;
      for (const entry of waiting.values()) {
        for (const pool of entry.pools.values()) {
          const isTried = entry.request.attempts.length > 0;
          if (isTried || isBarred(pool.plan.id, entry.request.plan.verb === 'embed' ? 'e' : 'm')) entry.doubtful.add(pool);
        }
      }
      for (const { victim, pool, what } of doubts) {
        if (waiting.get(victim.request) === victim && !victim.doubtful.has(pool)) complain('first come, first served', what);
      }
      doubts = [];
      const queues = new Map<Pool, number>();
      for (const { request, lane, pools: all, doubtful } of waiting.values()) {
        if (request.end !== undefined) complain('waits once', `${who(request)} has ended and waits`);
        for (const [id, pool] of all) {
          if (doubtful.has(pool)) continue;
          queues.set(pool, (queues.get(pool) ?? 0) + 1);
          const slots = slotsNow(pool);
          if (isFree(pool, lane, slots)) {
            const { fast, heavy } = pool.inUse;
            complain(
              'no wait beside a free slot',
              `${who(request)} (${lane}) waits for ${id}: ${fast} fast and ${heavy} heavy of ${slots}`,
            );
          } else if (isFree(pool, 'fast', slots)) counts.reserved += 1;
        }
      }
      for (const [{ plan }, count] of queues)
        if (count > limit) complain('waits as long as it may', `${plan.id}: ${count} wait, of ${limit}`);
    },
    compare({ providers: told }) {
      for (const { provider, waiting: count } of told) {
        const own = [...new Set(queuesOf(provider))];
        const most = own.flatMap(mostAt);
        const sure = own.flatMap((pool) => waitersAt(pool).filter(({ doubtful }) => !doubtful.has(pool)));
        if (count > most.length || count < sure.length)
          complain('counters', `${provider}: ${count} wait, ${sure.length} to ${most.length} by the events`);
        if (count > limit * own.length) complain('waits as long as it may', `${provider}: ${count} wait, of ${limit}, as it says itself`);
      }
    },
    isUnsure: () => [...waiting.values()].some(({ perhaps, enteredMs }) => perhaps.size > 0 && enteredMs + lookMs <= nowMs()),
    isFull,
  };
}

/**
 * A reader for whom nothing has been asked of the server for so long lends the slot of the stream to who waits: because it reads nothing,
 * or because what came at once, ten pieces at most, lasts it so long.
 */
export const unreadMs = 1_000;

export function isUnread({ verb, reading, readGapMs }: CallPlan): boolean {
  return verb === 'stream' && (reading === 'stall' || reading === 'never' || (reading === 'slow' && readGapMs >= unreadMs / 10));
}

function tell(pool: Pool, slots: number | undefined, nowMs: number): void {
  if (pool.toldMs !== nowMs) pool.toldBefore = slotsNow(pool);
  // Nobody who answers takes no calls at all.
  Object.assign(pool, { told: slots !== undefined && slots >= 1 ? slots : undefined, toldMs: nowMs });
}

/** As configured, else as told, else as many as such a server takes where nobody said anything. */
function slotsNow({ plan, told }: Pool): number {
  return plan.maxConcurrent ?? told ?? usualSlots(plan);
}

function slotsIn(pool: Pool, nowMs: number): number {
  const slots = slotsNow(pool);
  return pool.toldMs === nowMs && pool.plan.maxConcurrent === undefined ? Math.max(slots, pool.toldBefore ?? 0) : slots;
}

function reservedIn({ reservedForFast }: ProviderPlan, slots: number): number {
  const usual = slots >= 5 && slots !== Infinity ? 1 : 0;
  return Math.min(reservedForFast ?? usual, slots - 1);
}
