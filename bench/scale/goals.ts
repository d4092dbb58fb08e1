import { differencesOf, figure, ratiosOf, shown, spreadOf } from '../running/statistics.ts';
import { comparisons, more, one } from './cases.ts';
import { evenness, growthOf, type PlanningRun, type ScaleRun, type StreamsRun } from './figures.ts';

const mostUneven = 3;
const mostGrowth = 5;

/** What was held against what: a row of the table for each. */
export function goalRows({ streams, planning }: ScaleRun): string[][] {
  return [...(streams === undefined ? [] : streamRows(streams)), ...(planning === undefined ? [] : planningRows(planning))];
}

function row(about: string, most: number, unit: string, values: readonly number[], digits: number): string[] {
  const spread = spreadOf(values);
  const goal = `≤ ${figure(most)}${unit}`;
  if (spread === undefined) return [about, goal, '-', 'not measured'];
  const measured = values.length === 1 ? figure(spread.middle, digits) : shown(spread, digits);
  return [about, goal, `${measured}${unit}`, spread.middle <= most ? 'holds' : '**missed**'];
}

function streamRows({ subjects: [bare, ...routers] }: StreamsRun): string[][] {
  const base = bare?.stretches.map(evenness) ?? [];
  return routers.flatMap(({ name, stretches, memory }) => {
    const [, ...thirds] = memory;
    const growth = (of: 'heapBytes' | 'rssBytes'): number[] => [growthOf(thirds.map((each) => each[of]))];
    return [
      row(
        `${name}: p99 / p50 of the gap between tokens, by that of the bare loop`,
        mostUneven,
        '',
        ratiosOf(stretches.map(evenness), base),
        3,
      ),
      row(`${name}: heap, from one third of the run to its end`, mostGrowth, ' %', growth('heapBytes'), 1),
      row(`${name}: RSS, from one third of the run to its end`, mostGrowth, ' %', growth('rssBytes'), 1),
    ];
  });
}

/** A whole chat may grow by no more than what bench/planning.ts allows a plan with so many providers. */
function planningRows({ costs, plans }: PlanningRun): string[][] {
  const added = (id: string, without: string): number[] => differencesOf(costs[id] ?? [], costs[without] ?? []);
  const goalFor = (providers: number): number | undefined => plans.find((plan) => plan.providers === providers)?.goalMicros;
  const ofProviders = more.flatMap(({ id, providers }) => {
    const most = goalFor(providers);
    return most === undefined ? [] : [row(`${providers} providers instead of 1, per chat`, most, ' µs CPU', added(id, one.id), 1)];
  });
  const ofAliases = comparisons
    .filter(({ hasGoal }) => hasGoal)
    .flatMap(({ about, with: { id, providers }, without }) => {
      const most = goalFor(providers);
      return most === undefined ? [] : [row(`${providers} providers: ${about}, per chat`, most, ' µs CPU', added(id, without.id), 1)];
    });
  return [...ofProviders, ...ofAliases];
}
