import type { Adapter } from '../core/adapter.ts';
import type { ProviderType } from '../core/provider-types.ts';
import type { Clock } from '../lib/clock.ts';
import type { Secret } from '../lib/secret.ts';
import type { Transport } from '../lib/transport.ts';
import type { Cost, Device } from './options.ts';

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
  readonly priority: number;
  readonly defaultModel: string | undefined;
  readonly embeddingModel: string | undefined;
  /** This provider's own settings, over the router's. */
  readonly timeouts: Partial<Timeouts>;
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
  /** All four devices, each once. */
  readonly order: readonly Device[];
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

/** Options with every gap filled, frozen. Below it nothing asks whether an option is there. */
export interface RouterConfig {
  readonly providers: readonly ProviderConfig[];
  readonly models: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly intents: ReadonlyMap<string, IntentConfig>;
  readonly defaultIntent: string;
  readonly allowPaid: boolean;
  readonly maxAttempts: number;
  readonly deadlineMs: number;
  readonly timeouts: Timeouts;
  readonly breaker: BreakerConfig;
  readonly retry: RetryConfig;
  /** Undefined: off. */
  readonly hedge: HedgeConfig | undefined;
  readonly onAllOpen: 'fail' | 'wait';
  readonly panic: 'off' | 'soonest';
  readonly onStreamFailure: 'error' | 'restart' | 'continue';
  readonly throughput: ThroughputConfig | undefined;
  readonly pinMs: number;
  readonly onModelMissing: 'skip' | 'substitute';
  readonly onIgnoredParameter: 'warn' | 'refuse';
  readonly checkModels: boolean;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: () => number;
}

/** A problem that does not stop the router: two providers on one address, a key with stray blanks. */
export interface ConfigWarning {
  readonly path: string;
  readonly message: string;
}
