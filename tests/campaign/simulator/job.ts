import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { canaryKinds, createCanaries } from '../_kit/canaries.ts';
import { atLeast, exactly, type Figure, type Job, type JobReport } from '../_kit/job.ts';
import { type Batch, callsPerSeed, hasJumps, runBatch } from './batch.ts';
import { type FaultName, faultNames } from './fault-kinds.ts';
import { regressions } from './regressions.ts';
import { addTotals, newTotals, type Totals } from './totals.ts';
import { type Invariant, invariantNames, invariants } from './violations.ts';

interface Form {
  readonly seeds: number;
  readonly compared: number;
  readonly deepEvery: number;
  readonly threads: number;
  /** Each kind of fault so often, at least. */
  readonly injections: number;
  readonly observations: number;
  readonly actions: number;
  /** Pins that somebody ends, which need a model that ran out of memory. */
  readonly unpins: number;
  /** Slots at providers whose queue was full when the call began to wait. */
  readonly late: number;
}

const forms: Readonly<Record<'quick' | 'long', Form>> = {
  quick: { seeds: 500, compared: 12, deepEvery: 60, threads: 1, injections: 5, observations: 3, actions: 50, unpins: 10, late: 2 },
  long: { seeds: 5_000, compared: 120, deepEvery: 60, threads: 2, injections: 100, observations: 60, actions: 500, unpins: 100, late: 20 },
};

/** The same of routing. */
const routing = ['queued', 'granted', 'overtakable', 'saturated', 'reserved', 'told', 'kept', 'shared'] as const;

/** What callers and router did, beside the faults, that must have happened for the rest to mean anything. */
const actions = ['aborted', 'left', 'hedges', 'notices', 'must', 'may', 'lastChoices', 'healthFailed', 'explained', ...routing] as const;

export const job: Job = {
  name: 'simulator',
  about: 'A deterministic simulation of routers, faulty servers and unruly callers breaks no invariant',
  figures: [
    'simulated requests',
    'seeds',
    'seeds that once failed, run again',
    ...invariantNames.map(violationsOf),
    'seeds whose second run has other events',
    'seeds compared with their second run',
    'seeds whose events change with the wall clock',
    'seeds with jumps of the wall clock, compared with and without them',
    'unhandled rejections, exceptions and warnings',
    'fewest injections of a fault kind',
    'fewest observations of a fault kind',
    ...actions.map((name) => `${name}: times`),
    'unpinned: times',
    'late: times',
    'share of requests answered',
    'share answered where a provider never fails',
    'secret canaries found',
    'canary kinds planted',
    'canary kinds that the scanner finds',
    'values searched for canaries',
  ],
  async run(size, seed): Promise<JobReport> {
    const form = forms[size];
    const startMs = performance.now();
    const totals = await runThreads(form, seedsFrom(seed, form.seeds));
    const seconds = (performance.now() - startMs) / 1_000;
    for (const [invariant, { first }] of Object.entries(totals.violations)) for (const each of first) console.log(`${invariant}: ${each}`);
    return { figures: figuresOf(totals, form), detail: { ...totals, seconds, seeds: `${seed} and on`, notApplicable, elsewhere } };
  },
};

function violationsOf(name: Invariant): string {
  return `violations: ${name}`;
}

function seedsFrom(seed: number, count: number): readonly number[] {
  return [...regressions.map((each) => each.seed), ...Array.from({ length: count }, (_, index) => (Math.imul(seed, 7_919) + index) >>> 0)];
}

async function runThreads({ threads, compared, deepEvery }: Form, seeds: readonly number[]): Promise<Totals> {
  const batches = Array.from({ length: threads }, (_, thread): Batch => {
    const own = seeds.filter((__, index) => index % threads === thread);
    const some = own.slice(0, Math.ceil(compared / threads));
    return { seeds: own, twice: some, walls: firstOf(own, hasJumps, Math.ceil((compared * 1.7) / threads)), deepEvery };
  });
  const [only] = batches;
  if (threads === 1 && only !== undefined) return runBatch(only);
  const totals = newTotals();
  for (const each of await Promise.all(batches.map(runThread))) addTotals(totals, each);
  return totals;
}

function firstOf(seeds: readonly number[], isWanted: (seed: number) => boolean, count: number): readonly number[] {
  const found: number[] = [];
  for (const seed of seeds) {
    if (found.length === count) break;
    if (isWanted(seed)) found.push(seed);
  }
  return found;
}

async function runThread(batch: Batch): Promise<Totals> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: batch });
  const [totals] = (await once(worker, 'message')) as [Totals];
  return totals;
}

function fewest(of: Partial<Record<string, number>>): number {
  return Math.min(...faultNames.map((name: FaultName) => of[name] ?? 0));
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function figuresOf(totals: Totals, form: Form): Figure[] {
  const { counts } = totals;
  const found = totals.violations['no secrets']?.count ?? 0;
  return [
    atLeast('simulated requests', form.seeds * callsPerSeed, counts.requests),
    atLeast('seeds', form.seeds, totals.seeds),
    exactly('seeds that once failed, run again', regressions.length, totals.seeds - form.seeds),
    ...invariantNames.map((name) => violationFigure(name, totals)),
    exactly('seeds whose second run has other events', 0, totals.logsDiffer.length),
    atLeast('seeds compared with their second run', form.compared, totals.logsCompared),
    exactly('seeds whose events change with the wall clock', 0, totals.wallsDiffer.length),
    atLeast('seeds with jumps of the wall clock, compared with and without them', form.compared, totals.wallsCompared),
    exactly('unhandled rejections, exceptions and warnings', 0, totals.unhandled.length),
    atLeast('fewest injections of a fault kind', form.injections, fewest(counts.injected)),
    atLeast('fewest observations of a fault kind', form.observations, fewest(counts.observed)),
    ...actions.map((name) => atLeast(`${name}: times`, form.actions, counts[name])),
    atLeast('unpinned: times', form.unpins, counts.unpinned),
    atLeast('late: times', form.late, counts.late),
    atLeast('share of requests answered', 0.6, share(counts.answered, counts.requests - counts.aborted)),
    atLeast('share answered where a provider never fails', 0.999, share(counts.mustAnswered, counts.must)),
    exactly('secret canaries found', 0, found),
    atLeast('canary kinds planted', 12, Object.keys(counts.planted).length),
    atLeast('canary kinds that the scanner finds', 12, scannedKinds()),
    atLeast('values searched for canaries', form.seeds, counts.canariesLooked),
  ];
}

function violationFigure(name: Invariant, { violations }: Totals): Figure {
  const { count, first } = violations[name] ?? { count: 0, first: [] };
  const seed = /seed (\d+)/.exec(first[0] ?? '')?.[1];
  const measured = count === 0 ? '0' : `${count}; ${first[0]}; replay: node tests/campaign/simulator/replay.ts ${seed}`;
  return { name: violationsOf(name), goal: `= 0 (${invariants[name]})`, measured, holds: count === 0 };
}

/** A scanner that finds nothing proves nothing: each kind is laid before it once. */
function scannedKinds(): number {
  const canaries = createCanaries(1);
  for (const kind of canaryKinds)
    canaries.look('self-test', { error: new Error('outer', { cause: { text: `so ${canaries.of[kind]}!` } }) });
  return new Set(canaries.hits.map(({ kind }) => kind)).size;
}

/** Invariants of this kind that have nothing to hold yet. */
const notApplicable = {
  'the loss of a shared store changes no outcome': 'there is no shared store',
  'open states are adopted by other processes': 'there is no shared store',
} as const;

/** Invariants that other jobs and tests hold, because virtual time adds nothing to them. */
const elsewhere = {
  'the state of a breaker is a function of its outcomes': 'the job that plays random commands against a reference model',
  'results of an older generation change nothing': 'the same; here only as far as the events show it',
  'parsing does not depend on where bytes are cut': 'the job of SSE and NDJSON; here bytes are cut at random as well',
  'load in a total outage': 'the job of amplification on real sockets',
  'no bytes to foreign hosts': 'the job of redirects on real sockets; here the scripted network knows every host',
  'maps are bounded, configuration is total, redaction is stable': 'tests of history, configuration and redaction',
} as const;
