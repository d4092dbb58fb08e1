import type { LoadReport, ModelInfo } from '../core/adapter.ts';
import type { Locality } from '../core/locality.ts';
import { providerTypes } from '../core/provider-types.ts';
import type { Cost, Device } from '../config/provider-options.ts';
import type { Balance } from '../config/routing-options.ts';
import type { Situation } from './situation.ts';

/** What the router knows of it (see `Situation`); beyond that `down` does not answer and `unknown` cannot be asked. */
export type ProviderStatus = Situation | 'down' | 'unknown';

const serving: Readonly<Record<ProviderStatus, boolean | undefined>> = {
  ok: true,
  warming: true,
  saturated: true,
  limited: false,
  misconfigured: false,
  'out-of-memory': false,
  open: false,
  probing: false,
  down: false,
  unknown: undefined,
};

/**
 * Does a provider serve calls, if need be once its model is loaded or it has room again? One that has asked for a pause does not: that may
 * last, and nothing here says how long. Undefined: it cannot be asked. What runs in this process cannot either, and is there.
 */
export function serves({ status, type }: Pick<ProviderHealth, 'status' | 'type'>): boolean | undefined {
  const runsHere = Object.hasOwn(providerTypes, type) && providerTypes[type as keyof typeof providerTypes].runs === 'process';
  return status === 'unknown' && runsHere ? true : serving[status];
}

/** How all providers are. Times that end in `atMs` or `untilMs` are milliseconds since 1970, unlike those of `snapshot()`. */
export interface HealthSummary {
  /** `ok`: all providers serve calls (see `serves`); `degraded`: some do, or nobody knows; `down`: none does. */
  readonly status: 'ok' | 'degraded' | 'down';
  readonly atMs: number;
  readonly balance: Balance;
  /** A call that fails at one provider may go to another. */
  readonly failsOver: boolean;
  /** In the order in which a call of the default intent would try them. */
  readonly providers: readonly ProviderHealth[];
}

export interface ProviderHealth {
  readonly provider: string;
  readonly type: string;
  readonly device: Device;
  readonly cost: Cost;
  readonly locality: Locality;
  /** Scheme, host and port; a path is shown as `/…`. Undefined for what runs in this process. */
  readonly url: string | undefined;
  readonly priority: number;
  readonly weight: number;
  readonly defaultModel: string | undefined;
  readonly embeddingModel: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly status: ProviderStatus;
  /** When it was last asked how it is; undefined: never, or it cannot be asked. */
  readonly checkedAtMs: number | undefined;
  /** What that took. */
  readonly latencyMs: number | undefined;
  readonly version: string | undefined;
  /** Why that failed: a code, and a message that holds no key and no full URL. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
  /** Attempts of calls since the start of the router. */
  readonly successes: number;
  readonly failures: number;
  /** Attempts that failed since the last one that did not. */
  readonly consecutiveFailures: number;
  readonly lastError: { readonly code: string; readonly atMs: number } | undefined;
  /** The worst of its breakers: that of the connection, and those of its models. */
  readonly circuit: 'closed' | 'open' | 'half-open';
  readonly circuitOpenUntilMs: number | undefined;
  /** Models that are kept away from it, because they ran out of memory there. */
  readonly pins: readonly { readonly model: string; readonly untilMs: number }[];
  readonly inFlight: number;
  readonly waiting: number;
  /** Calls that it takes at once; undefined where there is no limit, or none for all of its models together. */
  readonly slots: number | undefined;
  /** Its list of models, as of its last answer; undefined where it keeps none. */
  readonly models: readonly ModelInfo[] | undefined;
  /** What it last told of its load, models in memory included. */
  readonly load: LoadReport | undefined;
}

export interface HealthAsk {
  readonly signal?: AbortSignal | undefined;
  /**
   * Providers that were asked within this time are not asked again.
   * @default 0
   */
  readonly maxAgeMs?: number | undefined;
}
