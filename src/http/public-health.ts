import type { HealthSummary, ProviderHealth } from '../index.ts';

/**
 * What anybody may see: whether calls are answered, as if there were but one provider, which has no address, no name of its own, no model
 * and no figures. It goes into the same views, so their shapes stay; and what views may come to tell of providers, it does not have.
 */
export function publicHealth({ status, atMs, balance, failsOver }: HealthSummary): HealthSummary {
  return { status, atMs, balance, failsOver, providers: [routerAsProvider(status !== 'down')] };
}

function routerAsProvider(isUp: boolean): ProviderHealth {
  return {
    provider: 'router',
    type: 'router',
    device: 'remote',
    cost: 'free',
    locality: 'cloud',
    url: undefined,
    priority: 0,
    weight: 1,
    defaultModel: undefined,
    embeddingModel: undefined,
    metadata: {},
    status: isUp ? 'ok' : 'down',
    checkedAtMs: undefined,
    latencyMs: undefined,
    version: undefined,
    error: undefined,
    successes: 0,
    failures: 0,
    consecutiveFailures: 0,
    lastError: undefined,
    circuit: 'closed',
    circuitOpenUntilMs: undefined,
    pins: [],
    inFlight: 0,
    waiting: 0,
    slots: undefined,
    models: undefined,
    load: undefined,
  };
}
