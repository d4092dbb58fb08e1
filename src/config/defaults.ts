import type { ProviderTypeRow } from '../core/provider-types.ts';
import { systemRandom } from '../lib/clock.ts';
import { usualConnectMs } from '../lib/connect-limit.ts';
import type {
  BreakerConfig,
  BudgetsConfig,
  CacheConfig,
  HealthConfig,
  HedgeConfig,
  IntentConfig,
  LimitsConfig,
  QueueConfig,
  RetryConfig,
  RouterConfig,
  ThroughputConfig,
  Timeouts,
} from './config.ts';
import type { Device } from './provider-options.ts';

export interface Defaults {
  readonly defaultIntent: string;
  readonly allowPaid: boolean;
  readonly maxLocality: RouterConfig['maxLocality'];
  readonly balance: RouterConfig['balance'];
  readonly limits: Pick<LimitsConfig, 'processes'>;
  readonly budgets: Pick<BudgetsConfig, 'warnAt'>;
  readonly queue: QueueConfig;
  readonly pollMs: number;
  readonly maxAttempts: number;
  readonly deadlineMs: number;
  readonly timeouts: Timeouts;
  readonly breaker: BreakerConfig;
  readonly retry: RetryConfig;
  readonly hedge: HedgeConfig;
  readonly health: HealthConfig;
  readonly onAllOpen: RouterConfig['onAllOpen'];
  readonly panic: RouterConfig['panic'];
  readonly onStreamFailure: RouterConfig['onStreamFailure'];
  readonly throughput: Pick<ThroughputConfig, 'sampleChars'>;
  readonly pinMs: number;
  readonly onModelMissing: RouterConfig['onModelMissing'];
  readonly onIgnoredParameter: RouterConfig['onIgnoredParameter'];
  readonly checkModels: boolean;
  readonly checkEmbeddings: boolean;
  readonly cache: Omit<CacheConfig, 'store'>;
  readonly singleFlight: boolean;
  readonly random: () => number;
  readonly provider: {
    readonly weight: number;
    readonly enabled: boolean;
    readonly threads: number;
    readonly dialect: 'auto';
    readonly stripPrompt: boolean;
  };
  /** What the type table says of the other types, for an adapter nothing is known about. */
  readonly custom: Pick<ProviderTypeRow, 'device' | 'cost' | 'priority' | 'slots' | 'slotsPer'>;
  readonly intents: Readonly<Record<string, IntentConfig>>;
}

/** The order of devices that an intent did not name. */
export const deviceOrder: readonly Device[] = Object.freeze(['gpu', 'remote', 'cpu', 'cloud'] as const);

/** Each on its own: none of them is another's equal. */
function oneByOne(names: readonly string[]): IntentConfig['order'] {
  return Object.freeze(names.map((name) => Object.freeze([name])));
}

/** What a new intent is changed from. */
export const usualIntent: IntentConfig = Object.freeze({
  order: oneByOne(deviceOrder),
  balance: undefined,
  lane: 'fast',
  affinity: true,
  maxLocality: undefined,
  allowPaid: undefined,
  maxCostUsd: undefined,
  timeouts: Object.freeze({}),
  deadlineMs: undefined,
});

/** Every default value there is. The resolver and the tests read it; `docs/reference/config.md` is compared with it. */
export const defaults: Defaults = Object.freeze({
  defaultIntent: 'fast',
  allowPaid: false,
  maxLocality: 'cloud',
  balance: 'priority',
  limits: Object.freeze({ processes: 4 }),
  budgets: Object.freeze({ warnAt: 0.8 }),
  queue: Object.freeze({ limit: 1_000, timeoutMs: undefined, agingMs: 30_000 }),
  pollMs: 10_000,
  maxAttempts: 3,
  deadlineMs: 120_000,
  timeouts: Object.freeze({ connectMs: usualConnectMs, firstTokenMs: 10_000, idleMs: 15_000, totalMs: undefined }),
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
  health: Object.freeze({ mode: 'background', intervalMs: 60_000, unhealthyIntervalMs: 10_000, timeoutMs: 5_000, maxAgeMs: 1_000 }),
  onAllOpen: 'fail',
  panic: 'off',
  onStreamFailure: 'error',
  throughput: Object.freeze({ sampleChars: 256 }),
  pinMs: 1_800_000,
  onModelMissing: 'skip',
  onIgnoredParameter: 'warn',
  checkModels: true,
  checkEmbeddings: false,
  cache: Object.freeze({ ttlMs: 3_600_000, shared: false, timeoutMs: 50 }),
  singleFlight: false,
  random: systemRandom,
  provider: Object.freeze({ weight: 1, enabled: true, threads: 0, dialect: 'auto', stripPrompt: true }),
  custom: Object.freeze({ device: 'remote', cost: 'free', priority: 0, slots: undefined, slotsPer: 'server' }),
  intents: Object.freeze({
    fast: usualIntent,
    // Work that can wait, on processors that make it wait: a large model on a CPU needs minutes. The same request goes the same way.
    heavy: Object.freeze({
      ...usualIntent,
      order: oneByOne(['cpu', 'gpu', 'remote', 'cloud']),
      balance: 'priority',
      lane: 'heavy',
      affinity: false,
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

/** More attempts than this multiply the load on a system in trouble; a larger `maxAttempts` is lowered to it. */
export const mostAttempts = 5;
