import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { importNodeLlamaCpp, type ContextQuestion, type LlamaLibrary, type LoadLibrary } from '../../src/adapters/cpu-library.ts';
import type { AdapterContext } from '../../src/adapters/context.ts';
import type { Adapter } from '../../src/core/adapter.ts';
import { bert, chain } from '../tiny-model/models.ts';
import { chatCall, cpuOf, embedCall, modelFolder, textOf, watchedLibrary } from './cpu-kit.ts';

const text = 'Hello from a tiny model.';
const folder = modelFolder();
const modelPath = folder.write('chain.gguf', chain());
const embeddingModelPath = folder.write('bert.gguf', bert());
const open: Adapter[] = [];

function adapterOf(options: Partial<AdapterContext>, load: LoadLibrary, free: (() => number | undefined) | undefined): Adapter {
  const adapter = cpuOf(options, load, free && (async () => free()));
  open.push(adapter);
  return adapter;
}

const notAsked = (): Promise<never> => Promise.reject(new Error('not to be asked'));

// A refused model must not keep the library from being freed.
afterEach(async () => {
  for (const adapter of open.splice(0)) await adapter.close?.();
});

afterAll(() => folder.remove());

/** Bytes, as the library reckons them: of the model alone, and of it and a context. */
async function needs(path: string, context: ContextQuestion): Promise<{ model: number; all: number }> {
  const library = await importNodeLlamaCpp();
  const llama = await library.getLlama({ gpu: false, build: 'never', progressLogs: false, logger: () => undefined });
  const { signal } = new AbortController();
  const info = await library.readGgufFileInfo(path, { sourceType: 'filesystem', logWarnings: false, signal });
  const insights = await library.GgufInsights.from(info as never, llama as never);
  const model = await insights.estimateModelResourceRequirementsV2({ gpuLayers: 0 });
  const its = await insights.estimateContextResourceRequirementsV2({ ...context, modelGpuLayers: 0, sequences: 1 });
  await llama.dispose();
  return { model: model.cpuRam, all: model.cpuRam + its.cpuRam };
}

describe('a model for chats', () => {
  test('that fits into the memory that is really free is loaded', async () => {
    const library = watchedLibrary();
    expect(await textOf(adapterOf({ modelPath }, library.load, undefined))).toBe(text);
    expect(library.counts.models).toBe(1);
  });

  test('that does not fit is refused before anything of it is loaded, with what helps', async () => {
    const library = watchedLibrary();
    const adapter = adapterOf({ modelPath }, library.load, () => 1e6);
    await expect(adapter.chat(chatCall())).rejects.toMatchObject({
      code: 'out_of_memory',
      provider: 'local',
      model: 'chain',
      message:
        'Provider "local": the model "chain" needs about 5 MB of memory, and 1 MB are free; a smaller contextSize or a smaller quantisation of it helps.',
    });
    expect(library.counts.models).toBe(0);
    expect(library.contexts).toEqual([]);
  });

  test('is refused by a byte too few, and asked again by the next call', async () => {
    const { all } = await needs(modelPath, { contextSize: 512 });
    let free = all - 1;
    const library = watchedLibrary();
    const adapter = adapterOf({ modelPath, contextSize: 512 }, library.load, () => free);
    await expect(adapter.chat(chatCall())).rejects.toMatchObject({ code: 'out_of_memory' });
    free = all;
    expect(await textOf(adapter)).toBe(text);
    expect(library.counts.models).toBe(1);
  });

  test('that is loaded is not checked again', async () => {
    let free = 1e9;
    let asked = 0;
    const adapter = adapterOf({ modelPath }, watchedLibrary().load, () => (asked++, free));
    await textOf(adapter);
    free = 0;
    expect(await textOf(adapter)).toBe(text);
    expect(asked).toBe(1);
  });

  test('is checked with no larger a context than it was trained for', async () => {
    const path = folder.write('short.gguf', chain({ ctx: 512 }));
    const { all } = await needs(path, { contextSize: 512 });
    expect(await textOf(adapterOf({ modelPath: path, contextSize: 1_000_000 }, watchedLibrary().load, () => all))).toBe(text);
  });

  test('without a contextSize gets the context that there is room for', async () => {
    const path = folder.write('long.gguf', chain({ ctx: 4_096 }));
    const { all } = await needs(path, { contextSize: 2_048 });
    const adapter = adapterOf({ modelPath: path, contextSize: undefined }, watchedLibrary().load, () => all);
    const messages = [{ role: 'user' as const, content: 'word '.repeat(4_500) }];
    const failure = await adapter.chat(chatCall({ messages })).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'context_length' });
    const window = Number(/window (\d+)/.exec((failure as Error).message)?.[1]);
    expect(window).toBeGreaterThanOrEqual(1_500);
    expect(window).toBeLessThan(3_500);
  });

  test('without a contextSize needs room for a short context, and no advice about it', async () => {
    const { all } = await needs(modelPath, { contextSize: 512 });
    const adapter = adapterOf({ modelPath, contextSize: undefined }, watchedLibrary().load, () => all - 1);
    await expect(adapter.chat(chatCall())).rejects.toMatchObject({
      code: 'out_of_memory',
      message: expect.stringMatching(/free; a smaller quantisation of it helps\.$/) as string,
    });
  });

  test('is loaded as it comes where the free memory is not known', async () => {
    const load: LoadLibrary = async () => {
      const library = await watchedLibrary().load();
      const getLlama: LlamaLibrary['getLlama'] = async (options) =>
        Object.assign(await library.getLlama(options), { setRamCap: notAsked, getLlamaMemoryUsage: notAsked });
      return { ...library, getLlama, readGgufFileInfo: notAsked };
    };
    expect(await textOf(adapterOf({ modelPath }, load, () => undefined))).toBe(text);
  });

  test('of the usual size is told in gigabytes', async () => {
    const insights = {
      trainContextSize: 8_192,
      estimateModelResourceRequirementsV2: async () => ({ cpuRam: 4.92e9 }),
      estimateContextResourceRequirementsV2: async ({ contextSize }: ContextQuestion) => ({ cpuRam: contextSize * 131_072 }),
    };
    const load: LoadLibrary = async () => ({ ...(await watchedLibrary().load()), GgufInsights: { from: async () => insights } });
    await expect(adapterOf({ modelPath, contextSize: 8_192 }, load, () => 3.14e9).chat(chatCall())).rejects.toMatchObject({
      message: expect.stringContaining('needs about 6.0 GB of memory, and 3.1 GB are free') as string,
    });
  });
});

describe('a model for embeddings', () => {
  const context = { contextSize: 512, batchSize: 512, isEmbeddingContext: true };

  test('is checked with the context that it is given', async () => {
    const { all } = await needs(embeddingModelPath, context);
    let free = all - 1;
    const library = watchedLibrary();
    const adapter = adapterOf({ embeddingModelPath, contextSize: undefined }, library.load, () => free);
    await expect(adapter.embed?.(embedCall('a'))).rejects.toMatchObject({ code: 'out_of_memory', model: 'bert' });
    expect(library.counts.models).toBe(0);
    free = all;
    expect((await adapter.embed?.(embedCall('a')))?.data).toHaveLength(1);
  });

  test('is checked although the model for chats was admitted', async () => {
    let free = 1e9;
    const library = watchedLibrary();
    const adapter = adapterOf({ modelPath, embeddingModelPath }, library.load, () => free);
    await textOf(adapter);
    free = 1e6;
    await expect(adapter.embed?.(embedCall('a'))).rejects.toMatchObject({ code: 'out_of_memory', model: 'bert' });
    expect(await textOf(adapter)).toBe(text);
    expect(library.counts.models).toBe(1);
  });
});
