import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic, { APIUserAbortError as AnthropicAbort, RateLimitError as AnthropicRateLimit } from '@anthropic-ai/sdk';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, streamText } from 'ai';
import { Ollama } from 'ollama';
import OpenAI, { APIUserAbortError, BadRequestError, InternalServerError, NotFoundError, RateLimitError } from 'openai';
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { type ChatAnswer, createRouter, defineAdapter, type Router, type RouterError } from '../../src/index.ts';
import { fault, refused } from '../_kit/fake-adapter.ts';
import { type FakeProvider, fakeRouter } from '../_kit/fake-router.ts';

// The official clients over `router.fetch`, each with the one line that their users write. No server, and no network.

const messages = [{ role: 'user' as const, content: 'Hello!' }];
const openai = ({ fetch }: Router, more = {}): OpenAI => new OpenAI({ apiKey: 'unused', fetch, ...more });
const anthropic = ({ fetch }: Router): Anthropic => new Anthropic({ apiKey: 'unused', fetch });
const ollama = ({ fetch }: Router): Ollama => new Ollama({ fetch });
const ask = { model: 'm', messages };

/** The first provider cannot be reached, the second one answers. */
const failing = (does: FakeProvider = 'from the cpu') => fakeRouter({ gpu: refused(), cpu: does });

let network: MockInstance<typeof fetch>;
beforeEach(() => void (network = vi.spyOn(globalThis, 'fetch')));
afterEach(() => expect(network).not.toHaveBeenCalled());

describe('one provider fails, and the client sees an answer', () => {
  test('openai', async () => {
    const { router } = failing();
    const answer = await openai(router).chat.completions.create(ask);
    expect(answer.choices[0]?.message.content).toBe('from the cpu');
  });

  test('openai, streamed', async () => {
    let text = '';
    for await (const { choices } of await openai(failing().router).chat.completions.create({ ...ask, stream: true })) {
      text += choices[0]?.delta.content ?? '';
    }
    expect(text).toBe('from the cpu');
  });

  test('openai, embeddings and models', async () => {
    const { router } = fakeRouter({ gpu: { does: 'x', embeddingModel: 'e', fake: { models: async () => [{ id: 'e' }] } } });
    const client = openai(router, { baseURL: 'https://somewhere.example/base' });
    const { data } = await client.embeddings.create({ model: 'e', input: ['a', 'b'] });
    expect(data.map(({ embedding }) => embedding)).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['e']);
  });

  test('anthropic, whole and streamed', async () => {
    const client = anthropic(failing().router);
    const asked = { model: 'm', max_tokens: 64, messages };
    const { content } = await client.messages.create(asked);
    expect(content).toMatchObject([{ type: 'text', text: 'from the cpu' }]);
    expect(await client.messages.stream(asked).finalText()).toBe('from the cpu');
  });

  test('ollama, whole and streamed', async () => {
    const client = ollama(failing().router);
    expect((await client.chat(ask)).message.content).toBe('from the cpu');
    let text = '';
    for await (const { message } of await client.chat({ ...ask, stream: true })) text += message.content;
    expect(text).toBe('from the cpu');
  });

  test('LangChain', async () => {
    const { fetch } = failing().router;
    const model = new ChatOpenAI({ model: 'm', apiKey: 'unused', configuration: { fetch } });
    expect((await model.invoke('Hello!')).content).toBe('from the cpu');
  });

  test('the AI SDK, whole and streamed', async () => {
    const { fetch } = failing().router;
    const model = createOpenAICompatible({ name: 'inferlane', baseURL: 'http://inferlane/v1', fetch })('m');
    expect((await generateText({ model, prompt: 'Hello!' })).text).toBe('from the cpu');
    expect(await streamText({ model, prompt: 'Hello!' }).text).toBe('from the cpu');
  });
});

test('tools go there and back', async () => {
  const call = { id: 'call_1', type: 'function' as const, function: { name: 'get_weather', arguments: '{"city":"Vienna"}' } };
  const head = { id: 'c', created: 1, model: 'm' };
  const adapter = defineAdapter({
    name: 'caller',
    modelName: 'optional',
    capabilities: { tools: true },
    chat: async ({ request }): Promise<ChatAnswer> => {
      const told = request.messages.at(-1);
      const message = told?.role === 'tool' ? { content: `It is ${String(told.content)}.` } : { content: null, tool_calls: [call] };
      const finish = told?.role === 'tool' ? ('stop' as const) : ('tool_calls' as const);
      return {
        ...head,
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }],
      };
    },
  });
  await using router = createRouter({ providers: { caller: { type: 'custom', adapter } } });
  const runner = openai(router).chat.completions.runTools({
    ...ask,
    tools: [
      {
        type: 'function',
        function: { name: 'get_weather', parameters: {}, description: 'How it is.', parse: JSON.parse, function: () => 'sunny' },
      },
    ],
  });
  expect(await runner.finalContent()).toBe('It is sunny.');
});

describe('a failure is an error of the client’s own, after one round of attempts', () => {
  const kinds: readonly [RouterError, new (...of: never[]) => Error][] = [
    [fault('rate_limited', { retryAfterMs: 60_000 }), RateLimitError],
    [fault('model_not_found'), NotFoundError],
    [fault('bad_request'), BadRequestError],
    [fault('bad_response'), InternalServerError],
  ];

  test.each(kinds)('openai: $code', async (error, kind) => {
    const { router, fakes, clock } = fakeRouter({ gpu: error }, { maxAttempts: 1 });
    await expect(clock.run(openai(router, { maxRetries: 5 }).chat.completions.create(ask))).rejects.toBeInstanceOf(kind);
    expect(fakes.gpu.calls).toHaveLength(1);
  });

  test('anthropic', async () => {
    const { router, fakes, clock } = fakeRouter({ gpu: kinds[0]![0] }, { maxAttempts: 1 });
    const asked = anthropic(router).messages.create({ model: 'm', max_tokens: 64, messages });
    await expect(clock.run(asked)).rejects.toBeInstanceOf(AnthropicRateLimit);
    expect(fakes.gpu.calls).toHaveLength(1);
  });

  test('a path that is not served', async () => {
    const { router } = fakeRouter({ gpu: 'yes' });
    await expect(openai(router).responses.create({ model: 'm', input: 'Hello!' })).rejects.toBeInstanceOf(NotFoundError);
    await expect(anthropic(router).messages.batches.list()).rejects.toThrow('nothing is sent anywhere');
    await expect(ollama(router).ps()).rejects.toThrow('nothing is sent anywhere');
  });
});

describe('an abort of the client reaches the provider', () => {
  test('openai', async () => {
    const { router, fakes } = fakeRouter({ gpu: { hang: true } });
    const controller = new AbortController();
    const asked = openai(router).chat.completions.create(ask, { signal: controller.signal });
    await vi.waitFor(() => expect(fakes.gpu.calls).toHaveLength(1));
    controller.abort();
    await expect(asked).rejects.toBeInstanceOf(APIUserAbortError);
    expect(fakes.gpu.calls[0]?.signal.aborted).toBe(true);
  });

  test('openai, in the middle of a stream', async () => {
    const { router, fakes } = fakeRouter({ gpu: { pieces: ['one', 'hang'] } });
    const stream = await openai(router).chat.completions.create({ ...ask, stream: true });
    for await (const _chunk of stream) stream.controller.abort();
    await vi.waitFor(() => expect(fakes.gpu.openStreams()).toBe(0));
  });

  test('anthropic', async () => {
    const { router, fakes } = fakeRouter({ gpu: { hang: true } });
    const stream = anthropic(router).messages.stream({ model: 'm', max_tokens: 64, messages });
    const ended = stream.finalText();
    await vi.waitFor(() => expect(fakes.gpu.calls).toHaveLength(1));
    stream.abort();
    await expect(ended).rejects.toBeInstanceOf(AnthropicAbort);
    await vi.waitFor(() => expect(fakes.gpu.calls[0]?.signal.aborted).toBe(true));
  });

  test('ollama', async () => {
    const { router, fakes } = fakeRouter({ gpu: { pieces: ['one', 'hang'] } });
    const stream = await ollama(router).chat({ ...ask, stream: true });
    await expect(
      (async () => {
        for await (const _piece of stream) stream.abort();
      })(),
    ).rejects.toMatchObject({ name: 'AbortError' });
    await vi.waitFor(() => expect(fakes.gpu.openStreams()).toBe(0));
  });
});
