import { backendStatusView } from './backend-status-view.ts';
import { gpuProvidersView } from './gpu-providers-view.ts';
import { inferenceHealthView } from './inference-health-view.ts';
import { modelHealthView, modelListView } from './model-views.ts';
import { pairCheckView, pairModelsView } from './pair-views.ts';
import type { ViewInput } from './view-words.ts';

export type ViewName = 'backend-status' | 'gpu-providers' | 'models' | 'model-health' | 'inference' | 'pair-check' | 'pair-models';

/** A way to tell the health of a router, as plain data that is its own JSON. */
export interface View {
  /** In a few words. */
  readonly title: string;
  /** Where it is asked for with `GET`; `{id}` stands for the model. Undefined: only a command prints it. */
  readonly path: string | undefined;
  /** Undefined where the path names a model, and there is none of that id. */
  readonly toJson: (input: ViewInput, modelId?: string) => object | undefined;
}

/** Status views of other systems, for scripts and dashboards that read them already. */
export const views: Readonly<Record<ViewName, View>> = Object.freeze({
  'backend-status': {
    title: 'first and second backend, and their breakers',
    path: '/api/v1/backend/status',
    toJson: backendStatusView,
  },
  'gpu-providers': {
    title: 'each provider, and which are available',
    path: '/health/gpu-providers',
    toJson: gpuProvidersView,
  },
  models: {
    title: 'the registry of models',
    path: '/models',
    toJson: modelListView,
  },
  'model-health': {
    title: 'one model of the registry',
    path: '/models/{id}/health',
    toJson: (input, modelId) => (modelId === undefined ? undefined : modelHealthView(input, modelId)),
  },
  inference: {
    title: 'the primary provider and its fallbacks',
    path: '/v1/health/inference',
    toJson: inferenceHealthView,
  },
  'pair-check': {
    title: 'the GPU server and the CPU server',
    path: undefined,
    toJson: pairCheckView,
  },
  'pair-models': {
    title: 'the models of the GPU server and the CPU server',
    path: undefined,
    toJson: pairModelsView,
  },
});
