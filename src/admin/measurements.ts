import type { AdminEvent } from '../http/admin-contract.ts';
import { isTrueIn, numberIn, textIn, writtenTokensIn } from './payload.ts';

// Times to first token and answers of the last minutes, for the charts. Pure.

/** One thing that was measured at a provider. */
export interface Measurement {
  readonly provider: string;
  readonly atMs: number;
  readonly is: 'first-token' | 'answer' | 'failure';
  /** The time to first token in ms, or the tokens of the answer (0 where nobody counted them). */
  readonly value: number;
}

export const windowMs = 600_000;
export const bucketMs = 15_000;
const mostKept = 5_000;

export function withMeasurement(all: readonly Measurement[], event: AdminEvent): readonly Measurement[] {
  const found = measured(event);
  if (found.length === 0) return all;
  const kept = all.length + found.length > mostKept ? all.slice(-mostKept / 2) : all;
  return [...kept, ...found];
}

function measured(event: AdminEvent): readonly Measurement[] {
  const provider = textIn(event, 'provider');
  if (provider === undefined) return [];
  const of = (is: Measurement['is'], value: number): Measurement => ({ provider, atMs: event.atMs, is, value });
  switch (event.name) {
    case 'attempt:end': {
      const firstContentMs = numberIn(event, 'firstContentMs');
      return firstContentMs === undefined ? [] : [of('first-token', firstContentMs)];
    }
    case 'attempt:error':
      return isTrueIn(event, 'aborted') ? [] : [of('failure', 0)];
    case 'request:end':
      return [of('answer', writtenTokensIn(event) ?? 0)];
    default:
      return [];
  }
}

/** The curves of one provider; each bucket is a point. */
export interface Curves {
  /** Seconds since 1970, the ends of the buckets. */
  readonly atS: readonly number[];
  /** The middle one of each bucket; null where there was none. */
  readonly firstTokenMs: readonly (number | null)[];
  readonly answersPerMinute: readonly number[];
  readonly tokensPerSecond: readonly number[];
  readonly sums: Sums;
}

/** Of the whole window. */
export interface Sums {
  readonly answers: number;
  readonly failures: number;
  readonly middleFirstTokenMs: number | undefined;
  readonly slowestFirstTokenMs: number | undefined;
}

/** The same for all providers, so that their charts can be compared. */
export interface Scale {
  readonly firstTokenMs: number;
  /** Where no server counts tokens, answers are counted. */
  readonly throughput: { readonly of: 'tokensPerSecond' | 'answersPerMinute'; readonly most: number };
}

export function scaleOf(all: readonly Curves[]): Scale {
  const most = (pick: (curves: Curves) => readonly (number | null)[]): number =>
    Math.max(0, ...all.flatMap(pick).map((value) => value ?? 0));
  const tokens = most(({ tokensPerSecond }) => tokensPerSecond);
  return {
    firstTokenMs: most(({ firstTokenMs }) => firstTokenMs),
    throughput:
      tokens > 0
        ? { of: 'tokensPerSecond', most: tokens }
        : { of: 'answersPerMinute', most: most(({ answersPerMinute }) => answersPerMinute) },
  };
}

export function curvesOf(all: readonly Measurement[], provider: string, nowMs: number): Curves {
  const endMs = Math.ceil(nowMs / bucketMs) * bucketMs;
  const count = windowMs / bucketMs;
  const own = all.filter((each) => each.provider === provider && each.atMs > endMs - windowMs && each.atMs <= endMs);
  const buckets = Array.from({ length: count }, (): Measurement[] => []);
  for (const each of own) buckets[count - 1 - Math.floor((endMs - each.atMs) / bucketMs)]?.push(each);
  return {
    atS: buckets.map((_, index) => (endMs - (count - 1 - index) * bucketMs) / 1_000),
    firstTokenMs: buckets.map((bucket) => middle(valuesOf(bucket, 'first-token')) ?? null),
    answersPerMinute: buckets.map((bucket) => valuesOf(bucket, 'answer').length * (60_000 / bucketMs)),
    tokensPerSecond: buckets.map((bucket) => sum(valuesOf(bucket, 'answer')) / (bucketMs / 1_000)),
    sums: sumsOf(own),
  };
}

function sumsOf(own: readonly Measurement[]): Sums {
  const firstTokens = valuesOf(own, 'first-token');
  return {
    answers: valuesOf(own, 'answer').length,
    failures: valuesOf(own, 'failure').length,
    middleFirstTokenMs: middle(firstTokens),
    slowestFirstTokenMs: firstTokens.length === 0 ? undefined : Math.max(...firstTokens),
  };
}

function valuesOf(all: readonly Measurement[], is: Measurement['is']): number[] {
  return all.filter((each) => each.is === is).map(({ value }) => value);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function middle(values: readonly number[]): number | undefined {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)];
}
