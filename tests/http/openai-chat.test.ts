import { describe, expect, test, vi } from 'vitest';
import { routes } from '../../src/http/routes.ts';
import { openaiRoutes } from '../../src/http/openai-routes.ts';
import { createJudge } from '../specs/official.ts';
import { after, fault } from '../_kit/fake-adapter.ts';
import { fakeRouter } from '../_kit/fake-router.ts';
import { answerOf, ask, expectRefusal, faultsIn, handle, secret, serve, withMore } from './openai-asked.ts';

const path = '/v1/chat/completions';
const user = { role: 'user', content: 'Hi.' };
const minimal = { model: 'm', messages: [user] };
const tool = { type: 'function', function: { name: 'find', description: 'Finds.', parameters: { type: 'object' }, strict: true } };
const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } };
const address = { type: 'image_url', image_url: { url: 'http://10.0.0.7/a.png?b=c' } };

/** Every field that is carried. */
const full = {
  model: 'm',
  messages: [
    { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }], name: 'boss' },
    { role: 'system', content: 'Be kind.' },
    { role: 'user', content: [{ type: 'text', text: 'What is it?' }, image, address], name: 'ann' },
    { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'find', arguments: '{}' } }] },
    { role: 'tool', content: 'A cat.', tool_call_id: 'c1' },
    { role: 'assistant', content: [{ type: 'text', text: 'A cat.' }], reasoning_content: 'Whiskers.' },
    user,
  ],
  temperature: 0,
  top_p: 1,
  n: 2,
  stop: ['a', 'b'],
  max_tokens: 7,
  max_completion_tokens: 8,
  presence_penalty: -2,
  frequency_penalty: 2,
  seed: -3,
  logprobs: true,
  top_logprobs: 20,
  logit_bias: { '50256': -100 },
  tools: [tool],
  tool_choice: { type: 'function', function: { name: 'find' } },
  parallel_tool_calls: false,
  response_format: { type: 'json_schema', json_schema: { name: 'cat', schema: { type: 'object' }, strict: true } },
  reasoning_effort: 'low',
  user: 'u1',
  extra: { ollama: { keep_alive: '10m' } },
};

describe('a request', () => {
  test('arrives as it was sent, with images and addresses untouched', async () => {
    const { handler, asked } = serve({});
    expect((await ask(handler, path, { ...full, stream: false })).status).toBe(200);
    expect(JSON.parse(JSON.stringify(asked))).toEqual([full]);
  });

  test("is one that OpenAI's own document allows, but for fields of our own", () => {
    const { extra: _, ...rest } = full;
    const messages = full.messages.map(({ reasoning_content: _thoughts, ...message }: Record<string, unknown>) => message);
    const message = { spec: 'openai', schema: 'CreateChatCompletionRequest', what: '', value: { ...rest, messages } } as const;
    expect(createJudge()(message, 'request')).toEqual([]);
  });

  test.each([
    ['tool_choice', 'required'],
    ['response_format', { type: 'json_object' }],
    ['stop', 'a'],
    ['reasoning_effort', 'max'],
    ['extra', {}],
  ])('may have %s in its other form', async (name, value) => {
    const { handler, asked } = serve({});
    expect((await ask(handler, path, { ...minimal, tools: [tool], [name]: value })).status).toBe(200);
    expect(asked[0]).toMatchObject({ [name]: value });
  });

  test('loses what asks nothing of the answer', async () => {
    const { handler, asked } = serve({});
    const idle = {
      metadata: { a: 'b' },
      store: true,
      safety_identifier: 's',
      prompt_cache_key: 'k',
      prompt_cache_options: { ttl: '30m' },
      prompt_cache_retention: '24h',
      service_tier: 'flex',
      prediction: { type: 'content', content: 'x' },
      modalities: ['text'],
      stream_options: { include_obfuscation: false },
    };
    expect((await ask(handler, path, { ...minimal, ...idle })).status).toBe(200);
    expect(JSON.parse(JSON.stringify(asked))).toEqual([minimal]);
  });

  test('may have null where a field is left out', async () => {
    const { handler, asked } = serve({});
    const names = Object.keys(full).filter((name) => name !== 'model' && name !== 'messages');
    const nothing = Object.fromEntries(
      [...names, 'stream', 'stream_options', 'audio', 'functions', 'verbosity'].map((name) => [name, null]),
    );
    expect((await ask(handler, path, { ...minimal, ...nothing })).status).toBe(200);
    expect(JSON.parse(JSON.stringify(asked))).toEqual([minimal]);
  });

  test('may hold an earlier answer as it came, and what a model refused with is what it said', async () => {
    const { handler, asked } = serve({});
    const earlier = { role: 'assistant', content: null, refusal: 'No.', annotations: [], audio: null, function_call: null };
    const parts = { role: 'assistant', content: [{ type: 'refusal', refusal: 'Never.' }] };
    expect((await ask(handler, path, { ...minimal, messages: [user, earlier, parts, user] })).status).toBe(200);
    const { messages } = JSON.parse(JSON.stringify(asked[0])) as typeof minimal;
    expect(messages).toEqual([
      user,
      { role: 'assistant', content: 'No.' },
      { role: 'assistant', content: [{ type: 'text', text: 'Never.' }] },
      user,
    ]);
  });
});

describe('what clients send', () => {
  const sent = async (body: object): Promise<unknown> => {
    const { handler, asked } = serve({});
    const { status, json } = await ask(handler, path, { ...minimal, ...body });
    expect([status, status === 200 ? undefined : json]).toEqual([200, undefined]);
    return JSON.parse(JSON.stringify(asked[0]));
  };
  const call = { id: 'c1', type: 'function', function: { name: 'find', arguments: '{}' } };

  test.each<[what: string, body: object]>([
    ['no tools', { tools: [] }],
    ['no tools, and how to choose among them', { tools: [], tool_choice: 'auto', parallel_tool_calls: true }],
    ['a choice without tools', { tool_choice: 'none', parallel_tool_calls: false }],
    ['no stops', { stop: [] }],
    ['no biases', { logit_bias: {} }],
    ['no functions', { functions: [] }],
  ])('that is empty asks for nothing, and nobody who refuses it is sent it: %s', async (_, body) => {
    expect(await sent(body)).toEqual(minimal);
  });

  test('that demands a tool where there is none goes on, to be refused', async () => {
    expect(await sent({ tools: [], tool_choice: 'required' })).toEqual({ ...minimal, tool_choice: 'required' });
  });

  test.each<[what: string, message: object, kept: object]>([
    [
      'the calls of a stream, put together with their places',
      { role: 'assistant', content: '', tool_calls: [{ index: 0, ...call }] },
      { role: 'assistant', content: '', tool_calls: [call] },
    ],
    [
      'calls that a client has parsed',
      { role: 'assistant', content: null, parsed: null, tool_calls: [{ ...call, function: { ...call.function, parsed_arguments: {} } }] },
      { role: 'assistant', content: null, tool_calls: [call] },
    ],
    [
      'thoughts under their newer name',
      { role: 'assistant', content: 'A cat.', reasoning: 'Whiskers.', reasoning_details: [{ text: 'Whiskers.' }] },
      { role: 'assistant', content: 'A cat.', reasoning_content: 'Whiskers.' },
    ],
    [
      'what another gateway has put beside an answer',
      { role: 'assistant', content: 'A cat.', thinking_blocks: [], provider_specific_fields: { a: 1 } },
      { role: 'assistant', content: 'A cat.' },
    ],
    [
      'marks for a cache, at a message',
      { role: 'system', content: 'Be brief.', cache_control: { type: 'ephemeral' } },
      { role: 'system', content: 'Be brief.' },
    ],
    [
      'marks for a cache, at a part',
      { role: 'user', content: [{ type: 'text', text: 'Hi.', cache_control: { type: 'ephemeral' } }] },
      { role: 'user', content: [{ type: 'text', text: 'Hi.' }] },
    ],
  ])('in earlier messages is taken: %s', async (_, message, kept) => {
    expect(await sent({ messages: [user, message, user] })).toEqual({ ...minimal, messages: [user, kept, user] });
  });

  test('at a tool for a cache is taken and left out', async () => {
    expect(await sent({ tools: [{ ...tool, cache_control: { type: 'ephemeral' } }] })).toEqual({ ...minimal, tools: [tool] });
  });
});

const withMessage = (message: unknown): object => ({ messages: [user, message] });
const withPart = (part: unknown): object => withMessage({ role: 'user', content: [part] });
const withCall = (call: object): object => withMessage({ role: 'assistant', tool_calls: [call] });

describe('a request that is wrong is refused', () => {
  test.each<[param: string | null, body: object, expects: string]>([
    ['model', { model: undefined }, 'must be text'],
    ['model', { model: '' }, 'must not be empty'],
    ['messages', { messages: undefined }, 'at least one message'],
    ['messages', { messages: [] }, 'at least one message'],
    ['messages', { messages: { a: secret } }, 'at least one message'],
    ['messages[1]', withMessage(secret), 'must be an object with role'],
    ['messages[1].role', withMessage({ role: secret, content: '' }), 'must be one of developer, system, user, assistant, tool'],
    ['messages[1].content', withMessage({ role: 'user', content: 7 }), 'must be text, or a list with at least one part'],
    ['messages[1].content', withMessage({ role: 'user', content: [] }), 'at least one part'],
    ['messages[1].content', withMessage({ role: 'user', content: null }), 'must be text'],
    ['messages[1].content[0].type', withPart({ type: secret }), 'must be one of text, image_url'],
    ['messages[1].content[0].text', withPart({ type: 'text', text: { secret } }), 'must be text'],
    ['messages[1].content[0].image_url.url', withPart({ type: 'image_url', image_url: { url: `file:///${secret}` } }), 'http or https'],
    ['messages[1].content[0].image_url.url', withPart({ type: 'image_url', image_url: { url: `/models/${secret}.png` } }), 'http or https'],
    ['messages[1].content[0].image_url', withPart({ type: 'image_url', image_url: secret }), 'must be an object with url'],
    [
      'messages[1].content[0].image_url.detail',
      withPart({ ...image, image_url: { ...image.image_url, detail: secret } }),
      'auto, low, high',
    ],
    ['messages[1].tool_call_id', withMessage({ role: 'tool', content: secret }), 'must be text'],
    [
      'messages[1].tool_calls[0].function.arguments',
      withCall({ id: '1', type: 'function', function: { name: 'f', arguments: { secret } } }),
      'text',
    ],
    ['messages[1].tool_calls[0].id', withCall({ type: 'function', function: { name: 'f', arguments: '' } }), 'must be text'],
    ['temperature', { temperature: secret }, 'must be a number from 0 to 2'],
    ['temperature', { temperature: 2.1 }, 'must be a number from 0 to 2'],
    ['top_p', { top_p: -1 }, 'must be a number from 0 to 1'],
    ['n', { n: 0 }, 'must be a whole number from 1 to 128'],
    ['n', { n: 1.5 }, 'must be a whole number from 1 to 128'],
    ['stop', { stop: [secret, 'b', 'c', 'd', 'e'] }, 'a list of 4 texts at most'],
    ['max_tokens', { max_tokens: 0 }, 'must be a whole number, 1 at least'],
    ['max_completion_tokens', { max_completion_tokens: '9' }, 'must be a whole number, 1 at least'],
    ['presence_penalty', { presence_penalty: 3 }, 'from -2 to 2'],
    ['frequency_penalty', { frequency_penalty: -3 }, 'from -2 to 2'],
    ['seed', { seed: 0.5 }, 'must be a whole number'],
    ['logprobs', { logprobs: 1 }, 'must be true or false'],
    ['top_logprobs', { top_logprobs: 21 }, 'from 0 to 20'],
    ['logit_bias', { logit_bias: { [secret]: 101 } }, 'whole numbers from -100 to 100'],
    ['tools', { tools: secret }, 'must be a list of tools'],
    ['tools[0].type', { tools: [{ type: secret }] }, 'must be one of function'],
    ['tools[0].function.name', { tools: [{ type: 'function', function: {} }] }, 'must be text'],
    ['tools[0].function.parameters', { tools: [{ type: 'function', function: { name: 'f', parameters: [] } }] }, 'must be an object'],
    ['tool_choice', { tool_choice: secret }, 'must be none, auto, required, or an object that names a function'],
    ['tool_choice.function.name', { tool_choice: { type: 'function', function: {} } }, 'must be text'],
    ['parallel_tool_calls', { parallel_tool_calls: 'no' }, 'must be true or false'],
    ['response_format.type', { response_format: { type: secret } }, 'must be one of text, json_object, json_schema'],
    ['response_format.json_schema.schema', { response_format: { type: 'json_schema', json_schema: { name: 'a' } } }, 'must be an object'],
    ['reasoning_effort', { reasoning_effort: secret }, 'must be one of none, minimal'],
    ['stream', { stream: 'true' }, 'must be true or false'],
    ['stream_options', { stream_options: secret }, 'must be an object'],
    ['stream_options.include_usage', { stream_options: { include_usage: 1 } }, 'must be true or false'],
    ['user', { user: 7 }, 'must be text'],
    ['extra', { extra: { ollama: secret } }, 'must be an object of objects'],
    ['verbosity', { verbosity: secret }, 'must be one of low, medium, high'],
    ['top_k', { top_k: 0.5 }, 'must be a whole number, -1 at least'],
    ['min_p', { min_p: 2 }, 'must be a number from 0 to 1'],
    ['repetition_penalty', { repetition_penalty: secret }, 'must be a number from 0 to 2'],
    ['chat_template_kwargs', { chat_template_kwargs: secret }, 'must be an object'],
  ])('at %s: %j', async (param, body, expects) => {
    const message = expect.stringContaining(expects) as string;
    await expectRefusal(serve({}), path, { ...minimal, ...body }, { code: 'invalid_request', param, message });
  });

  test.each<[what: string, body: unknown]>([
    ['a list', [secret]],
    ['text', secret],
    ['null', null],
  ])('where its body is %s', async (_, body) => {
    await expectRefusal(serve({}), path, body, { code: 'invalid_request', param: null, message: 'The body must be an object.' });
  });

  test.each<[param: string, body: object]>([
    ['audio', { audio: { voice: secret, format: 'wav' } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['moderation', { moderation: { model: secret } }],
    ['web_search_options', { web_search_options: {} }],
    ['functions', { functions: [{ name: secret }] }],
    ['function_call', { function_call: 'auto' }],
    ['tools[0]', { tools: [{ type: 'custom', custom: { name: secret } }] }],
    ['tool_choice', { tool_choice: { type: 'allowed_tools', allowed_tools: {} } }],
    ['tool_choice', { tool_choice: { type: 'custom', custom: { name: secret } } }],
    ['messages[1]', withMessage({ role: 'function', name: 'f', content: secret })],
    ['messages[1].audio', withMessage({ role: 'assistant', audio: { id: secret } })],
    ['messages[1].function_call', withMessage({ role: 'assistant', function_call: { name: secret, arguments: '' } })],
    ['messages[1].tool_calls[0]', withCall({ type: 'custom', id: '1', custom: { name: 'f', input: secret } })],
    ['messages[1].content[0]', withPart({ type: 'input_audio', input_audio: { data: secret, format: 'wav' } })],
    ['messages[1].content[0]', withPart({ type: 'file', file: { file_data: secret } })],
  ])('where %s would change the answer and cannot be carried out', async (param, body) => {
    const message = expect.stringMatching(/^\S+ is not supported here/) as string;
    await expectRefusal(serve({}), path, { ...minimal, ...body }, { code: 'unsupported_parameter', param, message });
  });

  test.each<[field: string, body: object]>([
    ['top_n', { top_n: 3 }],
    ['max_token', { max_token: 3 }],
    ['messages[1].thinking', withMessage({ ...user, thinking: secret })],
    ['messages[1].content[0].cache', withPart({ type: 'text', text: '', cache: secret })],
    ['tools[0].function.code', { tools: [{ type: 'function', function: { name: 'f', code: secret } }] }],
    ['stream_options.every', { stream_options: { every: 1 } }],
    ['response_format.schema', { response_format: { type: 'json_object', schema: {} } }],
  ])('for the field %s, which nobody knows', async (field, body) => {
    const message = `Unrecognized request argument supplied: ${field}.`;
    await expectRefusal(serve({}), path, { ...minimal, ...body }, { code: 'unknown_parameter', param: field, message });
  });

  test('without showing a name that is no name', async () => {
    const message = 'Unrecognized request argument supplied: a field of the body.';
    await expectRefusal(serve({}), path, { ...minimal, [secret]: 1 }, { code: 'unknown_parameter', param: null, message });
  });

  test('where it says where the call goes, however deep, but not in a tool of its own', async () => {
    const served = serve({});
    const body = { ...minimal, extra: { openai: { api_base: secret } } };
    await expectRefusal(served, path, body, { code: 'field_not_allowed', param: 'extra.openai.api_base' });
    const parameters = { type: 'object', properties: { endpoint: { type: 'string' } } };
    const own = { ...minimal, tools: [{ type: 'function', function: { name: 'f', parameters } }] };
    expect((await ask(served.handler, path, own)).status).toBe(200);
  });
});

describe('an answer', () => {
  const call = { id: 'c1', type: 'function' as const, function: { name: 'find', arguments: '{"a":1}' } };
  const token = { token: 'He', logprob: -0.1 };

  test("is OpenAI's, whatever else the provider told", async () => {
    const { handler } = serve({
      chat: {
        ...withMore(answerOf('Hello.'), { service: 'x', timings: { a: 1 } }),
        usage: withMore(
          {
            prompt_tokens: 3,
            completion_tokens: 2,
            total_tokens: 5,
            prompt_tokens_details: withMore({ cached_tokens: 1 }, { audio_tokens: null }),
            completion_tokens_details: null,
          },
          { queue_time: 0.3 },
        ),
        system_fingerprint: null,
      },
    });
    const { status, headers, json } = await ask(handler, path, minimal);
    expect(status).toBe(200);
    expect(json).toEqual({
      id: 'a',
      object: 'chat.completion',
      created: 5,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.', refusal: null }, logprobs: null, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, prompt_tokens_details: { cached_tokens: 1 } },
    });
    expect(faultsIn('CreateChatCompletionResponse', json)).toEqual([]);
    expect([headers.get('x-inferlane-provider'), headers.get('x-inferlane-attempts')]).toEqual(['gpu', '1']);
    expect(headers.get('x-inferlane-degraded')).toBeNull();
  });

  test('keeps tool calls, thoughts, refusals, log probabilities, the fingerprint and every choice', async () => {
    const { handler } = serve({
      chat: {
        ...answerOf(''),
        system_fingerprint: 'fp',
        choices: [
          {
            index: 0,
            message: {
              role: 'assistant',
              content: null,
              reasoning_content: 'Hm.',
              thinking_blocks: [{ type: 'redacted_thinking', data: 'x' }],
              tool_calls: [withMore(call, { index: 0 })],
            },
            finish_reason: 'unknown',
          },
          {
            index: 1,
            message: { role: 'assistant', content: null, refusal: 'No.', tool_calls: [] },
            logprobs: { content: [{ ...token, top_logprobs: [token] }, token], text_offset: [] },
            finish_reason: 'unknown',
          },
        ],
      },
    });
    const { json } = await ask(handler, path, { ...minimal, n: 2 });
    const filled = { ...token, bytes: null };
    expect(json).toEqual({
      id: 'a',
      object: 'chat.completion',
      created: 5,
      model: 'm',
      system_fingerprint: 'fp',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: null, refusal: null, reasoning_content: 'Hm.', tool_calls: [call] },
          logprobs: null,
          finish_reason: 'tool_calls',
        },
        {
          index: 1,
          message: { role: 'assistant', content: null, refusal: 'No.' },
          logprobs: {
            content: [
              { ...filled, top_logprobs: [filled] },
              { ...filled, top_logprobs: [] },
            ],
            refusal: null,
          },
          finish_reason: 'stop',
        },
      ],
    });
    expect(faultsIn('CreateChatCompletionResponse', json)).toEqual([]);
  });

  test('of a stand-in says so in a header, and the log says who answered', async () => {
    const { handler, log } = serve({ chat: { degraded: true } });
    const { headers, json } = await ask(handler, path, minimal);
    expect(headers.get('x-inferlane-degraded')).toBe('true');
    expect(json).not.toHaveProperty('degraded');
    expect(log).toMatchObject([{ route: path, status: 200, provider: 'gpu', attempts: 1, cut: false }]);
  });

  test('comes from the next provider where one fails, and the headers count both', async () => {
    const { router } = fakeRouter({ gpu: fault('unavailable'), cpu: 'Hello from here.' });
    const { headers, json } = await ask(handle(router).handler, path, minimal);
    expect(json).toMatchObject({ choices: [{ message: { content: 'Hello from here.' } }] });
    expect([headers.get('x-inferlane-provider'), headers.get('x-inferlane-attempts')]).toEqual(['cpu', '2']);
  });

  test('goes where a header names, and one that names nobody is refused', async () => {
    const { router } = fakeRouter({ gpu: 'of gpu', cpu: 'of cpu' });
    const { handler } = handle(router);
    expect((await ask(handler, path, minimal, { 'x-inferlane-provider': 'cpu' })).json).toMatchObject({
      choices: [{ message: { content: 'of cpu' } }],
    });
    const refused = await ask(handler, path, minimal, { 'x-inferlane-provider': 'tpu' });
    expect(refused).toMatchObject({ status: 400, json: { error: { param: 'x-inferlane-provider' } } });
    // Who else there is is for the operator to know.
    expect(JSON.stringify(refused.json)).not.toMatch(/gpu|cpu/);
  });

  test.each([
    ['rate_limited', 429, 'rate_limit_error'],
    ['unavailable', 502, 'server_error'],
    ['model_not_found', 404, 'not_found_error'],
    ['context_length', 400, 'invalid_request_error'],
    ['timeout', 504, 'server_error'],
  ] as const)('that fails with %s has the status %d', async (code, status, type) => {
    const { router } = fakeRouter({ gpu: fault(code) }, { maxAttempts: 1 });
    const { json, status: given } = await ask(handle(router).handler, path, minimal);
    expect(given).toBe(status);
    expect(json).toMatchObject({ error: { type } });
    expect(faultsIn('ErrorResponse', json)).toEqual([]);
  });

  test('is not waited for by a caller who has gone: the provider is let go at once', async () => {
    const { router, fakes } = fakeRouter({ gpu: after(60_000, 'late') });
    const leaving = new AbortController();
    const { handler } = handle(router);
    const init = { method: 'POST', body: JSON.stringify(minimal), headers: { 'content-type': 'application/json' } };
    const answer = handler(new Request(`http://localhost${path}`, { ...init, signal: leaving.signal }));
    await vi.waitFor(() => expect(fakes.gpu.calls).toHaveLength(1));
    leaving.abort();
    expect((await answer).status).toBe(499);
    expect(fakes.gpu.calls[0]?.signal.aborted).toBe(true);
  });
});

test('the rows of this API are in the route table: calls are counted, looks are not, and all of them need a caller', () => {
  expect(routes).toEqual(expect.arrayContaining([...openaiRoutes]));
  expect(openaiRoutes.map(({ method, path: at, access, isLimited }) => [method, at, access, isLimited])).toEqual([
    ['POST', '/v1/chat/completions', 'caller', true],
    ['POST', '/v1/completions', 'caller', true],
    ['POST', '/v1/embeddings', 'caller', true],
    ['GET', '/v1/models', 'caller', false],
    ['GET', '/v1/models/{id}', 'caller', false],
  ]);
});
