import type { HealthSummary, ProviderHealth } from '../index.ts';
import { answersNow, reasonOf, statusOf } from './view-words.ts';

export interface InferenceProviderJson {
  readonly type: string;
  readonly healthy: boolean;
  /** What its server lists; nothing where it is not healthy. */
  readonly models: readonly string[];
}

/** Why it is not healthy, in place of its models. */
export interface FailedFallbackJson {
  readonly type: string;
  readonly healthy: false;
  readonly error: string;
}

export interface InferenceHealthJson {
  /** Null where there is no provider. */
  readonly primary: InferenceProviderJson | null;
  /** Empty where calls do not fail over. */
  readonly fallbacks: readonly (InferenceProviderJson | FailedFallbackJson)[];
}

/** `GET /v1/health/inference`: the first provider, and those that stand behind it. */
export function inferenceHealthView({ health }: { readonly health: HealthSummary }): InferenceHealthJson {
  const [primary, ...fallbacks] = health.providers;
  return {
    primary: primary === undefined ? null : providerOf(primary),
    fallbacks: health.failsOver ? fallbacks.map(fallbackOf) : [],
  };
}

function providerOf(provider: ProviderHealth): InferenceProviderJson {
  const healthy = answersNow[statusOf(provider)];
  return { type: provider.type, healthy, models: healthy ? (provider.models ?? []).map(({ id }) => id) : [] };
}

function fallbackOf(provider: ProviderHealth): InferenceProviderJson | FailedFallbackJson {
  const shown = providerOf(provider);
  const error = reasonOf(provider);
  return shown.healthy || error === null ? shown : { type: shown.type, healthy: false, error };
}
