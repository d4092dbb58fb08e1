/** What is known of a provider by its type alone: data that configuration, documentation and the adapters' registry share. */
export interface ProviderTypeRow {
  /** The server's usual address, without `/v1`. Undefined: it must be configured, or the provider runs in this process. */
  readonly defaultUrl: string | undefined;
  readonly device: 'gpu' | 'cpu' | 'remote' | 'cloud';
  readonly cost: 'free' | 'paid';
  /** `network` needs an address, `process` takes none. */
  readonly runs: 'network' | 'process';
  /** Smaller goes first. The stub stands behind everything that could give a real answer. */
  readonly priority: number;
}

export type ProviderType = 'ollama' | 'vllm' | 'llamacpp' | 'openai' | 'openai-compatible' | 'cpu' | 'stub';

/** Addresses name 127.0.0.1, because `localhost` may resolve to ::1 first while servers listen on IPv4 only. */
export const providerTypes: Readonly<Record<ProviderType, ProviderTypeRow>> = Object.freeze({
  ollama: { defaultUrl: 'http://127.0.0.1:11434', device: 'gpu', cost: 'free', runs: 'network', priority: 0 },
  vllm: { defaultUrl: 'http://127.0.0.1:8000', device: 'gpu', cost: 'free', runs: 'network', priority: 0 },
  llamacpp: { defaultUrl: 'http://127.0.0.1:8080', device: 'gpu', cost: 'free', runs: 'network', priority: 0 },
  openai: { defaultUrl: 'https://api.openai.com', device: 'cloud', cost: 'paid', runs: 'network', priority: 0 },
  'openai-compatible': { defaultUrl: undefined, device: 'remote', cost: 'free', runs: 'network', priority: 0 },
  cpu: { defaultUrl: undefined, device: 'cpu', cost: 'free', runs: 'process', priority: 0 },
  stub: { defaultUrl: undefined, device: 'cpu', cost: 'free', runs: 'process', priority: 1_000 },
});
