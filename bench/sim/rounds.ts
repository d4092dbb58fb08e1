import type { Figure } from '../../tests/campaign/_kit/job.ts';
import type { Scenario, ScenarioReport } from './scenario.ts';

/** Seeds of two rounds must not meet: scenarios count on from theirs. */
const seedStep = 1_000;

/** Runs a scenario with several seeds. The tables are those of the first; a figure tells all its values, and holds where each does. */
export async function inRounds(scenario: Scenario, seed: number, rounds: number, isQuick: boolean): Promise<ScenarioReport> {
  const reports: ScenarioReport[] = [];
  const count = scenario.isLong === true ? 1 : rounds;
  for (let round = 0; round < count; round++) reports.push(await scenario.run({ seed: seed + round * seedStep, isQuick }));
  const [first] = reports as [ScenarioReport];
  return { ...first, figures: first.figures.map((figure, index) => merged(reports.map(({ figures }) => figures[index] ?? figure))) };
}

function merged(figures: readonly Figure[]): Figure {
  const [first] = figures as [Figure];
  const measured = [...new Set(figures.map((each) => each.measured))].join(' / ');
  return { ...first, measured, holds: figures.every(({ holds }) => holds) };
}
