import { RouterError } from '../core/errors.ts';
import { admit } from './cpu-admission.ts';
import { libraryFailure } from './cpu-failure.ts';
import { checkModelFile, type ModelFile } from './cpu-files.ts';
import {
  type ContextQuestion,
  loadLibrary,
  type Llama,
  type LlamaChat,
  type LlamaContext,
  type LlamaEmbeddingContext,
  type LlamaLibrary,
  type LlamaModel,
  type LlamaSequence,
  type LoadLibrary,
} from './cpu-library.ts';
import type { FreeMemory } from './cpu-memory.ts';
import { type Load, loadOnce } from './cpu-load-once.ts';

export interface ModelsOptions {
  readonly provider: string;
  readonly chatFile: ModelFile | undefined;
  readonly embeddingFile: ModelFile | undefined;
  /** 0: as many as the library finds useful here. */
  readonly threads: number;
  /** In tokens; undefined: the model's own, as far as memory allows. */
  readonly contextSize: number | undefined;
  readonly load: LoadLibrary;
  readonly freeMemory: FreeMemory;
}

interface Runtime {
  readonly library: LlamaLibrary;
  readonly llama: Llama;
  readonly threads: number;
}

/**
 * What a chat needs. One sequence serves all chats in turn: every further one would cost the memory of a whole context window,
 * and would slow the answer that is under way.
 */
export interface ChatEngine extends Runtime {
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly sequence: LlamaSequence;
  /** Holds no history. Made once, because finding the model's chat template takes it half a second. */
  readonly chat: LlamaChat;
}

export interface Embedder {
  /** Longest input, in tokens. */
  readonly maxTokens: number;
  /** In tokens. */
  readonly lengthOf: (text: string) => number;
  readonly vectorOf: (text: string) => Promise<readonly number[]>;
}

interface GgufEmbedder extends Embedder {
  readonly context: LlamaEmbeddingContext;
}

/** The library and the models in this process: loaded at first use, once for all callers; a failed load is forgotten. */
export interface CpuModels {
  chat(): Promise<ChatEngine>;
  embedder(): Promise<Embedder>;
  /** For a context in an unknown state: the next chat gets a new one. */
  discardChat(): Promise<void>;
  /** What is in memory now. */
  loaded(): LoadedModels;
  /** A classified error for what a running inference threw. */
  failure(error: unknown): RouterError;
  /** Aborts loads and frees everything. Nothing may run any more. */
  close(): Promise<void>;
}

interface LoadedModels {
  readonly hasChat: boolean;
  readonly hasEmbedding: boolean;
  /** Tokens of the chat's context window, prompt and answer together, once it was made. */
  readonly chatTokens: number | undefined;
}

const logLines = 20;

/** `closing` aborts loads under way; its reason is a `RouterError`. */
export function createModels(options: ModelsOptions, closing: AbortSignal): CpuModels {
  const { provider, chatFile, embeddingFile } = options;
  const log: string[] = [];
  const runtime = loadOnce(() => openRuntime(options, log));
  const open = (file: ModelFile, contextOf: ContextOf): Load<LlamaModel> =>
    loadOnce(() => openModel(file, (trained) => contextOf(trained, options.contextSize), options, runtime, closing));
  const chatModel = chatFile && open(chatFile, leastChatContext);
  const embeddingModel = embeddingFile && (embeddingFile.path === chatFile?.path ? chatModel : open(embeddingFile, embeddingContext));

  let isSpoiled = false;
  const loading = async <Value>(load: () => Promise<Value>): Promise<Value> => {
    log.length = 0;
    try {
      closing.throwIfAborted();
      return await load();
    } catch (error) {
      isSpoiled ||= closing.aborted || !(error instanceof RouterError);
      throw closing.aborted ? closing.reason : libraryFailure(error, { provider, doing: 'load', log });
    }
  };
  const chat = loadOnce(() => loading(async () => openChat(await modelOf(chatModel, provider), await runtime.get(), options, closing)));
  const embedder = loadOnce(() =>
    loading(async () => openEmbedder(await modelOf(embeddingModel, provider), await runtime.get(), options, closing)),
  );

  return {
    chat: chat.get,
    embedder: embedder.get,
    discardChat: () => chat.drop(({ context }) => context.dispose()),
    loaded: () => ({
      hasChat: chatModel?.held() !== undefined,
      hasEmbedding: embeddingModel?.held() !== undefined,
      chatTokens: chat.held()?.context.contextSize,
    }),
    failure: (error) => libraryFailure(error, { provider, doing: 'run', log }),
    async close() {
      // From the inside out: a model waits for its contexts, and the library for its models.
      await chat.drop(({ context }) => context.dispose());
      await embedder.drop(({ context }) => context.dispose());
      const freed = freeModels([chatModel, embeddingModel], runtime);
      // After a failed load the library keeps waiting for an object that nobody can dispose of any more.
      if (isSpoiled) freed.catch(() => undefined);
      else await freed;
    },
  };
}

async function freeModels(models: readonly (Load<LlamaModel> | undefined)[], runtime: Load<Runtime>): Promise<void> {
  for (const model of models) await model?.drop((loaded) => loaded.dispose());
  await runtime.drop(({ llama }) => llama.dispose());
}

async function openRuntime({ load, provider, threads: asked }: ModelsOptions, log: string[]): Promise<Runtime> {
  const library = await loadLibrary(load, provider);
  const logger = (_level: string, message: string): void => {
    log.push(message);
    if (log.length > logLines) log.shift();
  };
  const llama = await library.getLlama({
    gpu: false,
    build: 'never',
    progressLogs: false,
    logger,
    // The library's own ceiling is the number of cores, 4 at least; a number that was asked for may lie above.
    ...(asked > 0 && { maxThreads: asked }),
  });
  // Threads wait for each other in a loop: one more than there are cores to run them makes a token take a thousand times longer.
  const cores = globalThis.navigator?.hardwareConcurrency ?? llama.cpuMathCores;
  return { library, llama, threads: Math.min(asked || llama.cpuMathCores, cores) };
}

async function openModel(
  file: ModelFile,
  contextOf: (trained: number) => ContextQuestion,
  { provider, contextSize, freeMemory }: ModelsOptions,
  runtime: Load<Runtime>,
  closing: AbortSignal,
): Promise<LlamaModel> {
  await checkModelFile(file, provider);
  const { library, llama } = await runtime.get();
  const applicant = { provider, file, contextOf, isSizeChosen: contextSize !== undefined, freeMemory };
  const left = await admit(applicant, { library, llama }, closing);
  const model = await llama.loadModel({ modelPath: file.path, loadSignal: closing });
  // Left to itself the library makes a context as large as the machine has room for, whatever limit the process is under.
  if (left !== undefined) await llama.setRamCap(left + (await llama.getLlamaMemoryUsage()).cpuRam);
  return model;
}

async function modelOf(model: Load<LlamaModel> | undefined, provider: string): Promise<LlamaModel> {
  if (model) return model.get();
  throw new RouterError('unsupported', `Provider "${provider}" has no model for this; set modelPath.`, { provider });
}

type ContextOf = (trained: number, chosen: number | undefined) => ContextQuestion;

/** Tokens without which a chat is of no use; above, the library takes what fits. */
const leastChatTokens = 512;

const leastChatContext: ContextOf = (trained, chosen) => ({ contextSize: Math.min(chosen ?? leastChatTokens, trained) });

async function openChat(model: LlamaModel, runtime: Runtime, { contextSize }: ModelsOptions, closing: AbortSignal): Promise<ChatEngine> {
  // Beyond what it was trained on a model talks nonsense, and the library allocates without looking at absurd numbers.
  const size = contextSize === undefined ? {} : { contextSize: Math.min(contextSize, model.trainContextSize) };
  const context = await model.createContext({ sequences: 1, threads: runtime.threads, createSignal: closing, ...size });
  const sequence = context.getSequence();
  return { ...runtime, model, context, sequence, chat: new runtime.library.LlamaChat({ contextSequence: sequence as never }) };
}

/**
 * An encoder reads an input in one piece, and the memory for that grows with the square of its length. The library's own limit
 * of 512 would cut longer inputs into pieces and spoil their vectors.
 */
const embeddingTokens = 2_048;

const embeddingContext: ContextOf = (trained, chosen) => {
  const size = Math.min(trained, chosen ?? embeddingTokens);
  return { contextSize: size, batchSize: size, isEmbeddingContext: true };
};

async function openEmbedder(
  model: LlamaModel,
  { threads }: Runtime,
  { contextSize }: ModelsOptions,
  closing: AbortSignal,
): Promise<GgufEmbedder> {
  const { contextSize: size } = embeddingContext(model.trainContextSize, contextSize);
  const context = await model.createEmbeddingContext({ threads, contextSize: size, batchSize: size, createSignal: closing });
  return {
    context,
    maxTokens: size - 1,
    lengthOf: (text) => context.calculateInputLength(text),
    vectorOf: async (text) => (await context.getEmbeddingFor(text)).vector,
  };
}
