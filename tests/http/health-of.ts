import type { HealthSummary, ModelInventory, ProviderHealth, ServedModel } from '../../src/index.ts';
import type { ViewInput } from '../../src/http/index.ts';

export const nowMs: number = Date.UTC(2024, 0, 15, 10, 30);

/** A provider that is well, but for what is given. */
export function provider(id: string, given: Partial<ProviderHealth> = {}): ProviderHealth {
  return {
    provider: id,
    type: 'ollama',
    device: 'gpu',
    cost: 'free',
    locality: 'host',
    url: 'http://127.0.0.1:11434',
    priority: 0,
    weight: 1,
    defaultModel: undefined,
    embeddingModel: undefined,
    metadata: {},
    status: 'ok',
    checkedAtMs: nowMs - 5_000,
    latencyMs: 45.2,
    version: '0.14.3',
    error: undefined,
    successes: 15,
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
    ...given,
  };
}

export const models = (...ids: readonly string[]): readonly { readonly id: string }[] => ids.map((id) => ({ id }));

/** Three failures in a row, and a breaker that opened for five minutes. */
export const broken: Partial<ProviderHealth> = {
  status: 'open',
  consecutiveFailures: 3,
  failures: 3,
  lastError: { code: 'timeout', atMs: nowMs - 1_000 },
  circuit: 'open',
  circuitOpenUntilMs: nowMs + 299_000,
};

/** What was never asked and never called. */
export const untried: Partial<ProviderHealth> = {
  status: 'unknown',
  checkedAtMs: undefined,
  latencyMs: undefined,
  version: undefined,
  successes: 0,
};

export function down(id: string, given: Partial<ProviderHealth> = {}): ProviderHealth {
  return provider(id, { status: 'down', error: { code: 'unavailable', message: `${id} cannot be reached.` }, ...given });
}

/** What the views are made of. The inventory holds what the providers list, each model by its own name, and the aliases given. */
export function input(
  providers: readonly ProviderHealth[],
  more: Partial<HealthSummary> & { aliases?: readonly ServedModel[] } = {},
): ViewInput {
  const { aliases = [], ...rest } = more;
  const health: HealthSummary = { status: 'ok', atMs: nowMs, balance: 'priority', failsOver: providers.length > 1, providers, ...rest };
  const answers = providers.map((each) => ({ provider: each.provider, models: each.error ? undefined : each.models, error: each.error }));
  const own = answers.flatMap(({ provider: id, models: list }) =>
    (list ?? []).map((model): ServedModel => ({ id: model.id, isAlias: false, servedBy: [{ provider: id, model: model.id }] })),
  );
  const inventory: ModelInventory = { providers: answers, models: [...aliases, ...own] };
  return { health, inventory };
}
