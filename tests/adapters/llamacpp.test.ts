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
const recorded = (name: string): unknown => JSON.parse(new TextDecoder().decode(recording(name).body)) as unknown;

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
  test.each([
    ['llama-server/slots', 0],
    ['llama-server/slots_busy', 1],
  ])('%s: %i running', async (name, running) => {
    expect(await llamacpp(scriptedHttp({ '/slots': recorded(name) })).load!(signal)).toEqual({ running });
  });

  test('a server without slots tells nothing', async () => {
    const error = new RouterError('unsupported', 'box: no', { provider: 'box', status: 501 });
    expect(await llamacpp(scriptedHttp({ '/slots': error })).load!(signal)).toEqual({});
  });

  test('slots that are no list are a bad response', async () => {
    await expect(llamacpp(scriptedHttp({ '/slots': {} })).load!(signal)).rejects.toMatchObject({ code: 'bad_response' });
  });
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
