import type { ProviderType } from '../core/provider-types.ts';
import { anthropic } from './anthropic.ts';
import type { CreateAdapter } from './context.ts';
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
