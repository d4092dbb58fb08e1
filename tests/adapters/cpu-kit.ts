import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCpu } from '../../src/adapters/cpu.ts';
import { importNodeLlamaCpp, type LlamaLibrary, type LoadLibrary } from '../../src/adapters/cpu-library.ts';
import type { FreeMemory } from '../../src/adapters/cpu-memory.ts';
import type { AdapterContext } from '../../src/adapters/context.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import type { ChatChunk, ChatRequest, ChunkBatches, EmbedRequest } from '../../src/core/types.ts';
import { noOptions } from '../_kit/adapter-context.ts';
import { encode, type Model } from '../tiny-model/gguf.ts';

/** A folder for the models of one test file. */
export interface ModelFolder {
  write(name: string, content: Model | Uint8Array): string;
  path(name: string): string;
  remove(): void;
}

export function modelFolder(): ModelFolder {
  const folder = mkdtempSync(join(tmpdir(), 'inferlane-cpu-'));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    write(name, content) {
      writeFileSync(path(name), content instanceof Uint8Array ? content : Buffer.concat(encode(content)));
      return path(name);
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

export function cpuOf(options: Partial<AdapterContext>, load: LoadLibrary = importNodeLlamaCpp, free?: FreeMemory): Adapter {
  return createCpu(
    load,
    undefined,
    free,
  )({
    ...noOptions,
    provider: 'local',
    // A provider in this process must not touch the network.
    http: undefined as never,
    threads: 1,
    contextSize: 512,
    ...options,
  });
}

export const never: AbortSignal = new AbortController().signal;

export function chatCall(request: Partial<ChatRequest> = {}, signal: AbortSignal = never, model?: string): Call<ChatRequest> {
  return { request: { messages: [{ role: 'user', content: 'Hi' }], ...request }, model, signal, requestId: 'request-1' };
}

export function embedCall(input: string | string[], signal: AbortSignal = never, model?: string): Call<EmbedRequest> {
  return { request: { input }, model, signal, requestId: 'request-1' };
}

export async function batchesOf(batches: ChunkBatches): Promise<(readonly ChatChunk[])[]> {
  const all: (readonly ChatChunk[])[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

/** The text of an answer. */
export async function textOf(adapter: Adapter, request: Partial<ChatRequest> = {}): Promise<string | null | undefined> {
  const answer = await adapter.chat(chatCall(request));
  return answer.choices[0]?.message.content;
}

export interface Watched {
  readonly load: LoadLibrary;
  /** How often the library was imported, started, and a model loaded. */
  readonly counts: { imports: number; starts: number; models: number };
  /** What each context was asked for. */
  readonly contexts: { threads: number; contextSize?: number; batchSize?: number }[];
  /** Tokens that lie in the context of each sequence. */
  tokensLeft(): number[];
}

/** The real library, watched. */
export function watchedLibrary(): Watched {
  const counts = { imports: 0, starts: 0, models: 0 };
  const contexts: Watched['contexts'] = [];
  const sequences: { contextTokens: readonly number[] }[] = [];
  return {
    counts,
    contexts,
    tokensLeft: () => sequences.map(({ contextTokens }) => contextTokens.length),
    async load() {
      counts.imports++;
      const library = await importNodeLlamaCpp();
      const LlamaChat = class extends library.LlamaChat {
        constructor(options: { contextSequence: never }) {
          super(options);
          sequences.push(options.contextSequence);
        }
      };
      const getLlama: LlamaLibrary['getLlama'] = async (options) => {
        counts.starts++;
        const llama = await library.getLlama(options);
        const loadModel = llama.loadModel.bind(llama);
        llama.loadModel = async (modelOptions) => {
          counts.models++;
          const model = await loadModel(modelOptions);
          const { createContext, createEmbeddingContext } = model;
          model.createContext = (asked) => (contexts.push(asked), createContext.call(model, asked));
          model.createEmbeddingContext = (asked) => (contexts.push(asked), createEmbeddingContext.call(model, asked));
          return model;
        };
        return llama;
      };
      const { readGgufFileInfo, GgufInsights } = library;
      return { LlamaChat, getLlama, readGgufFileInfo, GgufInsights };
    },
  };
}
