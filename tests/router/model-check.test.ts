import { expect, test } from 'vitest';
import type { ModelInfo } from '../../src/core/adapter.ts';
import type { Transport } from '../../src/lib/transport.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { type FakeProvider, fakeRouter } from '../_kit/fake-router.ts';

const serving = (defaultModel: string, ids: readonly string[], more: Partial<Exclude<FakeProvider, string>> = {}): FakeProvider =>
  ({
    does: 'Hi',
    defaultModel,
    fake: { models: async (): Promise<readonly ModelInfo[]> => ids.map((id) => ({ id })), modelName: 'required' },
    ...more,
  }) as FakeProvider;

async function warningsOf(provider: FakeProvider, options = {}): Promise<readonly { path: string; message: string }[]> {
  const { events, clock } = fakeRouter({ gpu: provider }, options);
  await clock.settle();
  return events.of('config:warning');
}

test('a default model that the provider does not list is told, with its place', async () => {
  expect(await warningsOf(serving('gone', ['other']))).toEqual([
    { path: 'providers.gpu.defaultModel', message: '"gone" is not in the list of models that gpu serves now; name another one' },
  ]);
});

/** A transport that gives every question the same answer. */
const answering = (value: object): Transport => ({
  async send() {
    const { status, body, headers } = Response.json(value);
    return { status, body, header: (name) => headers.get(name), text: async () => JSON.stringify(value) };
  },
});

test('a model that is known to be gone is told with what became of it', async () => {
  const model = 'claude-3-5-haiku-20241022';
  await using router = createRouter({
    providers: { claude: { type: 'anthropic', apiKey: 'k', defaultModel: model } },
    transport: answering({ data: [{ type: 'model', id: 'claude-haiku-4-5-20251001' }], has_more: false }),
  });
  const told = await new Promise<{ message: string }>((resolve) => void router.on('config:warning', resolve));
  expect(told.message).toBe(
    '"claude-3-5-haiku-20241022" is not in the list of models that claude serves now: it was retired on 2026-02-19; name another one',
  );
});

test('an embedding model is looked at as well', async () => {
  const warnings = await warningsOf(serving('there', ['there'], { embeddingModel: 'gone' } as never));
  expect(warnings.map(({ path }) => path)).toEqual(['providers.gpu.embeddingModel']);
});

test.each([
  ['the same name', 'm', 'm'],
  ['a tag that means none', 'm', 'm:latest'],
  ['another case, which speaks against no call', 'Llama3', 'llama3'],
  ['the date of a release', 'claude-haiku-4-5', 'claude-haiku-4-5-20251001'],
  ['the latest release', 'claude-3-7-sonnet-latest', 'claude-3-7-sonnet-20250219'],
  ['a policy behind the name', 'openai/gpt-oss-120b:fastest', 'openai/gpt-oss-120b'],
])('%s is the model: %s, listed as %s', async (_, model, listed) => {
  expect(await warningsOf(serving(model, [listed]))).toEqual([]);
});

test.each([
  ['a longer name', 'gpt-4', 'gpt-4-turbo'],
  ['another size', 'llama3:8b', 'llama3'],
])('%s is another model: %s, listed as %s', async (_, model, listed) => {
  expect(await warningsOf(serving(model, [listed]))).toHaveLength(1);
});

test('nothing is told of a server whose list is empty, or that does not answer', async () => {
  expect(await warningsOf(serving('m', []))).toEqual([]);
  const down = { models: () => Promise.reject(new Error('down')) };
  expect(await warningsOf({ does: 'Hi', defaultModel: 'm', fake: down })).toEqual([]);
});

test('nothing is asked where no default model is set, or where it is switched off', async () => {
  let asked = 0;
  const models = async (): Promise<readonly ModelInfo[]> => [{ id: `other${asked++}` }];
  await warningsOf({ does: 'Hi', fake: { models } });
  await warningsOf({ does: 'Hi', defaultModel: 'm', fake: { models, modelName: 'required' } }, { checkModels: false });
  await warningsOf({ does: 'Hi', defaultModel: 'm', fake: { models, modelName: 'ignored' } });
  expect(asked).toBe(0);
});

test('an encoder is not missed in a list that does not show everything', async () => {
  const list = serving('there', ['there'], { embeddingModel: 'encoder' } as never) as { fake: object };
  expect(await warningsOf({ ...list, fake: { ...list.fake, listsAllModels: false } } as FakeProvider)).toEqual([]);
});

test('a call does not wait for the check', async () => {
  const silent = { models: () => new Promise<never>(() => undefined) };
  const { router } = fakeRouter({ gpu: { does: 'Hi', defaultModel: 'm', fake: silent } });
  expect((await router.chat({ messages: [{ role: 'user', content: 'x' }] })).route.provider).toBe('gpu');
  await router.close({ drainMs: 1 });
});

test('a list that does not show everything speaks against no call', async () => {
  const { router } = fakeRouter({
    gpu: { does: 'Hi', fake: { models: async () => [{ id: 'claude-haiku-4-5-20251001' }], modelName: 'required', listsAllModels: false } },
  });
  await router.models();
  const { route } = await router.chat({ model: 'claude-haiku-4-5', messages: [{ role: 'user', content: 'x' }] });
  expect(route.model).toBe('claude-haiku-4-5');
});
