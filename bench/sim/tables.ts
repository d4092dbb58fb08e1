import type { Machine, MachineSpec } from './machine.ts';
import type { Numbers } from './sample.ts';
import type { PolicyRun, Table } from './scenario.ts';

/** `12 ms`, `1.23 s`, `12.3 s`, `1,234 s`. */
export function shownMs(ms: number): string {
  if (Number.isNaN(ms)) return '–';
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  return seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds).toLocaleString('en-US')} s`;
}

export function shownShare(share: number): string {
  return Number.isNaN(share) ? '–' : `${(share * 100).toFixed(1)}%`;
}

export function shownCount(count: number): string {
  return count.toLocaleString('en-US');
}

export function percentiles(numbers: Numbers): string[] {
  return [0.5, 0.95, 0.99].map((share) => shownMs(numbers.percentile(share)));
}

/** Of the time that their slots had, what was used. */
export function utilisation(machines: readonly Machine[], spanMs: number): number {
  const slots = machines.reduce((sum, { spec }) => sum + spec.slots, 0);
  return machines.reduce((sum, { books }) => sum + books.slotMs, 0) / (slots * spanMs);
}

/** The busiest machine by the mean of all: 1 where all are used alike. */
export function imbalance(machines: readonly Machine[], spanMs: number): number {
  const each = machines.map((machine) => utilisation([machine], spanMs));
  return Math.max(...each) / (each.reduce((sum, value) => sum + value, 0) / each.length);
}

/** Jain's index: 1 where all values are equal, 1 / n where one has everything. */
export function jain(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}

/** Slot time that was spent on attempts that gave nothing, of all slot time. */
export function wasted(machines: readonly Machine[]): number {
  const all = machines.reduce((sum, { books }) => sum + books.slotMs, 0);
  return machines.reduce((sum, { books }) => sum + books.wastedSlotMs, 0) / all;
}

/** Requests that got no answer, and why. */
export function failedCount({ sample }: PolicyRun): string {
  const failures = [...sample.failures()];
  const count = failures.reduce((sum, [, each]) => sum + each, 0);
  return count === 0 ? '0' : `${shownCount(count)} (${failures.map(([why, each]) => `${why} ${each}`).join(', ')})`;
}

/** The table that most scenarios print: a row for each policy. */
export function policyTable(title: string, runs: readonly PolicyRun[]): Table {
  return { title, head: policyHead(runs[0]?.machines ?? []), rows: runs.map(policyRow) };
}

export function policyHead(machines: readonly (Machine | MachineSpec)[]): string[] {
  const used = devicesOf(machines).map((device) => `${device} used`);
  return ['Policy', 'p50', 'p95', 'p99', ...used, 'busiest ÷ mean', 'wasted', 'loads', 'failed'];
}

export function policyRow(run: PolicyRun): string[] {
  const { name, sample, machines, spanMs } = run;
  const used = devicesOf(machines).map((device) => machines.filter(({ spec }) => spec.device === device));
  const loads = machines.reduce((sum, { books }) => sum + books.loads, 0);
  return [
    name,
    ...percentiles(sample.firsts()),
    ...used.map((some) => shownShare(utilisation(some, spanMs))),
    imbalance(machines, spanMs).toFixed(2),
    shownShare(wasted(machines)),
    shownCount(loads),
    failedCount(run),
  ];
}

function devicesOf(machines: readonly (Machine | MachineSpec)[]): string[] {
  return [...new Set(machines.map((each) => ('spec' in each ? each.spec : each).device))];
}
