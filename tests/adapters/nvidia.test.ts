import { describe, expect, test } from 'vitest';
import { nvidia } from '../../src/adapters/nvidia.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import type { ChatRequest, EmbedRequest } from '../../src/core/types.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { type Loopback, loopback, type Script } from '../_kit/loopback.ts';
import { answers, streams } from '../_kit/openai-bytes.ts';

const { signal } = new AbortController();
const user = { role: 'user', content: 'Hi' } as const;
const callOf = (request: Partial<ChatRequest> = {}): Call<ChatRequest> => ({
  request: { messages: [user], ...request },
  model: 'meta/llama-3.1-8b-instruct',
  signal,
  requestId: 'r1',
});
const embedCall = (request: Partial<EmbedRequest> = {}): Call<EmbedRequest> => ({
  request: { input: 'a', ...request },
  model: 'nvidia/nv-embedqa-e5-v5',
  signal,
  requestId: 'r1',
});
const adapterOf = (box: Loopback): Adapter => nvidia(adapterContext(box.url, 'nvidia'));

const json = (value: unknown, status = 200): Script => ({ status, pieces: [JSON.stringify(value)] });
const page = (status: number): Script => ({
  status,
  headers: { 'content-type': 'text/html' },
  pieces: [`<html><head><title>${status} Service Temporarily Unavailable</title></head><body>nginx</body></html>`],
});
const text = (content: string): Script => ({ headers: { 'content-type': 'text/plain' }, pieces: [content] });
const notFound = json({ detail: 'Not Found' }, 404);
const routes = (table: Readonly<Record<string, Script>>): Promise<Loopback> => loopback(({ path }) => table[path] ?? notFound);

const [chat, ready, live, models] = ['/v1/chat/completions', '/v1/health/ready', '/v1/health/live', '/v1/models'] as const;
const isReady = json({ object: 'health-response', message: 'Service is ready.' });
const isLive = json({ object: 'health-response', message: 'Service is live.' });

describe('health', () => {
  test('is ok once the model answers, with the release', async () => {
    await using box = await routes({ [ready]: isReady, '/v1/version': json({ release: '2.0.1', api: '3.1.0' }) });
    expect(await adapterOf(box).health!(signal)).toEqual({ state: 'ok', version: '2.0.1' });
  });

  test('does without the release', async () => {
    await using box = await routes({ [ready]: isReady });
    expect(await adapterOf(box).health!(signal)).toEqual({ state: 'ok' });
  });

  test.each([
    ['503', json({ object: 'health-response', message: 'Service is not ready.' }, 503)],
    ['503 with an empty body', { status: 503, pieces: [] }],
    ['a page of 503', page(503)],
    ['a page of 502', page(502)],
  ])('is warming with %s while the container runs', async (_what, script) => {
    await using box = await routes({ [ready]: script, [live]: isLive });
    expect(await adapterOf(box).health!(signal)).toEqual({ state: 'warming' });
  });

  test('is not ok where not even the container runs', async () => {
    await using box = await routes({ [ready]: page(502), [live]: page(502) });
    await expect(adapterOf(box).health!(signal)).rejects.toMatchObject({ status: 502, provider: 'box' });
  });

  test('of the catalogue, which has no such path, is that of its list of models', async () => {
    await using box = await routes({ [models]: json({ object: 'list', data: [] }) });
    expect(await adapterOf(box).health!(signal)).toEqual({ state: 'ok' });
    expect(box.requests.map(({ path }) => path)).toEqual([ready, models]);
  });

  test('of the catalogue with a wrong key is auth', async () => {
    const refusal = json({ type: 'about:blank', status: 401, title: 'Unauthorized', detail: 'Authentication failed' }, 401);
    await using box = await routes({ [models]: refusal });
    await expect(adapterOf(box).health!(signal)).rejects.toMatchObject({ code: 'auth' });
  });

  test('an abort while the model loads rejects with its reason', async () => {
    const controller = new AbortController();
    await using box = await loopback(({ path }) => {
      if (path === live) controller.abort(new Error('mine'));
      return path === ready ? page(503) : { pieces: [], after: 'hang' };
    });
    await expect(adapterOf(box).health!(controller.signal)).rejects.toThrow('mine');
  });
});

describe('load', () => {
  const gauges =
    'vllm:num_requests_running{engine="0"} 3\nvllm:num_requests_waiting{engine="0"} 2\nvllm:kv_cache_usage_perc{engine="0"} 0.5\n';
  const older = 'num_requests_running{model="m"} 3\nnum_requests_waiting{model="m"} 2\ngpu_cache_usage_perc{model="m"} 0.5\n';

  test.each([
    ['/v1/metrics', gauges],
    ['/metrics', gauges],
    ['/v1/metrics', older],
  ])('is read from %s, of any version', async (path, metrics) => {
    await using box = await routes({ [path]: text(metrics) });
    expect(await adapterOf(box).load!(signal)).toEqual({ running: 3, waiting: 2, cacheUse: 0.5 });
  });

  test('is not told by the catalogue', async () => {
    await using box = await routes({});
    expect(await adapterOf(box).load!(signal)).toEqual({});
  });

  test('other failures are passed on', async () => {
    await using box = await routes({ '/v1/metrics': { status: 500, pieces: ['no'] } });
    await expect(adapterOf(box).load!(signal)).rejects.toMatchObject({ status: 500 });
  });
});

describe('chat', () => {
  test('is sent as to vLLM', async () => {
    await using box = await loopback(() => answers('Hello'));
    const asked: Partial<ChatRequest> = { max_completion_tokens: 5, n: 2, logit_bias: { '5': 1 }, reasoning_effort: 'low', stop: 'END' };
    await adapterOf(box).chat(callOf({ ...asked, extra: { nvidia: { nvext: { top_k: 5 } } } }));
    expect(box.requests).toMatchObject([{ path: chat, headers: { authorization: 'Bearer key-of-the-box' } }]);
    expect(box.requests[0]?.body).toEqual({
      model: 'meta/llama-3.1-8b-instruct',
      messages: [user],
      stream: false,
      ...asked,
      nvext: { top_k: 5 },
    });
  });

  test.each([502, 503])('a page of %i while the model loads is model_loading', async (status) => {
    await using box = await routes({ [chat]: page(status), [ready]: page(503), [live]: isLive });
    await expect(adapterOf(box).chat(callOf())).rejects.toMatchObject({ code: 'model_loading', provider: 'box', status });
  });

  test('a page of 503 for a stream while the model loads is model_loading', async () => {
    await using box = await routes({ [chat]: page(503), [ready]: page(503), [live]: isLive });
    await expect(adapterOf(box).stream(callOf())).rejects.toMatchObject({ code: 'model_loading' });
  });

  test('a page of 503 for embeddings while the model loads is model_loading', async () => {
    await using box = await routes({ '/v1/embeddings': page(503), [ready]: page(503), [live]: isLive });
    await expect(adapterOf(box).embed!(embedCall())).rejects.toMatchObject({ code: 'model_loading' });
  });

  test('503 of a server that is ready is overload', async () => {
    const busy = json({ error: { message: 'The queue is full', type: 'Service Unavailable', param: null, code: 503 } }, 503);
    await using box = await routes({ [chat]: busy, [ready]: isReady });
    await expect(adapterOf(box).chat(callOf())).rejects.toMatchObject({ code: 'overloaded' });
  });

  test.each<[string, Script, string]>([
    [
      'a model of the catalogue that is not enabled',
      json({ status: 404, title: 'Not Found', detail: "Function 'f': Not found for account 'a'" }, 404),
      'model_not_found',
    ],
    ['the short form of it', json({ detail: 'Function not found for account' }, 404), 'model_not_found'],
    ['no credits', json({ detail: 'Payment required' }, 402), 'quota_exhausted'],
    ['too many requests', json({ status: 429, title: 'Too Many Requests' }, 429), 'rate_limited'],
    [
      'a dead engine',
      json({ error: { message: 'EngineCore encountered an issue.', type: 'InternalServerError', code: 500 } }, 500),
      'unavailable',
    ],
    [
      'a prompt too long',
      json({ error: { message: "This model's maximum context length is 8192 tokens.", type: 'BadRequestError', code: 400 } }, 400),
      'context_length',
    ],
  ])('%s', async (_what, script, code) => {
    await using box = await routes({ [chat]: script });
    await expect(adapterOf(box).chat(callOf())).rejects.toMatchObject({ code, provider: 'box' });
    expect(box.requests).toHaveLength(1);
  });
});

describe('embeddings', () => {
  const one = json({ object: 'list', data: [{ index: 0, object: 'embedding', embedding: [1, -2] }], model: 'm' });

  test('go without an input type that was not asked for', async () => {
    await using box = await loopback(() => one);
    const { data } = await adapterOf(box).embed!(embedCall());
    expect(box.requests[0]?.body).toEqual({ model: 'nvidia/nv-embedqa-e5-v5', input: 'a' });
    expect(data[0]?.embedding).toEqual([1, -2]);
  });

  test('carry the input type of extra', async () => {
    await using box = await loopback(() => one);
    await adapterOf(box).embed!(embedCall({ extra: { nvidia: { input_type: 'passage' } } }));
    expect(box.requests[0]?.body).toEqual({ model: 'nvidia/nv-embedqa-e5-v5', input: 'a', input_type: 'passage' });
  });

  test('a missing input type is the caller to mend', async () => {
    await using box = await loopback(() => json({ error: { message: "'input_type' parameter is required for asymmetric models" } }, 400));
    await expect(adapterOf(box).embed!(embedCall())).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining('input_type') as string,
    });
  });
});

describe('a call that names no model', () => {
  const gone = json({ error: { message: 'The model `x` does not exist.', type: 'NotFoundError', code: 404 } }, 404);
  const vector = json({ object: 'list', data: [{ index: 0, object: 'embedding', embedding: [1] }], model: 'm' });
  /** A container that is started with one model after another, and answers for that alone. */
  const container = async (serves: { models: readonly string[]; lists?: readonly string[] }) =>
    loopback(({ path, body }) => {
      const { models: now, lists = now } = serves;
      if (path === models) return json({ object: 'list', data: lists.map((id) => ({ id })) });
      const { model, stream } = body as { readonly model: string; readonly stream?: boolean };
      if (!now.includes(model)) return gone;
      if (path !== chat) return vector;
      return stream === true ? streams('of', model) : answers(`of ${model}`);
    });
  const asked = ({ requests }: Loopback): readonly string[] =>
    requests.map(({ path, body }) => (path === models ? 'list' : (body as { readonly model: string }).model));
  const unnamed = { ...callOf(), model: undefined };
  const ways: readonly (readonly [string, (adapter: Adapter) => Promise<unknown>])[] = [
    ['chat', (adapter) => adapter.chat(unnamed)],
    ['stream', (adapter) => adapter.stream(unnamed)],
    ['embed', (adapter) => adapter.embed!({ ...embedCall(), model: undefined })],
  ];

  test.each(ways)('means the one that the container serves, which is asked for once (%s)', async (_, ask) => {
    await using box = await container({ models: ['a'] });
    const adapter = adapterOf(box);
    await ask(adapter);
    await ask(adapter);
    expect(asked(box)).toEqual(['list', 'a', 'a']);
  });

  test.each(ways)('means the one of now where the container was started again with another (%s)', async (_, ask) => {
    const serves = { models: ['a'] };
    await using box = await container(serves);
    const adapter = adapterOf(box);
    await ask(adapter);
    serves.models = ['b'];
    await ask(adapter);
    await ask(adapter);
    expect(asked(box)).toEqual(['list', 'a', 'a', 'list', 'b', 'b']);
  });

  test('asks once more for all calls together that have met with the change', async () => {
    const serves = { models: ['a'] };
    await using box = await container(serves);
    const adapter = adapterOf(box);
    await adapter.chat(unnamed);
    serves.models = ['b'];
    const both = await Promise.all([adapter.chat(unnamed), adapter.chat(unnamed)]);
    expect(both.map(({ choices }) => choices[0]?.message.content)).toEqual(['of b', 'of b']);
    await adapter.chat(unnamed);
    expect(asked(box).at(-1)).toBe('b');
  });

  test('fails where the model that is not found is still the one on the list, and is not sent twice', async () => {
    await using box = await container({ models: [], lists: ['a'] });
    await expect(adapterOf(box).chat(unnamed)).rejects.toMatchObject({ code: 'model_not_found' });
    expect(asked(box)).toEqual(['list', 'a', 'list']);
  });

  test.each([
    ['no model', []],
    ['2 models', ['a', 'b']],
  ])('fails where the server has %s, with what to set', async (count, listed) => {
    await using box = await container({ models: listed });
    await expect(adapterOf(box).chat(unnamed)).rejects.toMatchObject({
      code: 'model_not_found',
      message: `box: the request names no model, and it serves ${count}; set defaultModel.`,
    });
  });

  test('is the only one that goes to another model: one with a name fails where its model is gone', async () => {
    await using box = await container({ models: ['b'] });
    await expect(adapterOf(box).chat({ ...callOf(), model: 'a' })).rejects.toMatchObject({ code: 'model_not_found' });
    expect(asked(box)).toEqual(['a']);
  });
});

test('tells the models with their context', async () => {
  await using box = await routes({ [models]: json({ object: 'list', data: [{ id: 'meta/llama', max_model_len: 8192 }] }) });
  expect(await adapterOf(box).models!(signal)).toEqual([{ id: 'meta/llama', contextLength: 8192 }]);
});
