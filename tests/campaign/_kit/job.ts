/** One thing that a campaign proves: the goal, what was measured, and whether it holds. */
export interface Figure {
  readonly name: string;
  readonly goal: string;
  readonly measured: string;
  readonly holds: boolean;
}

export interface JobReport {
  readonly figures: readonly Figure[];
  /** Histograms, counts and whatever else explains the figures; written to the report as JSON. */
  readonly detail: Readonly<Record<string, unknown>>;
  /** What is to be known beside the figures, in whole sentences: printed under them. */
  readonly remarks?: readonly string[];
}

/** `quick` belongs to `npm test`, `long` to `npm run campaign`. */
export type Size = 'quick' | 'long';

export interface Job {
  readonly name: string;
  /** One sentence, for the report and for the name of the test. */
  readonly about: string;
  /** The names of all figures, so that one which was not measured is missed. */
  readonly figures: readonly string[];
  /** Everything random comes from `seed`: the same seed makes the same run wherever no real socket is involved. */
  run(size: Size, seed: number): Promise<JobReport>;
}

export function exactly(name: string, goal: number, measured: number): Figure {
  return { name, goal: `= ${counted(goal)}`, measured: counted(measured), holds: measured === goal };
}

/** `measured` that is no number misses the goal. */
export function atMost(name: string, goal: number, measured: number, unit = ''): Figure {
  return { name, goal: `≤ ${counted(goal)}${unit}`, measured: `${counted(measured)}${unit}`, holds: measured <= goal };
}

export function atLeast(name: string, goal: number, measured: number, unit = ''): Figure {
  return { name, goal: `≥ ${counted(goal)}${unit}`, measured: `${counted(measured)}${unit}`, holds: measured >= goal };
}

/** The figures of a job that was not run as promised: missed goals, figures that are not there, figures nobody expects. */
export function shortcomings(job: Job, report: JobReport): string[] {
  const named = new Set(report.figures.map(({ name }) => name));
  return [
    ...report.figures.filter(({ holds }) => !holds).map(({ name, goal, measured }) => `${name}: ${measured}, goal ${goal}`),
    ...job.figures.filter((name) => !named.has(name)).map((name) => `${name}: was not measured`),
    ...report.figures.filter(({ name }) => !job.figures.includes(name)).map(({ name }) => `${name}: is no figure of the job`),
  ];
}

function counted(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en-US') : value.toPrecision(4);
}
