import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Estimate,
  expectedLoadMs,
  learnedLoadMs,
  learnedServiceMs,
  learnedShare,
  learnedSpreadMs,
  type Score,
  scoreOf,
  smoothedShare,
} from '../../src/routing/expected-time.ts';
import { expectedMs, noFit, type TimeFit, withTime } from '../../src/routing/time-fit.ts';

const idle: Estimate = {
  slots: 1,
  inFlight: 0,
  waitingAhead: 0,
  elsewhere: 0,
  serviceMs: 4_000,
  spreadMs: 0,
  runningMs: 0,
  firstMs: 300,
  loadMs: 0,
  savedMs: 0,
  successShare: 1,
  priorMs: 1_000,
};

const score = (other: Partial<Estimate>): Score => scoreOf({ ...idle, ...other });
const total = (other: Partial<Estimate>): number => score(other).totalMs;

describe('the parts of a score', () => {
  test('a warm idle provider is expected to need what its first content needs', () => {
    expect(score({})).toEqual({ totalMs: 300, queueMs: 0, loadMs: 0, answerMs: 300, failureMs: 0, savedMs: 0, isGuess: false });
  });

  test('the total is the sum of the parts, less what a cached prefix saves', () => {
    const { totalMs, queueMs, loadMs, answerMs, failureMs, savedMs } = score({
      inFlight: 3,
      loadMs: 9_000,
      savedMs: 100,
      successShare: 0.9,
    });
    expect(totalMs).toBeCloseTo(queueMs + loadMs + answerMs + failureMs - savedMs, 6);
    expect(Math.min(queueMs, loadMs, answerMs, failureMs, savedMs)).toBeGreaterThan(0);
  });

  test.each<[string, Partial<Estimate>, number]>([
    ['a slot is free', { slots: 4, inFlight: 3 }, 0],
    ['the only slot is taken', { inFlight: 1 }, 4_000],
    ['the only slot is taken by a call that is half done', { inFlight: 1, runningMs: 2_000 }, 2_000],
    ['the only slot is taken by a call that takes longer than they do', { inFlight: 1, runningMs: 60_000 }, 1_000],
    ['another call waits', { inFlight: 1, waitingAhead: 1 }, 8_000],
    ['another call waits for one that is half done', { inFlight: 1, waitingAhead: 1, runningMs: 2_000 }, 6_000],
    ['calls are of all lengths, so that nobody knows what half done is', { inFlight: 1, runningMs: 2_000, spreadMs: 800 }, 6_000],
    ['calls are of all lengths, and one waits', { inFlight: 1, waitingAhead: 1, runningMs: 2_000, spreadMs: 3_000 }, 12_000],
    ['calls are a little of different lengths', { inFlight: 1, runningMs: 2_000, spreadMs: 400 }, 4_000],
    ['nobody knows how different calls are', { inFlight: 1, runningMs: 2_000, spreadMs: undefined }, 6_000],
    ['a clock went back', { inFlight: 1, runningMs: -2_000 }, 4_000],
    ['four slots are taken', { slots: 4, inFlight: 4 }, 1_000],
    ['four slots are taken by calls that are half done', { slots: 4, inFlight: 4, runningMs: 2_000 }, 500],
    ['others have taken them', { slots: 4, inFlight: 1, elsewhere: 3 }, 1_000],
    ['nobody knows how long a call takes', { inFlight: 1, serviceMs: undefined }, 300],
    ['nobody knows a limit', { slots: Infinity, inFlight: 200, waitingAhead: 5, elsewhere: 70 }, 0],
    ['it tells of no slot at all', { slots: 0, inFlight: 1 }, 4_000],
  ])('the queue where %s', (_name, other, queueMs) => {
    expect(score(other).queueMs).toBeCloseTo(queueMs, 6);
  });

  test('a model that has to be loaded costs its load, so that a busy warm provider may be the better one', () => {
    expect(total({ loadMs: 30_000 })).toBe(30_300);
    expect(total({ loadMs: 30_000 })).toBeGreaterThan(total({ inFlight: 1 }));
    expect(total({ loadMs: 30_000 })).toBeLessThan(total({ inFlight: 1, serviceMs: 60_000 }));
  });

  test('a cached prefix saves at most all of the answer', () => {
    expect(total({ savedMs: 200 })).toBe(100);
    expect(score({ savedMs: 900, loadMs: 50 })).toMatchObject({ totalMs: 50, savedMs: 300 });
  });

  test('one that fails every other time costs 5 s more, however fast it fails', () => {
    expect(score({ firstMs: 50, successShare: 0.5 })).toMatchObject({ failureMs: 5_000, totalMs: 5_050 });
  });

  test('a slow one that fails costs its own time again', () => {
    expect(score({ firstMs: 20_000, successShare: 0.5 }).failureMs).toBe(20_000);
  });

  test('even one that always failed has a score, and comes after one that fails nine times of ten', () => {
    expect(total({ successShare: 0 })).toBe(300 + 99 * 5_000);
    expect(total({ successShare: 0 })).toBeGreaterThan(total({ successShare: 0.1 }));
  });
});

describe('an unknown provider', () => {
  const unknown = { firstMs: undefined, serviceMs: undefined, slots: 4 };

  test('stands first while nobody asks it', () => {
    expect(score(unknown)).toMatchObject({ totalMs: 0, isGuess: true });
  });

  test.each([1, 2, 3])('counts its prior once, and once more for each of %d calls that are finding out', (inFlight) => {
    expect(total({ ...unknown, inFlight })).toBe(1_000 * (1 + inFlight));
  });

  test('never meets a crowd: of 100 calls at once one goes there, for as long as a known one answers sooner than the prior', () => {
    let [tried, known] = [0, 0];
    for (let call = 0; call < 100; call += 1) {
      if (total({ ...unknown, inFlight: tried }) < total({ slots: Infinity, inFlight: known, firstMs: 1_900 })) tried += 1;
      else known += 1;
    }
    expect(tried).toBe(1);
  });

  test('that is cold costs its load even so', () => {
    expect(score({ ...unknown, loadMs: 8_000 })).toMatchObject({ totalMs: 8_000, isGuess: true });
  });

  test('that only ever failed does not stay first', () => {
    expect(total({ ...unknown, successShare: 0.7 })).toBeGreaterThan(2_000);
  });

  test('whose slots others hold is waited for', () => {
    expect(total({ ...unknown, elsewhere: 4 })).toBeGreaterThan(0);
  });
});

describe('whatever comes in', () => {
  const strange = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -1, 0, 1e308));
  const maybe = fc.option(strange, { nil: undefined });
  const keys = { slots: strange, inFlight: strange, waitingAhead: strange, elsewhere: strange, serviceMs: maybe, firstMs: maybe };
  const anyEstimate: fc.Arbitrary<Estimate> = fc.record({
    ...keys,
    spreadMs: maybe,
    runningMs: strange,
    loadMs: strange,
    savedMs: strange,
    successShare: strange,
    priorMs: strange,
  });

  test('every part of a score is a number from 0 on', () => {
    fc.assert(
      fc.property(anyEstimate, (estimate) => {
        const { isGuess, ...parts } = scoreOf(estimate);
        expect(typeof isGuess).toBe('boolean');
        for (const ms of Object.values(parts)) expect(ms >= 0 && ms < Infinity).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('a time that is no number is no knowledge', () => {
    expect(score({ firstMs: Number.NaN }).isGuess).toBe(true);
  });

  const ms = fc.double({ min: 0, max: 1e7, noNaN: true });
  const count = fc.nat({ max: 50 });
  const likely: fc.Arbitrary<Estimate> = fc.record({
    slots: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.constant(Infinity)),
    inFlight: count,
    waitingAhead: count,
    elsewhere: count,
    serviceMs: fc.option(ms, { nil: undefined }),
    spreadMs: fc.option(ms, { nil: undefined }),
    runningMs: ms,
    firstMs: fc.option(ms, { nil: undefined }),
    loadMs: ms,
    savedMs: ms,
    successShare: fc.double({ min: 0, max: 1, noNaN: true }),
    priorMs: ms,
  });

  test.each(['inFlight', 'waitingAhead', 'elsewhere', 'loadMs'] as const)('more of %s never lowers the score', (key) => {
    fc.assert(
      fc.property(likely, fc.integer({ min: 1, max: 1_000 }), (estimate, more) => {
        const before = scoreOf(estimate).totalMs;
        expect(scoreOf({ ...estimate, [key]: estimate[key] + more }).totalMs).toBeGreaterThanOrEqual(before * (1 - 1e-9));
      }),
      { numRuns: 500 },
    );
  });

  test.each<[string, (estimate: Estimate, share: number) => Partial<Estimate>]>([
    ['a lower share of successes', ({ successShare }, share) => ({ successShare: successShare * share })],
    ['a smaller cached prefix', ({ savedMs }, share) => ({ savedMs: savedMs * share })],
    ['fewer slots', ({ slots }, share) => ({ slots: slots === Infinity ? 16 : Math.max(1, Math.floor(slots * share)) })],
    ['a shorter time that calls have been running', ({ runningMs }, share) => ({ runningMs: runningMs * share })],
  ])('%s never lowers it', (_name, change) => {
    fc.assert(
      fc.property(likely, fc.double({ min: 0, max: 1, noNaN: true }), (estimate, share) => {
        const before = scoreOf(estimate).totalMs;
        expect(scoreOf({ ...estimate, ...change(estimate, share) }).totalMs).toBeGreaterThanOrEqual(before * (1 - 1e-9));
      }),
      { numRuns: 500 },
    );
  });
});

describe('what the books remember', () => {
  test('a failure is half forgiven after 30 s, and all but forgiven after 5 min', () => {
    expect([0, 30_000, 60_000, 300_000].map((ageMs) => smoothedShare(0.2, ageMs))).toEqual([
      expect.closeTo(0.2, 9),
      expect.closeTo(0.6, 9),
      expect.closeTo(0.8, 9),
      expect.closeTo(1, 2),
    ]);
    expect(smoothedShare(0.2, -5_000)).toBeCloseTo(0.2, 9);
  });

  test('three failures in a row weigh more than 5 s, one less', () => {
    const shares = [1, 2, 3].map((failures) => Array.from({ length: failures }).reduce<number>((share) => learnedShare(share, false), 1));
    const [one = 0, , three = 0] = shares.map((successShare) => score({ successShare }).failureMs);
    expect(one).toBeLessThan(3_500);
    expect(three).toBeGreaterThan(5_000);
  });

  test('successes make good for it', () => {
    expect(learnedShare(0.3, true)).toBeGreaterThan(0.3);
    expect(learnedShare(1, true)).toBe(1);
  });

  test.each([
    ['as learned', 12_000, 16e9, 12_000, 12_000],
    ['by size: about 30 s for 16 GB', undefined, 16e9, 25_000, 35_000],
    ['by size: 2 to 4 min for 140 GB', undefined, 140e9, 120_000, 240_000],
    ['30 s where nothing is known', undefined, undefined, 30_000, 30_000],
  ])('a load takes %s', (_name, learnedMs, sizeBytes, least, most) => {
    const ms = expectedLoadMs(learnedMs, sizeBytes);
    expect(ms).toBeGreaterThanOrEqual(least);
    expect(ms).toBeLessThanOrEqual(most);
  });

  test('the first figure counts in full, the next ones a half for loads and a tenth for calls', () => {
    expect([learnedLoadMs(undefined, 800), learnedLoadMs(800, 400)]).toEqual([800, 600]);
    expect([learnedServiceMs(undefined, 800), learnedServiceMs(800, 400)]).toEqual([800, 760]);
  });

  test('how far calls are from their mean is known from the second one on', () => {
    expect(learnedSpreadMs(undefined, undefined, 800)).toBeUndefined();
    expect([learnedSpreadMs(undefined, 800, 500), learnedSpreadMs(300, 800, 900)]).toEqual([300, 280]);
  });
});

// From here on: a rack of servers in virtual time, each with a queue of its own, to which a policy sends every request at once.

interface Server {
  readonly index: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  readonly slots: number;
  /** When each slot is free, after all that was sent there. */
  readonly freeAtMs: number[];
  inFlight: number;
  /** The times at which these began, added up. */
  begunSumMs: number;
  waiting: number;
  fit: TimeFit;
  serviceMs: number | undefined;
  spreadMs: number | undefined;
  share: number;
  shareAtMs: number;
}

interface Job {
  readonly index: number;
  readonly atMs: number;
  readonly tokens: number;
  readonly answerTokens: number;
}

interface Choice {
  readonly atMs: number;
  readonly index: number;
  readonly failed: boolean;
}

/** Lower is better. */
type Policy = (server: Server, job: Job, nowMs: number) => number;

interface Situation {
  /** This server answers 503 after 50 ms from one time to another. */
  readonly outage?: { readonly index: number; readonly fromMs: number; readonly untilMs: number };
  /** Nobody sees when a call gets its slot, so that the wait for it counts as prefill. */
  readonly hidesWaits?: boolean;
}

const baseMs = 40;

/** Numbers from 0 to 1, the same ones for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    const again = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((again ^ (again >>> 14)) >>> 0) / 2 ** 32;
  };
}

const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const between = (random: () => number, least: number, most: number): number => least * (most / least) ** random();

/** A length around `median`, now and then many times as long. */
function lengthOf(random: () => number, median: number, spread: number, [least, most]: readonly [number, number]): number {
  return Math.round(Math.min(most, Math.max(least, median * Math.exp(spread * normal(random)))));
}

function rackOf(seed: number): Server[] {
  const random = seeded(seed);
  return Array.from({ length: 8 }, (_, index) => {
    const slots = 1 + Math.floor(random() * 8);
    const [prefillMs, decodeMs] = [between(random, 0.05, 4), between(random, 5, 60)];
    const books = { inFlight: 0, begunSumMs: 0, waiting: 0, fit: noFit, serviceMs: undefined, spreadMs: undefined, share: 1, shareAtMs: 0 };
    return { index, prefillMs, decodeMs, slots, freeAtMs: Array.from({ length: slots }, () => 0), ...books };
  });
}

/** Poisson arrivals at a share of what the rack can do, were every server always busy. */
function jobsFor(rack: readonly Server[], seed: number, load: number, count: number): Job[] {
  const random = seeded(seed);
  const lengths = Array.from({ length: count }, (_, index) => ({
    index,
    tokens: lengthOf(random, 600, 1, [50, 8_000]),
    answerTokens: lengthOf(random, 150, 0.8, [5, 2_000]),
  }));
  const mean = (key: 'tokens' | 'answerTokens'): number => lengths.reduce((sum, job) => sum + job[key], 0) / count;
  const capacity = rack.reduce(
    (sum, { slots, prefillMs, decodeMs }) => sum + slots / (baseMs + prefillMs * mean('tokens') + decodeMs * mean('answerTokens')),
    0,
  );
  let atMs = 0;
  return lengths.map((job) => {
    atMs -= Math.log(1 - random()) / (capacity * load);
    return { ...job, atMs };
  });
}

/** What happens when, in virtual time. */
function createAgenda(): { at(atMs: number, happens: (nowMs: number) => void): void; runUntil(untilMs: number): void } {
  const due: { readonly atMs: number; readonly happens: (nowMs: number) => void }[] = [];
  return {
    at(atMs, happens) {
      const index = due.findLastIndex((other) => other.atMs > atMs);
      due.splice(index + 1, 0, { atMs, happens });
    },
    runUntil(untilMs) {
      for (let next = due.at(-1); next !== undefined && next.atMs <= untilMs; next = due.at(-1)) {
        due.pop();
        next.happens(next.atMs);
      }
    },
  };
}

function noteOutcome(server: Server, isSuccess: boolean, begunMs: number, nowMs: number): void {
  server.inFlight -= 1;
  server.begunSumMs -= begunMs;
  server.share = learnedShare(smoothedShare(server.share, nowMs - server.shareAtMs), isSuccess);
  server.shareAtMs = nowMs;
}

/** Times to the first token, and who was asked when. */
function simulate(
  rack: readonly Server[],
  jobs: readonly Job[],
  policy: Policy,
  { outage, hidesWaits = false }: Situation = {},
): { firstMs: number[]; choices: Choice[] } {
  const random = seeded(99);
  const agenda = createAgenda();
  const firstMs: number[] = [];
  const choices: Choice[] = [];

  const isDown = (server: Server, nowMs: number): boolean =>
    outage !== undefined && server.index === outage.index && nowMs >= outage.fromMs && nowMs < outage.untilMs;

  const serve = (server: Server, job: Job, nowMs: number): void => {
    const slot = server.freeAtMs.indexOf(Math.min(...server.freeAtMs));
    const startMs = Math.max(nowMs, server.freeAtMs[slot] ?? 0);
    const prefillMs = (baseMs + server.prefillMs * job.tokens) * Math.exp(0.1 * normal(random));
    const serviceMs = prefillMs + server.decodeMs * job.answerTokens;
    server.freeAtMs[slot] = startMs + serviceMs;
    firstMs.push(startMs + prefillMs - job.atMs);
    server.waiting += 1;
    agenda.at(startMs, () => {
      server.waiting -= 1;
      server.inFlight += 1;
      server.begunSumMs += startMs;
    });
    agenda.at(startMs + prefillMs, (atMs) => {
      server.fit = withTime(server.fit, job.tokens, hidesWaits ? atMs - nowMs : prefillMs, atMs);
    });
    agenda.at(startMs + serviceMs, (atMs) => {
      server.spreadMs = learnedSpreadMs(server.spreadMs, server.serviceMs, serviceMs);
      server.serviceMs = learnedServiceMs(server.serviceMs, serviceMs);
      noteOutcome(server, true, startMs, atMs);
    });
  };

  const send = (job: Job, nowMs: number, failed: readonly Server[]): void => {
    const open = rack.filter((server) => !failed.includes(server));
    const costs = open.map((server) => policy(server, job, nowMs));
    const server = open[costs.indexOf(Math.min(...costs))];
    if (server === undefined) return;
    choices.push({ atMs: nowMs, index: server.index, failed: isDown(server, nowMs) });
    if (!isDown(server, nowMs)) {
      serve(server, job, nowMs);
      return;
    }
    server.inFlight += 1;
    server.begunSumMs += nowMs;
    agenda.at(nowMs + 50, (atMs) => {
      noteOutcome(server, false, nowMs, atMs);
      send(job, atMs, [...failed, server]);
    });
  };

  for (const job of jobs) {
    agenda.runUntil(job.atMs);
    send(job, job.atMs, []);
    agenda.runUntil(job.atMs);
  }
  agenda.runUntil(Infinity);
  return { firstMs, choices };
}

const estimateOf = (server: Server, { tokens }: Job, nowMs: number): Estimate => ({
  slots: server.slots,
  inFlight: server.inFlight,
  waitingAhead: server.waiting,
  elsewhere: 0,
  serviceMs: server.serviceMs,
  spreadMs: server.spreadMs,
  runningMs: server.inFlight === 0 ? 0 : nowMs - server.begunSumMs / server.inFlight,
  firstMs: expectedMs(server.fit, tokens, nowMs),
  loadMs: 0,
  savedMs: 0,
  successShare: smoothedShare(server.share, nowMs - server.shareAtMs),
  priorMs: 2_000,
});

const byScore: Policy = (server, job, nowMs) => scoreOf(estimateOf(server, job, nowMs)).totalMs;
const assumingFourSlots: Policy = (server, job, nowMs) => scoreOf({ ...estimateOf(server, job, nowMs), slots: 4 }).totalMs;
const leastConnections: Policy = ({ inFlight, waiting }) => inFlight + waiting;
/** Knows the true speed of each server and when its slots will be free. */
const knowingAll: Policy = ({ freeAtMs, prefillMs }, { tokens }, nowMs) => Math.max(0, Math.min(...freeAtMs) - nowMs) + prefillMs * tokens;

const roundRobin: Policy = (server, job) => (server.index - (job.index % 8) + 8) % 8;

const p99 = (times: readonly number[]): number =>
  times.toSorted((left, right) => left - right)[Math.floor(times.length * 0.99)] ?? Number.NaN;

describe('a mixed rack of 8 servers', () => {
  const seeds = [1, 2, 3, 4, 5];
  const jobCount = 3_000;

  /** The 99th percentile of the time to the first token, as a multiple of another policy's. */
  const against = (policy: Policy, other: Policy, seed: number, load: number, situation?: Situation): number => {
    const [left, right] = [policy, other].map((chosen) => {
      const rack = rackOf(seed);
      return p99(simulate(rack, jobsFor(rack, seed + 100, load, jobCount), chosen, situation).firstMs);
    });
    return (left ?? Number.NaN) / (right ?? Number.NaN);
  };

  test.each(seeds)('answers sooner than round-robin and least-connections at 70% of its capacity (seed %d)', (seed) => {
    expect(against(byScore, roundRobin, seed, 0.7)).toBeLessThan(0.6);
    expect(against(byScore, leastConnections, seed, 0.7)).toBeLessThan(0.35);
  });

  test.each(seeds)('the same at 20%, where next to nobody has to wait (seed %d)', (seed) => {
    expect(against(byScore, roundRobin, seed, 0.2)).toBeLessThan(0.6);
    expect(against(byScore, leastConnections, seed, 0.2)).toBeLessThan(0.35);
  });

  test('takes little longer than one who knows every speed and every queue', () => {
    const ratios = seeds.map((seed) => against(byScore, knowingAll, seed, 0.7));
    expect(Math.max(...ratios)).toBeLessThan(1.8);
    expect(ratios.reduce((product, ratio) => product * ratio, 1) ** (1 / seeds.length)).toBeLessThan(1.5);
  });

  test.each(seeds)('answers no later than least-connections even where nobody knows the slots and 4 are assumed (seed %d)', (seed) => {
    expect(against(assumingFourSlots, leastConnections, seed, 0.7, { hidesWaits: true })).toBeLessThan(1);
  });
});

const askedOf = (choices: readonly Choice[], index: number): Choice[] => choices.filter((choice) => choice.index === index);

describe('a server that answers 503 after 50 ms, without any breaker', () => {
  const jobCount = 3_000;
  const shareFrom = (choices: readonly Choice[], index: number, fromMs: number): number => {
    const later = choices.filter(({ atMs }) => atMs >= fromMs);
    return askedOf(later, index).length / later.length;
  };
  const cases = [0.05, 0.3, 0.7].flatMap((load) => [1, 2, 3, 4, 5].map((seed) => [load, seed] as const));

  test.each(cases)('gets few of 1,000 requests, and its share again 2 minutes after (load %s, seed %s)', (load, seed) => {
    const jobs = jobsFor(rackOf(seed), seed + 100, load, jobCount);
    const usual = simulate(rackOf(seed), jobs, byScore).choices;
    const counts = rackOf(seed).map(({ index }) => askedOf(usual, index).length);
    const favourite = counts.indexOf(Math.max(...counts));
    const [fromMs = 0, untilMs = 0] = [jobs[500]?.atMs, jobs[1_500]?.atMs];
    const { choices } = simulate(rackOf(seed), jobs, byScore, { outage: { index: favourite, fromMs, untilMs } });
    const recoveredMs = untilMs + 120_000;
    expect(choices.filter(({ failed }) => failed).length).toBeLessThan(50);
    expect(shareFrom(choices, favourite, recoveredMs)).toBeGreaterThan(0.8 * shareFrom(usual, favourite, recoveredMs));
  });
});
