import type { BreakerOptions, HedgeOptions, RetryOptions, ThroughputOptions } from './resilience-options.ts';
import { type Fields, milliseconds, positive, share, strict, type Takes, whole } from './schema-parts.ts';

export const breaker: Takes<BreakerOptions> = strict({
  failureThreshold: whole(1, 1_000).optional(),
  minimumOutcomes: whole(1, 1_000).optional(),
  failureRatio: share().optional(),
  windowMs: milliseconds().optional(),
  openMs: milliseconds().optional(),
  maxOpenMs: milliseconds().optional(),
  jitter: share().optional(),
} satisfies Fields<BreakerOptions>);

export const retry: Takes<RetryOptions> = strict({
  maxTokens: whole(1, 1_000_000).optional(),
  tokensPerSuccess: positive().optional(),
} satisfies Fields<RetryOptions>);

export const hedge: Takes<HedgeOptions> = strict({
  minDelayMs: milliseconds().optional(),
  minSamples: whole(1, 64).optional(),
  maxLoad: share().optional(),
} satisfies Fields<HedgeOptions>);

export const throughput: Takes<ThroughputOptions> = strict({
  minCharsPerSecond: positive(),
  sampleChars: whole(1, 1_000_000).optional(),
} satisfies Fields<ThroughputOptions>);
