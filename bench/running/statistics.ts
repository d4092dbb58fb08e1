import { median } from '../median.ts';

export interface Spread {
  readonly middle: number;
  readonly p10: number;
  readonly p90: number;
}

/** Between two values of a few, by their distance. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return below + (above - below) * (at - Math.floor(at));
}

/** Undefined where no round gave a value. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.filter(Number.isFinite).sort((left, right) => left - right);
  if (sorted.length === 0) return undefined;
  return { middle: median(sorted), p10: quantile(sorted, 0.1), p90: quantile(sorted, 0.9) };
}

/** Round by round, so that what the machine does in one of them meets both sides. */
export function ratiosOf(values: readonly number[], base: readonly number[]): number[] {
  return values.map((value, round) => value / (base[round] ?? Number.NaN));
}

export const differencesOf = (values: readonly number[], base: readonly number[]): number[] =>
  values.map((value, round) => value - (base[round] ?? Number.NaN));

export function figure(value: number, digits = 0): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function shown({ middle, p10, p90 }: Spread, digits: number): string {
  return `${figure(middle, digits)} (${figure(p10, digits)}–${figure(p90, digits)})`;
}
