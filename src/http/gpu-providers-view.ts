import type { HealthSummary, ProviderHealth } from '../index.ts';
import { reasonOf, statusWithModels, type Words } from './view-words.ts';

type Wellness = 'healthy' | 'unhealthy' | 'circuit_open';

/** Half open is not closed: but for a probe, nothing goes there. One that loads its model is well, and is no false alarm. */
const wellness: Words<Wellness> = {
  ok: 'healthy',
  warming: 'healthy',
  saturated: 'healthy',
  limited: 'unhealthy',
  misconfigured: 'unhealthy',
  'out-of-memory': 'unhealthy',
  open: 'circuit_open',
  probing: 'circuit_open',
  down: 'unhealthy',
  unknown: 'unhealthy',
};

export interface GpuProvidersJson {
  /** `healthy` while one provider is. */
  readonly status: 'healthy' | 'unhealthy';
  readonly timestamp: string;
  readonly gpu_providers: {
    readonly providers: Readonly<Record<string, GpuProviderJson>>;
    readonly available_providers: readonly string[];
  };
}

/** Times are ISO 8601 in UTC, to the second. */
export interface GpuProviderJson {
  readonly status: Wellness;
  /** Null: it was never asked. */
  readonly last_check: string | null;
  /** 0 where the last check got no answer, or there was none. */
  readonly latency_ms: number;
  /** Failures in a row. */
  readonly error_count: number;
  readonly success_count: number;
  readonly circuit_open_until: string | null;
  readonly last_error: string | null;
}

/** `GET /health/gpu-providers`: each provider, and which of them are available. */
export function gpuProvidersView({ health }: { readonly health: HealthSummary }): GpuProvidersJson {
  const providers = health.providers.map((provider) => [provider.provider, providerOf(provider)] as const);
  const available = providers.filter(([, { status }]) => status === 'healthy').map(([id]) => id);
  return {
    status: available.length > 0 ? 'healthy' : 'unhealthy',
    timestamp: isoTime(health.atMs),
    gpu_providers: { providers: Object.fromEntries(providers), available_providers: available },
  };
}

function providerOf(provider: ProviderHealth): GpuProviderJson {
  const { checkedAtMs, latencyMs, error, consecutiveFailures, successes, circuitOpenUntilMs } = provider;
  return {
    status: wellness[statusWithModels(provider)],
    last_check: checkedAtMs === undefined ? null : isoTime(checkedAtMs),
    latency_ms: error === undefined ? Math.round((latencyMs ?? 0) * 10) / 10 : 0,
    error_count: consecutiveFailures,
    success_count: successes,
    circuit_open_until: circuitOpenUntilMs === undefined ? null : isoTime(circuitOpenUntilMs),
    last_error: reasonOf(provider),
  };
}

/** In UTC, to the second. */
function isoTime(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
