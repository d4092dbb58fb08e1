import type { EnvKind } from './env-parsers.ts';
import type { EnvRow } from './env-table.ts';
import { type EnvTarget, envTargets } from './env-targets.ts';

/** A variable that sets one option of providers, and does nothing else. */
export interface ProviderRow extends EnvRow {
  readonly of: readonly EnvTarget[];
  /** At most one group deep: `url`, `timeouts.totalMs`. Rows with the same target and option are names for one thing. */
  readonly option: string;
  /** Names of rank 1 for one thing must agree; one of rank 2 is used where none of rank 1 is set. */
  readonly rank: 1 | 2;
  /** Put before the value. */
  readonly prefix: string;
  /** It is enough to say that the provider is there. */
  readonly describes: boolean;
}

type More = Partial<Pick<ProviderRow, 'rank' | 'prefix' | 'describes' | 'sets'>>;

function row(reads: EnvKind, of: readonly EnvTarget[], option: string, example: string, more: More = {}): ProviderRow {
  const sets = of.map((target) => `providers.${envTargets[target].id}.${option}`).join(', ');
  const isSecret = reads === 'a key' || reads === 'a list of keys';
  return { reads, sets, example, of, option, rank: 1, prefix: '', describes: option === 'url', ...(isSecret && { secret: true }), ...more };
}

const url = (of: EnvTarget, example: string): ProviderRow => row('a URL', [of], 'url', example);
const key = (of: EnvTarget, more: More = {}): ProviderRow => row('a key', [of], 'apiKey', '…', more);
/** Nobody is answered without one there, so who sets it means the provider. */
const cloudKey = (of: EnvTarget): ProviderRow => key(of, { describes: true });
const total = (of: readonly EnvTarget[], example: string): ProviderRow => row('a number of seconds', of, 'timeouts.totalMs', example);

export const providerRows: Readonly<Record<string, ProviderRow>> = {
  VLLM_BASE_URL: url('vllm', 'http://vllm:8000'),
  VLLM_API_BASE: url('vllm', 'http://vllm:8000/v1'),
  VLLM_API_KEY: key('vllm'),
  VLLM_MODEL_NAME: row('a name', ['vllm'], 'defaultModel', 'meta-llama/Llama-3.1-8B-Instruct', {
    sets: 'providers.vllm.defaultModel, where LOCAL_MODEL_NAME does not',
  }),
  LLAMA_API_KEY: row('a list of keys', ['llamacpp'], 'apiKey', '…', { sets: 'providers.llamacpp.apiKey: the first of them' }),
  LOCAL_INFERENCE_TIMEOUT: total(['ollama', 'vllm', 'llamacpp', 'textgen'], '120'),
  NVIDIA_BASE_URL: url('nvidia', 'http://nim:8000'),
  NIM_BASE_URL: url('nvidia', 'http://nim:8000'),
  NVIDIA_API_KEY: key('nvidia'),
  NGC_API_KEY: key('nvidia', { rank: 2 }),
  NVIDIA_DEFAULT_MODEL: row('a name', ['nvidia'], 'defaultModel', 'meta/llama-3.1-8b-instruct', {
    sets: 'providers.nvidia.defaultModel, which a server of several models needs',
  }),
  CPU_DEFAULT_MODEL: row('a name', ['gguf'], 'modelPath', 'llama-2-7b-chat.Q4_K_M.gguf', { describes: true }),
  CPU_DEFAULT_EMBEDDING_MODEL: row('a name', ['gguf'], 'embeddingModel', 'all-MiniLM-L6-v2'),
  CPU_NUM_THREADS: row('a number of threads', ['gguf'], 'threads', '4'),
  GPU_REMOTE_URL: url('remote-gpu', 'https://name.ngrok.io'),
  HF_TOKEN: cloudKey('huggingface'),
  HUGGINGFACE_API_KEY: cloudKey('huggingface'),
  HUGGING_FACE_HUB_TOKEN: cloudKey('huggingface'),
  HUGGINGFACEHUB_API_TOKEN: cloudKey('huggingface'),
  HF_API_TOKEN: cloudKey('huggingface'),
  TOGETHER_API_KEY: cloudKey('together'),
  TOGETHER_BASE_URL: url('together', 'https://api.together.ai/v1'),
  TOGETHER_DEFAULT_MODEL: row('a name', ['together'], 'defaultModel', 'meta-llama/Llama-2-70b-chat-hf'),
  TOGETHER_DEFAULT_EMBEDDING_MODEL: row('a name', ['together'], 'embeddingModel', 'togethercomputer/m2-bert-80M-8k-retrieval'),
  OPENAI_API_KEY: cloudKey('openai'),
  OPENAI_BASE_URL: url('openai', 'https://api.openai.com/v1'),
  OPENAI_API_BASE: url('openai', 'https://api.openai.com/v1'),
  OPENAI_ORG_ID: row('a header', ['openai'], 'headers.openai-organization', 'org-abc123'),
  OPENAI_PROJECT_ID: row('a header', ['openai'], 'headers.openai-project', 'proj_abc123'),
  OPENAI_TIMEOUT: total(['openai'], '60'),
  ANTHROPIC_API_KEY: cloudKey('anthropic'),
  ANTHROPIC_AUTH_TOKEN: row('a key', ['anthropic'], 'headers.authorization', '…', { prefix: 'Bearer ', describes: true }),
  ANTHROPIC_BASE_URL: url('anthropic', 'https://api.anthropic.com'),
};
