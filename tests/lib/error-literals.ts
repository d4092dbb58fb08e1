import { anthropic, openai, together } from './error-literals/clouds.ts';
import { gpu } from './error-literals/gpu.ts';
import { huggingface, lmstudio, nvidia } from './error-literals/hosted.ts';
import { llamacpp, remoteGpu, textgen } from './error-literals/llamacpp-textgen.ts';
import { ollama } from './error-literals/ollama.ts';
import type { ErrorLiteral } from './error-literals/row.ts';
import { tei, tgi } from './error-literals/tgi-tei.ts';
import { tunnels } from './error-literals/tunnels.ts';
import { sglang, vllm } from './error-literals/vllm-sglang.ts';
import { inStreams } from './error-literals/words.ts';

export type { ErrorLiteral } from './error-literals/row.ts';

/** What every known server says when it fails, by who says it. */
export const errorLiterals: Readonly<Record<string, readonly ErrorLiteral[]>> = {
  ollama,
  vllm,
  llamacpp,
  tgi,
  tei,
  textgen,
  openai,
  anthropic,
  huggingface,
  together,
  nvidia,
  sglang,
  lmstudio,
  remoteGpu,
  tunnels,
  gpu,
  inStreams,
};
