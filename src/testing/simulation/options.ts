import type { Adapter, ProviderOptions, RouterOptions } from '../../index.ts';
import type { TracedCall, TracedProvider } from './trace.ts';

/** Without what would ask somebody beside the calls, or keep something for others; and without what a record cannot tell. */
export function quietOptions(options: RouterOptions): RouterOptions {
  const {
    transport: _transport,
    throughput: _throughput,
    store: _store,
    cache: _cache,
    singleFlight: _shared,
    logger: _logger,
    ...plain
  } = options;
  return { ...plain, checkModels: false, checkEmbeddings: false, health: false, pollMs: false };
}

/** Each provider with an adapter from the trace in the place of its own, and everything that its type would have meant. A stub stays itself. */
export function simulatedProviders(
  options: RouterOptions,
  facts: ReadonlyMap<string, TracedProvider>,
  adapterOf: (provider: TracedProvider) => Adapter,
  calls: readonly TracedCall[],
): Record<string, ProviderOptions> {
  const entries = Object.entries(options.providers).map(([id, given]): [string, ProviderOptions] => {
    const fact = facts.get(id);
    if (fact === undefined) return [id, { type: 'stub', enabled: false }];
    return [id, fact.type === 'stub' ? given : simulatedProvider(given, fact, adapterOf(fact), modelsOf(id, calls))];
  });
  return Object.fromEntries(entries);
}

function simulatedProvider(given: ProviderOptions, fact: TracedProvider, adapter: Adapter, models: number): ProviderOptions {
  const { embeddingSpace, reservedForFast, timeouts, maxModelBillions, maxConcurrent } = given;
  const { device, cost, locality, priority, weight, slots, slotsPer, defaultModel, embeddingModel, contextLength } = fact;
  // Where each model has slots of its own, there are as many of them as models were asked for.
  const taken = maxConcurrent ?? (slots === undefined ? undefined : slots * (slotsPer === 'model' ? Math.max(1, models) : 1));
  // A record has them as plain texts, of which it writes none that options could not hold.
  const resolved = { device, cost, locality, priority, weight, defaultModel, embeddingModel, contextLength } as Partial<ProviderOptions>;
  return { type: 'custom', adapter, ...resolved, embeddingSpace, reservedForFast, timeouts, maxModelBillions, maxConcurrent: taken };
}

function modelsOf(id: string, calls: readonly TracedCall[]): number {
  return new Set(calls.flatMap(({ attempts }) => attempts.flatMap(({ provider, model }) => (provider === id ? [model] : [])))).size;
}
