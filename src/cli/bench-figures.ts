/** One call. */
export interface Sample {
  readonly totalMs: number;
  /** Until the first content; undefined where there was none. */
  readonly firstMs?: number | undefined;
  readonly tokens?: number;
  /** The server counted the tokens; otherwise these are the pieces in which the answer came, which is about the same. */
  readonly isCounted?: boolean;
  /** It waited for a free place at a provider first. */
  readonly hasWaited?: boolean;
  readonly provider?: string;
  readonly model?: string | undefined;
  readonly error?: { readonly code: string; readonly message: string };
}

/** In milliseconds, or tokens per second. */
export interface Spread {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly worst: number;
}

export interface BenchFigures {
  readonly requests: number;
  /** Calls that were made at once. */
  readonly concurrency: number;
  /** Calls that waited for a free place at a provider, so that fewer than `concurrency` were answered at once. */
  readonly waited: number;
  readonly succeeded: number;
  /** How often each error came, by its code, with the last message of each. */
  readonly failures: readonly { readonly code: string; readonly count: number; readonly message: string }[];
  readonly answeredBy: readonly { readonly provider: string; readonly model: string | undefined; readonly count: number }[];
  /** The call before, which is in none of the other figures. */
  readonly firstCallMs: number;
  /** Often the reason why the others failed: after it nobody is asked for a while. */
  readonly firstCallError?: { readonly code: string; readonly message: string };
  readonly wallMs: number;
  readonly firstTokenMs: Spread | undefined;
  readonly totalMs: Spread | undefined;
  /** Of each answer, from its first token on. The worst is the slowest. */
  readonly tokensPerSecond: Spread | undefined;
  /** Of all answers together. */
  readonly tokensPerSecondTogether: number;
  readonly tokensAreCounted: boolean;
}

export interface Measured {
  readonly first: Sample;
  readonly samples: readonly Sample[];
  readonly wallMs: number;
  readonly concurrency: number;
}

export function figuresOf({ first, samples, wallMs, concurrency }: Measured): BenchFigures {
  const good = samples.filter(({ error }) => error === undefined);
  const tokens = good.reduce((sum, sample) => sum + (sample.tokens ?? 0), 0);
  return {
    requests: samples.length,
    concurrency,
    waited: good.filter(({ hasWaited }) => hasWaited === true).length,
    succeeded: good.length,
    failures: grouped(
      samples.flatMap(({ error }) => error ?? []),
      ({ code }) => code,
    ),
    answeredBy: grouped(
      good.map(({ provider = '', model }) => ({ provider, model })),
      ({ provider, model }) => `${provider} ${model}`,
    ),
    firstCallMs: first.totalMs,
    ...(first.error !== undefined && { firstCallError: first.error }),
    wallMs,
    firstTokenMs: spread(good.flatMap(({ firstMs }) => firstMs ?? [])),
    totalMs: spread(good.map(({ totalMs }) => totalMs)),
    tokensPerSecond: spread(good.flatMap(speedOf), 'smallest'),
    tokensPerSecondTogether: wallMs > 0 ? tokens / (wallMs / 1_000) : 0,
    tokensAreCounted: good.every(({ isCounted }) => isCounted === true),
  };
}

/** The first token stands for the wait before it. */
function speedOf({ firstMs, totalMs, tokens = 0 }: Sample): readonly number[] {
  const ms = totalMs - (firstMs ?? totalMs);
  return ms > 0 && tokens > 1 ? [(tokens - 1) / (ms / 1_000)] : [];
}

function grouped<Item extends object>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): readonly (Item & { readonly count: number })[] {
  const groups = new Map<string, Item & { readonly count: number }>();
  for (const item of items) groups.set(keyOf(item), { ...item, count: (groups.get(keyOf(item))?.count ?? 0) + 1 });
  return [...groups.values()].sort((one, other) => other.count - one.count);
}

/** `worst`: which end is the bad one. The 95th percentile counts from the good end. */
export function spread(values: readonly number[], worst: 'largest' | 'smallest' = 'largest'): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((one, other) => (worst === 'largest' ? one - other : other - one));
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length, p50: at(0.5), p95: at(0.95), worst: at(1) };
}
