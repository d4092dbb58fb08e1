import type { Figure } from '../../tests/campaign/_kit/job.ts';
import type { Policy } from './policies.ts';
import { type Cell, type CellRun, runCell } from './run.ts';

export interface Setting {
  readonly seed: number;
  /** The small form: some tenth of the requests. */
  readonly isQuick: boolean;
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface ScenarioReport {
  /** What ran, in whole sentences: machines, requests, speeds. */
  readonly about: readonly string[];
  readonly tables: readonly Table[];
  readonly figures: readonly Figure[];
}

export interface Scenario {
  /** As `--only` names it. */
  readonly letter: string;
  readonly title: string;
  /** One round tells enough, and takes long enough. */
  readonly isLong?: boolean;
  run(setting: Setting): Promise<ScenarioReport>;
}

export interface PolicyRun extends CellRun {
  readonly name: string;
}

/** Every policy on the same machines under the same workload, one after the other. */
export async function runAll(policies: readonly Policy[], cell: Omit<Cell, 'client'>): Promise<PolicyRun[]> {
  const runs: PolicyRun[] = [];
  for (const { name, client } of policies) runs.push({ name, ...(await runCell({ ...cell, client })) });
  return runs;
}

export function runOf(runs: readonly PolicyRun[], { name }: Policy): PolicyRun {
  const run = runs.find((each) => each.name === name);
  if (run === undefined) throw new Error(`${name} did not run`);
  return run;
}
