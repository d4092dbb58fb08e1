import { describe, expect, test } from 'vitest';
import { lmstudio } from '../../src/adapters/lmstudio.ts';
import { RouterError } from '../../src/core/errors.ts';
import type { ChatRequest, Tool } from '../../src/core/types.ts';
import { adapterContext, noOptions } from '../_kit/adapter-context.ts';
import { loopback } from '../_kit/loopback.ts';
import { scriptedHttp } from '../_kit/scripted-http.ts';

const { signal } = new AbortController();
const tool = (name: string): Tool => ({ type: 'function', function: { name } });
const missing = new RouterError('bad_response', 'box: no', { provider: 'box', status: 404 });

/** As the documentation of the native API shows it. */
const ownList = {
  models: [
    {
      type: 'llm',
      publisher: 'lmstudio-community',
      key: 'gemma-3-270m',
      size_bytes: 241_410_208,
      params_string: '270M',
      loaded_instances: [
        { id: 'gemma-3-270m:2', config: { context_length: 8_192, parallel: 2 } },
        { id: 'gemma-3-270m', config: { context_length: 4_096, eval_batch_size: 512, parallel: 4 } },
      ],
      max_context_length: 32_768,
      capabilities: { vision: false, trained_for_tool_use: true },
    },
    { type: 'embedding', key: 'nomic', size_bytes: 274_290_560, params_string: null, loaded_instances: [], max_context_length: 2_048 },
    { type: 'other', key: 'x', loaded_instances: [{ id: 'x' }] },
    null,
  ],
};
const table = (more: Record<string, unknown>, keepAliveS?: number): ReturnType<typeof scriptedHttp> & typeof noOptions => ({
  ...noOptions,
  ...scriptedHttp(more),
  keepAliveS,
});

const earlyAnswer = (path: string): string[] => [
  JSON.stringify(path === '/v1/models' ? { data: [{ id: 'm' }] } : { error: `Unexpected endpoint or method. (GET ${path})` }),
];

describe('models', () => {
  const modelsOf = (more: Record<string, unknown>): unknown => lmstudio(table(more)).models!(signal);

  test('are those on the disk, with what the server says of each', async () => {
    expect(await modelsOf({ '/api/v1/models': ownList })).toEqual([
      { id: 'gemma-3-270m', sizeBytes: 241_410_208, parametersBillions: 0.27, capabilities: { vision: false, tools: true } },
      { id: 'nomic', sizeBytes: 274_290_560 },
    ]);
  });

  test('have no window, because the longest that a model could have is not what it is served with', async () => {
    expect(JSON.stringify(await modelsOf({ '/api/v1/models': ownList }))).not.toContain('contextLength');
  });

  test('of older servers are those of the common list', async () => {
    expect(await modelsOf({ '/api/v1/models': missing, '/v1/models': { data: [{ id: 'm' }] } })).toEqual([{ id: 'm' }]);
  });

  test('of older servers, which answer unknown paths with 200, are those of the common list', async () => {
    await using box = await loopback(({ path }) => ({ pieces: earlyAnswer(path) }));
    const adapter = lmstudio(adapterContext(box.url, 'lmstudio'));
    expect(await adapter.models!(signal)).toEqual([{ id: 'm' }]);
    expect(await adapter.load!(signal)).toEqual({});
  });

  test('that are no list are a bad response', async () => {
    await expect(modelsOf({ '/api/v1/models': { models: {} } })).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('other failures are passed on', async () => {
    const error = new RouterError('auth', 'box: no', { provider: 'box', status: 401 });
    await expect(modelsOf({ '/api/v1/models': error })).rejects.toBe(error);
  });
});

describe('load', () => {
  const loadOf = (loaded_instances: unknown): unknown =>
    lmstudio(table({ '/api/v1/models': { models: [{ type: 'llm', key: 'org/tiny', loaded_instances }] } })).load!(signal);

  test('tells the loaded models, each with the window and the slots of the instance that bears its name', async () => {
    expect(await lmstudio(table({ '/api/v1/models': ownList })).load!(signal)).toEqual({
      resident: [{ id: 'gemma-3-270m', sizeBytes: 241_410_208, contextLength: 4_096, slots: 4 }],
    });
  });

  test('tells an instance of another name by the name that requests use', async () => {
    const instance = { id: 'my-own-name', config: { context_length: 8_192, parallel: 1 } };
    expect(await loadOf([instance])).toEqual({ resident: [{ id: 'org/tiny', contextLength: 8_192, slots: 1 }] });
  });

  test.each([[[{ id: 'org/tiny' }]], [[{ config: { context_length: '8192', parallel: 0 } }]], [[null, { config: null }]]])(
    'leaves out what %j does not tell',
    async (instances) => {
      expect(await loadOf(instances)).toEqual({ resident: [{ id: 'org/tiny' }] });
    },
  );

  test.each([[[]], [null], [undefined]])('tells no model with the instances %j', async (instances) => {
    expect(await loadOf(instances)).toEqual({ resident: [] });
  });
});

test('a server without its own list tells no load', async () => {
  expect(await lmstudio(table({ '/api/v1/models': missing })).load!(signal)).toEqual({});
});

test('health asks for the common list, which loads no model', async () => {
  const box = table({ '/v1/models': { data: [] } });
  expect(await lmstudio(box).health!(signal)).toEqual({ state: 'ok' });
  expect(box.asked).toEqual([{ path: '/v1/models' }]);
});

describe('chat', () => {
  const answer = { id: 'a', created: 1, model: 'm', choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }] };
  async function bodyOf(request: ChatRequest, keepAliveS?: number): Promise<unknown> {
    const box = table({ '/v1/chat/completions': answer }, keepAliveS);
    await lmstudio(box).chat({ request, model: 'm', signal, requestId: 'r1' });
    return box.asked[0]?.body;
  }

  test('sends the idle time of the model in seconds', async () => {
    expect(await bodyOf({ messages: [] }, 300)).toEqual({ model: 'm', messages: [], ttl: 300, stream: false });
  });

  test('leaves the idle time to the server where none is set', async () => {
    expect(await bodyOf({ messages: [] })).toEqual({ model: 'm', messages: [], stream: false });
  });

  test('limits the answer by the name that the server knows', async () => {
    expect(await bodyOf({ messages: [], max_completion_tokens: 6 })).toEqual({ model: 'm', messages: [], max_tokens: 6, stream: false });
  });

  test('a named tool goes alone and is required, because the server takes words only', async () => {
    const tool_choice = { type: 'function', function: { name: 'b' } } as const;
    expect(await bodyOf({ messages: [], tools: [tool('a'), tool('b')], tool_choice })).toMatchObject({
      tools: [tool('b')],
      tool_choice: 'required',
    });
  });

  test('the format text, which early servers refuse, is not sent, and a schema is', async () => {
    expect(await bodyOf({ messages: [], response_format: { type: 'text' } })).not.toHaveProperty('response_format');
    const response_format = { type: 'json_schema', json_schema: { name: 'n', schema: {} } } as const;
    expect(await bodyOf({ messages: [], response_format })).toMatchObject({ response_format });
  });

  test('nothing loaded is model_not_found, over the real network layer', async () => {
    const error = { message: "No models loaded. Please load a model in the developer page or use the 'lms load' command." };
    await using box = await loopback(() => ({ status: 404, pieces: [JSON.stringify({ error })] }));
    const call = { request: { messages: [] }, model: 'm', signal, requestId: 'r1' };
    await expect(lmstudio(adapterContext(box.url, 'lmstudio')).chat(call)).rejects.toMatchObject({ code: 'model_not_found' });
  });

  test('reasoning under the name of gpt-oss models is reasoning_content', async () => {
    const message = { role: 'assistant', content: 'Hi', reasoning: 'Well' };
    const box = table({ '/v1/chat/completions': { ...answer, choices: [{ index: 0, message, finish_reason: 'stop' }] } });
    const { choices } = await lmstudio(box).chat({ request: { messages: [] }, model: 'm', signal, requestId: 'r1' });
    expect(choices[0]?.message).toEqual({ role: 'assistant', content: 'Hi', reasoning_content: 'Well' });
  });
});

test('embeddings are asked for as numbers', async () => {
  const box = table({ '/v1/embeddings': { data: [{ index: 0, embedding: [1] }], model: 'm' } }, 300);
  await lmstudio(box).embed!({ request: { input: 'a' }, model: 'm', signal, requestId: 'r1' });
  expect(box.asked[0]?.body).toEqual({ model: 'm', input: 'a' });
});

test('what is declared is what the documentation lists', () => {
  const { capabilities, modelName, ignores, loadsOnDemand } = lmstudio(table({}));
  expect(capabilities).toMatchObject({
    tools: true,
    toolChoice: true,
    vision: true,
    jsonSchema: true,
    jsonObject: false,
    dimensions: false,
  });
  expect({ modelName, ignores, loadsOnDemand }).toEqual({
    modelName: 'optional',
    ignores: ['parallel_tool_calls', 'user'],
    loadsOnDemand: true,
  });
});
