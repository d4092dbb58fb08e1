import type { HealthSummary, ProviderHealth } from '../index.ts';
import { reasonOf, statusWithModels, type Words } from './view-words.ts';

type Availability = 'available' | 'unavailable' | 'unknown';

/** Available is what takes calls, be it with a wait. One that loads its model does not until it has. */
const availability: Words<Availability> = {
  ok: 'available',
  saturated: 'available',
  warming: 'unavailable',
  limited: 'unavailable',
  misconfigured: 'unavailable',
  'out-of-memory': 'unavailable',
  open: 'unavailable',
  probing: 'unavailable',
  down: 'unavailable',
  unknown: 'unknown',
};

const circuitStates = { closed: 'CLOSED', open: 'OPEN', 'half-open': 'HALF_OPEN' } as const;

export interface BackendStatusJson {
  readonly primary_backend: string | null;
  readonly secondary_backend: string | null;
  readonly backends: Readonly<Record<string, { readonly status: Availability; readonly error: string | null }>>;
  readonly load_balancing: boolean;
  readonly auto_failover: boolean;
  readonly initialized_backends: readonly string[];
  /** By `<id>_backend`. */
  readonly failover: Readonly<Record<string, BackendFailoverJson>>;
}

export interface BackendFailoverJson {
  readonly is_healthy: boolean;
  /** Failures in a row. */
  readonly failure_count: number;
  readonly circuit_state: 'CLOSED' | 'OPEN' | 'HALF_OPEN';
}

/** `GET /api/v1/backend/status`: who goes first, who stands in, and how their breakers are. */
export function backendStatusView({ health }: { readonly health: HealthSummary }): BackendStatusJson {
  const { providers, balance, failsOver } = health;
  return {
    primary_backend: providers[0]?.provider ?? null,
    secondary_backend: providers[1]?.provider ?? null,
    backends: Object.fromEntries(providers.map((provider) => [provider.provider, backendOf(provider)])),
    load_balancing: balance !== 'priority',
    auto_failover: failsOver,
    initialized_backends: providers.map(({ provider }) => provider),
    failover: Object.fromEntries(providers.map((provider) => [`${provider.provider}_backend`, failoverOf(provider)])),
  };
}

function backendOf(provider: ProviderHealth): BackendStatusJson['backends'][string] {
  const status = availability[statusWithModels(provider)];
  return { status, error: status === 'available' ? null : reasonOf(provider) };
}

function failoverOf(provider: ProviderHealth): BackendFailoverJson {
  return {
    is_healthy: availability[statusWithModels(provider)] === 'available',
    failure_count: provider.consecutiveFailures,
    circuit_state: circuitStates[provider.circuit],
  };
}
