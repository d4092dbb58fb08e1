import type { Adapter } from '../core/adapter.ts';
import type { HttpClient } from '../lib/http.ts';

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
  /** `cpu`: the embedding model by name, for the library's own hub. */
  readonly embeddingModel: string | undefined;
  /** `ollama`, `lmstudio`: seconds that an idle model stays loaded. */
  readonly keepAliveS: number | undefined;
  /** `remote-gpu`: what its `/generate` speaks, and whether the prompt is taken off its answers. */
  readonly dialect: 'auto' | 'notebook' | 'proxy' | 'tgi';
  readonly stripPrompt: boolean;
  /** `stub`: the text it answers with. */
  readonly reply: string | undefined;
}

export type CreateAdapter = (context: AdapterContext) => Adapter;

/** The part that an adapter over the network reads. */
export type NetworkContext = Pick<AdapterContext, 'provider' | 'http'>;
