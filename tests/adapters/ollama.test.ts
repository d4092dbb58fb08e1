import { readFileSync } from 'node:fs';
import { HttpResponse, http as route } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ollama } from '../../src/adapters/ollama.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import type { ChatMessage, ChatRequest, EmbedRequest } from '../../src/core/types.ts';
import { adapterContext, type noOptions } from '../_kit/adapter-context.ts';
import { soundPart } from '../_kit/sound-part.ts';

const url = 'http://ollama.test:11434';
const server = setupServer();
beforeAll(() => server.listen({ onUnhandledFrame: 'error' }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/ollama/${name}`, import.meta.url), 'utf8');

function connect(options: Partial<typeof noOptions> = {}): Adapter {
  return ollama(adapterContext(url, 'ollama', { provider: 'gpu', ...options }));
}

function call<Request>(request: Request, model: string | undefined = 'llama3.2'): Call<Request> {
  return { request, model, signal: new AbortController().signal, requestId: 'r1' };
}

/** The server answers with `body`; the bodies of the requests it got are collected. */
function answerWith(path: string, body: string, status = 200): Record<string, unknown>[] {
  const bodies: Record<string, unknown>[] = [];
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  server.use(
    route.all(url + path, async ({ request }) => {
      if (request.method === 'POST') bodies.push((await request.json()) as Record<string, unknown>);
      return new HttpResponse(body, { status, headers });
    }),
  );
  return bodies;
}

const hello: ChatRequest = { messages: [{ role: 'user', content: 'hi' }] };

/** An answer that calls one tool; older servers begin to count with each. */
const calling = (name: string): ChatMessage => ({
  role: 'assistant',
  tool_calls: [{ id: 'call_0', type: 'function', function: { name, arguments: '{}' } }],
});

/** The body that a request becomes. */
async function bodyOf(request: Partial<ChatRequest>): Promise<Record<string, unknown>> {
  const bodies = answerWith('/api/chat', fixture('chat.json'));
  await connect().chat(call({ ...hello, ...request }));
  return bodies[0] ?? {};
}

const answerOf = (body: string) => {
  answerWith('/api/chat', body);
  return connect().chat(call(hello));
};

const chatWith = (changes: Record<string, unknown>) => answerOf(JSON.stringify({ ...JSON.parse(fixture('chat.json')), ...changes }));

describe('the body of a chat', () => {
  test('holds nothing that was not asked for, but the wish not to lose messages', async () => {
    expect(await bodyOf({})).toEqual({
      model: 'llama3.2',
      messages: [{ role: 'user', content: 'hi' }],
      truncate: false,
      options: {},
      stream: false,
    });
  });

  test('puts the sampling into options', async () => {
    const { options } = await bodyOf({
      temperature: 0,
      top_p: 0.5,
      seed: 1,
      max_tokens: 64,
      frequency_penalty: 0.1,
      presence_penalty: 0.2,
    });
    expect(options).toEqual({ temperature: 0, top_p: 0.5, seed: 1, num_predict: 64, frequency_penalty: 0.1, presence_penalty: 0.2 });
  });

  test('prefers max_completion_tokens', async () => {
    expect(await bodyOf({ max_tokens: 64, max_completion_tokens: 32 })).toMatchObject({ options: { num_predict: 32 } });
  });

  test.each([
    ['\n\n', ['\n\n']],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
  ])('sends stop %j as a list', async (stop, sent) => {
    expect(await bodyOf({ stop })).toMatchObject({ options: { stop: sent } });
  });

  test('passes log probabilities on', async () => {
    expect(await bodyOf({ logprobs: true, top_logprobs: 3 })).toMatchObject({ logprobs: true, top_logprobs: 3 });
  });

  test.each([
    ['none', false],
    ['minimal', 'low'],
    ['low', 'low'],
    ['medium', 'medium'],
    ['high', 'high'],
    ['xhigh', 'max'],
    ['max', 'max'],
  ] as const)('turns reasoning effort %s into think %j', async (reasoning_effort, think) => {
    expect(await bodyOf({ reasoning_effort })).toMatchObject({ think });
  });

  test('asks for JSON by name and for a schema by the schema itself', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } } };
    const byName = await bodyOf({ response_format: { type: 'json_object' } });
    const bySchema = await bodyOf({ response_format: { type: 'json_schema', json_schema: { name: 'place', schema } } });
    expect([byName['format'], bySchema['format']]).toEqual(['json', schema]);
    expect(await bodyOf({ response_format: { type: 'text' } })).not.toHaveProperty('format');
  });

  test('sends tools as they are, and none where none may be called', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'get_weather', parameters: { type: 'object' } } }];
    expect(await bodyOf({ tools, tool_choice: 'auto' })).toMatchObject({ tools });
    expect(await bodyOf({ tools, tool_choice: 'none' })).not.toHaveProperty('tools');
  });

  test('lets extra.ollama win, field by field, and never sends another backend its extras', async () => {
    const body = await bodyOf({
      temperature: 0.7,
      seed: 1,
      extra: { ollama: { keep_alive: '10m', truncate: true, options: { num_ctx: 8192, temperature: 0 } }, vllm: { min_p: 1 } },
    });
    expect(body).toMatchObject({ keep_alive: '10m', truncate: true, options: { num_ctx: 8192, temperature: 0, seed: 1 } });
    expect(body).not.toHaveProperty('min_p');
  });

  test('keeps the kind of answer in our hands, because the reader depends on it', async () => {
    expect(await bodyOf({ extra: { ollama: { stream: true } } })).toMatchObject({ stream: false });
  });

  test.each([undefined, ''])('is refused without a model (%j), naming the option that helps', async (model) => {
    const failure = connect().chat({ ...call(hello), model });
    await expect(failure).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('"defaultModel"') });
  });
});

describe('settings of the provider', () => {
  const settings = { keepAliveS: 1800, contextSize: 8192 };

  test('go with every chat, streamed or not', async () => {
    const bodies = answerWith('/api/chat', fixture('chat.json'));
    await connect(settings).chat(call(hello));
    await connect(settings).stream(call(hello));
    const sent = { keep_alive: 1800, options: { num_ctx: 8192 } };
    expect(bodies).toMatchObject([sent, sent]);
  });

  test('go with every embedding: another context size would load the model anew', async () => {
    const bodies = answerWith('/api/embed', '{"model":"m","embeddings":[[1,0]]}');
    await connect(settings).embed?.(call({ input: 'a' }));
    expect(bodies).toEqual([{ model: 'llama3.2', input: ['a'], truncate: false, keep_alive: 1800, options: { num_ctx: 8192 } }]);
  });

  test.each([0, -1])('may keep a model for no time or for ever (%i)', async (keepAliveS) => {
    const bodies = answerWith('/api/chat', fixture('chat.json'));
    await connect({ keepAliveS }).chat(call(hello));
    expect(bodies[0]).toMatchObject({ keep_alive: keepAliveS });
  });

  test('stand behind extra.ollama', async () => {
    const extra = { ollama: { keep_alive: '10m', options: { num_ctx: 1, seed: 2 } } };
    const chats = answerWith('/api/chat', fixture('chat.json'));
    await connect(settings).chat(call({ ...hello, extra }));
    const embeds = answerWith('/api/embed', '{"model":"m","embeddings":[[1,0]]}');
    await connect(settings).embed?.(call({ input: 'a', extra }));
    expect([...chats, ...embeds]).toMatchObject([extra.ollama, extra.ollama]);
  });
});

describe('messages', () => {
  const messagesOf = async (...messages: ChatRequest['messages']) => (await bodyOf({ messages }))['messages'];

  test('turns developer into system', async () => {
    expect(await messagesOf({ role: 'developer', content: 'be brief' })).toEqual([{ role: 'system', content: 'be brief' }]);
  });

  test('joins text parts and takes images out as bare base64', async () => {
    const image = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
    const content = [{ type: 'text' as const, text: 'one' }, image, { type: 'text' as const, text: 'two' }];
    expect(await messagesOf({ role: 'user', content })).toEqual([{ role: 'user', content: 'one\ntwo', images: ['iVBORw0KGgo='] }]);
  });

  test.each([
    ['https://example.com/cat.png', 'unsupported'],
    ['data:image/svg+xml,<svg/>', 'invalid_request'],
  ])('refuses the image %s before anything is sent', async (address, code) => {
    const bodies = answerWith('/api/chat', fixture('chat.json'));
    const content = [{ type: 'image_url' as const, image_url: { url: address } }];
    const failure: unknown = await connect()
      .chat(call({ messages: [{ role: 'user', content }] }))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, provider: 'gpu', message: expect.not.stringContaining(address) });
    expect(bodies).toEqual([]);
  });

  test('refuses a part of a type that it does not know, so that a provider that does may take the request', async () => {
    const bodies = answerWith('/api/chat', fixture('chat.json'));
    const content = [{ type: 'text' as const, text: 'What is said here?' }, soundPart];
    const failure = connect().chat(call({ messages: [{ role: 'user', content }] }));
    await expect(failure).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('messages[0]') });
    expect(bodies).toEqual([]);
  });

  test('sends reasoning back as thinking', async () => {
    const message = { role: 'assistant' as const, content: 'Hi', reasoning_content: 'Let me' };
    expect(await messagesOf(message)).toEqual([{ role: 'assistant', content: 'Hi', thinking: 'Let me' }]);
  });

  test("never sends another server's signed thoughts", async () => {
    const thinking_blocks = [{ type: 'thinking' as const, thinking: 'Let me', signature: 'c2ln' }];
    expect(await messagesOf({ role: 'assistant', content: 'Hi', thinking_blocks })).toEqual([{ role: 'assistant', content: 'Hi' }]);
  });

  test('turns the arguments of tool calls into objects and names the tool of each result', async () => {
    const tool_calls = [
      { id: 'a', type: 'function' as const, function: { name: 'get_weather', arguments: '{"city":"Tokyo"}' } },
      { id: 'b', type: 'function' as const, function: { name: 'get_time', arguments: '' } },
    ];
    const messages = await messagesOf(
      { role: 'assistant', content: null, tool_calls },
      { role: 'tool', content: '12:00', tool_call_id: 'b' },
      { role: 'tool', content: '11 °C', tool_call_id: 'a' },
    );
    expect(messages).toEqual([
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          { id: 'a', function: { name: 'get_weather', arguments: { city: 'Tokyo' } } },
          { id: 'b', function: { name: 'get_time', arguments: {} } },
        ],
      },
      { role: 'tool', content: '12:00', tool_name: 'get_time', tool_call_id: 'b' },
      { role: 'tool', content: '11 °C', tool_name: 'get_weather', tool_call_id: 'a' },
    ]);
  });

  test('a result names the tool of the call before it, where ids are counted anew in each answer', async () => {
    const result: ChatMessage = { role: 'tool', tool_call_id: 'call_0', content: 'r' };
    const body = await bodyOf({ messages: [calling('first'), result, calling('second'), result] });
    expect((body['messages'] as { tool_name?: string }[]).map(({ tool_name }) => tool_name)).toEqual([
      undefined,
      'first',
      undefined,
      'second',
    ]);
  });

  const deep = `{"a":${'['.repeat(70)}${']'.repeat(70)}}`;
  test.each(['{"city": Tok', '"Tokyo"', '[1]', 'null', deep])('refuses the arguments %s without repeating them', async (text) => {
    const tool_calls = [{ id: 'a', type: 'function' as const, function: { name: 'f', arguments: text } }];
    const failure = connect().chat(call({ messages: [{ role: 'assistant', tool_calls }] }));
    await expect(failure).rejects.toMatchObject({ code: 'invalid_request', message: expect.not.stringContaining(text) });
  });
});

describe('the answer to a chat', () => {
  test("has OpenAI's shape", async () => {
    expect(await answerOf(fixture('chat.json'))).toEqual({
      id: 'chatcmpl-r1',
      object: 'chat.completion',
      created: Date.UTC(2026, 7, 21, 10) / 1000,
      model: 'llama3.2',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 11, completion_tokens: 18, total_tokens: 29 },
    });
  });

  test('gives tool calls their arguments as text and their own finish reason', async () => {
    const { choices, created } = await answerOf(fixture('chat-tools.json'));
    expect(choices[0]).toEqual({
      index: 0,
      message: {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_ab12cd34', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Tokyo"}' } }],
      },
      finish_reason: 'tool_calls',
    });
    expect(created).toBe(Date.UTC(2026, 7, 21, 10) / 1000);
  });

  test('makes ids that no other answer has, where the server gives none', async () => {
    const tool_calls = [{ function: { name: 'f', arguments: {} } }, { function: { name: 'g' } }];
    const { choices } = await chatWith({ message: { role: 'assistant', content: '', tool_calls } });
    expect(choices[0]?.message.tool_calls).toEqual([
      { id: 'call_r1_0', type: 'function', function: { name: 'f', arguments: '{}' } },
      { id: 'call_r1_1', type: 'function', function: { name: 'g', arguments: '{}' } },
    ]);
  });

  test('gives thinking as reasoning_content', async () => {
    const { choices } = await chatWith({ message: { role: 'assistant', content: 'Hi', thinking: 'Let me' } });
    expect(choices[0]?.message).toEqual({ role: 'assistant', content: 'Hi', reasoning_content: 'Let me' });
  });

  test('gives a block of thoughts in the content as reasoning_content', async () => {
    const { choices } = await chatWith({ message: { role: 'assistant', content: '<think>\nLet me\n</think>\n\nHi' } });
    expect(choices[0]?.message).toEqual({ role: 'assistant', content: 'Hi', reasoning_content: 'Let me\n' });
  });

  test('leaves such a block alone where the server told the thinking apart itself', async () => {
    const message = { role: 'assistant', content: '<think>a</think>Hi', thinking: 'Let me' };
    expect((await chatWith({ message })).choices[0]?.message).toMatchObject({ content: '<think>a</think>Hi', reasoning_content: 'Let me' });
  });

  test.each([
    ['stop', 'stop'],
    ['length', 'length'],
    [undefined, 'unknown'],
    ['whim', 'unknown'],
  ])('reads done_reason %s as %s', async (done_reason, finish_reason) => {
    expect((await chatWith({ done_reason })).choices[0]?.finish_reason).toBe(finish_reason);
  });

  test('stays length where tools were called as well', async () => {
    const { choices } = await answerOf(fixture('chat-tools.json').replace('"stop"', '"length"'));
    expect(choices[0]?.finish_reason).toBe('length');
  });

  test.each([
    [{ prompt_eval_count: undefined }, { prompt_tokens: 0, completion_tokens: 18, total_tokens: 18 }],
    [{ eval_count: undefined }, { prompt_tokens: 11, completion_tokens: 0, total_tokens: 11 }],
    [{ prompt_eval_count: undefined, eval_count: undefined }, undefined],
    [{ prompt_eval_count: -1, eval_count: '18' }, undefined],
  ])('counts a left-out number as 0, and nothing where both are missing: %j', async (changes, usage) => {
    expect((await chatWith(changes)).usage).toEqual(usage);
  });

  test('passes log probabilities on in the form of OpenAI', async () => {
    const logprobs = [{ token: 'Hello', logprob: -0.1, bytes: [72], top_logprobs: [{ token: 'Hi', logprob: -2 }] }];
    expect((await chatWith({ logprobs })).choices[0]?.logprobs).toEqual({ content: logprobs });
  });

  test('may be empty text with a finish reason', async () => {
    expect((await chatWith({ message: { role: 'assistant', content: '' } })).choices[0]?.message.content).toBe('');
  });

  test('has no time where the server gives none that can be read', async () => {
    expect((await chatWith({ created_at: 'yesterday' })).created).toBe(0);
  });

  test.each([
    ['an empty body', ''],
    ['an empty object', '{}'],
    ['a list', '[]'],
    ['text', '"Ollama is running"'],
    ['no message', '{"model":"m","done":true,"done_reason":"stop"}'],
    ['an answer that is not done', '{"model":"m","message":{"role":"assistant","content":"Hel"},"done":false}'],
    ['content that is no text', '{"model":"m","message":{"role":"assistant","content":["Hello"]},"done":true}'],
    ['null content', '{"model":"m","message":{"role":"assistant","content":null},"done":true}'],
    ['a call without a function', '{"message":{"content":"","tool_calls":[{"id":"a"}]},"done":true}'],
    ['a call that is no object', '{"message":{"content":"","tool_calls":[null]},"done":true}'],
    ['JSON cut short', '{"model":"m","message":{"role":"assi'],
    ['a model that was loaded', fixture('chat-load.json')],
    ['a model that was unloaded', fixture('chat-load.json').replace('"load"', '"unload"')],
  ])('is refused as %s', async (_what, body) => {
    await expect(answerOf(body)).rejects.toMatchObject({ code: 'bad_response', provider: 'gpu' });
  });

  test('that is refused is not quoted', async () => {
    const failure = answerOf('{"message":{"role":"assistant","content":["my secret"]},"done":true}');
    await expect(failure).rejects.toMatchObject({ message: expect.not.stringContaining('my secret') });
  });

  test('stops with the reason of the caller', async () => {
    const reason = new Error('enough');
    answerWith('/api/chat', fixture('chat.json'));
    await expect(connect().chat({ ...call(hello), signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

interface ServerError {
  readonly when: string;
  readonly status: number;
  readonly code: string;
  readonly error: string;
}

describe('errors of the server', () => {
  const errors = JSON.parse(fixture('errors.json')) as ServerError[];

  test.each(errors)('$code when $when', async ({ status, code, error }) => {
    answerWith('/api/chat', JSON.stringify({ error }), status);
    await expect(connect().chat(call(hello))).rejects.toMatchObject({ code, status, provider: 'gpu' });
  });

  test.each(errors)('reject the opening of a stream: $code when $when', async ({ status, code, error }) => {
    answerWith('/api/chat', JSON.stringify({ error }), status);
    await expect(connect().stream(call(hello))).rejects.toMatchObject({ code, status });
  });

  test('an error with status 200 is an error', async () => {
    const failure = answerOf('{"error":"model runner has unexpectedly stopped, cudaMalloc failed: out of memory"}');
    await expect(failure).rejects.toMatchObject({ code: 'out_of_memory' });
  });

  test('a refused Host header (403, empty body) is a matter of credentials', async () => {
    answerWith('/api/chat', '', 403);
    await expect(connect().chat(call(hello))).rejects.toMatchObject({ code: 'auth', status: 403 });
  });
});

describe('embeddings', () => {
  const embedding: Call<EmbedRequest> = call({ input: ['a', 'b'] }, 'nomic-embed-text');

  test('go out as one list and come back in its order, with the usage that the server counted', async () => {
    const bodies = answerWith('/api/embed', fixture('embed.json'));
    const answer = await connect().embed?.(embedding);
    expect(bodies).toEqual([{ model: 'nomic-embed-text', input: ['a', 'b'], truncate: false }]);
    expect(answer).toEqual({
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: [0.6, 0.8, 0] },
        { object: 'embedding', index: 1, embedding: [0, 0.6, 0.8] },
      ],
      model: 'nomic-embed-text',
      usage: { prompt_tokens: 8, total_tokens: 8 },
    });
  });

  test.each(['text', ''])('a single text (%j) goes out as a list of one', async (input) => {
    const bodies = answerWith('/api/embed', '{"model":"m","embeddings":[[1,0]]}');
    const answer = await connect().embed?.(call({ input }));
    expect(bodies[0]).toMatchObject({ input: [input] });
    expect(answer).not.toHaveProperty('usage');
  });

  test('no texts are no call', async () => {
    const bodies = answerWith('/api/embed', fixture('embed.json'));
    expect(await connect().embed?.(call({ input: [] }))).toEqual({ object: 'list', data: [], model: 'llama3.2' });
    expect(bodies).toEqual([]);
  });

  test('extra.ollama is passed on, and cannot change what is embedded', async () => {
    const bodies = answerWith('/api/embed', '{"model":"m","embeddings":[[1,0]]}');
    const extra = { ollama: { truncate: true, input: ['x', 'y'], options: { num_batch: 1 } }, tei: { normalize: false } };
    await connect().embed?.(call({ input: 'a', extra }));
    expect(bodies).toEqual([{ model: 'llama3.2', input: ['a'], truncate: true, options: { num_batch: 1 } }]);
  });

  test('dimensions are passed on', async () => {
    const bodies = answerWith('/api/embed', fixture('embed.json'));
    await connect().embed?.(call({ input: ['a', 'b'], dimensions: 3 }));
    expect(bodies[0]).toMatchObject({ dimensions: 3 });
  });

  test('dimensions that the server did not honour are no answer', async () => {
    answerWith('/api/embed', fixture('embed.json'));
    await expect(connect().embed?.(call({ input: ['a', 'b'], dimensions: 2 }))).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('without a model are refused, naming the option that helps', async () => {
    const failure = connect().embed?.({ ...embedding, model: undefined });
    await expect(failure).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('"embeddingModel"') });
  });

  test.each([
    ['too few', [[1, 0]]],
    ['too many', [[1], [1], [1]]],
    ['of two lengths', [[1, 0], [1]]],
    ['empty', [[], []]],
    [
      'with a NaN, which arrives as null',
      [
        [1, null],
        [1, 0],
      ],
    ],
    [
      'with text',
      [
        [1, '0'],
        [1, 0],
      ],
    ],
    ['no vectors', ['a', 'b']],
    ['missing', undefined],
  ])('vectors that are %s are refused', async (_what, embeddings) => {
    answerWith('/api/embed', JSON.stringify({ model: 'm', embeddings }));
    await expect(connect().embed?.(embedding)).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('a text that is too long is an error, not a vector of its beginning', async () => {
    answerWith('/api/embed', '{"error":"the input length exceeds the context length"}', 400);
    await expect(connect().embed?.(embedding)).rejects.toMatchObject({ code: 'context_length' });
  });
});

describe('what the server knows about itself', () => {
  const signal = new AbortController().signal;

  test('models come with sizes and abilities, as far as the server tells them', async () => {
    answerWith('/api/tags', fixture('tags.json'));
    expect(await connect().models?.(signal)).toEqual([
      {
        id: 'llama3.2:latest',
        sizeBytes: 2019393189,
        parametersBillions: 3.2,
        capabilities: { tools: true, vision: false, reasoningEffort: false },
      },
      {
        id: 'qwen3-vl:8b',
        sizeBytes: 6139393189,
        parametersBillions: 8.8,
        capabilities: { tools: true, vision: true, reasoningEffort: true },
      },
      {
        id: 'nomic-embed-text:latest',
        sizeBytes: 274302450,
        parametersBillions: 0.137,
        capabilities: { tools: false, vision: false, reasoningEffort: false },
      },
      { id: 'old:7b', sizeBytes: 3825819519, parametersBillions: 7 },
    ]);
  });

  test('the window that a model was trained for is not what it is served with', async () => {
    answerWith('/api/tags', '{"models":[{"name":"m","details":{"context_length":131072,"parameter_size":""}},{"name":"n"}]}');
    expect(await connect().models?.(signal)).toEqual([{ id: 'm' }, { id: 'n' }]);
  });

  test('a model is loaded inside the request that names it', () => {
    expect(connect().loadsOnDemand).toBe(true);
  });

  test.each(['{"models":null}', '{"models":[]}', '{"models":[{"size":1},null]}'])('no models are an empty list: %s', async (body) => {
    answerWith('/api/tags', body);
    expect(await connect().models?.(signal)).toEqual([]);
  });

  test('a list of models that is none is refused', async () => {
    answerWith('/api/tags', '{"data":[]}');
    await expect(connect().models?.(signal)).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('health is the version', async () => {
    answerWith('/api/version', fixture('version.json'));
    expect(await connect().health?.(signal)).toEqual({ state: 'ok', version: '0.33.0' });
  });

  test.each(['"Ollama is running"', '{}', '{"version":1}'])('a server that tells no version is not healthy: %s', async (body) => {
    answerWith('/api/version', body);
    await expect(connect().health?.(signal)).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('load is the resident models, with what spilled out of GPU memory', async () => {
    answerWith('/api/ps', fixture('ps.json'));
    expect(await connect().load?.(signal)).toEqual({
      resident: [
        { id: 'llama3.2:latest', sizeBytes: 6654289920, vramBytes: 5333539264, contextLength: 4096 },
        { id: 'old:7b', sizeBytes: 3825819519, vramBytes: 0 },
      ],
    });
  });

  test('what this protocol has no place for is declared', () => {
    expect(connect().ignores).toEqual(['parallel_tool_calls', 'user']);
  });

  test('a model must be named', () => {
    expect(connect().modelName).toBe('required');
  });

  test('capabilities leave out what this protocol has no field for', () => {
    const { toolChoice, logitBias, choices, tools, dimensions } = connect().capabilities;
    expect({ toolChoice, logitBias, choices, tools, dimensions }).toEqual({
      toolChoice: false,
      logitBias: false,
      choices: false,
      tools: true,
      dimensions: true,
    });
  });
});
