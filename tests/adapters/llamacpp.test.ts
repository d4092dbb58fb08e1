import { describe, expect, test } from 'vitest';
import { llamacpp } from '../../src/adapters/llamacpp.ts';
import { collectChunks } from '../../src/core/collect.ts';
import { RouterError } from '../../src/core/errors.ts';
import type { ChatRequest, Tool } from '../../src/core/types.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { loopback } from '../_kit/loopback.ts';
import { recording } from '../_kit/recordings.ts';
import { scriptedHttp } from '../_kit/scripted-http.ts';

const { signal } = new AbortController();
const tool = (name: string): Tool => ({ type: 'function', function: { name } });
const recordedText = (name: string): string => new TextDecoder().decode(recording(name).body);
const recorded = (name: string): unknown => JSON.parse(recordedText(name)) as unknown;

const off = (status: number): RouterError => new RouterError('unsupported', 'box: no', { provider: 'box', status });

async function bodyOf(request: ChatRequest): Promise<unknown> {
  const box = scriptedHttp({ '/v1/chat/completions': recorded('llama-server/chat') });
  await llamacpp(box).chat({ request, model: 'tiny', signal, requestId: 'r1' });
  return box.asked[0]?.body;
}

describe('health', () => {
  test('is ok when the model is loaded', async () => {
    expect(await llamacpp(scriptedHttp({ '/health': recorded('llama-server/health') })).health!(signal)).toEqual({ state: 'ok' });
  });

  test('is warming while the model loads, over the real network layer', async () => {
    const { status, body } = recording('llama-server/loading_health');
    await using box = await loopback(() => ({ status, pieces: [body] }));
    expect(await llamacpp(adapterContext(box.url)).health!(signal)).toEqual({ state: 'warming' });
  });

  test('other failures are passed on', async () => {
    const error = new RouterError('unavailable', 'box: no', { provider: 'box' });
    await expect(llamacpp(scriptedHttp({ '/health': error })).health!(signal)).rejects.toBe(error);
  });
});

describe('load', () => {
  const loadOf = (table: Record<string, unknown>): unknown => llamacpp(scriptedHttp(table)).load!(signal);

  test.each([
    ['llama-server/slots', { running: 0, slots: 2, contextLength: 256 }],
    ['llama-server/slots_busy', { running: 1, slots: 1, contextLength: 8_192 }],
    ['llama-server-2025/slots', { running: 0, slots: 2, contextLength: 256 }],
  ])('%s: what runs, how much may, and in which window', async (name, expected) => {
    expect(await loadOf({ '/slots': recorded(name), '/metrics': off(501) })).toEqual(expected);
  });

  test.each([
    ['llama-server/metrics', { running: 0, waiting: 0, slots: 2, contextLength: 256 }],
    ['llama-server-2025/metrics_after', { running: 0, waiting: 0, cacheUse: 0.115234, slots: 2, contextLength: 256 }],
  ])('%s tells what waits, where it is turned on', async (name, expected) => {
    expect(await loadOf({ '/slots': recorded('llama-server/slots'), '/metrics': recordedText(name) })).toEqual(expected);
  });

  test('what waits for the one slot is told, and what runs is what the slots say', async () => {
    const text = 'llamacpp:requests_processing 7\nllamacpp:requests_deferred 3\n';
    expect(await loadOf({ '/slots': recorded('llama-server/slots_busy'), '/metrics': text })).toMatchObject({ running: 1, waiting: 3 });
  });

  test.each([501, 404, 403])('without slots (%i) the gauges and the properties tell', async (status) => {
    const text = 'llamacpp:requests_processing 2\nllamacpp:requests_deferred 3\n';
    const props = recorded('llama-server/props');
    const told = { slots: 2, contextLength: 256 };
    expect(await loadOf({ '/props': props, '/slots': off(status), '/metrics': text })).toEqual({ running: 2, waiting: 3, ...told });
    expect(await loadOf({ '/props': recorded('llama-server-2025/props'), '/slots': off(status) })).toEqual(told);
  });

  test('a server without any of them tells nothing', async () => {
    expect(await loadOf({ '/props': off(403), '/slots': off(501), '/metrics': off(501) })).toEqual({});
    expect(await loadOf({ '/props': {}, '/slots': [] })).toEqual({ running: 0 });
  });

  test('a model that sleeps is not in memory, and is not woken by the question', async () => {
    const box = scriptedHttp({ '/props': { ...(recorded('llama-server/props') as object), is_sleeping: true } });
    expect(await llamacpp(box).load!(signal)).toEqual({ running: 0, slots: 2, contextLength: 256, resident: [] });
    expect(box.asked).toEqual([{ path: '/props' }]);
  });

  test('a router tells which of its models are loaded, and in which window', async () => {
    const box = scriptedHttp({
      '/props': recorded('llama-server/router_props'),
      '/v1/models': recorded('llama-server/router_models_after'),
    });
    expect(await llamacpp(box).load!(signal)).toEqual({
      resident: [
        { id: 'agent', sizeBytes: 883_584, contextLength: 512 },
        { id: 'count', sizeBytes: 4_128_000, contextLength: 512 },
      ],
    });
    expect(box.asked.map(({ path }) => path)).toEqual(['/props', '/v1/models']);
  });

  test.each(['loading', 'sleeping', 'unloaded', 'downloading'])('a model of a router that is %s is not loaded', async (value) => {
    const data = [{ id: 'a', status: { value } }, { id: 'b', status: { value: 'loaded' } }, { id: 'c' }, null];
    expect(await loadOf({ '/props': { role: 'router' }, '/v1/models': { data } })).toEqual({ resident: [{ id: 'b' }] });
  });

  test('lists that are none are a bad response', async () => {
    await expect(loadOf({ '/slots': {} })).rejects.toMatchObject({ code: 'bad_response' });
    await expect(loadOf({ '/props': { role: 'router' }, '/v1/models': {} })).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('other failures are passed on', async () => {
    const error = new RouterError('unavailable', 'box: no', { provider: 'box', status: 503 });
    for (const path of ['/props', '/slots', '/metrics']) {
      await expect(loadOf({ '/slots': [], [path]: error })).rejects.toBe(error);
    }
  });

  test('no model is loaded inside a request', () => {
    expect(llamacpp(scriptedHttp({})).loadsOnDemand).toBe(false);
  });
});

test('of the models of a router only those that are loaded have a window', async () => {
  const box = scriptedHttp({ '/v1/models': recorded('llama-server/router_models_after') });
  expect(await llamacpp(box).models!(signal)).toEqual([
    { id: 'agent', contextLength: 512, sizeBytes: 883_584, parametersBillions: 0.000_440_544 },
    { id: 'chain' },
    { id: 'count', contextLength: 512, sizeBytes: 4_128_000, parametersBillions: 0.002_061_12 },
    { id: 'stories260K' },
  ]);
});

describe('chat', () => {
  const named = { type: 'function', function: { name: 'b' } } as const;

  test.each([
    [{ max_tokens: 5 }, 5],
    [{ max_completion_tokens: 6 }, 6],
    [{ max_tokens: 5, max_completion_tokens: 6 }, 5],
  ])('%j limits builds of any age', async (limits, expected) => {
    expect(await bodyOf({ messages: [], ...limits })).toEqual({ model: 'tiny', messages: [], max_tokens: expected, stream: false });
  });

  test('a named tool is the only one and required, because the server takes the name for `auto`', async () => {
    expect(await bodyOf({ messages: [], tools: [tool('a'), tool('b')], tool_choice: named })).toMatchObject({
      tools: [tool('b')],
      tool_choice: 'required',
    });
  });

  test('the user is not sent, because the server has no place for it, and that is declared', async () => {
    expect(await bodyOf({ messages: [], user: 'u' })).not.toHaveProperty('user');
    expect(llamacpp(scriptedHttp({})).ignores).toEqual(['user']);
  });

  test('other choices are passed on', async () => {
    expect(await bodyOf({ messages: [], tools: [tool('a')], tool_choice: named })).toMatchObject({
      tools: [tool('a')],
      tool_choice: named,
    });
    expect(await bodyOf({ messages: [], tools: [tool('a')], tool_choice: 'auto' })).toMatchObject({
      tools: [tool('a')],
      tool_choice: 'auto',
    });
  });

  test('tools with a stream, which builds of early 2025 refuse, fail before a stream is given', async () => {
    const { status, body } = recording('llama-server-2025/chat_tools_stream');
    await using box = await loopback(() => ({ status, pieces: [body] }));
    const call = { request: { messages: [], tools: [tool('a')] }, model: 'tiny', signal, requestId: 'r1' };
    await expect(llamacpp(adapterContext(box.url)).stream(call)).rejects.toMatchObject({ status: 500, provider: 'box' });
  });

  test('usage that rides on the chunk with the finish reason (builds of 2025) is kept', async () => {
    const { status, headers, body } = recording('llama-server-2025/chat_stream_usage');
    await using box = await loopback(() => ({ status, headers: { 'content-type': headers['content-type'] ?? '' }, pieces: [body] }));
    const chunks = await llamacpp(adapterContext(box.url)).stream({ request: { messages: [] }, model: 'tiny', signal, requestId: 'r1' });
    expect((await collectChunks(chunks)).usage).toMatchObject({ prompt_tokens: 22, completion_tokens: 7, total_tokens: 29 });
  });

  test('a call without text goes as null, which builds of any age take, and the reasoning goes back', async () => {
    const tool_calls = [{ id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{}' } }] as const;
    const messages = [{ role: 'assistant', tool_calls, reasoning_content: 'Well' }] as const;
    expect(await bodyOf({ messages })).toMatchObject({ messages: [{ content: null, tool_calls, reasoning_content: 'Well' }] });
  });

  test('only what the server does is declared', () => {
    expect(llamacpp(scriptedHttp({})).capabilities).toMatchObject({ tools: true, jsonSchema: true, dimensions: false });
  });
});
