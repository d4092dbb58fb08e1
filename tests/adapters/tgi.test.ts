import { describe, expect, test } from 'vitest';
import { tgi } from '../../src/adapters/tgi.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatAnswer, ChatRequest, Tool } from '../../src/core/types.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { type Loopback, loopback, type Script } from '../_kit/loopback.ts';
import { sse } from '../_kit/openai-bytes.ts';

const { signal } = new AbortController();
const user = { role: 'user', content: 'Hi' } as const;
const head = { id: '', object: 'chat.completion', created: 1700000000, model: 'tiny', system_fingerprint: '3.3.7-sha' };
const usage = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 };
const answerOf = (message: object, finish_reason = 'stop'): object => ({
  ...head,
  choices: [{ index: 0, message: { role: 'assistant', ...message }, logprobs: null, finish_reason }],
  usage,
});
const hello: Script = { pieces: [JSON.stringify(answerOf({ content: 'Hello' }))] };
const chunk = (delta: object, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta: { role: 'assistant', ...delta }, logprobs: null, finish_reason }], usage: null })}\n\n`;
const done = 'data: [DONE]\n\n';

const callOf = (request: Partial<ChatRequest> = {}): Call<ChatRequest> => ({
  request: { messages: [user], ...request },
  model: 'tiny',
  signal,
  requestId: 'r1',
});
const adapterOf = (box: Loopback): Adapter => tgi(adapterContext(box.url, 'tgi'));

async function bodyOf(request: Partial<ChatRequest>): Promise<unknown> {
  await using box = await loopback(() => hello);
  await adapterOf(box).chat(callOf(request));
  return box.requests[0]?.body;
}

async function answered(script: Script): Promise<ChatAnswer> {
  await using box = await loopback(() => script);
  return await adapterOf(box).chat(callOf());
}

async function streamed(...pieces: readonly string[]): Promise<ChatAnswer> {
  await using box = await loopback(() => ({ headers: sse, pieces }));
  return await collectChunks(await adapterOf(box).stream(callOf()));
}

const call = (given: unknown): object => ({ tool_calls: [{ id: '0', type: 'function', function: { name: 'at', arguments: given } }] });
const piece = (text: string, name: string | null): object => ({
  tool_calls: [{ index: 0, id: '', type: 'function', function: { name, arguments: text } }],
});
const routes = (table: Readonly<Record<string, Script>>): Promise<Loopback> =>
  loopback(({ path }) => table[path] ?? { status: 404, pieces: [] });

describe('what is sent', () => {
  const plain = { model: 'tiny', messages: [user], stream: false };

  test.each<[string, Partial<ChatRequest>, object]>([
    ['nothing that was not asked', {}, {}],
    ['one stop as a list', { stop: 'END' }, { stop: ['END'] }],
    ['several stops', { stop: ['a', 'b'] }, { stop: ['a', 'b'] }],
    ['no top_p of 1, which is refused', { top_p: 1 }, {}],
    ['top_p below 1', { top_p: 0.9 }, { top_p: 0.9 }],
    ['temperature 0, which is greedy here', { temperature: 0 }, { temperature: 0 }],
    ['max_completion_tokens under the name it knows', { max_completion_tokens: 7 }, { max_tokens: 7 }],
    ['max_tokens before the other name', { max_tokens: 5, max_completion_tokens: 7 }, { max_tokens: 5 }],
    ['no format for plain text, which is refused', { response_format: { type: 'text' } }, {}],
    ['seed and frequency_penalty', { seed: 42, frequency_penalty: 0.5 }, { seed: 42, frequency_penalty: 0.5 }],
    ['logprobs', { logprobs: true, top_logprobs: 2 }, { logprobs: true, top_logprobs: 2 }],
    ['the fields of extra', { extra: { tgi: { guideline: 'be kind' } } }, { guideline: 'be kind' }],
  ])('%s', async (_what, request, expected) => {
    expect(await bodyOf(request)).toEqual({ ...plain, ...expected });
  });

  test('a schema stands under the key of this server', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } } };
    const body = await bodyOf({ response_format: { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } } });
    expect(body).toEqual({ ...plain, response_format: { type: 'json_schema', value: { name: 'place', schema, strict: true } } });
  });

  test('a tool without parameters gets empty ones, because the server requires them', async () => {
    const tools: Tool[] = [{ type: 'function', function: { name: 'now' } }];
    const parameters = { type: 'object', properties: {} };
    expect(await bodyOf({ tools })).toMatchObject({ tools: [{ type: 'function', function: { name: 'now', parameters } }] });
  });

  test('the parameters of a tool stay as they are', async () => {
    const tools: Tool[] = [{ type: 'function', function: { name: 'at', parameters: { type: 'object', properties: { hour: {} } } } }];
    expect(await bodyOf({ tools })).toMatchObject({ tools });
  });

  test('a call beside an empty text goes without the text, behind which the server would not see it', async () => {
    const tool_calls = [{ id: 'c1', type: 'function', function: { name: 'now', arguments: '{}' } }] as const;
    const body = (await bodyOf({ messages: [user, { role: 'assistant', content: '', tool_calls }] })) as { messages: unknown[] };
    expect(body.messages[1]).toEqual({ role: 'assistant', tool_calls });
  });

  test('parameters without a place there stay at home and are declared', async () => {
    expect(await bodyOf({ presence_penalty: 0, parallel_tool_calls: false, user: 'me' })).toEqual(plain);
    await using box = await loopback(() => hello);
    expect(adapterOf(box).ignores).toEqual(['presence_penalty', 'parallel_tool_calls', 'user']);
  });

  test('a call without a model names one, which older servers required', async () => {
    await using box = await loopback(() => hello);
    await adapterOf(box).chat({ ...callOf(), model: undefined });
    expect(box.requests[0]?.body).toMatchObject({ model: 'tgi' });
  });

  test('a stream asks for the usage', async () => {
    await using box = await loopback(() => ({ headers: sse, pieces: [chunk({ content: 'Hi' }, 'stop'), done] }));
    await collectChunks(await adapterOf(box).stream(callOf({ stop: 'END' })));
    expect(box.requests[0]?.body).toEqual({ ...plain, stop: ['END'], stream: true, stream_options: { include_usage: true } });
  });
});

describe('what comes back', () => {
  test('a text with its usage', async () => {
    const { choices, usage: told } = await answered(hello);
    expect(choices[0]).toMatchObject({ message: { content: 'Hello' }, finish_reason: 'stop' });
    expect(told).toEqual(usage);
  });

  test.each<[string, unknown]>([
    ['text', '{"hour":1}'],
    ['an object, as older versions give them', { hour: 1 }],
  ])('a tool call whose arguments are %s ends with tool_calls', async (_shape, given) => {
    const { choices } = await answered({ pieces: [JSON.stringify(answerOf(call(given)))] });
    expect(choices[0]?.finish_reason).toBe('tool_calls');
    expect(choices[0]?.message.tool_calls?.[0]?.function).toEqual({ name: 'at', arguments: '{"hour":1}' });
  });

  test('a streamed tool call, its id and index repeated on every delta, is one call', async () => {
    const { choices } = await streamed(
      chunk(piece('{', 'at')),
      chunk(piece('"hour":1', null)),
      chunk(piece('}', null)),
      chunk({ content: '' }, 'stop'),
      done,
    );
    expect(choices[0]?.finish_reason).toBe('tool_calls');
    expect(choices[0]?.message.tool_calls).toMatchObject([{ type: 'function', function: { name: 'at', arguments: '{"hour":1}' } }]);
  });

  test('a streamed text whose role is repeated', async () => {
    const { choices } = await streamed(chunk({ content: 'Hel' }), chunk({ content: 'lo' }), chunk({ content: '' }, 'stop_sequence'), done);
    expect(choices[0]).toMatchObject({ message: { content: 'Hello' }, finish_reason: 'stop' });
  });
});

describe('errors', () => {
  const oom = 'Request failed during generation: Server error: CUDA out of memory. Tried to allocate 16.00 MiB (GPU 0; 22.20 GiB total)';
  const length =
    'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 200 `max_new_tokens`';
  const rows: [number, string, string, string][] = [
    [429, 'Model is overloaded', 'overloaded', 'overloaded'],
    [424, oom, 'generation', 'out_of_memory'],
    [424, 'Request failed during generation: Server error: CUDA error: an illegal memory access was encountered', 'generation', 'driver'],
    [424, 'Request failed during generation: Server error: transport error', 'generation', 'unavailable'],
    [422, length, 'validation', 'context_length'],
    [422, 'Input validation error: `stop` supports up to 4 stop sequences. Given: 5', 'validation', 'bad_request'],
    [422, "Input validation error: grammar is not valid: Grammar must have a 'properties' field", 'validation', 'unsupported'],
    [422, 'Template error: template not found', 'template_error', 'unsupported'],
    [500, 'Incomplete generation', 'incomplete_generation', 'unavailable'],
  ];

  test.each(rows)('%i %j (%s) is %s', async (status, error, error_type, code) => {
    await expect(answered({ status, pieces: [JSON.stringify({ error, error_type })] })).rejects.toMatchObject({ code, provider: 'box' });
  });

  test('401 with an empty body is auth', async () => {
    await expect(answered({ status: 401, pieces: [] })).rejects.toMatchObject({ code: 'auth' });
  });

  test.each(rows.map(([, message, , code]) => [message, code]))(
    '%j inside a stream, where every number is 422, is %s',
    async (message, code) => {
      const event = `data: ${JSON.stringify({ error: { message, http_status_code: 422 } })}\n\n`;
      await expect(streamed(event, done)).rejects.toMatchObject({ code });
    },
  );
});

describe('the server', () => {
  const info = { model_id: 'org/tiny', max_input_tokens: 1024, max_total_tokens: 2048, version: '3.3.7', router: 'text-generation-router' };
  const metrics = '# TYPE tgi_queue_size gauge\ntgi_queue_size 3\ntgi_batch_current_size 2\ntgi_batch_current_max_tokens 900\n';

  test('is ok and tells its version', async () => {
    await using box = await routes({ '/health': { pieces: [] }, '/info': { pieces: [JSON.stringify(info)] } });
    expect(await adapterOf(box).health!(signal)).toEqual({ state: 'ok', version: '3.3.7' });
  });

  test('is ok without a version', async () => {
    await using box = await routes({ '/health': { pieces: [] } });
    expect(await adapterOf(box).health!(signal)).toEqual({ state: 'ok' });
  });

  test('is not healthy after a failed generation', async () => {
    await using box = await routes({ '/health': { status: 503, pieces: ['{"error":"unhealthy","error_type":"healthcheck"}'] } });
    await expect(adapterOf(box).health!(signal)).rejects.toMatchObject({ code: 'unavailable', status: 503 });
  });

  test('tells its one model and how long prompt and answer may be', async () => {
    await using box = await routes({ '/info': { pieces: [JSON.stringify(info)] } });
    expect(await adapterOf(box).models!(signal)).toEqual([{ id: 'org/tiny', contextLength: 2048 }]);
  });

  test('a description without a model is a bad response', async () => {
    await using box = await routes({ '/info': { pieces: ['{"version":"3.3.7"}'] } });
    await expect(adapterOf(box).models!(signal)).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('tells what runs and what waits', async () => {
    await using box = await routes({ '/metrics': { headers: { 'content-type': 'text/plain' }, pieces: [metrics] } });
    expect(await adapterOf(box).load!(signal)).toEqual({ running: 2, waiting: 3 });
  });

  test('tells how many requests it takes before it refuses, with the gauges and without', async () => {
    const limit: Script = { pieces: [JSON.stringify({ ...info, max_concurrent_requests: 128 })] };
    await using both = await routes({ '/metrics': { headers: { 'content-type': 'text/plain' }, pieces: [metrics] }, '/info': limit });
    expect(await adapterOf(both).load!(signal)).toEqual({ running: 2, waiting: 3, slots: 128 });
    await using one = await routes({ '/info': limit });
    expect(await adapterOf(one).load!(signal)).toEqual({ slots: 128 });
  });

  test('a failure of either figure is passed on', async () => {
    for (const path of ['/metrics', '/info']) {
      await using box = await routes({ [path]: { status: 500, pieces: ['no'] } });
      await expect(adapterOf(box).load!(signal)).rejects.toMatchObject({ status: 500 });
    }
  });

  test('promises no embeddings, no JSON without a schema, no second choice and no bias', async () => {
    await using box = await routes({});
    const { embed, capabilities } = adapterOf(box);
    expect(embed).toBeUndefined();
    expect(capabilities).toMatchObject({ jsonSchema: true, jsonObject: false, choices: false, logitBias: false, reasoningEffort: false });
  });
});
