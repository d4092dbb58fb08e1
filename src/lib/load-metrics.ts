import type { LoadReport } from '../core/adapter.ts';

/** The names of a server's gauges; the older name of one stands behind the newer. */
export interface LoadGauges {
  readonly running: readonly string[];
  readonly waiting: readonly string[];
  /** Shares, 0 to 1. */
  readonly cacheUse?: readonly string[];
  /** Histograms of seconds. */
  readonly firstToken?: readonly string[];
  readonly token?: readonly string[];
}

/**
 * What a server says of its load in Prometheus text. Sums over the engines of a data-parallel server; of the caches the
 * fullest, because a request meets one engine. Figures that are not there are left out.
 */
export function toLoadReport(metrics: string, names: LoadGauges): LoadReport {
  const allOf = (list: readonly string[] = []): number[] => list.flatMap((name) => valuesOf(metrics, name));
  const running = allOf(names.running);
  const waiting = allOf(names.waiting);
  const caches = allOf(names.cacheUse);
  const firstTokenMs = meanMs(metrics, names.firstToken);
  const tokenMs = meanMs(metrics, names.token);
  return {
    ...(running.length > 0 && { running: sum(running) }),
    ...(waiting.length > 0 && { waiting: sum(waiting) }),
    ...(caches.length > 0 && { cacheUse: Math.max(...caches) }),
    ...(firstTokenMs !== undefined && { firstTokenMs }),
    ...(tokenMs !== undefined && { tokenMs }),
  };
}

/** The mean of the first of these histograms that has counted anything, over all engines. */
function meanMs(metrics: string, names: readonly string[] = []): number | undefined {
  for (const name of names) {
    const count = sum(valuesOf(metrics, `${name}_count`));
    if (count > 0) return (sum(valuesOf(metrics, `${name}_sum`)) / count) * 1_000;
  }
  return undefined;
}

/** The values of one gauge in Prometheus text (`name{label="…"} value`), one for each set of labels. */
export function valuesOf(metrics: string, name: string): number[] {
  const values: number[] = [];
  for (const line of metrics.split('\n')) {
    if (!line.startsWith(name)) continue;
    // The name must end here: `vllm:num_requests_waiting_by_reason` is another gauge.
    const value = /^(?:\{.*\})?\s+(\S+)/.exec(line.slice(name.length))?.[1];
    if (value !== undefined && Number.isFinite(Number(value))) values.push(Number(value));
  }
  return values;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
