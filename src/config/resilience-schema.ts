import * as z from 'zod/mini';
import type { BreakerOptions, HedgeOptions, RetryOptions, ThroughputOptions } from './resilience-options.ts';
import { type Fields, milliseconds, positive, share, strict, type Takes, whole } from './schema-parts.ts';

export const breaker = (): Takes<BreakerOptions> =>
  strict({
    failureThreshold: z.optional(whole(1, 1_000)),
    minimumOutcomes: z.optional(whole(1, 1_000)),
    failureRatio: z.optional(share()),
    windowMs: z.optional(milliseconds()),
    openMs: z.optional(milliseconds()),
    maxOpenMs: z.optional(milliseconds()),
    jitter: z.optional(share()),
  } satisfies Fields<BreakerOptions>);

export const retry = (): Takes<RetryOptions> =>
  strict({
    maxTokens: z.optional(whole(1, 1_000_000)),
    tokensPerSuccess: z.optional(positive()),
  } satisfies Fields<RetryOptions>);

export const hedge = (): Takes<HedgeOptions> =>
  strict({
    minDelayMs: z.optional(milliseconds()),
    minSamples: z.optional(whole(1, 64)),
    maxLoad: z.optional(share()),
  } satisfies Fields<HedgeOptions>);

export const throughput = (): Takes<ThroughputOptions> =>
  strict({
    minCharsPerSecond: positive(),
    sampleChars: z.optional(whole(1, 1_000_000)),
  } satisfies Fields<ThroughputOptions>);
