import { type BackendState, jsonExchange } from '../wire.ts';
import {
  defaultContextLength,
  type Gauge,
  json,
  loadedModel,
  metricsRoute,
  modelList,
  queryOf,
  type Route,
  type Routes,
  silentHealth,
} from './routes.ts';
import { fakeCreated } from './scene.ts';

const vllmGauges = ({ running, waiting }: BackendState): readonly Gauge[] => [
  { name: 'vllm:num_requests_running', help: 'Number of requests in model execution batches.', value: running },
  { name: 'vllm:num_requests_waiting', help: 'Number of requests waiting to be processed.', value: waiting },
  { name: 'vllm:kv_cache_usage_perc', help: 'KV-cache usage. 1 means 100 percent usage.', value: 0 },
];

const vllmMetrics = metricsRoute(vllmGauges, '{engine="0",model_name="fake-model"}', true);

export const vllmRoutes: Routes = {
  '/v1/models': modelList(({ id, contextLength = defaultContextLength }) => ({
    owned_by: 'vllm',
    root: id,
    parent: null,
    max_model_len: contextLength,
    permission: [],
  })),
  '/health': silentHealth,
  '/ping': silentHealth,
  '/metrics': vllmMetrics,
  '/load': json('load', ({ running, waiting }) => ({ server_load: running + waiting })),
  '/version': json('about', () => ({ version: '0.19.0' })),
};

/** NVIDIA's containers: vLLM's paths and those of the frame around it. */
export const nvidiaRoutes: Routes = {
  ...vllmRoutes,
  '/v1/health/live': json('health', () => ({ object: 'health-response', message: 'Service is live.' })),
  '/v1/health/ready': json('health', () => ({ object: 'health-response', message: 'Service is ready.' })),
  '/v1/metrics': vllmMetrics,
  '/v1/version': json('about', () => ({ release: '2.0.0', api: '2.0.0' })),
  '/v1/metadata': json('about', (state) => ({
    version: '2.0.0',
    modelInfo: state.models.map(({ id }) => ({ shortName: id, modelUrl: '' })),
  })),
};

const slotCount = 4;

/** A slot per request that runs; what waits is seen in the metrics only. */
const slots: Route = {
  verb: 'load',
  tell(state, call) {
    const { running } = state;
    if (queryOf(call).has('fail_on_no_slot') && running >= slotCount) {
      return jsonExchange({ error: { code: 503, message: 'no slot available', type: 'unavailable_error' } }, 503);
    }
    const n_ctx = loadedModel(state)?.contextLength ?? defaultContextLength;
    const list = Array.from({ length: Math.max(slotCount, running) }, (_, id) => ({
      id,
      n_ctx,
      speculative: false,
      is_processing: id < running,
    }));
    return jsonExchange(list);
  },
};

const llamacppModels = json('models', ({ models }) => ({
  models: models.map(({ id }) => ({
    name: id,
    model: id,
    modified_at: '',
    size: '',
    digest: '',
    type: 'model',
    description: '',
    tags: [''],
    capabilities: ['completion'],
    parameters: '',
    details: { parent_model: '', format: 'gguf', family: '', families: [''], parameter_size: '', quantization_level: '' },
  })),
  object: 'list',
  data: models.map(({ id, contextLength = defaultContextLength, sizeBytes = 883_584 }) => ({
    id,
    aliases: [id],
    tags: [],
    object: 'model',
    created: fakeCreated,
    owned_by: 'llamacpp',
    meta: {
      vocab_type: 1,
      n_vocab: 416,
      n_ctx: contextLength,
      n_ctx_train: contextLength,
      n_embd: 416,
      n_params: 440_544,
      size: sizeBytes,
      ftype: 'F16',
    },
  })),
}));

const llamacppHealth = json('health', () => ({ status: 'ok' }));

export const llamacppRoutes: Routes = {
  '/v1/models': llamacppModels,
  '/models': llamacppModels,
  '/health': llamacppHealth,
  '/v1/health': llamacppHealth,
  '/slots': slots,
  '/metrics': metricsRoute(({ running, waiting }) => [
    { name: 'llamacpp:requests_processing', help: 'Number of requests processing', value: running },
    { name: 'llamacpp:requests_deferred', help: 'Number of requests deferred', value: waiting },
  ]),
  '/props': json('about', (state) => ({
    default_generation_settings: { n_ctx: loadedModel(state)?.contextLength ?? defaultContextLength },
    total_slots: slotCount,
    model_alias: loadedModel(state)?.id ?? '',
    model_path: 'models/fake.gguf',
    modalities: { vision: false, video: false, audio: false },
    is_sleeping: false,
    build_info: 'b1-de3ff81',
  })),
};

const sglangAbout = json('about', (state) => ({
  model_path: loadedModel(state)?.id ?? '',
  tokenizer_path: loadedModel(state)?.id ?? '',
  is_generation: true,
}));

export const sglangRoutes: Routes = {
  '/v1/models': modelList(({ id, contextLength = defaultContextLength }) => ({
    owned_by: 'sglang',
    root: id,
    parent: null,
    max_model_len: contextLength,
  })),
  '/health': silentHealth,
  '/health_generate': silentHealth,
  '/metrics': metricsRoute(
    ({ running, waiting }) => [
      { name: 'sglang:num_running_reqs', help: 'The number of running requests.', value: running },
      { name: 'sglang:num_queue_reqs', help: 'The number of requests in the waiting queue.', value: waiting },
      { name: 'sglang:token_usage', help: 'The token usage.', value: 0 },
    ],
    '{model_name="fake-model"}',
    true,
  ),
  '/v1/loads': json('load', ({ running, waiting }) => ({
    timestamp: '2026-08-17T00:00:00+00:00',
    version: '0.5.9',
    dp_rank_count: 1,
    loads: [
      {
        dp_rank: 0,
        num_running_reqs: running,
        num_waiting_reqs: waiting,
        num_used_tokens: 0,
        max_total_num_tokens: 100_000,
        token_usage: 0,
        gen_throughput: 0,
        cache_hit_rate: 0,
        utilization: 0,
        max_running_requests: 64,
        num_total_reqs: running + waiting,
      },
    ],
    aggregate: { total_running_reqs: running, total_waiting_reqs: waiting, avg_token_usage: 0 },
  })),
  '/model_info': sglangAbout,
  '/get_model_info': sglangAbout,
  '/server_info': json('about', (state) => ({ model_path: loadedModel(state)?.id ?? '', version: '0.5.9' })),
};

export const tgiRoutes: Routes = {
  '/v1/models': json('models', (state) => {
    const { id } = loadedModel(state) ?? { id: 'tgi' };
    return { object: 'list', data: [{ id, object: 'model', created: 0, owned_by: id }] };
  }),
  '/health': silentHealth,
  '/ping': silentHealth,
  '/metrics': metricsRoute(({ running, waiting }) => [
    { name: 'tgi_queue_size', help: 'Number of requests in the internal queue.', value: waiting },
    { name: 'tgi_batch_current_size', help: 'Current batch size.', value: running },
  ]),
  '/info': json('about', (state) => ({
    model_id: loadedModel(state)?.id ?? 'tgi',
    model_sha: null,
    model_pipeline_tag: 'text-generation',
    max_concurrent_requests: 128,
    max_best_of: 2,
    max_stop_sequences: 4,
    max_input_tokens: (loadedModel(state)?.contextLength ?? defaultContextLength) - 1,
    max_total_tokens: loadedModel(state)?.contextLength ?? defaultContextLength,
    validation_workers: 2,
    max_client_batch_size: 4,
    router: 'text-generation-router',
    version: '3.3.7',
    sha: null,
    docker_label: null,
  })),
};

/** Without a word in the script some model is loaded; where none is, the server itself calls it `None`. */
const textgenModel = (state: BackendState): string => loadedModel(state)?.id ?? 'fake-model';

/** Only the model that is loaded is listed. */
export const textgenRoutes: Routes = {
  '/v1/models': json('models', (state) => {
    const id = textgenModel(state);
    return { object: 'list', data: id === 'None' ? [] : [{ id, object: 'model', created: 0, owned_by: 'user' }] };
  }),
  '/v1/internal/health': json('health', () => ({ status: 'ok' })),
  '/v1/internal/model/info': json('about', (state) => ({
    model_name: textgenModel(state),
    lora_names: [],
    loader: 'llama.cpp',
  })),
  '/v1/internal/model/list': json('models', ({ models }) => ({ model_names: models.map(({ id }) => id) })),
};

/** All models on disk are listed; those in memory are told by the native paths. */
export const lmstudioRoutes: Routes = {
  '/v1/models': json('models', ({ models }) => ({
    data: models.map(({ id }) => ({ id, object: 'model', owned_by: 'organization_owner' })),
    object: 'list',
  })),
  '/api/v1/models': json('models', ({ models, resident }) => ({
    models: models.map(({ id, sizeBytes = 883_584, contextLength = defaultContextLength }) => ({
      type: 'llm',
      publisher: 'fake',
      key: id,
      display_name: id,
      size_bytes: sizeBytes,
      loaded_instances: resident
        .filter((loaded) => loaded.id === id)
        .map((loaded) => ({ id, config: { context_length: loaded.contextLength ?? contextLength, parallel: 4 } })),
      max_context_length: contextLength,
      capabilities: { vision: false, trained_for_tool_use: true },
    })),
  })),
};
