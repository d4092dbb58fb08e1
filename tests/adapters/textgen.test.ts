import { describe, expect, test } from 'vitest';
import { textgen } from '../../src/adapters/textgen.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatAnswer, ChatRequest } from '../../src/core/types.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { type Loopback, loopback, type Script } from '../_kit/loopback.ts';
import { sse } from '../_kit/openai-bytes.ts';
import { recording } from '../_kit/recordings.ts';

const { signal } = new AbortController();
const user = { role: 'user', content: 'Hi' } as const;
const callOf = (request: Partial<ChatRequest> = {}): Call<ChatRequest> => ({
  request: { messages: [user], ...request },
  model: 'tiny',
  signal,
  requestId: 'r1',
});
const adapterOf = (box: Loopback): Adapter => textgen(adapterContext(box.url, 'textgen'));

/** What the real server sent, on our own socket. */
function recorded(name: string): Script {
  const { status, headers, body } = recording(`text-generation-webui/${name}`);
  return { status, headers: { 'content-type': headers['content-type'] ?? '' }, pieces: [body] };
}

async function answered(script: Script): Promise<ChatAnswer> {
  await using box = await loopback(() => script);
  return await adapterOf(box).chat(callOf());
}

async function streamed(script: Script): Promise<ChatAnswer> {
  await using box = await loopback(() => script);
  return await collectChunks(await adapterOf(box).stream(callOf()));
}

const choice = (part: object): object => ({ index: 0, finish_reason: 'stop', ...part, logprobs: null });

describe('what is sent', () => {
  test.each<[string, Partial<ChatRequest>, object]>([
    ['nothing that was not asked', {}, {}],
    ['max_completion_tokens under the name that every version knows', { max_completion_tokens: 7 }, { max_tokens: 7 }],
    ['max_tokens before the other name', { max_tokens: 5, max_completion_tokens: 7 }, { max_tokens: 5 }],
    ['stop as it is', { stop: 'END' }, { stop: 'END' }],
    ['logprobs and logit_bias', { logprobs: true, logit_bias: { '5': 1 } }, { logprobs: true, logit_bias: { '5': 1 } }],
    ['no parameter that the server does not read', { user: 'me', parallel_tool_calls: false }, {}],
    ['the fields of extra', { extra: { textgen: { mode: 'chat' } } }, { mode: 'chat' }],
  ])('%s', async (_what, request, expected) => {
    await using box = await loopback(() => recorded('chat'));
    await adapterOf(box).chat(callOf(request));
    expect(box.requests[0]?.body).toEqual({ model: 'tiny', messages: [user], stream: false, ...expected });
  });

  test('only what the server does is declared', async () => {
    await using box = await loopback(() => recorded('chat'));
    const { capabilities, ignores, modelName, cutsPrompts } = adapterOf(box);
    expect(ignores).toEqual(['parallel_tool_calls', 'user']);
    expect(modelName).toBe('ignored');
    expect(cutsPrompts).toBe(true);
    expect(capabilities).toEqual({
      tools: true,
      vision: true,
      logprobs: true,
      logitBias: true,
      toolChoice: false,
      jsonObject: false,
      jsonSchema: false,
      choices: false,
      reasoningEffort: false,
      dimensions: false,
      prefill: true,
    });
  });
});

describe('recorded answers', () => {
  test('a text', async () => {
    const { model, choices, usage } = await answered(recorded('chat'));
    expect(model).toBe('agent.gguf');
    expect(choices[0]).toMatchObject({ message: { content: 'Hello from a tiny model.' }, finish_reason: 'stop' });
    expect(usage).toEqual({ prompt_tokens: 22, completion_tokens: 7, total_tokens: 29 });
  });

  test('a stream with its usage', async () => {
    const { choices, usage } = await streamed(recorded('chat_stream_usage'));
    expect(choices[0]).toMatchObject({ message: { content: 'Hello from a tiny model.' }, finish_reason: 'stop' });
    expect(usage).toEqual({ prompt_tokens: 22, completion_tokens: 7, total_tokens: 29 });
  });

  test.each([
    ['an answer', () => answered(recorded('chat_tools'))],
    ['a stream, whole in the chunk that ends it', () => streamed(recorded('chat_tools_stream'))],
  ])('a tool call in %s', async (_form, read) => {
    const { choices } = await read();
    expect(choices[0]?.finish_reason).toBe('tool_calls');
    expect(choices[0]?.message.tool_calls?.[0]?.function).toEqual({ name: 'get_weather', arguments: '{"city": "Paris"}' });
  });

  test('the loaded model', async () => {
    await using box = await loopback(() => recorded('v1_models'));
    expect(await adapterOf(box).models!(signal)).toEqual([{ id: 'agent.gguf' }]);
  });
});

describe('without a model', () => {
  const empty = (model: unknown): string =>
    JSON.stringify({ id: 'c1', created: 1, model, choices: [choice({ message: { role: 'assistant', content: '' } })] });
  const emptyStream = (model: unknown): string[] => [
    `data: ${JSON.stringify({ id: 'c1', created: 1, model, choices: [{ index: 0, finish_reason: null, delta: { role: 'assistant', content: '' } }] })}\n\n`,
    `data: ${JSON.stringify({ id: 'c1', created: 1, model, choices: [choice({ delta: {} })] })}\n\n`,
    'data: [DONE]\n\n',
  ];

  test.each(['None', null])('an empty answer of the model %j is no answer', async (model) => {
    await expect(answered({ pieces: [empty(model)] })).rejects.toMatchObject({ code: 'model_not_found', provider: 'box' });
  });

  test.each(['None', null])('an empty stream of the model %j is no answer', async (model) => {
    await expect(streamed({ headers: sse, pieces: emptyStream(model) })).rejects.toMatchObject({ code: 'model_not_found' });
  });

  test('an empty answer of a loaded model is an answer', async () => {
    expect((await answered({ pieces: [empty('agent.gguf')] })).choices[0]?.message.content).toBe('');
  });

  test('the recorded failure of a server whose model was unloaded is unavailable', async () => {
    await expect(answered(recorded('chat_unloaded'))).rejects.toMatchObject({ code: 'unavailable', status: 500 });
  });
});

describe('a prompt too long for the window', () => {
  /** Far more than the 1,535 tokens that the server of the recording says it has read. */
  const long = { messages: [{ ...user, content: 'The weather in the city was fine this morning. '.repeat(2_000) }] };

  test('is answered all the same, without its beginning: the recorded count tells it, and the next one goes to a larger window', async () => {
    await using box = await loopback(() => recorded('err_context'));
    await using large = await loopback(() => recorded('chat'));
    await using router = createRouter({
      providers: { box: { type: 'textgen', url: box.url }, large: { type: 'openai-compatible', url: large.url } },
      health: false,
      pollMs: false,
      checkModels: false,
    });
    const first = await router.chat({ model: 'tiny', ...long });
    expect(first.route).toMatchObject({ provider: 'box', truncated: true });
    const second = await router.chat({ model: 'tiny', ...long });
    expect(second.route).toMatchObject({ provider: 'large', skipped: [{ provider: 'box', code: 'context_length' }] });
  });
});

describe('errors', () => {
  test.each<[string, Script, string]>([
    ['a validation error', recorded('err_no_messages'), 'bad_request'],
    ['a wrong key', { status: 401, pieces: ['{"detail":"Unauthorized"}'] }, 'auth'],
    ['a model that could not be loaded', { status: 500, pieces: ['{"detail":"Failed to load the model."}'] }, 'out_of_memory'],
    [
      'a choice too many',
      {
        status: 400,
        pieces: ['{"error":{"message":"n > 1 is not supported with streaming.","type":"invalid_request_error","param":"n","code":null}}'],
      },
      'unsupported',
    ],
  ])('%s', async (_what, script, code) => {
    await expect(answered(script)).rejects.toMatchObject({ code, provider: 'box' });
  });

  test('a stream that a crash ends early is a bad response', async () => {
    const { body } = recording('text-generation-webui/chat_stream_usage');
    await expect(streamed({ headers: sse, pieces: [body.slice(0, 700)] })).rejects.toMatchObject({ code: 'bad_response' });
  });
});

describe('health', () => {
  test('is ok with a model', async () => {
    await using box = await loopback(() => recorded('internal_model_info'));
    expect(await adapterOf(box).health!(signal)).toEqual({ state: 'ok' });
    expect(box.requests).toMatchObject([{ path: '/v1/internal/model/info' }]);
  });

  test.each(['None', null])('is not ok with the model %j, because nothing could be answered', async (model_name) => {
    await using box = await loopback(() => ({ pieces: [JSON.stringify({ model_name, lora_names: [], loader: null })] }));
    await expect(adapterOf(box).health!(signal)).rejects.toMatchObject({
      code: 'model_not_found',
      provider: 'box',
      message: expect.stringContaining('no model is loaded') as string,
    });
  });

  test('a server that is not there is not ok', async () => {
    await using box = await loopback(() => ({ status: 404, pieces: ['{"detail":"Not Found"}'] }));
    await expect(adapterOf(box).health!(signal)).rejects.toMatchObject({ status: 404 });
  });
});

describe('load', () => {
  const loadOf = async (script: Script): Promise<unknown> => {
    await using box = await loopback(() => script);
    return await adapterOf(box).load!(signal);
  };

  test('one request at a time, with the recorded loader', async () => {
    expect(await loadOf(recorded('internal_model_info'))).toEqual({ slots: 1 });
  });

  test.each([
    ['Transformers', { slots: 1 }],
    ['ExLlamav3_HF', { slots: 1 }],
    [null, { slots: 1 }],
    ['ExLlamav3', {}],
    ['TensorRT-LLM', {}],
  ])('with the loader %j it is %j', async (loader, expected) => {
    expect(await loadOf({ pieces: [JSON.stringify({ model_name: 'm', lora_names: [], loader })] })).toEqual(expected);
  });

  test('is not told by servers without that route', async () => {
    expect(await loadOf({ status: 404, pieces: ['{"detail":"Not Found"}'] })).toEqual({});
  });
});

describe('embeddings', () => {
  test('are asked for as base64', async () => {
    await using box = await loopback(() => ({
      pieces: [
        '{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPwAAAMA="}],"model":"m","usage":{"prompt_tokens":0,"total_tokens":0}}',
      ],
    }));
    const { data } = await adapterOf(box).embed!({ request: { input: 'a' }, model: 'm', signal, requestId: 'r1' });
    expect(box.requests[0]?.body).toEqual({ model: 'm', input: 'a', encoding_format: 'base64' });
    expect(data[0]?.embedding).toEqual([1, -2]);
  });

  test('a server without an embedding model fails over', async () => {
    await using box = await loopback(() => ({
      status: 503,
      pieces: [
        '{"error":{"message":"Error: Failed to load embedding model: all-mpnet-base-v2","type":"server_error","param":"","code":null}}',
      ],
    }));
    const work = adapterOf(box).embed!({ request: { input: 'a' }, model: 'm', signal, requestId: 'r1' });
    await expect(work).rejects.toMatchObject({ code: 'model_not_found' });
  });
});
