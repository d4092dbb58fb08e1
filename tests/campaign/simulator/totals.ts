import { type Counts, newCounts } from './end-checks.ts';
import type { SimulationReport } from './run-simulation.ts';
import type { Invariant } from './violations.ts';

/** The reports of many seeds, added up. Plain data, so that it can cross from one thread to another. */
export interface Totals {
  seeds: number;
  readonly counts: Counts;
  /** The first violations of each invariant, and how many there were. */
  readonly violations: Partial<Record<Invariant, { count: number; readonly first: string[] }>>;
  /** What the process saw that it must not see. */
  unhandled: string[];
  logsCompared: number;
  logsDiffer: number[];
  wallsCompared: number;
  wallsDiffer: number[];
}

const shownOfEach = 3;

export function newTotals(): Totals {
  return {
    seeds: 0,
    counts: newCounts(),
    violations: {},
    unhandled: [],
    logsCompared: 0,
    logsDiffer: [],
    wallsCompared: 0,
    wallsDiffer: [],
  };
}

export function addReport(totals: Totals, { seed, counts, violations }: SimulationReport): void {
  totals.seeds += 1;
  addUp(totals.counts, counts);
  for (const { invariant, what, atMs } of violations) {
    const found = (totals.violations[invariant] ??= { count: 0, first: [] });
    found.count += 1;
    if (found.first.length < shownOfEach) found.first.push(`seed ${seed} at ${Math.round(atMs)} ms: ${what}`);
  }
}

export function addTotals(totals: Totals, other: Totals): void {
  totals.seeds += other.seeds;
  addUp(totals.counts, other.counts);
  for (const [name, { count, first }] of Object.entries(other.violations)) {
    const found = (totals.violations[name as Invariant] ??= { count: 0, first: [] });
    found.count += count;
    found.first.push(...first.slice(0, shownOfEach - found.first.length));
  }
  totals.unhandled.push(...other.unhandled);
  totals.logsCompared += other.logsCompared;
  totals.logsDiffer.push(...other.logsDiffer);
  totals.wallsCompared += other.wallsCompared;
  totals.wallsDiffer.push(...other.wallsDiffer);
}

type Numbers = { [name: string]: number | Numbers | undefined };

/** Numbers at the same place are added, however deep. */
function addUp(into: Counts, from: Counts): void {
  const add = (left: Numbers, right: Numbers): void => {
    for (const [name, value] of Object.entries(right)) {
      if (typeof value === 'object') add((left[name] ??= {}) as Numbers, value);
      else left[name] = ((left[name] as number | undefined) ?? 0) + (value ?? 0);
    }
  };
  add(into as unknown as Numbers, from as unknown as Numbers);
}
