import { NoSuchModelError } from '@ai-sdk/provider';
import { createProviderRegistry, customProvider, embed, embedMany, generateText } from 'ai';
import { createRouter } from 'inferlane';
import * as published from 'inferlane/ai-sdk';
import { createInferlane } from 'inferlane/ai-sdk';
import { fakeBackend, outOfMemory, reply } from 'inferlane/testing';
import { expect, test } from 'vitest';
import { exportedNames } from '../_kit/exported-names.ts';
import { failureOf } from '../_kit/fake-router.ts';
import { question, scripted } from './scripted.ts';

const values = ['aiSdkAdapter', 'createInferlane'];
const types = ['AiSdkAdapterOptions', 'InferlaneDefaults', 'InferlaneEmbedOptions', 'InferlaneOptions', 'InferlaneProvider'];

test('these names are exported, and no others', { timeout: 60_000 }, () => {
  expect(Object.keys(published).toSorted()).toEqual(values);
  expect(
    exportedNames('ai-sdk/index.ts')
      .filter((name) => !values.includes(name))
      .toSorted(),
  ).toEqual(types);
});

test('it is a provider for registries and for custom providers', async () => {
  const { router, requests } = scripted();
  const inferlane = createInferlane(router);
  const registry = createProviderRegistry({ inferlane });
  await generateText({ model: registry.languageModel('inferlane:llama3.1'), prompt: 'Well?' });
  const own = customProvider({ languageModels: { quick: inferlane('small') }, fallbackProvider: inferlane });
  await generateText({ model: own.languageModel('quick'), prompt: 'Well?' });
  await generateText({ model: own.languageModel('another'), prompt: 'Well?' });
  await registry.embeddingModel('inferlane:nomic').doEmbed({ values: ['a'] });
  expect(requests.map(({ model }) => model)).toEqual(['llama3.1', 'small', 'another']);
});

test('without an id each provider uses its own model', async () => {
  const { router, requests } = scripted();
  const model = createInferlane(router)();
  await model.doGenerate(question());
  expect(requests[0]).not.toHaveProperty('model');
  expect([model.modelId, model.provider]).toEqual(['default', 'inferlane']);
});

test('it makes no images, and says so in the words of the AI SDK', () => {
  const { imageModel } = createInferlane(scripted().router);
  expect(() => imageModel('dall-e')).toThrow(expect.toSatisfy((error) => NoSuchModelError.isInstance(error)) as Error);
});

test('embed and embedMany, in parts, with all counts', async () => {
  const { router, embeds } = scripted();
  const model = createInferlane(router, { maxEmbeddingsPerCall: 2, user: 'u-1', onStreamFailure: 'continue' }).embeddingModel();
  const options = { maxRetries: 0, providerOptions: { inferlane: { extra: { scripted: { truncate: true } } } } };
  const { embeddings, usage } = await embedMany({ model, values: ['a', 'bb', 'ccc', 'dddd', 'eeeee'], ...options });
  expect(embeddings.map(([length]) => length)).toEqual([1, 2, 3, 4, 5]);
  expect(usage.tokens).toBe(5);
  expect(embeds.map(({ input }) => input)).toEqual([['a', 'bb'], ['ccc', 'dddd'], ['eeeee']]);
  expect(embeds[0]).toEqual({ input: ['a', 'bb'], user: 'u-1', extra: { scripted: { truncate: true } } });
  expect((await embed({ model, value: 'a', dimensions: 2 })).providerMetadata?.['inferlane']).toMatchObject({
    route: { provider: 'only' },
  });
  expect(embeds.at(-1)?.dimensions).toBe(2);
});

test('an embedding moves on to the next server, in the same vector space', async () => {
  await using first = await fakeBackend('ollama', outOfMemory()).listen();
  await using second = await fakeBackend('ollama', reply('', { vectors: [[1, 2]] })).listen();
  const like = { type: 'ollama' as const, embeddingModel: 'nomic-embed-text' };
  await using router = createRouter({
    health: false,
    providers: { first: { ...like, url: first.url }, second: { ...like, url: second.url } },
  });
  const { embedding } = await embed({ model: createInferlane(router).embeddingModel(), value: 'a' });
  expect(embedding).toEqual([1, 2]);
  expect([first.calls.length, second.calls.length]).toEqual([1, 1]);
});

test('options of chats are none of embeddings', async () => {
  const model = createInferlane(scripted().router).embeddingModel('m');
  const asked = model.doEmbed({ values: ['a'], providerOptions: { inferlane: { parallelToolCalls: true } } });
  expect(await failureOf(Promise.resolve(asked))).toMatchObject({ argument: 'providerOptions.inferlane' });
});
