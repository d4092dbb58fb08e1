import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { remoteGpu } from '../../src/adapters/remote-gpu.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import { adapterContext, noOptions } from '../_kit/adapter-context.ts';
import { loopback } from '../_kit/loopback.ts';
import { scriptedHttp, type ScriptedHttp } from '../_kit/scripted-http.ts';

const { signal } = new AbortController();
const hello: ChatRequest = { messages: [{ role: 'user', content: 'Once' }] };

function call(request: Partial<ChatRequest> = {}, model?: string): Call<ChatRequest> {
  return { request: { ...hello, ...request }, model, signal, requestId: 'r1' };
}

function connect(box: ScriptedHttp, dialect: 'notebook' | 'proxy', stripPrompt = true): Adapter {
  return remoteGpu({ ...noOptions, provider: box.provider, http: box.http, dialect, stripPrompt });
}

const notebookServer = (content: unknown, health: unknown = { status: 'healthy', model: 'gpt2' }): ScriptedHttp =>
  scriptedHttp({ '/generate': { content }, '/health': health });

describe('a notebook', () => {
  const said = async (content: unknown, request: Partial<ChatRequest> = {}): Promise<unknown> =>
    (await connect(notebookServer(content), 'notebook').chat(call(request))).choices[0]?.message;

  test('answers in the shape of OpenAI, with no usage, since it counts nothing', async () => {
    expect(await connect(notebookServer('Hi'), 'notebook').chat(call({}, 'gpt2'))).toEqual({
      id: 'chatcmpl-r1',
      object: 'chat.completion',
      created: 0,
      model: 'gpt2',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
    });
  });

  test('gets the prompt, and harmless fields beside it', async () => {
    const box = notebookServer('Hi');
    const extra = { 'remote-gpu': { top_k: 5, prompt: 'mine' }, ollama: { x: 1 } };
    await connect(box, 'notebook').chat(call({ max_tokens: 9, temperature: 0, top_p: 0.5, seed: 1, stop: 'a', extra }));
    expect(box.asked).toEqual([
      { path: '/generate', body: { prompt: 'Once', max_tokens: 9, temperature: 0, top_p: 0.5, seed: 1, stop: 'a', top_k: 5 } },
    ]);
  });

  test('that repeats the prompt gives only what it wrote', async () => {
    expect(await said('Once upon a time')).toEqual({ role: 'assistant', content: ' upon a time' });
    expect(await said('At Once')).toEqual({ role: 'assistant', content: 'At Once' });
  });

  test('that repeats the prompt gives all of it with stripPrompt: false', async () => {
    const { choices } = await connect(notebookServer('Once upon a time'), 'notebook', false).chat(call());
    expect(choices[0]?.message.content).toBe('Once upon a time');
  });

  test('that knows no stop sequences is cut on our side, behind the prompt', async () => {
    expect(await said('Once upon\na Once time', { stop: ['Once', ' time'] })).toMatchObject({ content: ' upon\na ' });
  });

  test('that thinks aloud gives its thoughts apart', async () => {
    expect(await said('<think>Well</think>Hi')).toEqual({ role: 'assistant', content: 'Hi', reasoning_content: 'Well' });
  });

  test('streams as one piece', async () => {
    const answer = await collectChunks(await connect(notebookServer('Hi'), 'notebook').stream(call()));
    expect(answer.choices).toEqual([{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }]);
  });

  test.each([[undefined], [null], [5], [['Hi']]])('whose content is %j has not answered', async (content) => {
    await expect(said(content)).rejects.toMatchObject({ code: 'bad_response', message: expect.stringContaining('dialect') });
  });

  test('has no place for most parameters, and only `stop` is kept here', () => {
    const { ignores, capabilities, modelName } = connect(notebookServer('Hi'), 'notebook');
    expect(ignores).toEqual([
      'temperature',
      'top_p',
      'max_tokens',
      'seed',
      'presence_penalty',
      'frequency_penalty',
      'parallel_tool_calls',
      'user',
    ]);
    expect([Object.values(capabilities).includes(true), modelName]).toEqual([false, 'ignored']);
  });

  test.each([
    [{ status: 'healthy', model: 'gpt2' }, { state: 'ok' }],
    [{ status: 'OK' }, { state: 'ok' }],
    [{}, { state: 'ok' }],
    [{ status: 'loading' }, { state: 'warming' }],
  ])('that says %j is %j', async (health, report) => {
    expect(await connect(notebookServer('Hi', health), 'notebook').health!(signal)).toEqual(report);
  });

  test('that says of itself that it is unhealthy is not', async () => {
    await expect(connect(notebookServer('Hi', { status: 'unhealthy' }), 'notebook').health!(signal)).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  test('names its one model, in answers too once it is known', async () => {
    const adapter = connect(notebookServer('Hi'), 'notebook');
    expect(await adapter.models!(signal)).toEqual([{ id: 'gpt2' }]);
    expect((await adapter.chat(call({}, 'asked-for'))).model).toBe('gpt2');
    expect(await connect(notebookServer('Hi', { status: 'healthy' }), 'notebook').models!(signal)).toEqual([]);
  });

  test('that is busy with a call of ours is not asked how it is, because it could not answer', async () => {
    const abort = new AbortController();
    await using box = await loopback(() => ({ pieces: [], after: 'hang' }));
    const adapter = remoteGpu(adapterContext(box.url, 'remote-gpu', { dialect: 'notebook' }));
    const chat = adapter.chat({ ...call(), signal: abort.signal });
    while (box.requests.length === 0) await turn();
    expect([await adapter.health!(signal), await adapter.models!(signal)]).toEqual([{ state: 'ok' }, []]);
    abort.abort(new Error('enough'));
    await expect(chat).rejects.toThrow('enough');
    expect(box.requests.map(({ path }) => path)).toEqual(['/generate']);
  });

  test('is asked again when the call has ended, however it did', async () => {
    const box = scriptedHttp({ '/generate': new Error('bug'), '/health': { status: 'loading' } });
    const adapter = connect(box, 'notebook');
    await expect(adapter.chat(call())).rejects.toThrow('bug');
    expect(await adapter.health!(signal)).toEqual({ state: 'warming' });
  });

  test.each([
    [500, {}, 'Internal Server Error', 'unavailable'],
    [404, { 'ngrok-error-code': 'ERR_NGROK_3200' }, 'The endpoint abc.ngrok-free.app is offline.\r\n\r\nERR_NGROK_3200', 'unavailable'],
    [530, { server: 'cloudflare' }, 'error code: 1033', 'unavailable'],
    [524, { server: 'cloudflare' }, 'error code: 524', 'timeout'],
    [502, { 'content-type': 'text/html' }, '<html><h1>Bad gateway</h1></html>', 'unavailable'],
  ])('behind a tunnel that says %i %j %j is %s', async (status, headers, text, code) => {
    await using box = await loopback(() => ({ status, headers: { 'content-type': 'text/plain', ...headers }, pieces: [text] }));
    const adapter = remoteGpu(adapterContext(box.url, 'remote-gpu', { dialect: 'notebook' }));
    await expect(adapter.chat(call())).rejects.toMatchObject({ code, provider: 'box' });
  });
});

describe('a proxy in front of TGI servers', () => {
  const models = [
    { id: 'gpt-2', name: 'GPT-2', hf_name: 'gpt2', endpoint: 'http://localhost:8080', available: true },
    { id: 'mistral', name: 'Mistral', hf_name: 'mistralai/Mistral-7B', endpoint: 'http://localhost:8081', available: false },
  ];
  const answers = (answer: unknown): ScriptedHttp => scriptedHttp({ '/generate': answer, '/models': models });

  test('gets its own field names, and nothing that was not set', async () => {
    const box = answers({ generated_text: 'Hi', model_id: 'gpt-2' });
    await connect(box, 'proxy').chat(call({}, 'gpt-2'));
    const extra = { 'remote-gpu': { repetition_penalty: 1.1, model_id: 'mine' } };
    await connect(box, 'proxy').chat(call({ max_completion_tokens: 9, temperature: 0.5, top_p: 0.9, extra }, 'gpt-2'));
    expect(box.asked.map(({ body }) => body)).toEqual([
      { model_id: 'gpt-2', prompt: 'Once' },
      { model_id: 'gpt-2', prompt: 'Once', max_new_tokens: 9, temperature: 0.5, top_p: 0.9, repetition_penalty: 1.1 },
    ]);
  });

  test('gives what was written behind the prompt and before the stop sequence', async () => {
    const box = answers({ generated_text: 'Once upon. A time', model_id: 'gpt-2' });
    const { choices, model } = await connect(box, 'proxy').chat(call({ stop: '.' }, 'mine'));
    expect([choices[0]?.message.content, choices[0]?.finish_reason, model]).toEqual([' upon', 'stop', 'gpt-2']);
  });

  test.each([undefined, ''])('needs a model (%j), and says which option gives one', async (model) => {
    const box = answers({ generated_text: 'Hi' });
    await expect(connect(box, 'proxy').chat({ ...call(), model })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('"defaultModel"'),
    });
    expect(box.asked).toEqual([]);
  });

  test('lists the models whose servers are up', async () => {
    const box = scriptedHttp({ '/models': [...models, 'nonsense', { id: 5 }, { id: 'unsaid' }] });
    expect(await connect(box, 'proxy').models!(signal)).toEqual([{ id: 'gpt-2' }, { id: 'unsaid' }]);
  });

  test('is up where one of its models is', async () => {
    expect(await connect(answers({}), 'proxy').health!(signal)).toEqual({ state: 'ok' });
    await expect(connect(scriptedHttp({ '/models': [models[1]] }), 'proxy').health!(signal)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(connect(scriptedHttp({ '/models': {} }), 'proxy').health!(signal)).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('must be asked for a model by name, and takes more parameters than a notebook', () => {
    const { modelName, ignores } = connect(answers({}), 'proxy');
    expect([modelName, ignores]).toEqual(['required', ['seed', 'presence_penalty', 'frequency_penalty', 'parallel_tool_calls', 'user']]);
  });
});
