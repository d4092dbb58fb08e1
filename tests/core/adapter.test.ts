import { expect, test } from 'vitest';
import { type AdapterDefinition, type Call, defineAdapter } from '../../src/core/adapter.ts';
import { noCapabilities } from '../../src/core/capabilities.ts';
import type { ChatAnswer, ChatChunk, ChatRequest } from '../../src/core/types.ts';

const answer: ChatAnswer = {
  id: 'a',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
};
const call: Call<ChatRequest> = {
  request: { messages: [{ role: 'user', content: 'Hello' }] },
  model: 'm',
  signal: new AbortController().signal,
  requestId: 'r',
};
const chat: AdapterDefinition['chat'] & object = () => Promise.resolve(answer);
const stream: AdapterDefinition['stream'] & object = () => Promise.reject(new Error('not called'));
const health = (): Promise<{ state: 'ok' }> => Promise.resolve({ state: 'ok' });
const piece = (content: string, finish_reason: 'stop' | null): ChatChunk => ({
  id: 'a',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta: { content }, finish_reason }],
});

test('an adapter without stream gives its answer as one batch', async () => {
  const batches: (readonly ChatChunk[])[] = [];
  for await (const batch of await defineAdapter({ name: 'mine', chat }).stream(call)) batches.push(batch);
  expect(batches).toHaveLength(1);
  expect(batches[0]?.map(({ choices }) => choices[0]?.delta.content)).toEqual(['Hi', undefined]);
});

test('its stream opens only when the backend has answered: a failure rejects the call, not the first read', async () => {
  const broken = new Error('refused');
  const adapter = defineAdapter({ name: 'mine', chat: () => Promise.reject(broken) });
  await expect(adapter.stream(call)).rejects.toBe(broken);
});

test('an adapter without chat collects its stream', async () => {
  const { chat: derived } = defineAdapter({
    name: 'mine',
    stream: () =>
      Promise.resolve(
        (async function* () {
          yield [piece('H', null)];
          yield [piece('i', 'stop')];
        })(),
      ),
  });
  expect(await derived(call)).toEqual(answer);
});

test('what is derived sees the same call', async () => {
  const seen: unknown[] = [];
  const adapter = defineAdapter({
    name: 'mine',
    chat: (given) => {
      seen.push(given);
      return Promise.resolve(answer);
    },
  });
  await adapter.stream(call);
  expect(seen).toEqual([call]);
  expect(seen[0]).toBe(call);
});

test('neither chat nor stream is replaced where both are written', () => {
  const adapter = defineAdapter({ name: 'mine', chat, stream });
  expect([adapter.chat, adapter.stream]).toEqual([chat, stream]);
});

test('features that are not declared are not there, and a model has to be named', () => {
  const adapter = defineAdapter({ name: 'mine', chat, capabilities: { tools: true } });
  expect(adapter.capabilities).toEqual({ ...noCapabilities, tools: true });
  expect(adapter.modelName).toBe('required');
});

test('verbs are declared by being there', () => {
  const adapter = defineAdapter({ name: 'mine', chat, health });
  expect([adapter.health, 'embed' in adapter]).toEqual([health, false]);
});

test('nothing about an adapter changes once it is defined', () => {
  const adapter = defineAdapter({ name: 'mine', chat });
  expect([Object.isFrozen(adapter), Object.isFrozen(adapter.capabilities)]).toEqual([true, true]);
});

test('the definition itself stays as it was written', () => {
  const definition: AdapterDefinition = { name: 'mine', chat, capabilities: { tools: true } };
  defineAdapter(definition);
  expect(definition).toEqual({ name: 'mine', chat, capabilities: { tools: true } });
});
