import type { Feature } from '../core/capabilities.ts';
import type { Engine } from './engine.ts';
import type { Provider } from './provider.ts';
import type { RecordedConfig, RecordedProvider } from './record-lines.ts';

/** What calls are routed by, without addresses, keys and headers. */
export function recordedConfig({ config, list }: Engine): Pick<RecordedConfig, 'providers' | 'options'> {
  const { balance, allowPaid, maxLocality, maxAttempts, deadlineMs, defaultIntent, timeouts, queue, breaker, retry, hedge } = config;
  const { pinMs, onAllOpen, panic, onStreamFailure, onModelMissing, models, intents } = config;
  const plain = { balance, allowPaid, maxLocality, maxAttempts, deadlineMs, defaultIntent, timeouts, queue, breaker, retry, hedge };
  return {
    providers: list.map(recordedProvider),
    options: {
      ...plain,
      pinMs,
      onAllOpen,
      panic,
      onStreamFailure,
      onModelMissing,
      models: Object.fromEntries(Array.from(models, ([alias, names]) => [alias, Object.fromEntries(names)])),
      intents: Object.fromEntries(intents),
    },
  };
}

function recordedProvider({ id, config, adapter }: Provider): RecordedProvider {
  const { type, device, cost, locality, priority, weight, maxConcurrent, usualSlots, slotsPer } = config;
  const { defaultModel, embeddingModel, contextLength } = config;
  const slots = maxConcurrent ?? usualSlots;
  const features = (Object.keys(adapter.capabilities) as Feature[]).filter((feature) => adapter.capabilities[feature]);
  return {
    id,
    type,
    device,
    cost,
    locality,
    priority,
    weight,
    slotsPer,
    ...(slots !== undefined && { slots }),
    ...(defaultModel !== undefined && { defaultModel: shortName(defaultModel) }),
    ...(embeddingModel !== undefined && { embeddingModel: shortName(embeddingModel) }),
    ...(contextLength !== undefined && { contextLength }),
    features,
    modelName: adapter.modelName,
    loadsOnDemand: adapter.loadsOnDemand,
    embeds: adapter.embed !== undefined,
  };
}

const longestName = 256;

/** A name that somebody else chose: some call a model by its address, which may hold a key. */
export function shortName(name: string): string {
  return name.includes('://') ? '[address]' : name.slice(0, longestName);
}
