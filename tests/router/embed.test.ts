import { expect, test } from 'vitest';
import { defineAdapter } from '../../src/core/adapter.ts';
import { priceTable } from '../../src/config/prices.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { fault } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter } from '../_kit/fake-router.ts';

const two = { model: 'nomic', input: ['a', 'b'] };

test('there is one vector per input, in order, beside the route', async () => {
  const { router } = fakeRouter({ a: 'vectors' });
  const { data, route } = await router.embed(two);
  expect(data.map(({ index, embedding }) => [index, embedding])).toEqual([
    [0, [0, 0]],
    [1, [1, 1]],
  ]);
  expect(route).toMatchObject({ provider: 'a', model: 'nomic' });
});

test('failover stays with the model that was named', async () => {
  const { router } = fakeRouter({ a: fault('driver'), b: 'vectors' });
  expect((await router.embed(two)).route).toMatchObject({ provider: 'b', model: 'nomic' });
});

test('without a name, a provider whose own model is another one is not asked', async () => {
  const { router, fakes } = fakeRouter({
    a: { does: fault('driver'), embeddingModel: 'nomic' },
    b: { does: 'never asked', embeddingModel: 'other' },
    c: { does: 'vectors', embeddingModel: 'nomic:latest' },
  });
  expect((await router.embed({ input: 'x' })).route.provider).toBe('c');
  expect(fakes.b.calls).toHaveLength(0);
});

test('a call that only another vector space could answer fails, and says so', async () => {
  const { router, fakes } = fakeRouter({
    a: { does: fault('driver'), embeddingModel: 'nomic' },
    b: { does: 'never', embeddingModel: 'other' },
  });
  const error = await failureOf(router.embed({ input: 'x' }));
  expect(error).toMatchObject({ code: 'all_failed', skipped: [{ provider: 'b', code: 'embedding_space' }] });
  expect(fakes.b.calls).toHaveLength(0);
});

test('a server that has lost its model for the moment keeps the others out of its place', async () => {
  const { router, fakes } = fakeRouter({
    a: { does: fault('model_not_found'), embeddingModel: 'nomic' },
    b: { does: 'never', embeddingModel: 'other' },
  });
  await failureOf(router.embed({ input: 'x' }));
  expect(await failureOf(router.embed({ input: 'x' }))).toMatchObject({
    skipped: [
      { provider: 'a', code: 'model_not_found' },
      { provider: 'b', code: 'embedding_space' },
    ],
  });
  expect(fakes.b.calls).toHaveLength(0);
});

const long = { input: 'word '.repeat(4_000) };

test('a text that is too long for the first in order has no place in the space of another one', async () => {
  const { router, fakes } = fakeRouter({
    a: { does: '1', embeddingModel: 'nomic', contextLength: 512 },
    b: { does: '1', embeddingModel: 'minilm' },
    c: { does: '1', embeddingModel: 'nomic', contextLength: 100_000 },
  });
  expect((await router.embed({ input: 'x' })).route.provider).toBe('a');
  const { route } = await router.embed(long);
  expect(route.provider).toBe('c');
  expect(route.skipped).toMatchObject([
    { provider: 'a', code: 'context_length' },
    { provider: 'b', code: 'embedding_space' },
  ]);
  expect(fakes.b.calls).toHaveLength(0);
});

test('nor has one that costs too much there', async () => {
  const prices = priceTable({ date: '2026-11-21', models: { large: { inputPerMillionUsd: 1, outputPerMillionUsd: 0 } } });
  const { router, fakes } = fakeRouter(
    { paid: { does: '1', embeddingModel: 'large', cost: 'paid' }, free: { does: '1', embeddingModel: 'minilm' } },
    { prices, maxCostUsd: 0.001, intents: { fast: { order: ['paid'] } } },
  );
  expect((await router.embed({ input: 'x' })).route.provider).toBe('paid');
  expect(await failureOf(router.embed(long))).toMatchObject({ code: 'no_provider', skipped: [{ provider: 'paid' }, { provider: 'free' }] });
  expect(fakes.free.calls).toHaveLength(0);
});

test('one alias is one vector space, whatever the providers call the model', async () => {
  const { router, fakes } = fakeRouter({ a: fault('driver'), b: 'vectors' }, { models: { text: { a: 'nomic-embed', b: 'nomic/v1.5' } } });
  expect((await router.embed({ model: 'text', input: 'x' })).route).toMatchObject({ provider: 'b', model: 'nomic/v1.5' });
  expect(fakes.a.calls[0]?.model).toBe('nomic-embed');
});

test('an embedding model is never substituted', async () => {
  const { router, fakes } = fakeRouter(
    { a: fault('model_not_found'), b: { does: 'never asked', embeddingModel: 'other' } },
    { models: { text: { a: 'nomic' } }, onModelMissing: 'substitute' },
  );
  await failureOf(router.embed({ model: 'text', input: 'x' }));
  expect(fakes.b.calls).toHaveLength(0);
});

test.each(['1', '3', '0'])('%s vectors for two inputs are no answer, and the next provider is asked', async (count) => {
  const { router } = fakeRouter({ a: count, b: 'vectors' });
  expect((await router.embed(two)).route.attempts).toMatchObject([{ provider: 'a', error: { code: 'bad_response' } }, { provider: 'b' }]);
});

test('a provider that cannot embed, or cannot shorten its vectors, is no candidate', async () => {
  const { router } = fakeRouter({ long: 'vectors', short: { does: 'vectors', fake: { capabilities: { dimensions: true } } } });
  expect((await router.embed({ ...two, dimensions: 2 })).route.provider).toBe('short');
  const chatOnly = defineAdapter({ name: 'chat', chat: () => Promise.reject(new Error('not asked')) });
  const other = createRouter({ providers: { chat: { type: 'custom', adapter: chatOnly } } });
  expect(await failureOf(other.embed(two))).toMatchObject({ code: 'no_provider', skipped: [{ provider: 'chat', code: 'unsupported' }] });
});

test.each([{ input: 3 }, { input: [1] }, {}, { model: '', input: 'x' }])('%j is refused before anything is sent', async (request) => {
  const { router, fakes } = fakeRouter({ a: 'never asked' });
  expect(await failureOf(router.embed(request as never))).toMatchObject({ code: 'invalid_request' });
  expect(fakes.a.calls).toHaveLength(0);
});
