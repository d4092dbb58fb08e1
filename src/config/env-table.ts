import type { EnvKind } from './env-parsers.ts';
import { metadataRows } from './env-metadata-rows.ts';
import { providerRows } from './env-provider-rows.ts';

export interface EnvRow {
  /** What it may hold; `docs/reference/environment.md` shows the same words. */
  readonly reads: EnvKind;
  /** The option it sets. */
  readonly sets: string;
  readonly example: string;
  readonly secret?: true;
  /** What acts upon it; here it is not looked into. */
  readonly readBy?: '`inferlane serve`' | 'the command line';
}

const rows = {
  INFERLANE_PRESET: { reads: 'a preset', sets: 'the preset, where the code names none', example: 'free-first' },
  PROVIDER_ORDER: { reads: 'a list of names', sets: 'exactly which providers are used, in this order', example: 'ollama,vllm,openai' },
  INFERENCE_PROVIDER: { reads: 'a provider', sets: 'which provider goes first', example: 'ollama' },
  FALLBACK_CHAIN: { reads: 'a list of providers', sets: 'the providers behind the first, in this order', example: 'vllm,openai' },
  PRIMARY_BACKEND: { reads: 'a backend', sets: 'which provider goes first', example: 'nvidia' },
  SECONDARY_BACKEND: { reads: 'a backend', sets: 'the provider behind the first', example: 'together_ai' },
  ENABLE_FALLBACK: { reads: 'true or false', sets: 'false: only the first provider is used', example: 'true' },
  AUTO_FAILOVER: { reads: 'true or false', sets: 'as ENABLE_FALLBACK; where they differ, false counts', example: 'true' },
  ENABLE_PAID_API: { reads: 'true or false', sets: 'allowPaid', example: 'false' },
  ENABLE_GPU_ACCELERATION: { reads: 'true or false', sets: 'false: nvidia is not used', example: 'true' },
  ENABLE_TOGETHER_AI: { reads: 'true or false', sets: 'false: together_ai is not used', example: 'true' },
  LOAD_BALANCING: { reads: 'true or false', sets: "balance 'weighted' between the first two providers", example: 'false' },
  LOAD_RATIO: { reads: 'a share', sets: 'weight of the first of these two; the second has the rest', example: '0.8' },
  LLM_TIMEOUT_SECONDS: { reads: 'a number of seconds', sets: 'timeouts.firstTokenMs', example: '15' },
  HEALTH_CHECK_INTERVAL: { reads: 'a number of seconds', sets: 'health.intervalMs', example: '60' },
  HEALTH_CHECK_TIMEOUT: { reads: 'a number of seconds', sets: 'health.timeoutMs', example: '5' },
  LOCAL_INFERENCE_URL: { reads: 'a URL', sets: 'url of the provider that INFERENCE_PROVIDER names', example: 'http://ollama:11434' },
  LOCAL_MODEL_NAME: { reads: 'a name', sets: 'defaultModel of the local providers that go first', example: 'llama3.1:8b' },
  OLLAMA_GPU_URL: { reads: 'a URL', sets: 'providers.gpu.url', example: 'http://127.0.0.1:11434' },
  OLLAMA_CPU_URL: { reads: 'a URL', sets: 'providers.cpu.url', example: 'http://127.0.0.1:11435' },
  OLLAMA_BASE_URL: { reads: 'a URL', sets: 'providers.ollama.url', example: 'http://localhost:11434' },
  OLLAMA_HOST: { reads: 'a host', sets: 'providers.ollama.url, where no other variable says where Ollama is', example: '0.0.0.0:11434' },
  OLLAMA_API_KEY: { reads: 'a key', sets: 'apiKey of the Ollama servers with an https address', example: '…', secret: true },
  OLLAMA_NUM_PARALLEL: { reads: 'a whole number', sets: 'maxConcurrent of the Ollama providers', example: '2' },
  OLLAMA_KEEP_ALIVE: { reads: 'a duration', sets: 'keepAliveS of the Ollama providers', example: '30m' },
} as const;

/** Those that are looked up by their names. */
export type NamedVariable = keyof typeof rows;

/** The kind of each of them. */
export type NamedKind<Name extends NamedVariable> = (typeof rows)[Name]['reads'];

/** `TGI_<NAME>_ENDPOINT`: any number of them, each a server of its own. */
export const familyName = 'TGI_<NAME>_ENDPOINT';

const served = { readBy: '`inferlane serve`' } as const;

const othersRows: Readonly<Record<string, EnvRow>> = {
  INFERLANE_CONFIG: { reads: 'text', sets: 'the path of a JSON file', example: 'inferlane.json', readBy: 'the command line' },
  HOST: { ...served, reads: 'text', sets: 'the address to listen on', example: '0.0.0.0' },
  PORT: { ...served, reads: 'text', sets: 'the port to listen on', example: '8000' },
  ALLOWED_ORIGINS: { ...served, reads: 'text', sets: 'web origins that may ask', example: 'http://localhost:3000,http://localhost:5173' },
  INFERLANE_HOSTS: { ...served, reads: 'text', sets: 'names under which it is reached, or any', example: 'gpu-box.lan,10.0.0.5' },
  INFERLANE_TOKENS: { ...served, reads: 'a list of keys', sets: 'tokens, one of which a caller must have', example: '…', secret: true },
  INFERLANE_TOKEN_FILE: { ...served, reads: 'a name', sets: 'a file with such tokens, one on each line', example: '/run/secrets/tokens' },
  INFERLANE_ADMIN_TOKEN: { ...served, reads: 'a key', sets: 'the token of the admin page, which turns it on', example: '…', secret: true },
};

/** Every environment variable that is read, and no other one is, but for the family `TGI_<NAME>_ENDPOINT`. */
export const envTable: Readonly<Record<string, EnvRow>> = Object.freeze({ ...rows, ...providerRows, ...metadataRows, ...othersRows });
