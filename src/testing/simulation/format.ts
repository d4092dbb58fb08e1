import type { RunFigures, Spread } from './figures.ts';

/** Runs side by side, one column each, as a table of Markdown. */
export function formatRuns(runs: Readonly<Record<string, RunFigures>>): string {
  const names = Object.keys(runs);
  const all = Object.values(runs);
  const row = (name: string, tell: (run: RunFigures) => string): readonly string[] => [name, ...all.map(tell)];
  const ids = [...new Set(all.flatMap(({ providers }) => Object.keys(providers)))];
  const ofProviders = ids.flatMap((id) => [
    row(`${id}: share of answers`, ({ providers }) => percent(providers[id]?.share)),
    row(`${id}: failed attempts`, ({ providers }) => whole(providers[id]?.failures)),
    row(`${id}: p95 to first token`, ({ providers }) => time(providers[id]?.firstTokenMs.p95)),
  ]);
  const rows = [
    row('calls', ({ calls }) => whole(calls)),
    row('not answered', ({ notAnswered }) => whole(notAnswered)),
    row('failovers', ({ failovers }) => whole(failovers)),
    row('to first token, p50 / p95', ({ firstTokenMs }) => both(firstTokenMs)),
    row('whole answer, p50 / p95', ({ wholeMs }) => both(wholeMs)),
    row('wait for a slot, p50 / p95', ({ queuedMs }) => both(queuedMs)),
    row('cost', ({ costUsd }) => (costUsd === undefined ? 'not known' : `$${costUsd.toFixed(2)}`)),
    ...ofProviders,
  ];
  return tableOf(['', ...names], rows);
}

function whole(value: number | undefined): string {
  return value === undefined ? '–' : value.toLocaleString('en-US');
}

function percent(share: number | undefined): string {
  return share === undefined ? '–' : `${(100 * share).toFixed(1)} %`;
}

function time(ms: number | undefined): string {
  return ms === undefined ? '–' : ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}

function both({ p50, p95 }: Spread): string {
  return `${time(p50)} / ${time(p95)}`;
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
