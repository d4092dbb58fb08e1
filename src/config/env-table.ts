/** What a variable may hold; `docs/reference/config.md` shows the same words. */
export type EnvKind = 'a URL' | 'a host' | 'a key' | 'a name' | 'a whole number' | 'true or false' | 'a provider' | 'a list of providers';

export interface EnvRow {
  readonly reads: EnvKind;
  /** The option it sets. */
  readonly sets: string;
  readonly since: string;
}

export type EnvVariable =
  | 'INFERENCE_PROVIDER'
  | 'LOCAL_INFERENCE_URL'
  | 'LOCAL_MODEL_NAME'
  | 'FALLBACK_CHAIN'
  | 'ENABLE_FALLBACK'
  | 'ENABLE_PAID_API'
  | 'OLLAMA_GPU_URL'
  | 'OLLAMA_CPU_URL'
  | 'OLLAMA_BASE_URL'
  | 'OLLAMA_HOST'
  | 'OLLAMA_NUM_PARALLEL'
  | 'OPENAI_API_KEY'
  | 'OPENAI_BASE_URL'
  | 'OPENAI_API_BASE';

const row = (reads: EnvKind, sets: string, since: string): EnvRow => Object.freeze({ reads, sets, since });

/** Every environment variable that is read, and no other one is. */
export const envTable: Readonly<Record<EnvVariable, EnvRow>> = Object.freeze({
  INFERENCE_PROVIDER: row('a provider', 'which provider goes first', '0.1.0'),
  LOCAL_INFERENCE_URL: row('a URL', 'url of the provider that INFERENCE_PROVIDER names', '0.1.0'),
  LOCAL_MODEL_NAME: row('a name', 'defaultModel of the local providers that go first', '0.1.0'),
  FALLBACK_CHAIN: row('a list of providers', 'the providers behind the first, in this order', '0.1.0'),
  ENABLE_FALLBACK: row('true or false', 'false: only the first provider is used', '0.1.0'),
  ENABLE_PAID_API: row('true or false', 'allowPaid', '0.1.0'),
  OLLAMA_GPU_URL: row('a URL', 'providers.gpu.url', '0.1.0'),
  OLLAMA_CPU_URL: row('a URL', 'providers.cpu.url', '0.1.0'),
  OLLAMA_BASE_URL: row('a URL', 'providers.ollama.url', '0.1.0'),
  OLLAMA_HOST: row('a host', 'providers.ollama.url, where no other variable says where Ollama is', '0.1.0'),
  OLLAMA_NUM_PARALLEL: row('a whole number', 'maxConcurrent of the Ollama providers', '0.1.0'),
  OPENAI_API_KEY: row('a key', 'providers.openai.apiKey', '0.1.0'),
  OPENAI_BASE_URL: row('a URL', 'providers.openai.url', '0.1.0'),
  OPENAI_API_BASE: row('a URL', 'providers.openai.url', '0.1.0'),
});
