import { closedBreaker } from '../../../src/breaker/breaker.ts';
import { classicBreaker, defaults } from '../../../src/config/defaults.ts';
import { atLeast, atMost, exactly, type Figure, type Job, type JobReport, type Size } from '../_kit/job.ts';
import { createRandom, percentile, pick } from '../_kit/numbers.ts';
import { play, randomRules } from './commands.ts';
import { createDuel } from './duel.ts';
import { outcomesUntilOpen, tripsInAnHour } from './false-trips.ts';
import { recoveryMs, replays } from './recovery.ts';
import { note, noteRefusal, nothingSeen, type Seen, transitions } from './transitions.ts';

interface Sizes {
  readonly sequences: number;
  /** Hours of random errors, each with a seed of its own. */
  readonly hours: number;
  /** By the rule itself, chance brings one in about 2,300 hours at 5% errors; a fixed seed brings none. */
  readonly tripsByChance: number;
  /** How often each transition has to have come. */
  readonly ofEach: number;
}

const sizes: Readonly<Record<Size, Sizes>> = {
  quick: { sequences: 10_000, hours: 3, tripsByChance: 0, ofEach: 50 },
  long: { sequences: 200_000, hours: 20, tripsByChance: 1, ofEach: 1_000 },
};

interface Counts {
  commands: number;
  differences: number;
  unlikeReplay: number;
  replayed: number;
  recoveries: number;
  stuck: number;
  longestRecoveryMs: number;
  readonly seen: Seen;
  readonly samples: unknown[];
}

const startMs = 1_000_000;
const leases = [0, 1, 1_000, 20_000, 121_000];

function trySequences(count: number, random: () => number): Counts {
  const seen = nothingSeen();
  const counts: Counts = {
    commands: 0,
    differences: 0,
    unlikeReplay: 0,
    replayed: 0,
    recoveries: 0,
    stuck: 0,
    longestRecoveryMs: 0,
    seen,
    samples: [],
  };
  for (let sequence = 0; sequence < count; sequence++) trySequence(counts, sequence, random);
  return counts;
}

function trySequence(counts: Counts, sequence: number, random: () => number): void {
  const { seen } = counts;
  const rules = randomRules(random);
  // Jitter at its borders and in between.
  const chance = (): number => pick([0, 0.5, 1, random()], random);
  const made = createDuel(rules, pick(leases, random), startMs, chance, (from, turn, to) => note(seen, from, turn, to, rules));
  const duel = {
    ...made,
    call(early = false) {
      if (!early) noteRefusal(seen, made.state(), made.nowMs());
      made.call(early);
    },
  };
  counts.commands += play(duel, random);
  if (!duel.agrees()) {
    counts.differences += 1;
    if (counts.samples.length < 5) counts.samples.push({ sequence, rules, inputs: duel.inputs.slice(-30), state: duel.state() });
  }
  if (sequence % 10 === 0) {
    counts.replayed += 1;
    if (!replays(duel, closedBreaker)) counts.unlikeReplay += 1;
  }
  const takenMs = recoveryMs(duel, pick([100, 1_000, 5_000], random), random);
  counts.recoveries += 1;
  if (takenMs === Infinity) counts.stuck += 1;
  else counts.longestRecoveryMs = Math.max(counts.longestRecoveryMs, takenMs);
}

interface Trips {
  /** In each hour. */
  readonly at5: readonly number[];
  readonly at10: number;
  /** Of the plain rule, three in a row, on the same outcomes. */
  readonly plainAt5: number;
}

function tripsOf(hours: number, seed: number): Trips {
  const seeds = Array.from({ length: hours }, (_, hour) => seed + 7_919 * hour);
  const tripsAt = (rate: number, rules = defaults.breaker): number[] => seeds.map((each) => tripsInAnHour(rules, rate, each));
  return { at5: tripsAt(0.05), at10: sum(tripsAt(0.1)), plainAt5: sum(tripsAt(0.05, classicBreaker)) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function figuresOf(counts: Counts, trips: Trips, { sequences, hours, ofEach, tripsByChance }: Sizes): Figure[] {
  return [
    atLeast('sequences', sequences, counts.recoveries),
    atLeast('commands', sequences * 20, counts.commands),
    exactly('sequences in which the breaker and the reference model differ', 0, counts.differences),
    ...transitions.map((name) => atLeast(name, ofEach, counts.seen[name])),
    exactly('sequences that end otherwise when they are repeated', 0, counts.unlikeReplay),
    atLeast('sequences repeated', sequences / 10, counts.replayed),
    exactly('states from which a healthy provider is not let in again in time', 0, counts.stuck),
    atLeast('hours of random errors', hours, trips.at5.length),
    exactly('false trips in 360,000 outcomes at 5% errors, in nine hours of ten', 0, percentile(trips.at5, 0.9)),
    atMost('false trips at 5% errors, in all hours', tripsByChance, sum(trips.at5)),
    atMost('false trips an hour at 10% errors', 1, trips.at10 / hours),
    atLeast('trips an hour of three in a row at 5% errors, on the same outcomes', 20, trips.plainAt5 / hours),
    atMost('outcomes until a busy provider that fails is open', 10, outcomesUntilOpen(defaults.breaker)),
  ];
}

async function run(size: Size, seed: number): Promise<JobReport> {
  const own = sizes[size];
  const counts = trySequences(own.sequences, createRandom(seed));
  const trips = tripsOf(own.hours, seed);
  const { samples, seen, longestRecoveryMs } = counts;
  return { figures: figuresOf(counts, trips, own), detail: { seen, trips, longestRecoveryMs, samples } };
}

export const job: Job = {
  name: 'breaker',
  about: 'The breaker does what its reference model does, recovers from every state, and does not open for bad luck',
  figures: [
    'sequences',
    'commands',
    'sequences in which the breaker and the reference model differ',
    ...transitions,
    'sequences that end otherwise when they are repeated',
    'sequences repeated',
    'states from which a healthy provider is not let in again in time',
    'hours of random errors',
    'false trips in 360,000 outcomes at 5% errors, in nine hours of ten',
    'false trips at 5% errors, in all hours',
    'false trips an hour at 10% errors',
    'trips an hour of three in a row at 5% errors, on the same outcomes',
    'outcomes until a busy provider that fails is open',
  ],
  run,
};
