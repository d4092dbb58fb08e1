import { expect, test } from 'vitest';
import { stub } from '../../src/adapters/stub.ts';
import type { Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatChunk, ChatRequest } from '../../src/core/types.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { noOptions } from '../_kit/adapter-context.ts';

/** The stub has no network: any use of it fails the test. */
const http = new Proxy({} as HttpClient, {
  get() {
    throw new Error('the stub used the network');
  },
});

const adapterWith = (reply?: string) => stub({ ...noOptions, provider: 'last', http, reply });

const call: Call<ChatRequest> = {
  request: { messages: [{ role: 'user', content: 'my secret' }] },
  model: undefined,
  signal: new AbortController().signal,
  requestId: 'r1',
};

async function read(reply?: string, signal = call.signal): Promise<(readonly ChatChunk[])[]> {
  const batches: (readonly ChatChunk[])[] = [];
  for await (const batch of await adapterWith(reply).stream({ ...call, signal })) batches.push(batch);
  return batches;
}

test('answers with the configured text, marked as degraded and without usage', async () => {
  expect(await adapterWith('Come back later.').chat(call)).toEqual({
    id: 'chatcmpl-r1',
    object: 'chat.completion',
    created: 0,
    model: 'stub',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Come back later.' }, finish_reason: 'stop' }],
    degraded: true,
  });
});

test('says by itself that no model answered, and repeats nothing of the question', async () => {
  const content = (await adapterWith().chat(call)).choices[0]?.message.content;
  expect(content).toContain('No language model answered');
  expect(content).not.toContain('my secret');
});

test.each(['Come back later.', ' two  words\n', 'one', '', '  ', '日本 👩‍🚀'])('streams %j to the same answer', async (reply) => {
  const answer = await collectChunks(await adapterWith(reply).stream(call));
  expect(answer).toEqual(await adapterWith(reply).chat(call));
});

test('streams word by word, every chunk marked as degraded', async () => {
  const batches = await read('Come back later.');
  expect(batches.flat().map(({ choices }) => choices[0]?.delta.content)).toEqual(['Come ', 'back ', 'later.', undefined]);
  expect(batches.length).toBe(4);
  expect(batches.flat().every(({ degraded }) => degraded)).toBe(true);
});

test('stops with the reason of the caller, before and within a stream', async () => {
  const reason = new Error('enough');
  const controller = new AbortController();
  const batches = (await adapterWith('a b c').stream({ ...call, signal: controller.signal }))[Symbol.asyncIterator]();
  await batches.next();
  controller.abort(reason);
  await expect(batches.next()).rejects.toBe(reason);
  await expect(read('a', controller.signal)).rejects.toBe(reason);
  await expect(adapterWith('a').chat({ ...call, signal: controller.signal })).rejects.toBe(reason);
});

test('is always healthy, and has neither models nor embeddings', async () => {
  const adapter = adapterWith();
  expect(await adapter.health?.(call.signal)).toEqual({ state: 'ok' });
  expect([adapter.models, adapter.embed, adapter.load]).toEqual([undefined, undefined, undefined]);
});

test('promises no form of an answer that a fixed sentence cannot have', () => {
  const { jsonObject, jsonSchema, toolChoice, choices, logprobs, tools } = adapterWith().capabilities;
  expect({ jsonObject, jsonSchema, toolChoice, choices, logprobs, tools }).toEqual({
    jsonObject: false,
    jsonSchema: false,
    toolChoice: false,
    choices: false,
    logprobs: false,
    tools: true,
  });
});

test('answers whatever model is named, and none', () => {
  expect(adapterWith().modelName).toBe('ignored');
});
