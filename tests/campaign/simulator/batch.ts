import { watchProcess } from '../_kit/process-watch.ts';
import { simulateAll } from './drive.ts';
import type { FaultName } from './fault-kinds.ts';
import type { SimulationReport } from './run-simulation.ts';
import type { SimulationOptions } from './simulate.ts';
import { planScenario } from './scenario.ts';
import { addReport, newTotals, type Totals } from './totals.ts';

/** What one thread simulates. */
export interface Batch {
  readonly seeds: readonly number[];
  /** Run twice; the events have to be the same, byte by byte. */
  readonly twice: readonly number[];
  /** Run with and without the jumps of the wall clock; the events have to be the same. Only seeds that have any say something. */
  readonly walls: readonly number[];
  /** Every so many seeds one is searched for secrets, however deep. */
  readonly deepEvery: number;
}

/** Calls of one seed. A seed means the same only with the same number. */
export const callsPerSeed = 100;

export function hasJumps(seed: number): boolean {
  return planScenario(seed, callsPerSeed).disturbances.wallJumps.length > 0;
}

export async function runBatch({ seeds, twice, walls, deepEvery }: Batch): Promise<Totals> {
  const totals = newTotals();
  const watch = watchProcess();
  const { stackTraceLimit } = Error;
  // Nobody reads the stacks of errors by the hundred thousand.
  Error.stackTraceLimit = 0;
  try {
    const deep = new Set(seeds.filter((_, index) => index % deepEvery === 0));
    const optionsFor = (seed: number): SimulationOptions => ({ calls: callsPerSeed, looksDeep: deep.has(seed) });
    await simulateAll(seeds, optionsFor, (report) => addReport(totals, report));
    await compare(twice, {}, {}, (seed, isSame) => {
      totals.logsCompared += 1;
      if (!isSame) totals.logsDiffer.push(seed);
    });
    await compare(walls, { wall: 'back' }, { wall: 'stands' }, (seed, isSame, injected) => {
      // A date in a header is read by the wall clock, as it should be.
      if (injected['retry-after-date'] !== undefined || !hasJumps(seed)) return;
      totals.wallsCompared += 1;
      if (!isSame) totals.wallsDiffer.push(seed);
    });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    watch.stop();
  }
  totals.unhandled = [...watch.seen];
  return totals;
}

type Compared = (seed: number, isSame: boolean, injected: Partial<Record<FaultName, number>>) => void;

const textOf = ({ lines }: SimulationReport): string => lines.join('\n');

type Difference = Partial<SimulationOptions>;

async function compare(seeds: readonly number[], one: Difference, other: Difference, onCompared: Compared): Promise<void> {
  const first = new Map<number, string>();
  const options = { calls: callsPerSeed, keepsLog: true };
  await simulateAll(
    seeds,
    () => ({ ...options, ...one }),
    (report) => first.set(report.seed, textOf(report)),
  );
  await simulateAll(
    seeds,
    () => ({ ...options, ...other }),
    (report) => onCompared(report.seed, first.get(report.seed) === textOf(report), report.counts.injected),
  );
}
