import { http as mock, HttpResponse } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openaiCompatible } from '../../src/adapters/openai-compatible.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatRequest, EmbedRequest } from '../../src/core/types.ts';
import { gather } from '../_kit/byte-stream.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { recording } from '../_kit/recordings.ts';

const url = 'http://box.test';
const server = setupServer();
beforeAll(() => server.listen({ onUnhandledFrame: 'error' }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const adapter: Adapter = openaiCompatible()(adapterContext(url));
const callOf = <Request>(request: Request, rest: Partial<Call<Request>> = {}): Call<Request> => ({
  request,
  model: 'tiny',
  signal: new AbortController().signal,
  requestId: 'r1',
  ...rest,
});
const hello: ChatRequest = { messages: [{ role: 'user', content: 'Hello!' }] };

/** Answers one path with a recording, or with JSON, and remembers what was asked. */
function answer(path: string, value: string | object): { readonly bodies: unknown[]; readonly headers: Headers[] } {
  const bodies: unknown[] = [];
  const headers: Headers[] = [];
  server.use(
    mock.all(url + path, async ({ request }) => {
      headers.push(request.headers);
      if (request.method === 'POST') bodies.push(await request.json());
      if (typeof value === 'object') return HttpResponse.json(value);
      const { status, body, headers: sent } = recording(value);
      return new HttpResponse(body, { status, headers: { 'content-type': sent['content-type'] ?? '' } });
    }),
  );
  return { bodies, headers };
}

describe('chat', () => {
  test('sends the request with model and key, and gives the very answer', async () => {
    const { bodies, headers } = answer('/v1/chat/completions', 'llama-server/chat');
    const { choices } = await adapter.chat(callOf({ ...hello, max_tokens: 5, max_completion_tokens: 6 }));
    expect(choices[0]?.message.content).toBe('Hello from a tiny model.');
    expect(bodies).toEqual([{ ...hello, model: 'tiny', max_tokens: 5, max_completion_tokens: 6, stream: false }]);
    expect(headers[0]?.get('authorization')).toBe('Bearer key-of-the-box');
  });

  test('sends no model where the server shall choose', async () => {
    const { bodies } = answer('/v1/chat/completions', 'llama-server/chat');
    await adapter.chat(callOf(hello, { model: undefined }));
    expect(bodies[0]).not.toHaveProperty('model');
  });

  test('sends the extra fields of its own type, and no others', async () => {
    const { bodies } = answer('/v1/chat/completions', 'llama-server/chat');
    const extra = { 'openai-compatible': { top_k: 3, stream: true }, vllm: { min_p: 1 } };
    await adapter.chat(callOf({ ...hello, extra }));
    expect(bodies).toEqual([{ ...hello, model: 'tiny', top_k: 3, stream: false }]);
  });

  test('an answer without choices is a bad response', async () => {
    answer('/v1/chat/completions', { choices: [] });
    await expect(adapter.chat(callOf(hello))).rejects.toMatchObject({ code: 'bad_response', provider: 'box' });
  });

  test('an error with status 200 is that error', async () => {
    answer('/v1/chat/completions', { error: { message: 'CUDA out of memory', code: null } });
    await expect(adapter.chat(callOf(hello))).rejects.toMatchObject({ code: 'out_of_memory', provider: 'box' });
  });

  test('a server that loads says so', async () => {
    answer('/v1/chat/completions', 'llama-server/loading_stream');
    await expect(adapter.chat(callOf(hello))).rejects.toMatchObject({ code: 'model_loading', status: 503 });
  });
});

describe('stream', () => {
  test('gives the recorded chunks, and always asks for the usage', async () => {
    const { bodies } = answer('/v1/chat/completions', 'llama-server/chat_stream_usage');
    const answered = await collectChunks(await adapter.stream(callOf({ ...hello, stream_options: { include_usage: false } })));
    expect(answered.choices[0]?.message.content).toBe('Hello from a tiny model.');
    expect(bodies).toEqual([{ ...hello, model: 'tiny', stream: true, stream_options: { include_usage: true } }]);
  });

  test('keeps other stream options of `extra`', async () => {
    const { bodies } = answer('/v1/chat/completions', 'llama-server/chat_stream_usage');
    const extra = { 'openai-compatible': { stream_options: { include_obfuscation: false } } };
    await gather(await adapter.stream(callOf({ ...hello, extra })));
    expect(bodies[0]).toMatchObject({ stream_options: { include_obfuscation: false, include_usage: true } });
  });

  test.each([
    ['a server that loads', 'llama-server/loading_stream', 'model_loading'],
    ['a prompt that is too long', 'llama-server/err_context_exceeded_stream', 'context_length'],
  ])('%s rejects before a stream is given', async (_name, name, code) => {
    answer('/v1/chat/completions', name);
    await expect(adapter.stream(callOf(hello))).rejects.toMatchObject({ code, provider: 'box' });
  });

  test('an error inside the stream is classified by its words, and quotes no prompt', async () => {
    const error = JSON.stringify({ error: { message: 'CUDA out of memory for prompt "my very secret question"' } });
    server.use(mock.post(`${url}/v1/chat/completions`, () => new HttpResponse(`data: ${error}\n\ndata: [DONE]\n\n`)));
    const call = callOf({ messages: [{ role: 'user', content: 'my very secret question' }] } satisfies ChatRequest);
    const failure = await gather(await adapter.stream(call)).catch((reason: unknown) => reason);
    expect(failure).toMatchObject({ code: 'out_of_memory', provider: 'box' });
    expect(String(failure)).not.toContain('secret');
  });
});

describe('embed', () => {
  test('asks for numbers, because the server may not have base64', async () => {
    const { bodies } = answer('/v1/embeddings', 'llama-server/embeddings_bert');
    const { data } = await adapter.embed!(callOf({ input: ['hello world', 'king queen'] } satisfies EmbedRequest));
    expect(data.map(({ embedding }) => embedding.length)).toEqual([64, 64]);
    expect(bodies).toEqual([{ model: 'tiny', input: ['hello world', 'king queen'] }]);
  });

  test('reads base64 all the same', async () => {
    answer('/v1/embeddings', 'llama-server/embeddings_b64');
    const { data } = await adapter.embed!(callOf({ input: 'hello world' }));
    expect(data[0]?.embedding).toHaveLength(64);
  });

  test('an empty list is answered without a call', async () => {
    expect(await adapter.embed!(callOf({ input: [] }))).toEqual({ object: 'list', data: [], model: 'tiny' });
  });

  test('a server that cannot embed says so', async () => {
    answer('/v1/embeddings', 'llama-server/err_embeddings_off');
    await expect(adapter.embed!(callOf({ input: 'a' }))).rejects.toMatchObject({ code: 'unsupported', status: 501 });
  });
});

describe('models and health', () => {
  test.each<[string, string | object, object[]]>([
    [
      'llama.cpp: both lists',
      'llama-server/v1_models',
      [{ id: 'tiny-chain', contextLength: 256, sizeBytes: 883_584, parametersBillions: 0.000_440_544 }],
    ],
    ['llama.cpp of 2025', 'llama-server-2025/v1_models', [{ id: 'tiny-chain', sizeBytes: 883_584, parametersBillions: 0.000_440_544 }]],
    ['llama.cpp as a router', 'llama-server/router_models', [{ id: 'agent' }, { id: 'chain' }, { id: 'count' }, { id: 'stories260K' }]],
    ['vLLM', { data: [{ id: 'm', max_model_len: 8_192 }] }, [{ id: 'm', contextLength: 8_192 }]],
    ['a bare list', [{ id: 'm', context_length: 4_096 }, { id: 'n' }], [{ id: 'm', contextLength: 4_096 }, { id: 'n' }]],
    ['nonsense inside', { data: [null, 'm', {}, { id: '' }, { id: 7 }, { id: 'm', max_model_len: null }] }, [{ id: 'm' }]],
    ['an empty list', { data: [] }, []],
  ])('%s', async (_name, value, expected) => {
    answer('/v1/models', value);
    expect(await adapter.models!(new AbortController().signal)).toEqual(expected);
  });

  test('no list of models is a bad response', async () => {
    answer('/v1/models', { data: 'm' });
    await expect(adapter.models!(new AbortController().signal)).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('health asks for the models', async () => {
    answer('/v1/models', 'llama-server/v1_models');
    expect(await adapter.health!(new AbortController().signal)).toEqual({ state: 'ok' });
  });

  test('a server that does not answer is not healthy', async () => {
    server.use(mock.get(`${url}/v1/models`, () => HttpResponse.error()));
    await expect(adapter.health!(new AbortController().signal)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('nothing is told about load', () => {
    expect(adapter).not.toHaveProperty('load');
  });
});
