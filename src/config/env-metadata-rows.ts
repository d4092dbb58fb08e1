import type { ProviderRow } from './env-provider-rows.ts';
import { type EnvTarget, envTargets } from './env-targets.ts';

/**
 * Settings of servers, on which a client cannot act: shown as `metadata` of the providers they belong to. The key is the name in lower
 * case, as the configuration files that go with them write it.
 */
function rows(of: readonly EnvTarget[], examples: Readonly<Record<string, string>>): [string, ProviderRow][] {
  return Object.entries(examples).map(([name, example]) => [name, row(of, name, example)]);
}

function row(of: readonly EnvTarget[], name: string, example: string, more: Partial<ProviderRow> = {}): ProviderRow {
  const option = `metadata.${name.toLowerCase()}`;
  const sets = of.map((target) => `providers.${envTargets[target].id}.${option}`).join(', ');
  return { reads: 'text', sets, example, of, option, rank: 1, prefix: '', describes: false, ...more };
}

/** vLLM itself reads only the last two; the others are flags of its command, which images and compose files fill from these names. */
const vllm = {
  MODEL_NAME: 'meta-llama/Llama-3.1-8B-Instruct',
  TENSOR_PARALLEL_SIZE: '1',
  PIPELINE_PARALLEL_SIZE: '1',
  GPU_MEMORY_UTILIZATION: '0.90',
  MAX_MODEL_LEN: '8192',
  MAX_NUM_SEQS: '128',
  MAX_NUM_BATCHED_TOKENS: '8192',
  DTYPE: 'auto',
  QUANTIZATION: 'awq',
  KV_CACHE_DTYPE: 'auto',
  DOWNLOAD_DIR: '/models',
  ENABLE_CHUNKED_PREFILL: 'true',
  USE_V2_BLOCK_MANAGER: 'true',
  ENABLE_METRICS: 'true',
} as const;

function vllmRows(): [string, ProviderRow][] {
  return Object.entries(vllm).flatMap(([name, example]): [string, ProviderRow][] => {
    const full = `VLLM_${name}`;
    // The full name of this one says which model calls are for.
    if (name === 'MODEL_NAME') return [[name, row(['vllm'], full, example)]];
    return [
      [full, row(['vllm'], full, example)],
      [name, row(['vllm'], full, example, { rank: 2 })],
    ];
  });
}

export const metadataRows: Readonly<Record<string, ProviderRow>> = Object.fromEntries([
  ...rows(['ollama'], { OLLAMA_VULKAN: '1', GGML_VK_VISIBLE_DEVICES: '0', OLLAMA_MAX_LOADED_MODELS: '1' }),
  ...rows(['ollama', 'vllm', 'nvidia'], { CUDA_VISIBLE_DEVICES: '0,1' }),
  ...vllmRows(),
  ...rows(['vllm'], { VLLM_NO_USAGE_STATS: '1', VLLM_LOGGING_LEVEL: 'INFO' }),
  ...rows(['llamacpp'], { LLAMA_ARG_HOST: '0.0.0.0', LLAMA_ARG_PORT: '8080' }),
  ...rows(['textgen'], { CLI_ARGS: '--api --listen', OPENEDAI_PORT: '5000', OPENEDAI_EMBEDDING_MODEL: 'all-mpnet-base-v2' }),
  ...rows(['nvidia'], {
    ENABLE_TENSORRT: 'true',
    ENABLE_FLASH_ATTENTION: 'true',
    ENABLE_TRANSFORMER_ENGINE: 'true',
    ENABLE_FP8: 'true',
    ENABLE_GPTQ: 'true',
    ENABLE_AWQ: 'true',
    DEFAULT_QUANT_METHOD: 'gptq',
    QUANTIZATION_BIT_WIDTH: '4',
    CUDA_MEMORY_FRACTION: '0.85',
  }),
]);
