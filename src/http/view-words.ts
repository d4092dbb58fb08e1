import type { HealthSummary, ModelInventory, ProviderHealth, ProviderStatus } from '../index.ts';

/** What `router.health()` and `router.models()` gave. */
export interface ViewInput {
  readonly health: HealthSummary;
  readonly inventory: ModelInventory;
}

/** A view's own words for each status. */
export type Words<Word> = Readonly<Record<ProviderStatus, Word>>;

/**
 * What would answer now: scripts wait for it after a start, which takes minutes with a large model, and servers of one model refuse their
 * own health check while they load it.
 */
export const answersNow: Words<boolean> = {
  ok: true,
  saturated: true,
  warming: false,
  limited: false,
  misconfigured: false,
  'out-of-memory': false,
  open: false,
  probing: false,
  down: false,
  unknown: false,
};

/** Of a provider that cannot be asked how it is, its calls tell; what runs in this process is known to be there. */
export function statusOf({ status, url, successes, consecutiveFailures }: ProviderHealth): ProviderStatus {
  const isKnown = consecutiveFailures === 0 && (successes > 0 || url === undefined);
  return status === 'unknown' && isKnown ? 'ok' : status;
}

/** For views that know one breaker for each provider, or one model: the breaker of a model that is not closed counts as the provider's. */
export function statusWithModels(provider: ProviderHealth): ProviderStatus {
  const status = statusOf(provider);
  if (status === 'misconfigured' || provider.circuit === 'closed') return status;
  return provider.circuit === 'open' ? 'open' : 'probing';
}

/** What the last check or the last call failed with. */
export function reasonOf({ error, lastError }: ProviderHealth): string | null {
  return error?.message ?? lastError?.code ?? null;
}
