import { aiSdk } from './ai-sdk.ts';
import { anthropic } from './anthropic.ts';
import { huggingface } from './huggingface.ts';
import type { JudgedServer } from './judged-server.ts';
import { langchain } from './langchain.ts';
import type { Check, Client } from './matrix.ts';
import { ollama } from './ollama.ts';
import { openai } from './openai.ts';

/** Each does one thing with the client, and throws where it does not go as the client says it should. */
export type Judge = Readonly<Partial<Record<Check, (server: JudgedServer) => Promise<void>>>>;

export const judges: Readonly<Record<Client, Judge>> = {
  openai,
  ollama,
  '@anthropic-ai/sdk': anthropic,
  '@ai-sdk/openai-compatible': aiSdk,
  '@langchain/openai': langchain,
  '@huggingface/inference': huggingface,
};
