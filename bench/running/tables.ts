import { table } from '../../scripts/markdown-table.ts';
import { base } from '../candidates/index.ts';
import { bare } from '../scenarios/import.ts';
import type { Metric, Scenario } from '../scenarios/scenario.ts';
import { goals } from './goals.ts';
import type { Run } from './run.ts';
import { differencesOf, figure, ratiosOf, shown, type Spread, spreadOf } from './statistics.ts';

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

/** Candidates down, metrics across; empty where there is nothing to show. */
function grid(corner: string, scenarios: readonly Scenario[], run: Run, cell: (column: Column, name: string) => string): string {
  const columns = columnsOf(scenarios, run);
  const rows = run.candidates
    .map(({ name }) => [name, ...columns.map((column) => cell(column, name))])
    .filter((row) => row.slice(1).some((text) => text !== '-'));
  return rows.length === 0 ? '' : table([corner, ...columns.map(({ metric }) => headOf(metric))], rows);
}

const headOf = ({ label, unit, moreIsBetter }: Metric): string =>
  `${label}${moreIsBetter ? ' (more is better)' : ''}${unit === '' ? '' : `, ${unit}`}`;
const textOf = (spread: Spread | undefined, digits: number): string => (spread === undefined ? '-' : shown(spread, digits));

/** Each figure by that of bare `fetch` in the same round. */
export function ratioTable(scenarios: readonly Scenario[], run: Run): string {
  const ratios = scenarios.map((scenario) => ({ ...scenario, metrics: scenario.metrics.map((metric) => ({ ...metric, unit: '' })) }));
  return grid('× `fetch`', ratios, run, (column, name) =>
    textOf(spreadOf(ratiosOf(valuesAt(run, column, name), valuesAt(run, column, base))), 2),
  );
}

export function plainTable(scenarios: readonly Scenario[], run: Run): string {
  return grid('', scenarios, run, (column, name) => textOf(spreadOf(valuesAt(run, column, name)), column.metric.digits));
}

/** What the ratios are ratios to. */
export function baseTable(scenarios: readonly Scenario[], run: Run): string {
  const rows = columnsOf(scenarios, run).flatMap((column) => {
    const spread = spreadOf(valuesAt(run, column, base));
    return spread === undefined ? [] : [[column.metric.label, shown(spread, column.metric.digits), column.metric.unit]];
  });
  return rows.length === 0 ? '' : table([`\`${base}\``, 'Median (p10–p90)', 'Unit'], rows);
}

export function importTable({ values }: Run): string {
  const wall = values['import']?.['wall'];
  if (wall === undefined) return '';
  const ofBare = wall[bare] ?? [];
  const rows = Object.entries(wall).map(([name, ms]) => [
    name,
    name === bare ? '-' : textOf(spreadOf(differencesOf(ms, ofBare)), 1),
    textOf(spreadOf(ms), 1),
  ]);
  return table(['Import', 'ms over bare node', 'ms in all'], rows);
}

export function bundleTable({ values }: Run): string {
  const { atOnce, inAll } = values['bundle'] ?? {};
  if (atOnce === undefined) return '';
  const rows = Object.entries(atOnce).map(([name, [kilobytes = 0]]) => [name, figure(kilobytes, 1), figure(inAll?.[name]?.[0] ?? 0, 1)]);
  return table(['Bundle', 'KB loaded at the import', 'KB with what is loaded later'], rows);
}

/** Whether a run reached what we set out for, and what the same costs without a router. */
export function goalTable(run: Run): string {
  const rows = goals.flatMap(({ about, name, limit, moreIsBetter, unit, digits, byHand, of }) => {
    const spread = spreadOf(of(run, name));
    if (spread === undefined) return [];
    const isReached = moreIsBetter ? spread.middle >= limit : spread.middle <= limit;
    const without = byHand === undefined ? undefined : spreadOf(of(run, byHand));
    const found = [shown(spread, digits), textOf(without, digits), isReached ? 'holds' : 'missed'];
    return [[about, name, `${moreIsBetter ? '≥' : '≤'} ${limit} ${unit}`, ...found]];
  });
  return rows.length === 0 ? '' : table(['', 'Candidate', 'Goal', 'Median (p10–p90)', 'By hand', ''], rows);
}
