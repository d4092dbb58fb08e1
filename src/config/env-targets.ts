import type { ProviderType } from '../core/provider-types.ts';

/** What variables describe: one kind of server, or several servers of it (`ollama`, `tgi`). */
export type EnvTarget =
  | 'ollama'
  | 'vllm'
  | 'llamacpp'
  | 'textgen'
  | 'nvidia'
  | 'tgi'
  | 'gguf'
  | 'remote-gpu'
  | 'huggingface'
  | 'together'
  | 'openai'
  | 'anthropic'
  | 'stub';

export interface EnvTargetRow {
  readonly type: ProviderType;
  /** The id of its provider, where the preset has no other. */
  readonly id: string;
  /** As it stands in messages: where it is, whose key it is. */
  readonly title: string;
  /** What PROVIDER_ORDER may call it. */
  readonly names: readonly string[];
  /** The variable without which it cannot be used. */
  readonly needs?: string;
}

/** In the order in which they stand where nothing else gives one: what is free first. */
export const envTargets: Readonly<Record<EnvTarget, EnvTargetRow>> = Object.freeze({
  ollama: { type: 'ollama', id: 'ollama', title: 'Ollama', names: ['ollama', 'ollama_local'] },
  vllm: { type: 'vllm', id: 'vllm', title: 'vLLM', names: ['vllm'] },
  llamacpp: { type: 'llamacpp', id: 'llamacpp', title: 'llama.cpp', names: ['llamacpp'] },
  textgen: { type: 'textgen', id: 'textgen', title: 'text-generation-webui', names: ['textgen'] },
  nvidia: { type: 'nvidia', id: 'nvidia', title: 'NVIDIA', names: ['nvidia'] },
  tgi: { type: 'tgi', id: 'tgi', title: 'TGI', names: ['tgi'] },
  gguf: { type: 'cpu', id: 'cpu', title: 'the model in this process', names: ['cpu', 'gguf'], needs: 'CPU_DEFAULT_MODEL' },
  'remote-gpu': {
    type: 'remote-gpu',
    id: 'remote_gpu',
    title: 'the remote GPU',
    names: ['remote_gpu', 'remote-gpu'],
    needs: 'GPU_REMOTE_URL',
  },
  huggingface: { type: 'huggingface', id: 'huggingface', title: 'Hugging Face', names: ['huggingface'] },
  together: { type: 'together', id: 'together_ai', title: 'Together', names: ['together_ai', 'together'] },
  openai: { type: 'openai', id: 'openai', title: 'OpenAI', names: ['openai'] },
  anthropic: { type: 'anthropic', id: 'anthropic', title: 'Anthropic', names: ['anthropic'] },
  stub: { type: 'stub', id: 'local_stub', title: 'the stub', names: ['local_stub', 'stub'] },
});

/** What PROVIDER_ORDER may name, beside the models of `TGI_<NAME>_ENDPOINT`: each once, without its other names. */
export const orderNames: readonly string[] = Object.freeze(['gpu', ...Object.values(envTargets).flatMap(({ names }) => names.slice(0, 1))]);
