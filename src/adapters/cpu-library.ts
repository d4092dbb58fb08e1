import { RouterError } from '../core/errors.ts';

// The part of `node-llama-cpp` 3.22 that is used here, written down as our own shapes: the published types must not name a
// package that may be missing. The compiler compares them with the package where `importNodeLlamaCpp` returns; parameters
// that take back one of the library's own objects are `never`, since no shape of ours could be one of them.

export interface LlamaLibrary {
  getLlama(options: {
    gpu: false;
    build: 'never';
    progressLogs: false;
    logger: (level: string, message: string) => void;
    maxThreads?: number;
  }): Promise<Llama>;
  readonly LlamaChat: new (options: { contextSequence: never }) => LlamaChat;
  /** Reads the head of a file, and nothing of the weights. */
  readGgufFileInfo(path: string, options: { sourceType: 'filesystem'; logWarnings: false; signal: AbortSignal }): Promise<object>;
  readonly GgufInsights: { from(info: never, llama: never): Promise<GgufInsights> };
}

/** Estimates, in bytes, of what a model will take. */
interface GgufInsights {
  readonly trainContextSize: number | undefined;
  estimateModelResourceRequirementsV2(options: { gpuLayers: 0 }): Promise<{ readonly cpuRam: number }>;
  estimateContextResourceRequirementsV2(
    options: ContextQuestion & { modelGpuLayers: 0; sequences: 1 },
  ): Promise<{ readonly cpuRam: number }>;
}

export interface ContextQuestion {
  readonly contextSize: number;
  readonly batchSize?: number;
  readonly isEmbeddingContext?: boolean;
}

export interface Llama {
  readonly cpuMathCores: number;
  loadModel(options: { modelPath: string; loadSignal: AbortSignal }): Promise<LlamaModel>;
  createGrammarForJsonSchema(schema: never): Promise<object>;
  getGrammarFor(type: 'json'): Promise<object>;
  /** What its models and contexts take. */
  getLlamaMemoryUsage(): Promise<{ readonly cpuRam: number }>;
  /** The most that models and contexts may take together, in bytes, from the next one on. */
  setRamCap(bytes: number): Promise<void>;
  dispose(): Promise<void>;
}

export interface LlamaModel {
  readonly tokenizer: object;
  readonly trainContextSize: number;
  createContext(options: ContextOptions & { sequences: number }): Promise<LlamaContext>;
  createEmbeddingContext(options: ContextOptions & { batchSize: number }): Promise<LlamaEmbeddingContext>;
  dispose(): Promise<void>;
}

interface ContextOptions {
  threads: number;
  contextSize?: number;
  createSignal: AbortSignal;
}

export interface LlamaContext {
  readonly contextSize: number;
  getSequence(): LlamaSequence;
  dispose(): Promise<void>;
}

interface TokenCounts {
  readonly usedInputTokens: number;
  readonly usedOutputTokens: number;
}

export interface LlamaSequence {
  readonly tokenMeter: { getState(): TokenCounts; diff(before: TokenCounts): TokenCounts };
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
  clearHistory(): Promise<void>;
}

export interface LlamaEmbeddingContext {
  calculateInputLength(text: string): number;
  getEmbeddingFor(text: string): Promise<{ readonly vector: readonly number[] }>;
  dispose(): Promise<void>;
}

export type HistoryItem = { type: 'system'; text: string } | { type: 'user'; text: string } | { type: 'model'; response: string[] };

export interface GenerateOptions {
  temperature: number;
  repeatPenalty: false | { penalty: number; frequencyPenalty: number; presencePenalty: number };
  topP?: number;
  seed?: number;
  customStopTriggers?: readonly string[];
  grammar?: never;
}

/** A piece of an answer. `segment`: thoughts and comments, which are no part of the text. */
interface ResponsePiece {
  readonly type: 'segment' | undefined;
  readonly text: string;
}

export interface LlamaChat {
  readonly chatWrapper: {
    generateContextState(options: { chatHistory: HistoryItem[] }): { contextText: { tokenize(tokenizer: never): readonly number[] } };
  };
  generateResponse(
    history: HistoryItem[],
    options: GenerateOptions & { signal: AbortSignal; maxTokens: number; onResponseChunk: (piece: ResponsePiece) => void },
  ): Promise<{ readonly metadata: { readonly stopReason: string } }>;
}

export type LoadLibrary = () => Promise<LlamaLibrary>;

/**
 * Bundlers must leave this import alone: the package is optional, and it finds its native binary beside itself. The comments
 * tell webpack and Vite so; to esbuild the `catch` says that the package may be missing.
 */
export const importNodeLlamaCpp: LoadLibrary = () =>
  import(/* webpackIgnore: true */ /* @vite-ignore */ 'node-llama-cpp').catch((error: unknown) => Promise.reject(error));

/** The library, or `unsupported`: without it no call can succeed, so the others get the call and nothing is tried again. */
export async function loadLibrary(load: LoadLibrary, provider: string): Promise<LlamaLibrary> {
  try {
    return await load();
  } catch (error) {
    const reason = codeOf(error);
    const why = reason === undefined || reason === 'ERR_MODULE_NOT_FOUND' ? '' : ` (${reason})`;
    throw new RouterError(
      'unsupported',
      `Provider "${provider}" needs the optional package node-llama-cpp${why}: npm install node-llama-cpp`,
      { provider, reason },
    );
  }
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
