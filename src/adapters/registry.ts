import type { Adapter } from '../core/adapter.ts';
import type { HttpClient } from '../lib/http.ts';
import { cpu } from './cpu.ts';
import { llamacpp } from './llamacpp.ts';
import { ollama } from './ollama.ts';
import { openai } from './openai.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { stub } from './stub.ts';
import { vllm } from './vllm.ts';

/** What an adapter is built with. Each adapter reads the part that concerns it. */
export interface AdapterContext {
  /** The provider's id, for error messages. */
  readonly provider: string;
  /** The network, bound to this provider's address, headers and limits. In-process adapters leave it alone. */
  readonly http: HttpClient;
  /** `cpu`: paths of GGUF files, threads (0: the library's choice), context window in tokens. */
  readonly modelPath: string | undefined;
  readonly embeddingModelPath: string | undefined;
  readonly threads: number;
  readonly contextSize: number | undefined;
  /** `stub`: the text it answers with. */
  readonly reply: string | undefined;
}

export interface ProviderTypeRow {
  readonly create: (context: AdapterContext) => Adapter;
  /** The server's usual address, without `/v1`. Undefined: it must be configured, or the provider runs in this process. */
  readonly defaultUrl: string | undefined;
  readonly device: 'gpu' | 'cpu' | 'remote' | 'cloud';
  readonly cost: 'free' | 'paid';
  /** `network` needs an address, `process` takes none. */
  readonly runs: 'network' | 'process';
}

export type ProviderType = 'ollama' | 'openai' | 'vllm' | 'llamacpp' | 'openai-compatible' | 'cpu' | 'stub';

/** Every provider type with its adapter and its defaults; configuration and documentation read the same rows. */
export const providerTypes: Readonly<Record<ProviderType, ProviderTypeRow>> = {
  ollama: { create: ollama, defaultUrl: 'http://127.0.0.1:11434', device: 'gpu', cost: 'free', runs: 'network' },
  vllm: { create: vllm, defaultUrl: 'http://127.0.0.1:8000', device: 'gpu', cost: 'free', runs: 'network' },
  llamacpp: { create: llamacpp, defaultUrl: 'http://127.0.0.1:8080', device: 'gpu', cost: 'free', runs: 'network' },
  openai: { create: openai, defaultUrl: 'https://api.openai.com', device: 'cloud', cost: 'paid', runs: 'network' },
  'openai-compatible': { create: openaiCompatible(), defaultUrl: undefined, device: 'remote', cost: 'free', runs: 'network' },
  cpu: { create: cpu, defaultUrl: undefined, device: 'cpu', cost: 'free', runs: 'process' },
  stub: { create: stub, defaultUrl: undefined, device: 'cpu', cost: 'free', runs: 'process' },
};
