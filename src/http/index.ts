// A router behind HTTP.
export { createHandler, type Handler } from './handler.ts';
export { type NodeListener, toNodeListener } from './node.ts';
export { type AccessEntry, handlerDefaults, type HandlerOptions, type MetricsText } from './handler-options.ts';
export type { Connection } from './guard.ts';
export type { AdminChange, AdminOptions } from './admin-options.ts';

// The health of a router in the JSON of other systems.
export { type View, type ViewName, views } from './views.ts';
export type { ViewInput } from './view-words.ts';
export { type BackendFailoverJson, type BackendStatusJson, backendStatusView } from './backend-status-view.ts';
export { type GpuProviderJson, type GpuProvidersJson, gpuProvidersView } from './gpu-providers-view.ts';
export { type ModelHealthJson, modelHealthView, type ModelJson, modelListView } from './model-views.ts';
export {
  type FailedFallbackJson,
  type InferenceHealthJson,
  inferenceHealthView,
  type InferenceProviderJson,
} from './inference-health-view.ts';
export { type PairMemberJson, pairCheckView, pairModelsView } from './pair-views.ts';
