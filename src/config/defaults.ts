import type { ProviderTypeRow } from '../core/provider-types.ts';
import { systemRandom } from '../lib/clock.ts';
import type { BreakerConfig, HedgeConfig, IntentConfig, RetryConfig, RouterConfig, ThroughputConfig, Timeouts } from './config.ts';
import type { Device } from './options.ts';

export interface Defaults {
  readonly defaultIntent: string;
  readonly allowPaid: boolean;
  readonly maxAttempts: number;
  readonly deadlineMs: number;
  readonly timeouts: Timeouts;
  readonly breaker: BreakerConfig;
  readonly retry: RetryConfig;
  readonly hedge: HedgeConfig;
  readonly onAllOpen: RouterConfig['onAllOpen'];
  readonly panic: RouterConfig['panic'];
  readonly onStreamFailure: RouterConfig['onStreamFailure'];
  readonly throughput: Pick<ThroughputConfig, 'sampleChars'>;
  readonly pinMs: number;
  readonly onModelMissing: 'skip' | 'substitute';
  readonly onIgnoredParameter: 'warn' | 'refuse';
  readonly checkModels: boolean;
  readonly random: () => number;
  readonly provider: { readonly enabled: boolean; readonly threads: number; readonly dialect: 'auto'; readonly stripPrompt: boolean };
  /** What the type table says of the other types, for an adapter nothing is known about. */
  readonly custom: Pick<ProviderTypeRow, 'device' | 'cost' | 'priority'>;
  readonly intents: Readonly<Record<string, IntentConfig>>;
}

/** Every default value there is. The resolver and the tests read it; `docs/reference/config.md` is compared with it. */
export const defaults: Defaults = Object.freeze({
  defaultIntent: 'fast',
  allowPaid: false,
  maxAttempts: 3,
  deadlineMs: 120_000,
  timeouts: Object.freeze({ connectMs: 3_000, firstTokenMs: 10_000, idleMs: 15_000, totalMs: undefined }),
  breaker: Object.freeze({
    failureThreshold: 3,
    minimumOutcomes: 10,
    failureRatio: 0.5,
    windowMs: 60_000,
    openMs: 30_000,
    maxOpenMs: 300_000,
    jitter: 0.2,
  }),
  retry: Object.freeze({ maxTokens: 20, tokensPerSuccess: 0.2 }),
  hedge: Object.freeze({ minDelayMs: 1_000, minSamples: 20, maxLoad: 0.05 }),
  onAllOpen: 'fail',
  panic: 'off',
  onStreamFailure: 'error',
  throughput: Object.freeze({ sampleChars: 256 }),
  pinMs: 1_800_000,
  onModelMissing: 'skip',
  onIgnoredParameter: 'warn',
  checkModels: true,
  random: systemRandom,
  provider: Object.freeze({ enabled: true, threads: 0, dialect: 'auto', stripPrompt: true }),
  custom: Object.freeze({ device: 'remote', cost: 'free', priority: 0 }),
  intents: Object.freeze({
    fast: Object.freeze({
      order: Object.freeze(['gpu', 'remote', 'cpu', 'cloud'] as const),
      timeouts: Object.freeze({}),
      deadlineMs: undefined,
    }),
    // Work that can wait, on processors that make it wait: a large model on a CPU needs minutes.
    heavy: Object.freeze({
      order: Object.freeze(['cpu', 'gpu', 'remote', 'cloud'] as const),
      timeouts: Object.freeze({ firstTokenMs: 60_000 }),
      deadlineMs: 300_000,
    }),
  }),
});

/** `breaker: 'classic'`. No number of outcomes is enough for the ratio to have a say, and the open time never grows. */
export const classicBreaker: BreakerConfig = Object.freeze({
  ...defaults.breaker,
  minimumOutcomes: Infinity,
  openMs: 300_000,
  maxOpenMs: 300_000,
  jitter: 0,
});

/**
 * `retry: 'availability'`: more load on servers in trouble for more answers. With 30% of errors everywhere, and no breaker in the way, 97%
 * instead of 71%.
 */
export const availableRetry: RetryConfig = Object.freeze({ maxTokens: 50, tokensPerSuccess: 0.5 });

/** The order of devices that an intent did not name; a new intent without an order gets all of it. */
export const deviceOrder: readonly Device[] = Object.freeze(['gpu', 'remote', 'cpu', 'cloud'] as const);

/** More attempts than this multiply the load on a system in trouble; a larger `maxAttempts` is lowered to it. */
export const mostAttempts = 5;
