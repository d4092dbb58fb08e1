import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { cpu } from '../../src/adapters/cpu.ts';
import type { LlamaLibrary } from '../../src/adapters/cpu-library.ts';
import type { AdapterContext } from '../../src/adapters/context.ts';
import type { Adapter } from '../../src/core/adapter.ts';
import { bert, chain } from '../tiny-model/models.ts';
import { batchesOf, chatCall, cpuOf, embedCall, modelFolder, never, textOf, watchedLibrary } from './cpu-kit.ts';

const text = 'Hello from a tiny model.';
const folder = modelFolder();
const modelPath = folder.write('chain.gguf', chain());
const embeddingModelPath = folder.write('bert.gguf', bert());
const open: Adapter[] = [];

/** As the library's own is called. */
class InsufficientMemoryError extends Error {}

function adapterOf(options: Partial<AdapterContext> = { modelPath }, load?: () => Promise<LlamaLibrary>): Adapter {
  const adapter = cpuOf(options, load);
  open.push(adapter);
  return adapter;
}

afterEach(async () => {
  for (const adapter of open.splice(0)) await adapter.close?.();
});

afterAll(() => folder.remove());

describe('a model name', () => {
  const adapter = cpuOf({ modelPath, embeddingModelPath });
  afterAll(() => adapter.close?.());

  test.each([['chain'], ['chain.gguf'], [modelPath], [undefined]])('%s is this file', async (name) => {
    expect((await adapter.chat(chatCall({ max_tokens: 1 }, never, name))).model).toBe('chain');
  });

  test.each([['llama3.1'], ['bert']])('%s is none of the chat model', async (name) => {
    await expect(adapter.chat(chatCall({}, never, name))).rejects.toMatchObject({ code: 'model_not_found', model: name });
  });

  test('of the chat model is none of the embedding model', async () => {
    await expect(adapter.embed?.(embedCall('a', never, 'chain'))).rejects.toMatchObject({ code: 'model_not_found' });
  });

  test('is listed for every file, with its size', async () => {
    expect(await adapter.models?.(never)).toEqual([
      { id: 'chain', sizeBytes: 895_520 },
      { id: 'bert', sizeBytes: 604_704 },
    ]);
  });
});

describe('a model file', () => {
  test.each([
    ['that is missing', 'absent.gguf', 'does not exist'],
    ['that holds something else', folder.write('noise.gguf', Buffer.alloc(5000, 7)), 'is no GGUF model'],
    ['that is too short', folder.write('short.gguf', Buffer.from('GG')), 'is no GGUF model'],
    ['that is a folder', folder.path('.'), 'cannot be read'],
  ])('%s is a model that is not there, for calls and for health', async (_what, path, says) => {
    const adapter = adapterOf({ modelPath: path });
    const expected = { code: 'model_not_found', provider: 'local', message: expect.stringContaining(says) as string };
    await expect(adapter.chat(chatCall())).rejects.toMatchObject(expected);
    await expect(adapter.health?.(never)).rejects.toMatchObject(expected);
    await expect(adapter.chat(chatCall())).rejects.not.toThrow(folder.path(''));
  });

  test('that is cut short is a failed load, without a word of the library', async () => {
    const path = folder.write('cut.gguf', readFileSync(modelPath).subarray(0, 100_000));
    const error = await adapterOf({ modelPath: path })
      .chat(chatCall())
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unavailable', message: 'Provider "local" could not load its model.' });
    expect((error as Error).cause).toBeUndefined();
  });

  test('that came late is found by the next call', async () => {
    const path = folder.path('late.gguf');
    const adapter = adapterOf({ modelPath: path });
    await expect(adapter.chat(chatCall())).rejects.toMatchObject({ code: 'model_not_found' });
    appendFileSync(path, readFileSync(modelPath));
    expect(await textOf(adapter)).toBe(text);
    rmSync(path);
  });

  test.each<[string, string, (log: (line: string) => void) => Error]>([
    ['the library refuses', 'InsufficientMemoryError', () => new InsufficientMemoryError('A context size of 9 is too large')],
    ['an allocation fails', 'Error', (log) => (log('ggml: failed to allocate CPU buffer'), new Error('Failed to load model'))],
  ])('that needs more memory than there is (%s) is out of memory', async (_how, reason, fail) => {
    const adapter = adapterOf({ modelPath }, async () => {
      const library = await watchedLibrary().load();
      const getLlama: LlamaLibrary['getLlama'] = async (options) => {
        const llama = await library.getLlama(options);
        llama.loadModel = () => Promise.reject(fail((line) => options.logger('error', line)));
        return llama;
      };
      return { ...library, getLlama };
    });
    await expect(adapter.chat(chatCall())).rejects.toMatchObject({ code: 'out_of_memory', reason });
  });

  test('is given no larger context window than it was trained for', async () => {
    const adapter = adapterOf({ modelPath: folder.write('small.gguf', chain({ ctx: 512 })), contextSize: 4_000 });
    const messages = [{ role: 'user' as const, content: 'word '.repeat(300) }];
    await expect(adapter.chat(chatCall({ messages }))).rejects.toMatchObject({ code: 'context_length' });
  });

  test.each([[0], [64]])('is run by no more threads than there are cores, at threads: %i', async (threads) => {
    const library = watchedLibrary();
    await textOf(adapterOf({ modelPath, threads }, library.load), { max_tokens: 1 });
    expect(library.contexts[0]?.threads).toBeGreaterThan(0);
    expect(library.contexts[0]?.threads).toBeLessThanOrEqual(navigator.hardwareConcurrency);
  });

  test('for embeddings reads an input in one piece', async () => {
    const library = watchedLibrary();
    await adapterOf({ embeddingModelPath, contextSize: 2_048 }, library.load).embed?.(embedCall('a'));
    expect(library.contexts[0]).toMatchObject({ contextSize: 512, batchSize: 512 });
  });

  test('that is not configured is a verb that is not supported', async () => {
    await expect(adapterOf({ embeddingModelPath }).chat(chatCall())).rejects.toMatchObject({ code: 'unsupported' });
    expect(adapterOf({ modelPath }).embed).toBeUndefined();
  });
});

function missing(): Promise<never> {
  return Promise.reject(Object.assign(new Error("Cannot find package '/secret/node-llama-cpp'"), { code: 'ERR_MODULE_NOT_FOUND' }));
}

describe('the library', () => {
  test('that is missing is named, with how to install it, by every verb that needs it', async () => {
    const adapter = adapterOf({ modelPath, embeddingModelPath }, missing);
    const expected = {
      code: 'unsupported',
      provider: 'local',
      message: 'Provider "local" needs the optional package node-llama-cpp: npm install node-llama-cpp',
    };
    await expect(adapter.chat(chatCall())).rejects.toMatchObject(expected);
    await expect(adapter.embed?.(embedCall('a'))).rejects.toMatchObject(expected);
    await expect(adapter.health?.(never)).rejects.toMatchObject(expected);
  });

  test('that was missing is asked for again by the next call', async () => {
    const library = watchedLibrary();
    let installed = false;
    const adapter = adapterOf({ modelPath }, () => (installed ? library.load() : missing()));
    await expect(adapter.chat(chatCall())).rejects.toMatchObject({ code: 'unsupported' });
    installed = true;
    expect(await textOf(adapter)).toBe(text);
  });

  test('without a binary for this machine is not supported either', async () => {
    class NoBinaryFoundError extends Error {}
    const getLlama = (): Promise<never> => Promise.reject(new NoBinaryFoundError());
    const adapter = adapterOf({ modelPath }, async () => ({ ...(await watchedLibrary().load()), getLlama }));
    await expect(adapter.chat(chatCall())).rejects.toMatchObject({ code: 'unsupported', reason: 'NoBinaryFoundError' });
  });

  test('is imported and not started by health', async () => {
    const library = watchedLibrary();
    expect(await adapterOf({ modelPath }, library.load).health?.(never)).toEqual({ state: 'ok' });
    expect(library.counts).toEqual({ imports: 1, starts: 0, models: 0 });
  });

  test('is not waited for by a call that is aborted, and loads on for the others', async () => {
    const library = watchedLibrary();
    let arrive: (() => void) | undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    const adapter = adapterOf({ modelPath }, () => arrived.then(library.load));
    const controller = new AbortController();
    const leaving = adapter.chat(chatCall({}, controller.signal));
    const staying = textOf(adapter);
    controller.abort('gone');
    await expect(leaving).rejects.toBe('gone');
    arrive?.();
    expect(await staying).toBe(text);
    expect(library.counts).toEqual({ imports: 1, starts: 1, models: 1 });
  });

  test('that does not hear an abort does not keep the caller waiting, only the next one', async () => {
    const real = await watchedLibrary().load();
    let finish: (() => void) | undefined;
    const LlamaChat = class extends real.LlamaChat {
      override async generateResponse(...args: Parameters<InstanceType<typeof real.LlamaChat>['generateResponse']>) {
        if (finish === undefined) await new Promise<void>((resolve) => (finish = resolve));
        return super.generateResponse(...args);
      }
    };
    const adapter = adapterOf({ modelPath }, async () => ({ ...real, LlamaChat }));
    const controller = new AbortController();
    const reading = batchesOf(await adapter.stream(chatCall({}, controller.signal)));
    await vi.waitFor(() => expect(finish).toBeDefined());
    controller.abort('enough');
    await expect(reading).rejects.toBe('enough');
    const next = textOf(adapter);
    expect(await adapter.load?.(never)).toMatchObject({ running: 1 });
    finish?.();
    expect(await next).toBe(text);
  });

  test('that fails in an inference gives a classified error and a new context to the next call', async () => {
    const real = await watchedLibrary().load();
    let failures = 1;
    const LlamaChat = class extends real.LlamaChat {
      override generateResponse(...args: Parameters<InstanceType<typeof real.LlamaChat>['generateResponse']>) {
        return failures-- > 0 ? Promise.reject(new Error('decode failed: secret prompt')) : super.generateResponse(...args);
      }
    };
    const adapter = adapterOf({ modelPath }, async () => ({ ...real, LlamaChat }));
    await expect(adapter.chat(chatCall())).rejects.toMatchObject({ code: 'driver', message: 'Provider "local": the inference failed.' });
    expect(await textOf(adapter)).toBe(text);
  });
});

describe('what is in memory', () => {
  test('is nothing before the first call, and then each model that was used, the one for chats with its window', async () => {
    const adapter = adapterOf({ modelPath, embeddingModelPath });
    const resident = async (): Promise<unknown> => (await adapter.load?.(never))?.resident;
    expect(await resident()).toEqual([]);
    await adapter.embed?.(embedCall('a'));
    expect(await resident()).toEqual([{ id: 'bert' }]);
    await textOf(adapter);
    expect(await resident()).toEqual([{ id: 'chain', contextLength: 512 }, { id: 'bert' }]);
    expect(adapter.loadsOnDemand).toBe(true);
  });

  test('is one model where a file serves both, and nothing after a load that failed', async () => {
    const adapter = adapterOf({ modelPath, embeddingModelPath: modelPath });
    const loading = textOf(adapter);
    expect((await adapter.load?.(never))?.resident).toEqual([]);
    await loading;
    expect((await adapter.load?.(never))?.resident).toEqual([{ id: 'chain', contextLength: 512 }]);
    const absent = adapterOf({ modelPath: folder.path('absent.gguf') });
    await expect(absent.chat(chatCall())).rejects.toThrow();
    expect((await absent.load?.(never))?.resident).toEqual([]);
  });
});

test('the adapter of the registry imports the package itself', async () => {
  const adapter = cpu({ ...({} as AdapterContext), provider: 'local', modelPath, threads: 0 });
  open.push(adapter);
  expect(await textOf(adapter)).toBe(text);
});
