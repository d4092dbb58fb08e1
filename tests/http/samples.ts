/**
 * The shape of each document's own sample: its keys, and a value of the kind that stands there. Where a key is a name (`nvidia`), so it
 * is here.
 */
export const backendStatusSample: Readonly<Record<string, unknown>> = {
  primary_backend: 'nvidia',
  secondary_backend: 'together_ai',
  backends: {
    nvidia: { status: 'available', error: null },
    together_ai: { status: 'available', error: null },
    cpu: { status: 'available', error: null },
  },
  load_balancing: true,
  auto_failover: true,
  initialized_backends: ['nvidia', 'together_ai', 'cpu'],
  failover: {
    nvidia_backend: { is_healthy: true, failure_count: 0, circuit_state: 'CLOSED' },
    together_ai_backend: { is_healthy: true, failure_count: 0, circuit_state: 'CLOSED' },
    cpu_backend: { is_healthy: true, failure_count: 0, circuit_state: 'CLOSED' },
  },
};

export const gpuProvidersSample: Readonly<Record<string, unknown>> = {
  status: 'healthy',
  timestamp: '2024-01-15T10:30:00Z',
  gpu_providers: {
    providers: {
      ollama_local: {
        status: 'healthy',
        last_check: '2024-01-15T10:29:55Z',
        latency_ms: 45.2,
        error_count: 0,
        success_count: 15,
        circuit_open_until: null,
        last_error: null,
      },
      remote_gpu: {
        status: 'circuit_open',
        last_check: '2024-01-15T10:25:00Z',
        latency_ms: 0,
        error_count: 3,
        success_count: 5,
        circuit_open_until: '2024-01-15T10:30:00Z',
        last_error: 'remote_gpu did not answer in time.',
      },
      huggingface: {
        status: 'healthy',
        last_check: '2024-01-15T10:29:55Z',
        latency_ms: 120,
        error_count: 0,
        success_count: 2,
        circuit_open_until: null,
        last_error: null,
      },
      local_stub: {
        status: 'healthy',
        last_check: '2024-01-15T10:29:55Z',
        latency_ms: 0,
        error_count: 0,
        success_count: 0,
        circuit_open_until: null,
        last_error: null,
      },
    },
    available_providers: ['ollama_local', 'huggingface', 'local_stub'],
  },
};

export const modelListSample: readonly unknown[] = [
  { id: 'gpt-2', name: 'GPT-2', hf_name: 'gpt2', endpoint: 'http://gpu-server:8080', available: true },
];

export const modelHealthSample: Readonly<Record<string, unknown>> = {
  model_id: 'gpt-2',
  endpoint: 'http://gpu-server:8080',
  healthy: true,
  status: 'available',
};

export const inferenceHealthSample: Readonly<Record<string, unknown>> = {
  primary: { type: 'ollama', healthy: true, models: ['llama3.1:8b'] },
  fallbacks: [
    { type: 'openai', healthy: true, models: ['gpt-4o', 'gpt-4o-mini', 'text-embedding-3-small'] },
    { type: 'vllm', healthy: false, error: 'vllm cannot be reached.' },
  ],
};

export const pairCheckSample: Readonly<Record<'gpu' | 'cpu', unknown>> = {
  gpu: { status: 'healthy', version: '0.14.3', url: 'http://127.0.0.1:11434', is_gpu: true },
  cpu: { status: 'healthy', version: '0.14.3', url: 'http://127.0.0.1:11435', is_gpu: false },
};

export const pairModelsSample: { readonly gpu: readonly string[]; readonly cpu: readonly string[] } = {
  gpu: ['llama3.1:8b', 'llama3.2:3b'],
  cpu: ['llama3.1:70b', 'qwen2.5:32b'],
};
