import type { Adapter } from '../core/adapter.ts';
import type { KeyValueStore } from '../core/key-value-store.ts';
import type { Locality } from '../core/locality.ts';
import type { Logger } from '../core/logger.ts';
import type { PriceTable } from '../core/prices.ts';
import type { ProviderType } from '../core/provider-types.ts';
import type { Clock } from '../lib/clock.ts';
import type { Secret } from '../lib/secret.ts';
import type { Transport } from '../lib/transport.ts';
import type { StateStore } from '../state/store.ts';
import type { Cost, Device } from './provider-options.ts';
import type { Balance, Lane } from './routing-options.ts';

/** Limits of one attempt; undefined means that no limit of its own was set (see `TimeoutOptions.totalMs`). */
export interface Timeouts {
  readonly connectMs: number;
  readonly firstTokenMs: number;
  readonly idleMs: number;
  readonly totalMs: number | undefined;
}

export interface ProviderConfig {
  readonly id: string;
  readonly type: ProviderType | 'custom';
  /** Without trailing slash and without `/v1`; undefined for providers in this process. */
  readonly url: string | undefined;
  readonly apiKey: Secret | (() => string | Promise<string>) | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly device: Device;
  readonly cost: Cost;
  readonly locality: Locality;
  readonly priority: number;
  readonly weight: number;
  /** As it was set; undefined: the server tells, else `usualSlots`. */
  readonly maxConcurrent: number | undefined;
  /** What a server of its type serves at once where nothing else is known; undefined: no limit, as for everything in a cloud. */
  readonly usualSlots: number | undefined;
  readonly slotsPer: 'server' | 'model';
  /** As it was set, then below `maxConcurrent`; undefined: 1 where it serves 5 or more at once, else 0. */
  readonly reservedForFast: number | undefined;
  readonly maxModelBillions: number | undefined;
  readonly limits: RateConfig | undefined;
  readonly defaultModel: string | undefined;
  readonly embeddingModel: string | undefined;
  readonly embeddingSpace: string | undefined;
  readonly contextLength: number | undefined;
  /** This provider's own settings, over the router's. */
  readonly timeouts: Partial<Timeouts>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly enabled: boolean;
  readonly adapter: Adapter | undefined;
  readonly modelPath: string | undefined;
  readonly embeddingModelPath: string | undefined;
  readonly threads: number;
  readonly contextSize: number | undefined;
  readonly keepAliveS: number | undefined;
  readonly dialect: 'auto' | 'notebook' | 'proxy' | 'tgi';
  readonly stripPrompt: boolean;
  readonly reply: string | undefined;
}

export interface IntentConfig {
  /**
   * Devices and ids of providers, in groups of equals, first to last; every device is there, and nothing twice. A name of a device
   * means the device, also where a provider has it as its id; any other name is an id, and naming a paid one is consent to pay.
   */
  readonly order: readonly (readonly string[])[];
  /** Undefined: the router's. */
  readonly balance: Balance | undefined;
  readonly lane: Lane;
  readonly affinity: boolean;
  /** Beside the router's: the nearer one holds. */
  readonly maxLocality: Locality | undefined;
  /** Undefined: the router's. */
  readonly allowPaid: boolean | undefined;
  /** Beside the router's: the smaller one holds. */
  readonly maxCostUsd: number | undefined;
  readonly timeouts: Partial<Timeouts>;
  /** Undefined: the router's. */
  readonly deadlineMs: number | undefined;
}

export interface BreakerConfig {
  readonly failureThreshold: number;
  readonly minimumOutcomes: number;
  readonly failureRatio: number;
  readonly windowMs: number;
  readonly openMs: number;
  readonly maxOpenMs: number;
  readonly jitter: number;
}

export interface RetryConfig {
  readonly maxTokens: number;
  readonly tokensPerSuccess: number;
}

export interface HedgeConfig {
  readonly minDelayMs: number;
  readonly minSamples: number;
  readonly maxLoad: number;
}

export interface ThroughputConfig {
  readonly minCharsPerSecond: number;
  readonly sampleChars: number;
}

export interface HealthConfig {
  /** Undefined: only when somebody asks. */
  readonly mode: 'background' | 'per-request' | undefined;
  readonly intervalMs: number;
  readonly unhealthyIntervalMs: number;
  readonly timeoutMs: number;
  readonly maxAgeMs: number;
}

export interface QueueConfig {
  readonly limit: number;
  /** Undefined: until the deadline of the call. */
  readonly timeoutMs: number | undefined;
  readonly agingMs: number;
}

export interface RateConfig {
  readonly rpm: number | undefined;
  readonly tpm: number | undefined;
}

export interface LimitsConfig {
  readonly caller: RateConfig | undefined;
  /** In the place of `caller`; undefined there: no limit. */
  readonly callers: ReadonlyMap<string, RateConfig | undefined>;
  readonly processes: number;
}

export interface SpendConfig {
  readonly hourUsd: number | undefined;
  readonly dayUsd: number | undefined;
}

export interface BudgetsConfig {
  readonly all: SpendConfig | undefined;
  readonly warnAt: number;
  readonly providers: ReadonlyMap<string, SpendConfig | undefined>;
  readonly caller: SpendConfig | undefined;
  /** In the place of `caller`; undefined there: no cap. */
  readonly callers: ReadonlyMap<string, SpendConfig | undefined>;
}

export interface CacheConfig {
  readonly store: KeyValueStore;
  readonly ttlMs: number;
  readonly shared: boolean;
  readonly timeoutMs: number;
}

/** Options with every gap filled, frozen. Below it nothing asks whether an option is there. */
export interface RouterConfig {
  readonly providers: readonly ProviderConfig[];
  readonly models: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly intents: ReadonlyMap<string, IntentConfig>;
  readonly defaultIntent: string;
  readonly allowPaid: boolean;
  readonly maxLocality: Locality;
  readonly maxCostUsd: number | undefined;
  readonly prices: PriceTable | undefined;
  readonly limits: LimitsConfig;
  /** Undefined: no caps. */
  readonly budgets: BudgetsConfig | undefined;
  readonly balance: Balance;
  readonly queue: QueueConfig;
  /** Undefined: never. */
  readonly pollMs: number | undefined;
  readonly maxAttempts: number;
  readonly deadlineMs: number;
  readonly timeouts: Timeouts;
  readonly breaker: BreakerConfig;
  readonly retry: RetryConfig;
  /** Undefined: off. */
  readonly hedge: HedgeConfig | undefined;
  readonly health: HealthConfig;
  readonly onAllOpen: 'fail' | 'wait';
  readonly panic: 'off' | 'soonest';
  readonly onStreamFailure: 'error' | 'restart' | 'continue';
  readonly throughput: ThroughputConfig | undefined;
  readonly pinMs: number;
  readonly onModelMissing: 'skip' | 'substitute';
  readonly onIgnoredParameter: 'warn' | 'refuse';
  readonly checkModels: boolean;
  readonly checkEmbeddings: boolean;
  /** Undefined: off. */
  readonly cache: CacheConfig | undefined;
  readonly singleFlight: boolean;
  readonly transport: Transport;
  /** Undefined: nothing is shared with other processes. */
  readonly store: StateStore | undefined;
  readonly logger: Logger | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

/** A problem that does not stop the router: two providers on one address, a key with stray blanks. */
export interface ConfigWarning {
  readonly path: string;
  readonly message: string;
}
