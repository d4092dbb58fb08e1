// The client.
export { createRouter } from './router/create-router.ts';
export type { CloseOptions, Router, TriedChat } from './router/router.ts';
export type { DrillCall, DrillOptions, FailoverTest, ProviderTest } from './router/drill.ts';
export type { InventoryAsk, ModelInventory, ProviderModels, ServedModel } from './router/inventory.ts';
export type { ExplainOptions } from './router/explain.ts';
export { type ChatStream, collect, textOf } from './router/chat-stream.ts';
export { type HealthAsk, type HealthSummary, type ProviderHealth, type ProviderStatus, serves } from './router/health-report.ts';
export type { CacheCounts } from './router/kept-answers.ts';
export type { Situation } from './router/situation.ts';
export type { RecordLine } from './router/record-lines.ts';
export type { RecordSink, RecordWriter } from './router/record-outlet.ts';
export type { ModelSnapshot, ProviderSnapshot, RouterSnapshot } from './router/snapshot.ts';
export type { Spending } from './router/metering.ts';
export type { SpendingRow } from './router/ledger.ts';
export type { BudgetState } from './router/budgets.ts';
export type { Candidate, Plan, PlannedCandidate, SkippedInPlan } from './routing/plan.ts';
export type { Score } from './routing/expected-time.ts';
export { formatPlan, formatRoute } from './routing/format-plan.ts';

export { hopsOf } from './router/own-headers.ts';
export { type AutodetectOptions, autodetect, type Detection } from './router/autodetect.ts';

// Configuration.
export { type EnvOptions, type EnvReading, fromEnv, type FromEnvOptions, inspectEnv } from './config/env.ts';
export { type Preset, type PresetName, presetNames, presets } from './config/presets.ts';
export type { ConfigWarning } from './config/config.ts';
export { fromFile, fromJson, type LoadedOptions } from './config/file.ts';
export type { EnvSetting } from './config/env-trail.ts';
export type { CallOptions } from './config/call-options.ts';
export type { HealthOptions } from './config/health-options.ts';
export type { RouterOptions } from './config/options.ts';
export type { Cost, Device, ProviderOptions, TimeoutOptions } from './config/provider-options.ts';
export type { Balance, IntentOptions, Lane, QueueOptions } from './config/routing-options.ts';
export type { CacheOptions } from './config/cache-options.ts';
export type { KeyValueStore } from './core/key-value-store.ts';
export type { BudgetOptions, LimitOptions, RateLimit, SpendLimit } from './config/limit-options.ts';
export type { BreakerOptions, HedgeOptions, RetryOptions, ThroughputOptions } from './config/resilience-options.ts';
export { type DefaultModelRow, defaultModels, type GoneModelRow, goneModels } from './core/default-models.ts';
export { loadPrices, priceTable } from './config/prices.ts';
export type { ModelPrice, PriceTable } from './core/prices.ts';
export { localities, type Locality } from './core/locality.ts';
export { type ProviderType, providerTypes, type ProviderTypeRow } from './core/provider-types.ts';

// Requests and answers: OpenAI's shapes.
export { imagePart } from './core/image-part.ts';
export type { AnswerSchema, SchemaIssue, SchemaResult } from './core/answer-schema.ts';
export type { ParsedCompletion, SchemaRequest } from './router/structured.ts';
export type * from './core/types.ts';
export type * from './core/route.ts';

// Errors and events.
export { AllFailedError, ConfigError, httpStatusOf, isRouterError, RouterError } from './core/errors.ts';
export type { ConfigIssue, ErrorDetails, FailedAttempt, Phase, SkippedCandidate, StoppedBecause } from './core/errors.ts';
export { type BreakerEffect, type ErrorCode, errorCodes, type ErrorRow, type NextStep, type SideEffect } from './core/error-codes.ts';
export type { Logger } from './core/logger.ts';
export { type ConfigChanges, type EventName, eventNames, type Listener, type RouterEvents, type Verb } from './core/events.ts';

// Your own backend.
export { defineAdapter } from './core/adapter.ts';
export type {
  Adapter,
  AdapterDefinition,
  Call,
  Chat,
  Embed,
  HealthReport,
  LoadReport,
  ModelInfo,
  ModelName,
  OtherVerbs,
  ResidentModel,
  Stream,
} from './core/adapter.ts';
export type { Capabilities, Feature, Parameter } from './core/capabilities.ts';
export { httpFor, type HttpForOptions } from './lib/http-for.ts';
export type { HttpCall, HttpClient } from './lib/http.ts';
export { readEvents, type SseEvent } from './lib/sse.ts';
export type { StreamLimits } from './lib/stream-text.ts';
export { readLines } from './lib/ndjson.ts';

// What several routers share.
export { memoryStore, type MemoryStoreOptions } from './state/memory.ts';
export type {
  Change,
  Conclusion,
  LeaseAnswer,
  LeaseAsk,
  StateStore,
  StoreConnection,
  Sum,
  SumAsk,
  SyncAsk,
  Synced,
  TakeAsk,
  Taken,
} from './state/store.ts';

// Seams.
export { type Clock, systemClock } from './lib/clock.ts';
export type { Body, ByteSource } from './lib/byte-source.ts';
export { ofetchTransport, type Transport, type TransportRequest, type TransportResponse } from './lib/transport.ts';
