import type {
  Balance,
  BreakerOptions,
  BudgetOptions,
  CacheOptions,
  ConfigWarning,
  Cost,
  DefaultModelRow,
  Device,
  EnvOptions,
  EnvReading,
  EnvSetting,
  FromEnvOptions,
  GoneModelRow,
  HealthOptions,
  HedgeOptions,
  IntentOptions,
  KeyValueStore,
  Lane,
  LimitOptions,
  LoadedOptions,
  Locality,
  ModelPrice,
  Preset,
  PresetName,
  PriceTable,
  ProviderOptions,
  ProviderType,
  ProviderTypeRow,
  QueueOptions,
  RateLimit,
  RetryOptions,
  RouterOptions,
  SpendLimit,
  ThroughputOptions,
  TimeoutOptions,
} from '../../src/index.ts';
import {
  createRouter,
  defaultModels,
  fromEnv,
  fromFile,
  fromJson,
  goneModels,
  inspectEnv,
  loadPrices,
  localities,
  memoryStore,
  presetNames,
  presets,
  priceTable,
  providerTypes,
} from '../../src/index.ts';
import { exactly } from './exactly.ts';

// Every kind of option, as it is written.

const device: Device = 'gpu';
const cost: Cost = 'free';
const locality: Locality = 'lan';
const timeouts: TimeoutOptions = { connectMs: 1_000, firstTokenMs: 5_000 };
const limits: RateLimit = { rpm: 60, tpm: 10_000 };
const provider: ProviderOptions = {
  type: 'vllm',
  url: 'http://gpu-box:8000',
  apiKey: () => Promise.resolve('k'),
  device,
  cost,
  locality,
  timeouts,
  limits,
};
const balance: Balance = 'expected-ttft';
const lane: Lane = 'heavy';
const intent: IntentOptions = { order: ['gpu', ['cpu', 'cloud']], balance, lane, maxLocality: 'host' };
const hourly: SpendLimit = { hourUsd: 1 };
const budgets: BudgetOptions = { ...hourly, warnAt: 0.8, providers: { openai: { dayUsd: 5 } } };
const perCaller: LimitOptions = { caller: limits, callers: { batch: { rpm: 1 } } };
const kept: KeyValueStore = new Map<string, string>();
const cache: CacheOptions = { store: kept, ttlMs: 60_000 };
const breaker: BreakerOptions = { failureThreshold: 3, openMs: 30_000 };
const hedge: HedgeOptions = { minDelayMs: 100 };
const retry: RetryOptions = { maxTokens: 50 };
const queue: QueueOptions = { limit: 100 };
const health: HealthOptions = { mode: 'background', intervalMs: 10_000 };
const throughput: ThroughputOptions = { minCharsPerSecond: 20 };
const price: ModelPrice = { inputPerMillionUsd: 1, outputPerMillionUsd: 2 };
const prices: PriceTable = priceTable({ date: '2026-11-22', models: { 'gpt-4o-mini': price } });
const options: RouterOptions = {
  providers: { gpu: provider },
  models: { 'llama3.1': { gpu: 'llama3.1:8b' } },
  intents: { private: intent },
  balance,
  budgets,
  limits: perCaller,
  cache,
  breaker,
  hedge,
  retry,
  queue,
  health,
  throughput,
  prices,
  store: memoryStore(),
  onStreamFailure: 'continue',
};
void options;

// @ts-expect-error: there is no such type
void ({ type: 'olama' } satisfies ProviderOptions);
// @ts-expect-error: a misspelt option
void ({ type: 'ollama', ulr: 'http://127.0.0.1:11434' } satisfies ProviderOptions);
// @ts-expect-error: providers are missing
void ({ allowPaid: true } satisfies RouterOptions);
// @ts-expect-error: a misspelt option
createRouter({ providers: { gpu: { type: 'ollama' } }, retires: {} });
// @ts-expect-error: milliseconds are a number
createRouter({ providers: { gpu: { type: 'ollama' } }, deadlineMs: '5s' });
// @ts-expect-error: there is no such way to balance
createRouter({ providers: { gpu: { type: 'ollama' } }, balance: 'random' });

// Options that come from elsewhere.

const asked: FromEnvOptions = { preset: 'hybrid' };
const fromThere: EnvOptions = fromEnv({ OLLAMA_BASE_URL: 'http://127.0.0.1:11434' }, asked);
exactly<readonly EnvSetting[]>()(fromThere.report);
exactly<EnvReading>()(inspectEnv({}));
exactly<readonly ConfigWarning[]>()(inspectEnv({}).warnings);
exactly<Promise<LoadedOptions>>()(fromFile(new URL('file:///etc/inferlane.json'), { env: {} }));
exactly<LoadedOptions>()(fromJson({ providers: {} }, { source: 'a test' }));
exactly<Promise<PriceTable>>()(loadPrices());
createRouter({ ...fromThere, allowPaid: true });
// @ts-expect-error: there is no such preset
fromEnv({}, { preset: 'fast' });

// Tables that can be read.

exactly<PresetName>()(presetNames[0] as (typeof presetNames)[number]);
exactly<Preset>()(presets['free-first']);
exactly<readonly DefaultModelRow[]>()(defaultModels);
exactly<readonly GoneModelRow[]>()(goneModels);
exactly<readonly Locality[]>()(localities);
exactly<Readonly<Record<ProviderType, ProviderTypeRow>>>()(providerTypes);
exactly<string | undefined>()(providerTypes.ollama.defaultUrl);
