import { createServer } from 'node:http';
import type {
  AccessEntry,
  AdminChange,
  AdminOptions,
  BackendFailoverJson,
  BackendStatusJson,
  Connection,
  FailedFallbackJson,
  GpuProviderJson,
  GpuProvidersJson,
  Handler,
  HandlerOptions,
  InferenceHealthJson,
  InferenceProviderJson,
  MetricsText,
  ModelHealthJson,
  ModelJson,
  NodeListener,
  PairMemberJson,
  View,
  ViewInput,
  ViewName,
} from '../../src/http/index.ts';
import {
  backendStatusView,
  createHandler,
  gpuProvidersView,
  handlerDefaults,
  inferenceHealthView,
  modelHealthView,
  modelListView,
  pairCheckView,
  pairModelsView,
  toNodeListener,
  views,
} from '../../src/http/index.ts';
import { createRouter } from '../../src/index.ts';
import type { Metrics, MetricsOptions } from '../../src/telemetry/prometheus.ts';
import { collectMetrics } from '../../src/telemetry/prometheus.ts';
import { traced, type TracedOptions } from '../../src/telemetry/otel.ts';
import { exactly, some } from './exactly.ts';

const router = createRouter({ providers: { gpu: { type: 'ollama' } } });

// A server.

const measured: MetricsOptions = { prefix: 'app_', labels: { service: 'search' } };
const metrics: Metrics = collectMetrics(router, measured);
const text: MetricsText = metrics;
const changed = ({ action, ok }: AdminChange): void => exactly<string>()(`${action} ${ok}`);
const admin: AdminOptions = { token: 'a token of many characters', options: { providers: {} }, onChange: changed };
const options: HandlerOptions = {
  tokens: ['a token of many characters'],
  maxConcurrent: handlerDefaults.maxConcurrent / 2,
  metrics: text,
  admin,
  onAccess: (entry: AccessEntry) => exactly<number>()(entry.status),
};
const handler: Handler = createHandler(router, options);
const from: Connection = { remoteAddress: '127.0.0.1' };
exactly<Promise<Response>>()(handler(new Request('http://127.0.0.1/v1/models'), from));
const listener: NodeListener = toNodeListener(handler);
createServer(listener);
// @ts-expect-error: a handler needs a router
createHandler({ providers: {} });
// @ts-expect-error: tokens are a list
createHandler(router, { tokens: 'a token of many characters' });

// Views.

const input = some<ViewInput>();
const name: ViewName = 'gpu-providers';
const view: View = views[name];
exactly<object | undefined>()(view.toJson(input));
exactly<BackendStatusJson>()(backendStatusView(input));
exactly<boolean>()(some<BackendFailoverJson>().is_healthy);
exactly<GpuProvidersJson>()(gpuProvidersView(input));
exactly<GpuProviderJson | undefined>()(gpuProvidersView(input).gpu_providers.providers['gpu']);
exactly<readonly ModelJson[]>()(modelListView(input));
exactly<ModelHealthJson | undefined>()(modelHealthView(input, 'llama3.1'));
exactly<InferenceHealthJson>()(inferenceHealthView(input));
exactly<readonly (InferenceProviderJson | FailedFallbackJson)[]>()(inferenceHealthView(input).fallbacks);
exactly<Readonly<Record<string, PairMemberJson>>>()(pairCheckView(input));
exactly<Readonly<Record<string, readonly string[]>>>()(pairModelsView(input));
// @ts-expect-error: there is no such view
void views['gpu'];

// Traces.

const seen: TracedOptions = { captureContent: false, propagateTo: (provider) => provider === 'gpu' };
exactly<Promise<void>>()(traced(router, seen).close());
