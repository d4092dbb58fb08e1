import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCpu } from '../../src/adapters/cpu.ts';
import { importNodeLlamaCpp } from '../../src/adapters/cpu-library.ts';
import { importTransformers, type LoadTransformers, type TransformersLibrary } from '../../src/adapters/cpu-sentences.ts';
import type { AdapterContext } from '../../src/adapters/context.ts';
import type { Adapter } from '../../src/core/adapter.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { noOptions } from '../_kit/adapter-context.ts';
import { writeSentenceModel } from '../tiny-model/sentence-model.ts';
import { embedCall, never } from './cpu-kit.ts';

const folder = mkdtempSync(join(tmpdir(), 'inferlane-sentences-'));
const model = join(folder, 'all-MiniLM-L6-v2');
writeSentenceModel(model);
afterAll(() => rmSync(folder, { recursive: true }));

function cpuWith(options: Partial<AdapterContext>, load: LoadTransformers = importTransformers): Adapter {
  const context = { ...noOptions, provider: 'local', http: undefined as never, ...options };
  return createCpu(importNodeLlamaCpp, load)(context);
}

function dot(left: readonly number[] = [], right: readonly number[] = []): number {
  return left.reduce((sum, value, i) => sum + value * (right[i] ?? 0), 0);
}

describe('a sentence model in a folder', () => {
  let cpu: Adapter;
  beforeAll(() => {
    cpu = cpuWith({ embeddingModelPath: model });
  });
  afterAll(() => cpu.close?.());
  const vectors = async (...input: string[]): Promise<number[][]> =>
    (await cpu.embed?.(embedCall(input)))?.data.map(({ embedding }) => embedding) ?? [];

  test('embeds, in order, vectors of length 1, with token counts', async () => {
    const answer = await cpu.embed?.(embedCall(['hello world', 'red car']));
    expect(answer).toMatchObject({ model: 'all-MiniLM-L6-v2', usage: { prompt_tokens: 8, total_tokens: 8 } });
    for (const { embedding } of answer?.data ?? []) {
      expect(embedding).toHaveLength(64);
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 6);
    }
    const [alone] = await vectors('red car');
    expect(dot(answer?.data[1]?.embedding, alone)).toBeCloseTo(1, 5);
  });

  test('texts that share words are near', async () => {
    const [base, near, far] = await vectors('the red car on the road', 'a red car on a road', 'good night king');
    expect(dot(base, near)).toBeGreaterThan(dot(base, far));
  });

  test('refuses a text that is too long, where the library would cut it', async () => {
    await expect(cpu.embed?.(embedCall(['hello', 'hello '.repeat(600)]))).rejects.toMatchObject({
      code: 'context_length',
      message: 'Provider "local": an input has 602 tokens, the model takes 512.',
    });
  });

  test('refuses an empty text', async () => {
    await expect(cpu.embed?.(embedCall(''))).rejects.toMatchObject({ code: 'bad_request' });
  });

  test.each([undefined, 'all-MiniLM-L6-v2', model])('is called %s', async (name) => {
    expect((await cpu.embed?.(embedCall('hello', never, name)))?.data).toHaveLength(1);
  });

  test('is not called by another name', async () => {
    await expect(cpu.embed?.(embedCall('hello', never, 'other'))).rejects.toMatchObject({ code: 'model_not_found' });
  });

  test('is in the list of models, and the provider is well and does not chat', async () => {
    expect(await cpu.models?.(never)).toEqual([{ id: 'all-MiniLM-L6-v2' }]);
    expect(await cpu.health?.(never)).toEqual({ state: 'ok' });
    expect(cpu.chats).toBe(false);
  });

  test('an abort settles the call with its own reason', async () => {
    const controller = new AbortController();
    const reason = { why: 'enough' };
    const call = cpu.embed?.(embedCall(Array<string>(500).fill('hello world'), controller.signal));
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
  });
});

test('through the router, for a request that names no model', async () => {
  await using router = createRouter({ providers: { local: { type: 'cpu', embeddingModelPath: model } } });
  const { data, route } = await router.embed({ input: ['hello', 'world'] });
  expect(data).toHaveLength(2);
  expect(route.provider).toBe('local');
});

test('a folder without a model is missing, and its path stays out of the message', async () => {
  const empty = cpuWith({ embeddingModelPath: join(folder, 'nothing') });
  const failure = await empty.embed?.(embedCall('hello')).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'model_not_found' });
  expect(String(failure)).not.toContain(folder);
});

test('a failed load is tried again by the next call', async () => {
  const late = join(folder, 'late');
  writeSentenceModel(late);
  unlinkSync(join(late, 'config.json'));
  const cpu = cpuWith({ embeddingModelPath: late });
  await expect(cpu.embed?.(embedCall('hello'))).rejects.toMatchObject({ code: 'model_not_found' });
  writeSentenceModel(late);
  expect((await cpu.embed?.(embedCall('hello')))?.data).toHaveLength(1);
  await cpu.close?.();
});

function failingWith(reason: Error): LoadTransformers {
  return async () => ({ pipeline: () => Promise.reject(reason) });
}

describe('the library', () => {
  interface Asked {
    readonly model: string;
    readonly options: Parameters<TransformersLibrary['pipeline']>[2];
  }

  function watched(vector: readonly number[] = [3, 4]): { asked: Asked[]; disposed: () => number; load: LoadTransformers } {
    const asked: Asked[] = [];
    let disposed = 0;
    const extractor = Object.assign(async () => ({ data: vector }), {
      tokenizer: () => ({ input_ids: { dims: [1, 2] } }),
      model: { config: {} },
      dispose: async () => void disposed++,
    });
    return {
      asked,
      disposed: () => disposed,
      load: async () => ({ pipeline: async (_, name, options) => (asked.push({ model: name, options }), extractor) }),
    };
  }

  test('loads a name from its own hub, where the models of sentence-transformers have an owner', async () => {
    const library = watched();
    const cpu = cpuWith({ embeddingModel: 'all-MiniLM-L6-v2' }, library.load);
    const answer = await cpu.embed?.(embedCall('hello', never, 'all-MiniLM-L6-v2'));
    expect(answer?.model).toBe('all-MiniLM-L6-v2');
    expect(library.asked).toEqual([{ model: 'Xenova/all-MiniLM-L6-v2', options: { local_files_only: false, session_options: {} } }]);
  });

  test('takes a name with an owner as it is, and the number of threads', async () => {
    const library = watched();
    await cpuWith({ embeddingModel: 'me/mine', threads: 2 }, library.load).embed?.(embedCall('hello'));
    expect(library.asked).toEqual([{ model: 'me/mine', options: { local_files_only: false, session_options: { intraOpNumThreads: 2 } } }]);
  });

  test('never goes to the network for a folder', async () => {
    const library = watched();
    await cpuWith({ embeddingModelPath: '/models/mine/' }, library.load).embed?.(embedCall('hello', never, 'mine'));
    expect(library.asked[0]?.options.local_files_only).toBe(true);
  });

  test('loads once for all callers, and is freed at the end', async () => {
    const library = watched();
    const cpu = cpuWith({ embeddingModel: 'm' }, library.load);
    expect(await cpu.load?.(never)).toMatchObject({ resident: [] });
    await Promise.all([cpu.embed?.(embedCall('a')), cpu.embed?.(embedCall('b'))]);
    expect(await cpu.load?.(never)).toMatchObject({ resident: [{ id: 'm' }] });
    await cpu.close?.();
    await cpu.close?.();
    expect([library.asked.length, library.disposed()]).toEqual([1, 1]);
  });

  test('vectors of length 1 are made of others, and broken ones refused', async () => {
    const cpu = cpuWith({ embeddingModel: 'm' }, watched([3, 4]).load);
    expect((await cpu.embed?.(embedCall('a')))?.data[0]?.embedding).toEqual([0.6, 0.8]);
    const broken = cpuWith({ embeddingModel: 'm' }, watched([NaN, 1]).load);
    await expect(broken.embed?.(embedCall('a'))).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('that is missing makes the provider unable, with the command that helps', async () => {
    const cpu = cpuWith({ embeddingModel: 'm' }, () => Promise.reject(new Error('Cannot find package')));
    const expected = { code: 'unsupported', message: expect.stringContaining('npm install @huggingface/transformers') as string };
    await expect(cpu.embed?.(embedCall('a'))).rejects.toMatchObject(expected);
    await expect(cpu.health?.(never)).rejects.toMatchObject(expected);
  });

  test('a hub that cannot be reached is no missing model', async () => {
    const load = failingWith(new TypeError('fetch failed'));
    await expect(cpuWith({ embeddingModel: 'm' }, load).embed?.(embedCall('a'))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a hub that does not have the model says so', async () => {
    const load = failingWith(new Error('Could not locate file: "https://hub/secret/resolve/main/config.json".'));
    const failure = await cpuWith({ embeddingModel: 'm' }, load)
      .embed?.(embedCall('a'))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'model_not_found' });
    expect(String(failure)).not.toContain('secret');
  });
});
