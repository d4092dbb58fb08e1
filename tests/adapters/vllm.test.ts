import { describe, expect, test } from 'vitest';
import { vllm } from '../../src/adapters/vllm.ts';
import { RouterError } from '../../src/core/errors.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { loopback } from '../_kit/loopback.ts';
import { scriptedHttp } from '../_kit/scripted-http.ts';

const { signal } = new AbortController();
const failure = (code: 'unavailable' | 'bad_request' | 'unsupported' | 'auth', status: number): RouterError =>
  new RouterError(code, 'box: no', { provider: 'box', status });

const metrics = `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="meta-llama/Llama {3}"} 3.0
vllm:num_requests_running{engine="1",model_name="meta-llama/Llama {3}"} 1.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="m"} 2.0
vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 99.0
vllm:num_requests_waiting_total 99
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 7.5e-01
`;

describe('load', () => {
  const loadOf = (text: unknown): unknown => vllm(scriptedHttp({ '/metrics': text })).load!(signal);

  test('adds up the engines and tells the fullest cache', async () => {
    expect(await loadOf(metrics)).toEqual({ running: 4, waiting: 2, cacheUse: 0.75 });
  });

  test('reads the old name of the cache gauge, and gauges without labels', async () => {
    expect(await loadOf('vllm:num_requests_running 1\r\nvllm:gpu_cache_usage_perc{model_name="m"} 0.5 1795226146000\r\n')).toEqual({
      running: 1,
      cacheUse: 0.5,
    });
  });

  test('tells the mean times to the first token and from one to the next, under the old name too', async () => {
    const first = 'vllm:time_to_first_token_seconds_sum{engine="0"} 3\nvllm:time_to_first_token_seconds_count{engine="0"} 10\n';
    const second = 'vllm:time_to_first_token_seconds_sum{engine="1"} 1\nvllm:time_to_first_token_seconds_count{engine="1"} 10\n';
    const [inter, per] = ['inter_token_latency_seconds', 'time_per_output_token_seconds'].map(
      (name) => `vllm:${name}_bucket{le="0.1"} 9\nvllm:${name}_sum 5\nvllm:${name}_count 200\n`,
    );
    const both = { firstTokenMs: 200, tokenMs: 25 };
    expect(await loadOf(first + second + inter)).toEqual(both);
    expect(await loadOf(first + second + per)).toEqual(both);
    expect(await loadOf('vllm:time_to_first_token_seconds_sum 0\nvllm:time_to_first_token_seconds_count 0\n')).toEqual({});
  });

  test.each(['', 'vllm:num_requests_running NaN\n', 'python_gc_objects 1\n'])('what is not told is left out of %j', async (text) => {
    expect(await loadOf(text)).toEqual({});
  });

  test.each([404, 501])('a server without metrics (%i) tells nothing', async (status) => {
    expect(await loadOf(failure('bad_request', status))).toEqual({});
  });

  test.each([failure('unavailable', 500), failure('auth', 401), new Error('bug')])('other failures are passed on: %s', async (error) => {
    await expect(loadOf(error)).rejects.toBe(error);
  });
});

describe('health', () => {
  test('tells the version', async () => {
    const box = scriptedHttp({ '/health': '', '/version': { version: '0.11.0' } });
    expect(await vllm(box).health!(signal)).toEqual({ state: 'ok', version: '0.11.0' });
  });

  test('does without the version', async () => {
    expect(await vllm(scriptedHttp({ '/health': '' })).health!(signal)).toEqual({ state: 'ok' });
  });

  test('a dead engine is not healthy', async () => {
    const error = failure('unavailable', 503);
    await expect(vllm(scriptedHttp({ '/health': error })).health!(signal)).rejects.toBe(error);
  });

  test('an abort while the version is asked rejects with its reason', async () => {
    const controller = new AbortController();
    const version = (): never => {
      controller.abort(new Error('mine'));
      throw new Error('aborted');
    };
    await expect(vllm(scriptedHttp({ '/health': '', '/version': version })).health!(controller.signal)).rejects.toThrow('mine');
  });
});

test('embeddings are asked for as base64', async () => {
  const box = scriptedHttp({ '/v1/embeddings': { data: [{ index: 0, embedding: 'AACAPwAAAMA=' }], model: 'm' } });
  const { data } = await vllm(box).embed!({ request: { input: 'a' }, model: 'm', signal, requestId: 'r1' });
  expect(box.asked[0]?.body).toEqual({ model: 'm', input: 'a', encoding_format: 'base64' });
  expect(data[0]?.embedding).toEqual([1, -2]);
});

test('reasoning of vLLM 2026 is reasoning_content', async () => {
  const message = { role: 'assistant', content: 'Hi', refusal: null, tool_calls: null, function_call: null, reasoning: 'Well' };
  const choice = { index: 0, message, logprobs: null, finish_reason: 'stop', stop_reason: null };
  const box = scriptedHttp({ '/v1/chat/completions': { id: 'a', created: 1, model: 'm', choices: [choice] } });
  const answer = await vllm(box).chat({ request: { messages: [] }, model: 'm', signal, requestId: 'r1' });
  expect(answer.choices[0]?.message).toMatchObject({ content: 'Hi', reasoning_content: 'Well' });
});

describe('a route that the model does not have', () => {
  const call = { model: 'm', signal, requestId: 'r1' };
  const absent = { status: 404, headers: { 'content-type': 'application/json' }, pieces: ['{"detail":"Not Found"}'] };

  test('embeddings of a language model are unsupported', async () => {
    await using box = await loopback(() => absent);
    const embedding = vllm(adapterContext(box.url)).embed!({ ...call, request: { input: 'a' } });
    await expect(embedding).rejects.toMatchObject({ code: 'unsupported', status: 404, provider: 'box' });
  });

  test('chats and streams of an embedding model are unsupported', async () => {
    await using box = await loopback(() => absent);
    const adapter = vllm(adapterContext(box.url));
    await expect(adapter.chat({ ...call, request: { messages: [] } })).rejects.toMatchObject({ code: 'unsupported', status: 404 });
    await expect(adapter.stream({ ...call, request: { messages: [] } })).rejects.toMatchObject({ code: 'unsupported', status: 404 });
  });

  test('a model that is not there is still model_not_found', async () => {
    const error = { message: 'The model `x` does not exist.', type: 'NotFoundError', param: 'model', code: 404 };
    await using box = await loopback(() => ({ status: 404, pieces: [JSON.stringify({ error })] }));
    const adapter = vllm(adapterContext(box.url));
    await expect(adapter.chat({ ...call, request: { messages: [] } })).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(adapter.embed!({ ...call, request: { input: 'a' } })).rejects.toMatchObject({ code: 'model_not_found' });
  });

  test.each([501, 400])('older servers say it with %i', async (status) => {
    const error = { message: 'The model does not support Embeddings API', type: 'NotImplementedError', param: null, code: status };
    await using box = await loopback(() => ({ status, pieces: [JSON.stringify({ error })] }));
    const embedding = vllm(adapterContext(box.url)).embed!({ ...call, request: { input: 'a' } });
    await expect(embedding).rejects.toMatchObject({ code: 'unsupported', status });
  });

  test('a web page in the place of the server says nothing about the server', async () => {
    await using box = await loopback(() => ({
      status: 404,
      headers: { 'content-type': 'text/html' },
      pieces: ['<html>404 Not Found</html>'],
    }));
    const embedding = vllm(adapterContext(box.url)).embed!({ ...call, request: { input: 'a' } });
    await expect(embedding).rejects.toMatchObject({ code: 'bad_response', status: 404 });
  });
});

test('reasoning of earlier answers goes back', async () => {
  const box = scriptedHttp({ '/v1/chat/completions': { choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] } });
  const messages = [{ role: 'assistant', content: 'Hi', reasoning_content: 'Well' }] as const;
  await vllm(box).chat({ request: { messages }, model: 'm', signal, requestId: 'r1' });
  expect(box.asked[0]?.body).toMatchObject({ messages });
});

test('the user is not sent, because the server does nothing with it, and that is declared', async () => {
  const box = scriptedHttp({ '/v1/chat/completions': { choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] } });
  await vllm(box).chat({ request: { messages: [], user: 'u' }, model: 'm', signal, requestId: 'r1' });
  expect(box.asked[0]?.body).not.toHaveProperty('user');
  expect(vllm(box).ignores).toEqual(['user']);
});
