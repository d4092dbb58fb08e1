import type { Adapter } from '../core/adapter.ts';
import type { ProviderType } from '../core/provider-types.ts';
import type { HttpClient } from '../lib/http.ts';
import { anthropic } from './anthropic.ts';
import { cpu } from './cpu.ts';
import { huggingface } from './huggingface.ts';
import { llamacpp } from './llamacpp.ts';
import { lmstudio } from './lmstudio.ts';
import { nvidia } from './nvidia.ts';
import { ollama } from './ollama.ts';
import { openai } from './openai.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { remoteGpu } from './remote-gpu.ts';
import { sglang } from './sglang.ts';
import { stub } from './stub.ts';
import { tei } from './tei.ts';
import { textgen } from './textgen.ts';
import { tgi } from './tgi.ts';
import { together } from './together.ts';
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

/** The adapter of every provider type. The only file that knows them all. */
export const adapters: Readonly<Record<ProviderType, CreateAdapter>> = Object.freeze({
  ollama,
  vllm,
  llamacpp,
  tgi,
  textgen,
  sglang,
  lmstudio,
  nvidia,
  'remote-gpu': remoteGpu,
  tei,
  openai,
  anthropic,
  huggingface,
  together,
  'openai-compatible': openaiCompatible(),
  cpu,
  stub,
});
