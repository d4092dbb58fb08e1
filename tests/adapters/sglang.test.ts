import { describe, expect, test } from 'vitest';
import { sglang } from '../../src/adapters/sglang.ts';
import { RouterError } from '../../src/core/errors.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import { gather } from '../_kit/byte-stream.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { loopback } from '../_kit/loopback.ts';
import { scriptedHttp } from '../_kit/scripted-http.ts';

const { signal } = new AbortController();
const callOf = <Request>(request: Request): { request: Request; model: string; signal: AbortSignal; requestId: string } => ({
  request,
  model: 'm',
  signal,
  requestId: 'r1',
});
const failure = (code: 'overloaded' | 'unavailable' | 'bad_response' | 'auth', status: number): RouterError =>
  new RouterError(code, 'box: no', { provider: 'box', status });

const rank = (running: number, waiting: number, use: number): object => ({
  num_running_reqs: running,
  num_waiting_reqs: waiting,
  token_usage: use,
});

describe('health', () => {
  test('asks for the model, not for an answer, and tells the version', async () => {
    const box = scriptedHttp({ '/model_info': { model_path: 'm' }, '/server_info': { version: '0.5.9' } });
    expect(await sglang(box).health!(signal)).toEqual({ state: 'ok', version: '0.5.9' });
    expect(box.asked.map(({ path }) => path)).toEqual(['/model_info', '/server_info']);
  });

  test('asks under the older name where the newer one is not there', async () => {
    const box = scriptedHttp({ '/model_info': failure('bad_response', 404), '/get_model_info': {}, '/server_info': {} });
    expect(await sglang(box).health!(signal)).toEqual({ state: 'ok' });
  });

  test('does without the version', async () => {
    expect(await sglang(scriptedHttp({ '/model_info': {} })).health!(signal)).toEqual({ state: 'ok' });
  });

  test('is warming while the server answers 503 with an empty body, over the real network layer', async () => {
    await using box = await loopback(() => ({ status: 503, pieces: [] }));
    expect(await sglang(adapterContext(box.url)).health!(signal)).toEqual({ state: 'warming' });
  });

  test('other failures are passed on', async () => {
    const error = failure('unavailable', 500);
    await expect(sglang(scriptedHttp({ '/model_info': error })).health!(signal)).rejects.toBe(error);
  });

  test('an abort while the version is asked rejects with its reason', async () => {
    const controller = new AbortController();
    const about = (): never => {
      controller.abort(new Error('mine'));
      throw new Error('aborted');
    };
    await expect(sglang(scriptedHttp({ '/model_info': {}, '/server_info': about })).health!(controller.signal)).rejects.toThrow('mine');
  });
});

describe('load', () => {
  const loadOf = (table: Record<string, unknown>): unknown => sglang(scriptedHttp(table)).load!(signal);

  test('takes the totals of the server, and the fullest cache', async () => {
    const aggregate = { total_running_reqs: 9, total_waiting_reqs: 5, avg_token_usage: 0.4 };
    const loads = [rank(3, 1, 0.25), rank(4, 1, 0.5)];
    expect(await loadOf({ '/v1/loads': { loads, aggregate } })).toEqual({ running: 9, waiting: 5, cacheUse: 0.5 });
  });

  test('tells how many requests all ranks take on together, before others wait', async () => {
    const loads = [
      { ...rank(3, 1, 0.25), max_running_requests: 128 },
      { ...rank(4, 1, 0.5), max_running_requests: 64 },
    ];
    expect(await loadOf({ '/v1/loads': { loads } })).toMatchObject({ slots: 192 });
  });

  test('adds up the ranks where there are no totals', async () => {
    expect(await loadOf({ '/v1/loads': { loads: [rank(3, 1, 0.25), rank(4, 1, 0.5), null] } })).toEqual({
      running: 7,
      waiting: 2,
      cacheUse: 0.5,
    });
  });

  test.each([{}, { loads: null, aggregate: null }, { loads: [{ num_running_reqs: 'many' }] }])(
    'leaves out what %j does not tell',
    async (value) => {
      expect(await loadOf({ '/v1/loads': value })).toEqual({});
    },
  );

  test('reads the metrics of servers without that route', async () => {
    const metrics = 'sglang:num_running_reqs{model_name="m"} 3.0\nsglang:num_queue_reqs{model_name="m"} 1.0\nsglang:token_usage 0.5\n';
    expect(await loadOf({ '/v1/loads': failure('bad_response', 404), '/metrics': metrics })).toEqual({
      running: 3,
      waiting: 1,
      cacheUse: 0.5,
    });
  });

  test('a server with neither tells nothing', async () => {
    const missing = failure('bad_response', 404);
    expect(await loadOf({ '/v1/loads': missing, '/metrics': missing })).toEqual({});
  });

  test('other failures are passed on, without a second question', async () => {
    const error = failure('auth', 401);
    await expect(loadOf({ '/v1/loads': error })).rejects.toBe(error);
  });
});

describe('chat', () => {
  const answer = { id: 'a', created: 1, model: 'm', choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }] };
  const bodyOf = async (request: ChatRequest): Promise<unknown> => {
    const box = scriptedHttp({ '/v1/chat/completions': answer });
    await sglang(box).chat(callOf(request));
    return box.asked[0]?.body;
  };

  test.each(['low', 'medium', 'high'] as const)('reasoning_effort %s is asked for', async (effort) => {
    expect(await bodyOf({ messages: [], reasoning_effort: effort })).toMatchObject({ reasoning_effort: effort });
  });

  test('no thinking is told to the template, for it is no effort there', async () => {
    const body = await bodyOf({ messages: [], reasoning_effort: 'none' });
    expect(body).toMatchObject({ chat_template_kwargs: { enable_thinking: false, thinking: false } });
    expect(JSON.parse(JSON.stringify(body))).not.toHaveProperty('reasoning_effort');
  });

  test.each(['minimal', 'xhigh'] as const)('reasoning_effort %s, which it would refuse, is unsupported', async (effort) => {
    await expect(bodyOf({ messages: [], reasoning_effort: effort })).rejects.toMatchObject({ code: 'unsupported', provider: 'box' });
  });

  test('a full queue is overloaded, in answers', async () => {
    const body = JSON.stringify({ object: 'error', message: 'The request queue is full.', type: '503', param: null, code: 503 });
    await using box = await loopback(() => ({ status: 503, pieces: [body] }));
    await expect(sglang(adapterContext(box.url)).chat(callOf({ messages: [] }))).rejects.toMatchObject({ code: 'overloaded', status: 503 });
  });

  test('a full queue is overloaded, in streams, which end with "abort" and a terminator', async () => {
    const chunk = { id: 'a', choices: [{ index: 0, delta: { role: null, content: null, tool_calls: null }, finish_reason: 'abort' }] };
    const box = scriptedHttp({ '/v1/chat/completions': `data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n` });
    await expect(gather(await sglang(box).stream(callOf({ messages: [] })))).rejects.toMatchObject({ code: 'overloaded' });
  });

  test('an error in a stream is classified by its flat words', async () => {
    const error = { object: 'error', message: 'The request queue is full.', type: '503', param: null, code: 503 };
    await using box = await loopback(() => ({ pieces: [`data: ${JSON.stringify({ error })}\n\ndata: [DONE]\n\n`] }));
    const chunks = await sglang(adapterContext(box.url)).stream(callOf({ messages: [] }));
    await expect(gather(chunks)).rejects.toMatchObject({ code: 'overloaded' });
  });
});

describe('embed', () => {
  test('asks for numbers, because base64 would be taken and ignored', async () => {
    const box = scriptedHttp({ '/v1/embeddings': { data: [{ index: 0, embedding: [1, 2] }], model: 'm' } });
    await sglang(box).embed!(callOf({ input: 'a', dimensions: 2 }));
    expect(box.asked[0]?.body).toEqual({ model: 'm', input: 'a', dimensions: 2 });
  });

  test('a language model cannot embed: unsupported', async () => {
    const message =
      'This model does not appear to be an embedding model by default. Please add `--is-embedding` when launching the server or try another model.';
    const body = JSON.stringify({ object: 'error', message, type: 'BadRequestError', param: null, code: 400 });
    await using box = await loopback(() => ({ status: 400, pieces: [body] }));
    await expect(sglang(adapterContext(box.url)).embed!(callOf({ input: 'a' }))).rejects.toMatchObject({ code: 'unsupported' });
  });
});

test('what is declared is what the server does', () => {
  expect(sglang(scriptedHttp({}))).toMatchObject({
    name: 'sglang',
    modelName: 'ignored',
    ignores: ['parallel_tool_calls'],
    capabilities: { tools: true, jsonSchema: true, dimensions: true, reasoningEffort: true },
  });
});
