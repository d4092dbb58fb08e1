import {
  type Adapter,
  type AdapterDefinition,
  defineAdapter,
  type Embed,
  type LoadReport,
  type ModelInfo,
  type ResidentModel,
  type Stream,
} from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import { orAborted } from '../lib/abort.ts';
import { embedTexts } from './cpu-embed.ts';
import { checkModelFile, type ModelFile, modelFile } from './cpu-files.ts';
import { importNodeLlamaCpp, loadLibrary, type LoadLibrary } from './cpu-library.ts';
import { type FreeMemory, freeMemory } from './cpu-memory.ts';
import { type CpuModels, createModels } from './cpu-models.ts';
import {
  createSentenceModels,
  importTransformers,
  type LoadTransformers,
  sentenceFolder,
  type SentenceModel,
  type SentenceModels,
  sentenceName,
} from './cpu-sentences.ts';
import { streamChat } from './cpu-stream.ts';
import { createTurns, type Turns } from './cpu-turns.ts';
import type { AdapterContext } from './context.ts';

/**
 * Models in this process, on its CPU: chats and embeddings of GGUF files through the optional package `node-llama-cpp`, and
 * embeddings of sentence models through the optional package `@huggingface/transformers`.
 */
export const cpu: (context: AdapterContext) => Adapter = createCpu(importNodeLlamaCpp, importTransformers);

/** The first two functions import the libraries; each is called at its first use, not before. */
export function createCpu(
  load: LoadLibrary,
  loadTransformers: LoadTransformers = importTransformers,
  free: FreeMemory = freeMemory,
): (context: AdapterContext) => Adapter {
  return (context) => {
    const { provider, threads, contextSize } = context;
    const closing = new AbortController();
    const chatFile = context.modelPath === undefined ? undefined : modelFile(context.modelPath);
    const embedding = embeddingOf(context);
    const embeddingFile = embedding !== undefined && 'path' in embedding ? embedding : undefined;
    const models = createModels({ provider, chatFile, embeddingFile, threads, contextSize, load, freeMemory: free }, closing.signal);
    const sentences =
      embedding === undefined || 'path' in embedding
        ? undefined
        : createSentenceModels({ provider, model: embedding, threads, load: loadTransformers });
    const parts: Parts = { provider, load, chatFile, embeddingFile, embedding, models, sentences, closing };
    return defineAdapter({
      name: 'cpu',
      modelName: 'optional',
      capabilities,
      ignores: ['parallel_tool_calls', 'user'],
      loadsOnDemand: true,
      ...verbs(parts),
    });
  };
}

/**
 * Formats are held to by grammars. Tools would need each model's own call syntax. No `prefill`: the library goes on with an answer, but
 * with a SentencePiece vocabulary the blank before its first word gets lost.
 */
const capabilities = { jsonObject: true, jsonSchema: true };

/** A GGUF file, a folder of a sentence model, or the name of one on the hub. */
function embeddingOf({ embeddingModelPath: path, embeddingModel: name }: AdapterContext): ModelFile | SentenceModel | undefined {
  if (path !== undefined) return /\.gguf$/i.test(path) ? modelFile(path) : sentenceFolder(path);
  return name === undefined ? undefined : sentenceName(name);
}

interface Parts {
  readonly provider: string;
  readonly load: LoadLibrary;
  readonly chatFile: ModelFile | undefined;
  readonly embeddingFile: ModelFile | undefined;
  readonly embedding: ModelFile | SentenceModel | undefined;
  readonly models: CpuModels;
  readonly sentences: SentenceModels | undefined;
  readonly closing: AbortController;
}

type CommonVerbs = Pick<AdapterDefinition, 'models' | 'health' | 'load' | 'close'>;
type Verbs = CommonVerbs & ({ readonly stream: Stream } | { readonly embed: Embed });

function verbs(parts: Parts): Verbs {
  const { provider, load, chatFile, embedding, models, sentences, closing } = parts;
  const [chatTurns, embedTurns] = [createTurns(), createTurns()];
  const files = [chatFile, parts.embeddingFile].filter((file) => file !== undefined);
  const whileOpen = async <Value>(signal: AbortSignal, work: () => Promise<Value>): Promise<Value> => {
    closing.signal.throwIfAborted();
    return orAborted(work(), signal);
  };
  const stream: Stream = async (call) => {
    const model = served(chatFile, call.model, provider);
    return streamChat(call, { provider, models, closing: closing.signal, model, turns: chatTurns });
  };
  const embed: Embed = async (call) => {
    const model = served(embedding, call.model, provider);
    return embedTexts(call, { provider, models: sentences ?? models, closing: closing.signal, model, turns: embedTurns });
  };
  let closed: Promise<void> | undefined;
  const common: CommonVerbs = {
    models: (signal) =>
      whileOpen(signal, async () => [
        ...(await Promise.all(files.map((file) => infoOf(file, provider)))),
        ...(embedding && sentences ? [{ id: embedding.id }] : []),
      ]),
    health: (signal) =>
      whileOpen(signal, async () => {
        if (files.length > 0) await loadLibrary(load, provider);
        await sentences?.check();
        await Promise.all(files.map((file) => checkModelFile(file, provider)));
        return { state: 'ok' };
      }),
    load: async () => loadOf(parts, chatTurns, embedTurns),
    close: () => (closed ??= close(parts, [chatTurns, embedTurns])),
  };
  if (embedding && !chatFile) return { ...common, embed };
  return { ...common, stream, ...(embedding && { embed }) };
}

/** The id of the model that answers. Throws `model_not_found` for the name of another one: a process holds what it was given. */
function served(file: ModelFile | SentenceModel | undefined, name: string | undefined, provider: string): string {
  if (file === undefined) throw new RouterError('unsupported', `Provider "${provider}" has no chat model; set modelPath.`, { provider });
  if (file.isCalled(name)) return file.id;
  const message = `Provider "${provider}" serves "${file.id}" and no model called "${name}".`;
  throw new RouterError('model_not_found', message, { provider, model: name });
}

async function infoOf(file: ModelFile, provider: string): Promise<ModelInfo> {
  return { id: file.id, sizeBytes: await checkModelFile(file, provider) };
}

/** Chats take turns, and so do embeddings. */
function loadOf(parts: Parts, ...turns: readonly Turns[]): LoadReport {
  const sum = (count: (turns: Turns) => number): number => turns.reduce((total, each) => total + count(each), 0);
  return { running: sum((each) => each.running()), waiting: sum((each) => each.waiting()), slots: 1, resident: residentOf(parts) };
}

/** A file that serves both has the window of its chats. */
function residentOf({ chatFile, embedding, models, sentences }: Parts): ResidentModel[] {
  const loaded = models.loaded();
  const resident: ResidentModel[] = [];
  if (chatFile && loaded.hasChat) resident.push({ id: chatFile.id, ...(loaded.chatTokens && { contextLength: loaded.chatTokens }) });
  const embeds = sentences?.isLoaded() ?? loaded.hasEmbedding;
  if (embedding && embeds && resident[0]?.id !== embedding.id) resident.push({ id: embedding.id });
  return resident;
}

async function close({ provider, models, sentences, closing }: Parts, turns: readonly Turns[]): Promise<void> {
  closing.abort(new RouterError('closed', `Provider "${provider}" was closed.`, { provider }));
  const forEver = new AbortController().signal;
  // What runs has been told to stop and ends its turn soon; what waited has gone.
  for (const each of turns) await each.take(forEver);
  await models.close();
  await sentences?.close();
}
