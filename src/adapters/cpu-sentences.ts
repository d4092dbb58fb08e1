import { RouterError } from '../core/errors.ts';
import { libraryFailure } from './cpu-failure.ts';
import type { Embedder } from './cpu-models.ts';
import { loadOnce } from './cpu-load-once.ts';

// The part of `@huggingface/transformers` 4.3 that is used here, as our own shapes: see cpu-library.ts.

export interface TransformersLibrary {
  pipeline(task: 'feature-extraction', model: string, options: PipelineOptions): Promise<Extractor>;
}

interface PipelineOptions {
  local_files_only: boolean;
  session_options: { intraOpNumThreads?: number };
}

interface Extractor {
  (text: string, options: { pooling: 'mean'; normalize: true }): Promise<{ readonly data: ArrayLike<number> }>;
  readonly tokenizer: { (text: string, options: { truncation: false }): { readonly input_ids: { readonly dims: readonly number[] } } };
  readonly model: { readonly config: object };
  dispose(): Promise<unknown>;
}

export type LoadTransformers = () => Promise<TransformersLibrary>;

/** As for `node-llama-cpp`: bundlers must leave it alone. */
export const importTransformers: LoadTransformers = async () => {
  const asked: Promise<unknown> = import(/* webpackIgnore: true */ /* @vite-ignore */ '@huggingface/transformers').catch((error: unknown) =>
    Promise.reject(error),
  );
  return (await asked) as TransformersLibrary;
};

/** A sentence model by the folder that holds it, or by its name on the library's own hub. */
export interface SentenceModel {
  readonly id: string;
  /** What the library is asked for. */
  readonly source: string;
  readonly isLocal: boolean;
  /** True for no name at all, the id, and the folder or name as it was configured. */
  isCalled(name: string | undefined): boolean;
}

export function sentenceFolder(path: string): SentenceModel {
  const id =
    path
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .at(-1) ?? path;
  return { id, source: path, isLocal: true, isCalled: (name) => name === undefined || name === id || name === path };
}

/** Names without an owner are those of sentence-transformers, which this owner keeps in the format that the library reads. */
const hubOwner = 'Xenova';

export function sentenceName(name: string): SentenceModel {
  const source = name.includes('/') ? name : `${hubOwner}/${name}`;
  return { id: name, source, isLocal: false, isCalled: (called) => called === undefined || called === name || called === source };
}

export interface SentenceModels {
  embedder(): Promise<Embedder>;
  isLoaded(): boolean;
  /** Throws `unsupported` where the package is missing. */
  check(): Promise<void>;
  failure(error: unknown): RouterError;
  close(): Promise<void>;
}

export interface SentenceOptions {
  readonly provider: string;
  readonly model: SentenceModel;
  /** 0: the library's choice. */
  readonly threads: number;
  readonly load: LoadTransformers;
}

/** The model is loaded at first use, once for all callers; a failed load is tried again by the next. */
export function createSentenceModels({ provider, model, threads, load }: SentenceOptions): SentenceModels {
  const check = async (): Promise<TransformersLibrary> => {
    try {
      return await load();
    } catch {
      const advice = 'npm install @huggingface/transformers';
      throw new RouterError('unsupported', `Provider "${provider}" needs the optional package @huggingface/transformers: ${advice}`, {
        provider,
      });
    }
  };
  const extractor = loadOnce(async () => {
    const { pipeline } = await check();
    const session_options = threads > 0 ? { intraOpNumThreads: threads } : {};
    return pipeline('feature-extraction', model.source, { local_files_only: model.isLocal, session_options }).catch((error: unknown) => {
      throw loadFailure(error, provider, model);
    });
  });
  return {
    embedder: async () => toEmbedder(await extractor.get()),
    isLoaded: () => extractor.held() !== undefined,
    check: async () => void (await check()),
    failure: (error) => libraryFailure(error, { provider, doing: 'run', log: [] }),
    close: () => extractor.drop(async (loaded) => void (await loaded.dispose())),
  };
}

/** The library would cut a text that is too long without a word, so its tokens are counted before. */
function toEmbedder(extract: Extractor): Embedder {
  return {
    maxTokens: maxTokensOf(extract.model.config),
    lengthOf: (text) => extract.tokenizer(text, { truncation: false }).input_ids.dims.at(-1) ?? 0,
    vectorOf: async (text) => Array.from((await extract(text, { pooling: 'mean', normalize: true })).data),
  };
}

/** Every encoder of this kind says how long its input may be; without a word of it nothing is refused here. */
function maxTokensOf(config: object): number {
  const limit: unknown = 'max_position_embeddings' in config ? config.max_position_embeddings : undefined;
  return typeof limit === 'number' && limit > 0 ? limit : Infinity;
}

function loadFailure(error: unknown, provider: string, { id, isLocal }: SentenceModel): RouterError {
  const name = error instanceof Error ? error.name : '';
  const isMissing =
    name === 'ModelFileNotFoundError' || /could not locate file|unauthorized access|local file missing/i.test(textOf(error));
  if (!isMissing) return libraryFailure(error, { provider, doing: 'load', log: [] });
  const where = isLocal ? 'its folder lacks a file that the library needs; check embeddingModelPath' : 'the hub does not have it';
  return new RouterError('model_not_found', `Provider "${provider}": the embedding model "${id}" was not found: ${where}.`, {
    provider,
    model: id,
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}
