/** What is known of a provider by its type alone: data that configuration, documentation and the adapters' registry share. */
export interface ProviderTypeRow {
  /** As people write it. */
  readonly title: string;
  /** The server's usual address, without `/v1`. Undefined: it must be configured, or the provider runs in this process. */
  readonly defaultUrl: string | undefined;
  readonly device: 'gpu' | 'cpu' | 'remote' | 'cloud';
  readonly cost: 'free' | 'paid';
  /** `network` needs an address, `process` takes none. */
  readonly runs: 'network' | 'process';
  /** Smaller goes first. The stub stands behind everything that could give a real answer. */
  readonly priority: number;
  /** The environment variable of the key without which nobody is answered at the usual address. */
  readonly keyVariable: string | undefined;
  /** The header that carries the key: `authorization` as `Bearer <key>`, the other as it is. */
  readonly keyHeader: 'authorization' | 'x-api-key';
  /** Sent with every request; a provider's own `headers` come over them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Requests that such a server serves at once, where neither an option nor the server says; undefined where it takes what comes. */
  readonly slots: number | undefined;
  /** Whether the server has these slots for all its models together, or each loaded model has its own. */
  readonly slotsPer: 'server' | 'model';
}

export type ProviderType =
  | 'ollama'
  | 'vllm'
  | 'llamacpp'
  | 'tgi'
  | 'textgen'
  | 'sglang'
  | 'lmstudio'
  | 'nvidia'
  | 'remote-gpu'
  | 'tei'
  | 'openai'
  | 'anthropic'
  | 'huggingface'
  | 'together'
  | 'openai-compatible'
  | 'cpu'
  | 'stub';

const plain = {
  defaultUrl: undefined,
  device: 'remote',
  cost: 'free',
  runs: 'network',
  priority: 0,
  keyVariable: undefined,
  keyHeader: 'authorization',
  headers: {},
  slots: undefined,
  slotsPer: 'server',
} as const satisfies Partial<ProviderTypeRow>;

const local = (title: string, defaultUrl: string): ProviderTypeRow => ({
  ...plain,
  title,
  defaultUrl,
  device: 'gpu',
});

const cloud = (title: string, defaultUrl: string, keyVariable: string): ProviderTypeRow => ({
  ...plain,
  title,
  defaultUrl,
  keyVariable,
  device: 'cloud',
  cost: 'paid',
});

/** Addresses name 127.0.0.1, because `localhost` may resolve to ::1 first while servers listen on IPv4 only. */
export const providerTypes: Readonly<Record<ProviderType, ProviderTypeRow>> = Object.freeze({
  // OLLAMA_NUM_PARALLEL, where nobody set it.
  ollama: { ...local('Ollama', 'http://127.0.0.1:11434'), slots: 1, slotsPer: 'model' },
  vllm: local('vLLM', 'http://127.0.0.1:8000'),
  llamacpp: local('llama.cpp', 'http://127.0.0.1:8080'),
  tgi: local('TGI', 'http://127.0.0.1:8080'),
  textgen: local('text-generation-webui', 'http://127.0.0.1:5000'),
  sglang: local('SGLang', 'http://127.0.0.1:30000'),
  lmstudio: { ...local('LM Studio', 'http://127.0.0.1:1234'), slotsPer: 'model' },
  nvidia: local('NVIDIA NIM', 'http://127.0.0.1:8000'),
  'remote-gpu': { ...plain, title: 'remote GPU', slots: 1 },
  tei: local('TEI', 'http://127.0.0.1:3000'),
  openai: cloud('OpenAI', 'https://api.openai.com', 'OPENAI_API_KEY'),
  anthropic: {
    ...cloud('Anthropic', 'https://api.anthropic.com', 'ANTHROPIC_API_KEY'),
    keyHeader: 'x-api-key',
    headers: { 'anthropic-version': '2023-06-01' },
  },
  huggingface: cloud('Hugging Face', 'https://router.huggingface.co', 'HF_TOKEN'),
  together: cloud('Together', 'https://api.together.ai', 'TOGETHER_API_KEY'),
  'openai-compatible': { ...plain, title: 'OpenAI-compatible server' },
  cpu: { ...plain, title: 'this process', device: 'cpu', runs: 'process', slots: 1 },
  stub: { ...plain, title: 'stub', device: 'cpu', runs: 'process', priority: 1_000 },
});
