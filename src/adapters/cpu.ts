import { type Adapter, type AdapterDefinition, defineAdapter, type LoadReport, type ModelInfo, type Stream } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import { orAborted } from '../lib/abort.ts';
import { embedTexts } from './cpu-embed.ts';
import { checkModelFile, type ModelFile, modelFile } from './cpu-files.ts';
import { importNodeLlamaCpp, loadLibrary, type LoadLibrary } from './cpu-library.ts';
import { type CpuModels, createModels } from './cpu-models.ts';
import { streamChat } from './cpu-stream.ts';
import { createTurns, type Turns } from './cpu-turns.ts';
import type { AdapterContext } from './registry.ts';

/** A GGUF model in this process, on its CPU, through the optional package `node-llama-cpp`. */
export const cpu: (context: AdapterContext) => Adapter = createCpu(importNodeLlamaCpp);

/** `load` imports the library; it is called at the first use, not before. */
export function createCpu(load: LoadLibrary): (context: AdapterContext) => Adapter {
  return (context) => {
    const chatFile = fileOf(context.modelPath);
    const embeddingFile = fileOf(context.embeddingModelPath);
    const closing = new AbortController();
    const { provider, threads, contextSize } = context;
    const models = createModels({ provider, chatFile, embeddingFile, threads, contextSize, load }, closing.signal);
    return defineAdapter({
      name: 'cpu',
      modelName: 'optional',
      capabilities,
      ...verbs({ provider, load, chatFile, embeddingFile, models, closing }),
    });
  };
}

/** Formats are held to by grammars. Tools would need each model's own call syntax. */
const capabilities = { jsonObject: true, jsonSchema: true };

interface Parts {
  readonly provider: string;
  readonly load: LoadLibrary;
  readonly chatFile: ModelFile | undefined;
  readonly embeddingFile: ModelFile | undefined;
  readonly models: CpuModels;
  readonly closing: AbortController;
}

type Verbs = Pick<AdapterDefinition, 'embed' | 'models' | 'health' | 'load' | 'close'> & { readonly stream: Stream };

function verbs({ provider, load, chatFile, embeddingFile, models, closing }: Parts): Verbs {
  const [chatTurns, embedTurns] = [createTurns(), createTurns()];
  const shared = { provider, models, closing: closing.signal };
  const files = [chatFile, embeddingFile].filter((file) => file !== undefined);
  const whileOpen = async <Value>(signal: AbortSignal, work: () => Promise<Value>): Promise<Value> => {
    closing.signal.throwIfAborted();
    return orAborted(work(), signal);
  };
  let closed: Promise<void> | undefined;
  return {
    async stream(call) {
      const model = served(chatFile, call.model, provider);
      return streamChat(call, { ...shared, model, turns: chatTurns });
    },
    ...(embeddingFile && {
      embed: async (call) => {
        const model = served(embeddingFile, call.model, provider);
        return embedTexts(call, { ...shared, model, turns: embedTurns });
      },
    }),
    models: (signal) => whileOpen(signal, () => Promise.all(files.map((file) => infoOf(file, provider)))),
    health: (signal) =>
      whileOpen(signal, async () => {
        await loadLibrary(load, provider);
        await Promise.all(files.map((file) => checkModelFile(file, provider)));
        return { state: 'ok' };
      }),
    load: async () => loadOf(chatTurns, embedTurns),
    close: () => (closed ??= close({ provider, models, closing }, [chatTurns, embedTurns])),
  };
}

function fileOf(path: string | undefined): ModelFile | undefined {
  return path === undefined ? undefined : modelFile(path);
}

/** The id of the model that answers. Throws `model_not_found` for the name of another one: a process holds what it was given. */
function served(file: ModelFile | undefined, name: string | undefined, provider: string): string {
  if (file === undefined) throw new RouterError('unsupported', `Provider "${provider}" has no chat model; set modelPath.`, { provider });
  if (file.isCalled(name)) return file.id;
  const message = `Provider "${provider}" serves "${file.id}" and no model called "${name}".`;
  throw new RouterError('model_not_found', message, { provider, model: name });
}

async function infoOf(file: ModelFile, provider: string): Promise<ModelInfo> {
  return { id: file.id, sizeBytes: await checkModelFile(file, provider) };
}

function loadOf(...turns: readonly Turns[]): LoadReport {
  const sum = (count: (turns: Turns) => number): number => turns.reduce((total, each) => total + count(each), 0);
  return { running: sum((each) => each.running()), waiting: sum((each) => each.waiting()) };
}

async function close(
  { provider, models, closing }: Pick<Parts, 'provider' | 'models' | 'closing'>,
  turns: readonly Turns[],
): Promise<void> {
  closing.abort(new RouterError('closed', `Provider "${provider}" was closed.`, { provider }));
  const forEver = new AbortController().signal;
  // What runs has been told to stop and ends its turn soon; what waited has gone.
  for (const each of turns) await each.take(forEver);
  await models.close();
}
