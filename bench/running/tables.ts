import { table } from '../../scripts/markdown-table.ts';
import { base } from '../candidates/index.ts';
import type { Metric, Scenario } from '../scenarios/scenario.ts';
import type { Run } from './run.ts';
import { ratiosOf, shown, spreadOf } from './statistics.ts';

interface Column {
  readonly scenario: Scenario;
  readonly metric: Metric;
}

const columnsOf = (scenarios: readonly Scenario[], { values }: Run): Column[] =>
  scenarios.flatMap((scenario) =>
    scenario.metrics.filter(({ id }) => values[scenario.id]?.[id] !== undefined).map((metric) => ({ scenario, metric })),
  );

const valuesAt = ({ values }: Run, { scenario, metric }: Column, name: string): readonly number[] =>
  values[scenario.id]?.[metric.id]?.[name] ?? [];

/** Each figure by that of bare `fetch` in the same round. */
export function ratioTable(scenarios: readonly Scenario[], run: Run): string {
  const columns = columnsOf(scenarios, run);
  const rows = run.candidates.map(({ name }) => [
    name,
    ...columns.map((column) => {
      const spread = spreadOf(ratiosOf(valuesAt(run, column, name), valuesAt(run, column, base)));
      return spread === undefined ? '-' : shown(spread, 2);
    }),
  ]);
  const head = columns.map(({ metric }) => metric.label + (metric.moreIsBetter ? ' ↑' : ''));
  return table(
    ['Beside `fetch`', ...head],
    rows.filter((row) => row.slice(1).some((cell) => cell !== '-')),
  );
}

/** What the ratios are ratios to. */
export function absoluteTable(scenarios: readonly Scenario[], run: Run, name: string): string {
  const rows = columnsOf(scenarios, run).flatMap((column) => {
    const spread = spreadOf(valuesAt(run, column, name));
    return spread === undefined ? [] : [[column.metric.label, shown(spread, column.metric.digits), column.metric.unit]];
  });
  return table([`\`${name}\``, 'Median (p10–p90)', 'Unit'], rows);
}
