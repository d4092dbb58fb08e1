import { describe, expect, test } from 'vitest';
import { ollamaRoutes } from '../../src/http/ollama-routes.ts';
import type { ToolCall } from '../../src/index.ts';
import { fault } from '../_kit/fake-adapter.ts';
import { createJudge } from '../specs/official.ts';
import { callersOf, linesOf, scene } from './ollama-scene.ts';

const judge = createJudge();

/** What Ollama's own document has against an answer. */
const against = (schema: string, ...values: readonly unknown[]): readonly string[] =>
  values.flatMap((value) => judge({ spec: 'ollama', schema, what: schema, value }, 'answer'));

const usage = { prompt_tokens: 11, completion_tokens: 18, total_tokens: 29 };
const created_at = new Date(scene().clock.wallMs()).toISOString();
const user = { role: 'user', content: 'Hi.' } as const;
const hello = { model: 'llama3.2', messages: [user] };
const whole = { ...hello, stream: false };
const call: ToolCall = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } };
const png = 'iVBORw0KGgoAAAANSUhEUg==';

/** What the provider was asked for. */
async function requestOf(body: object, path = '/api/chat'): Promise<Record<string, unknown>> {
  const { post, requests } = scene();
  const response = await post(path, { model: 'm', stream: false, ...body });
  expect([response.status, response.status === 200 ? '' : await response.text()]).toEqual([200, '']);
  return JSON.parse(JSON.stringify(requests[0])) as Record<string, unknown>;
}

const messagesOf = async (...messages: readonly object[]): Promise<unknown> => (await requestOf({ messages }))['messages'];
const extraOf = async (body: object): Promise<unknown> => (await requestOf({ messages: [user], ...body }))['extra'];

describe('a whole chat', () => {
  test('is one object with the message, the reason and the counts', async () => {
    const { post } = scene({ message: { content: 'Hello.', reasoning_content: 'A greeting.' }, usage });
    const response = await post('/api/chat', whole);
    const answer: unknown = await response.json();
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(answer).toEqual({
      model: 'llama3.2',
      created_at,
      message: { role: 'assistant', content: 'Hello.', thinking: 'A greeting.' },
      done: true,
      done_reason: 'stop',
      total_duration: 0,
      load_duration: 0,
      prompt_eval_count: 11,
      prompt_eval_duration: 0,
      eval_count: 18,
      eval_duration: 1,
    });
    expect(against('ChatResponse', answer)).toEqual([]);
  });

  test('tells by headers who answered', async () => {
    const { headers } = await scene().post('/api/chat', whole);
    expect([headers.get('x-inferlane-provider'), headers.get('x-inferlane-attempts')]).toEqual(['box', '1']);
  });

  test('calls tools with objects, and ends with stop all the same', async () => {
    const answer: unknown = await (
      await scene({ message: { content: null, tool_calls: [call] }, finish: 'tool_calls' }).post('/api/chat', whole)
    ).json();
    const tool_calls = [{ id: 'call_1', function: { index: 0, name: 'weather', arguments: { city: 'Oslo' } } }];
    expect(answer).toMatchObject({ message: { role: 'assistant', content: '', tool_calls }, done: true, done_reason: 'stop' });
    expect(against('ChatResponse', answer)).toEqual([]);
  });

  test.each(['[1]', '"text"', '{"half":', 'null'])('whose tool is called with %s fails, for it cannot be told', async (text) => {
    const broken = { ...call, function: { name: 'weather', arguments: text } };
    const response = await scene({ message: { content: null, tool_calls: [broken] }, finish: 'tool_calls' }).post('/api/chat', whole);
    expect([response.status, Object.keys((await response.json()) as object)]).toEqual([502, ['error']]);
  });

  test('that the limit of tokens cuts in the middle of a call has no such call, whole or streamed', async () => {
    const cut = { ...call, function: { name: 'weather', arguments: '{"ci' } };
    const answer: unknown = await (
      await scene({ message: { content: 'So:', tool_calls: [cut] }, finish: 'length' }).post('/api/chat', whole)
    ).json();
    expect(answer).toMatchObject({ message: { role: 'assistant', content: 'So:' }, done_reason: 'length' });
    expect(JSON.stringify(answer)).not.toContain('tool_calls');
    const deltas = [{ content: 'So:' }, { tool_calls: [{ index: 0, ...cut }] }];
    const lines = await linesOf(await scene({ deltas, finish: 'length' }).post('/api/chat', hello));
    expect(lines.at(-1)).toMatchObject({ done: true, done_reason: 'length' });
    expect(JSON.stringify(lines)).not.toContain('tool_calls');
  });

  test.each([
    ['length', 'length'],
    ['content_filter', 'stop'],
    ['unknown', 'stop'],
  ] as const)('that ended with %s ends with %s', async (finish, done_reason) => {
    expect(await (await scene({ finish }).post('/api/chat', whole)).json()).toMatchObject({ done_reason });
  });

  test('leaves out counts that nobody made, and tells a refusal as text', async () => {
    const answer = (await (await scene({ message: { content: null, refusal: 'No.' } }).post('/api/chat', whole)).json()) as object;
    expect(answer).toMatchObject({ message: { content: 'No.' } });
    expect(Object.keys(answer)).not.toContain('eval_count');
    expect(Object.keys(answer)).not.toContain('prompt_eval_count');
  });

  test('has the probabilities of its tokens', async () => {
    const token = { token: 'Hello', logprob: -0.1, bytes: [72], top_logprobs: [] };
    const { post, requests } = scene({ logprobs: { content: [token] } });
    const answer = (await (await post('/api/chat', { ...whole, logprobs: true, top_logprobs: 2 })).json()) as object;
    expect(answer).toMatchObject({ logprobs: [token] });
    expect(requests[0]).toMatchObject({ logprobs: true, top_logprobs: 2 });
    expect(against('ChatResponse', answer)).toEqual([]);
  });
});

/** A stream that takes back what it has told. */
async function* begunAnew(): AsyncGenerator<object> {
  yield { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content: 'Hel' } }] };
  yield { choices: [], inferlane: { type: 'reset', from: 'box', provider: 'b', model: 'm', reason: 'unavailable' } };
  yield { choices: [{ index: 0, delta: { content: 'Never told.' } }] };
}

describe('a streamed chat', () => {
  test('is what comes where nothing is said: lines of JSON, the last with the counts and the times', async () => {
    const { post, clock } = scene({ deltas: [500, { role: 'assistant', content: 'Hel' }, 250, { content: 'lo.' }], usage });
    const asked = post('/api/chat', hello);
    await clock.advance(500);
    const response = await asked;
    const reading = linesOf(response);
    await clock.advance(250);
    const lines = await reading;
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    expect(lines.map(({ message, done }) => [message, done])).toEqual([
      [{ role: 'assistant', content: 'Hel' }, false],
      [{ role: 'assistant', content: 'lo.' }, false],
      [{ role: 'assistant', content: '' }, true],
    ]);
    expect(lines.at(-1)).toMatchObject({
      model: 'llama3.2',
      done_reason: 'stop',
      total_duration: 750_000_000,
      prompt_eval_count: 11,
      prompt_eval_duration: 500_000_000,
      eval_count: 18,
      eval_duration: 250_000_000,
    });
    expect(against('ChatStreamEvent', ...lines)).toEqual([]);
    expect(against('ChatResponse', ...lines)).toEqual([]);
  });

  test('has thoughts beside the text', async () => {
    const { post } = scene({ deltas: [{ reasoning_content: 'Hm.' }, { content: 'Yes.' }] });
    const lines = await linesOf(await post('/api/chat', hello));
    expect(lines.map(({ message }) => message)).toEqual([
      { role: 'assistant', content: '', thinking: 'Hm.' },
      { role: 'assistant', content: 'Yes.' },
      { role: 'assistant', content: '' },
    ]);
  });

  test('joins the pieces of calls, and gives each whole', async () => {
    const other = { index: 1, id: 'b', function: { name: 'time', arguments: '' } };
    const deltas = [
      { tool_calls: [{ index: 0, id: 'a', type: 'function' as const, function: { name: 'weather', arguments: '{"ci' } }] },
      { tool_calls: [other] },
      { tool_calls: [{ index: 0, id: 'a', function: { name: 'weather', arguments: 'ty":"Oslo"}' } }] },
    ];
    const lines = await linesOf(await scene({ deltas, finish: 'tool_calls' }).post('/api/chat', hello));
    const calls = [
      { id: 'a', function: { index: 0, name: 'weather', arguments: { city: 'Oslo' } } },
      { id: 'b', function: { index: 1, name: 'time', arguments: {} } },
    ];
    expect(lines.map(({ message, done }) => [message, done])).toEqual([
      [{ role: 'assistant', content: '', tool_calls: calls }, false],
      [{ role: 'assistant', content: '' }, true],
    ]);
    expect(against('ChatStreamEvent', ...lines)).toEqual([]);
  });

  test('that breaks ends with a line that says so, and without a last one', async () => {
    const { post } = scene({ deltas: [{ content: 'Hel' }, fault('unavailable')] });
    const lines = await linesOf(await post('/api/chat', hello));
    expect(lines.map((line) => ('error' in line ? Object.keys(line) : line['done']))).toEqual([false, ['error']]);
    expect(JSON.stringify(lines)).not.toContain('it said');
  });

  test('that fails before its first content is refused with a status', async () => {
    const { post } = scene({ deltas: [fault('rate_limited', { retryAfterMs: 2_500 })] }, {}, { maxAttempts: 1 });
    const response = await post('/api/chat', hello);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '3']);
    expect(Object.keys((await response.json()) as object)).toEqual(['error']);
  });

  test('cannot take back what it has told: one that begins anew ends there', async () => {
    const { handler, router } = scene({ deltas: [{ content: 'Hel' }] });
    const route = { provider: 'box', attempts: [], degraded: false };
    Object.assign(router, { stream: async () => Object.assign(begunAnew(), { route }) });
    const lines = await linesOf(await callersOf(handler).post('/api/chat', hello));
    expect(lines.map((line) => Object.keys(line)[0])).toEqual(['model', 'error']);
  });
});

const partOf = (type: string, image: string) => ({ type: 'image_url', image_url: { url: `data:image/${type};base64,${image}` } });
const calledOf = (name: string, id?: string) => ({ ...(id && { id }), function: { name, arguments: { a: 1 } } });
const askedOf = (id: string, name: string) => ({ id, type: 'function', function: { name, arguments: '{"a":1}' } });

describe('a request for a chat', () => {
  test('sets what its options say, and nothing that they do not', async () => {
    const options = { temperature: 0, num_predict: 64, top_p: 0.9, seed: 1, stop: ['a'], frequency_penalty: 1, presence_penalty: -1 };
    expect(await requestOf({ messages: [user], options })).toEqual({
      model: 'm',
      messages: [user],
      temperature: 0,
      max_tokens: 64,
      top_p: 0.9,
      seed: 1,
      stop: ['a'],
      frequency_penalty: 1,
      presence_penalty: -1,
    });
    expect(await requestOf({ messages: [user], options: null, tools: null, keep_alive: null })).toEqual({ model: 'm', messages: [user] });
  });

  test('takes to servers of other types what they know as well, by their own names', async () => {
    const extra = (await extraOf({ options: { num_ctx: 8192, top_k: 40, repeat_penalty: 1.1 } })) as Record<string, unknown>;
    expect(extra['ollama']).toEqual({ options: { num_ctx: 8192, top_k: 40, repeat_penalty: 1.1 } });
    expect(extra['vllm']).toEqual({ top_k: 40, repetition_penalty: 1.1 });
    expect(extra).not.toHaveProperty('openai');
  });

  test('with stops that are none sets none', async () => {
    expect(await requestOf({ messages: [user], options: { stop: [] } })).toEqual({ model: 'm', messages: [user] });
  });

  test('without a limit has none', async () => {
    expect(await requestOf({ messages: [user], options: { num_predict: -1 } })).toEqual({ model: 'm', messages: [user] });
  });

  test('takes to servers of Ollama what only they understand', async () => {
    const options = { num_ctx: 8192, num_gpu: 1, mirostat: null, temperature: 1 };
    expect(await extraOf({ options, keep_alive: '5m', truncate: true, shift: false })).toEqual({
      ollama: { keep_alive: '5m', truncate: true, shift: false, options: { num_ctx: 8192, num_gpu: 1 } },
    });
    expect(await extraOf({ keep_alive: 0 })).toEqual({ ollama: { keep_alive: 0 } });
  });

  test.each([
    ['json', { type: 'json_object' }],
    [{ type: 'object' }, { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } }],
    ['', undefined],
    [null, undefined],
  ])('with the format %j asks for %j', async (format, response_format) => {
    expect((await requestOf({ messages: [user], format }))['response_format']).toEqual(response_format);
  });

  test.each([
    [true, 'medium', { ollama: { think: true } }],
    ['high', 'high', undefined],
    ['max', 'max', undefined],
    // A model that cannot think does as it is told.
    [false, 'none', undefined],
  ])('with think %j asks for effort %j, and of Ollama what it said', async (think, effort, extra) => {
    const request = await requestOf({ messages: [user], think });
    expect([request['reasoning_effort'], request['extra']]).toEqual([effort, extra]);
  });

  test('without thoughts gets none, also from a model that thinks all the same', async () => {
    const message = { content: 'Yes.', reasoning_content: 'Hm.' };
    const { post } = scene({ message });
    expect(JSON.stringify(await (await post('/api/chat', { ...whole, think: false })).json())).not.toContain('Hm.');
    const streamed = scene({ deltas: [{ reasoning_content: 'Hm.' }, { content: 'Yes.' }] });
    expect(await (await streamed.post('/api/chat', { ...hello, think: false })).text()).not.toContain('Hm.');
  });

  test('carries images as what they are', async () => {
    expect(await messagesOf({ ...user, images: [png, '/9j/4AAQ', 'UklGRgAA', 'R0lGODlh'] })).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hi.' },
          partOf('png', png),
          partOf('jpeg', '/9j/4AAQ'),
          partOf('webp', 'UklGRgAA'),
          partOf('gif', 'R0lGODlh'),
        ],
      },
    ]);
    expect(await messagesOf({ role: 'user', content: '', images: [png] })).toEqual([{ role: 'user', content: [partOf('png', png)] }]);
  });

  test('carries tools, calls and results, and pairs results with calls', async () => {
    const weather = { type: 'function', function: { name: 'weather', description: 'd', parameters: { type: 'object' } } };
    const messages = [
      user,
      {
        role: 'assistant',
        content: '',
        thinking: 'Hm.',
        tool_calls: [calledOf('weather'), calledOf('time'), calledOf('place', 'p'), calledOf('time')],
      },
      { role: 'tool', content: 'noon', tool_name: 'time' },
      { role: 'tool', content: 'here', tool_call_id: 'p' },
      { role: 'tool', content: 'night', tool_name: 'time' },
      { role: 'tool', content: 'rain' },
    ];
    const request = await requestOf({ messages, tools: [weather] });
    expect(request['tools']).toEqual([weather]);
    expect(request['messages']).toEqual([
      user,
      {
        role: 'assistant',
        content: '',
        reasoning_content: 'Hm.',
        tool_calls: [askedOf('call_1_0', 'weather'), askedOf('call_1_1', 'time'), askedOf('p', 'place'), askedOf('call_1_3', 'time')],
      },
      { role: 'tool', content: 'noon', tool_call_id: 'call_1_1' },
      { role: 'tool', content: 'here', tool_call_id: 'p' },
      { role: 'tool', content: 'night', tool_call_id: 'call_1_3' },
      { role: 'tool', content: 'rain', tool_call_id: 'call_1_0' },
    ]);
  });

  test.each([
    [{ messages: [] }, 'load'],
    [{ messages: null, keep_alive: '10m' }, 'load'],
    [{ messages: [], keep_alive: 0 }, 'unload'],
    [{ keep_alive: '0' }, 'unload'],
  ])('without messages, %j, asks nobody and is answered with %s', async (body, done_reason) => {
    const { post, requests } = scene();
    const answer: unknown = await (await post('/api/chat', { model: 'm', ...body })).json();
    expect(answer).toEqual({ model: 'm', created_at, message: { role: 'assistant', content: '' }, done: true, done_reason });
    expect(requests).toEqual([]);
  });
});

const secret = 'sEcReT-<b>';

describe('a body that is wrong', () => {
  test.each<[what: string, body: unknown, path: string]>([
    ['without a model', { messages: [user] }, 'model'],
    ['with a model that is empty', { ...hello, model: '' }, 'model'],
    ['with messages that are no list', { ...hello, messages: secret }, 'messages'],
    ['with a role that is none', { ...hello, messages: [{ role: secret, content: '' }] }, 'messages[0].role'],
    ['with content that is no text', { ...hello, messages: [{ role: 'user', content: [secret] }] }, 'messages[0].content'],
    ['with a text as temperature', { ...hello, options: { temperature: secret } }, 'options.temperature'],
    ['with half a token', { ...hello, options: { num_predict: 0.5 } }, 'options.num_predict'],
    ['with a limit of nothing', { ...hello, options: { num_predict: 0 } }, 'options.num_predict'],
    ['with a stop that is a number', { ...hello, options: { stop: [1] } }, 'options.stop'],
    ['with a format that is none', { ...hello, format: secret }, 'format'],
    ['with an effort that is none', { ...hello, think: secret }, 'think'],
    ['with stream as text', { ...hello, stream: 'true' }, 'stream'],
    [
      'with arguments as text',
      { ...hello, messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'a', arguments: secret } }] }] },
      'arguments',
    ],
    ['with a tool of a kind that is none', { ...hello, tools: [{ type: secret, function: { name: 'a' } }] }, 'tools[0].type'],
    ['with an image that is none', { ...hello, messages: [{ ...user, images: [secret] }] }, 'messages[0].images[0]'],
    [
      'with an image that is no base64',
      { ...hello, messages: [{ ...user, images: [`${png.slice(0, 20)}${secret}`] }] },
      'messages[0].images[0]',
    ],
    ['with the address of an image', { ...hello, messages: [{ ...user, images: ['http://sEcReT.test/a.png'] }] }, 'messages[0].images[0]'],
    ['with a field that is unknown', { ...hello, temperature: 1 }, 'temperature'],
    ['with a field in a message that is unknown', { ...hello, messages: [{ ...user, weight: secret }] }, 'messages[0].weight'],
  ])('%s is refused, with the place and without the value', async (_, body, path) => {
    const { post, requests } = scene();
    const response = await post('/api/chat', body);
    const answer = (await response.json()) as { error: string };
    expect([response.status, Object.keys(answer)]).toEqual([400, ['error']]);
    expect(answer.error).toContain(path);
    expect(answer.error).not.toMatch(/sEcReT|<b>/);
    expect(requests).toEqual([]);
  });

  test.each([[[]], ['text'], [null], [7]])('that is %j and no object is refused', async (body) => {
    const response = await scene().post('/api/chat', JSON.stringify(body));
    expect([response.status, await response.json()]).toEqual([400, { error: 'The body must be an object.' }]);
  });

  test('with a field whose name is no name is refused without it', async () => {
    const response = await scene().post('/api/chat', { ...hello, [secret]: 1 });
    expect(response.status).toBe(400);
    expect(await response.text()).not.toMatch(/sEcReT|<b>/);
  });

  test.each(['raw', 'suffix', 'template', 'context'])('asks for what no chat can do, as %s, and is refused', async (name) => {
    const value = { raw: true, suffix: secret, template: secret, context: [1, 2] }[name];
    const response = await scene().post('/api/generate', { model: 'm', prompt: 'Hi.', [name]: value });
    const { error } = (await response.json()) as { error: string };
    expect(response.status).toBe(400);
    expect(error).toContain(name);
    expect(error).not.toContain('sEcReT');
  });
});

describe('a prompt', () => {
  test('is answered with a text', async () => {
    const { post } = scene({ message: { content: 'Hello.', reasoning_content: 'Hm.' }, usage });
    const answer: unknown = await (await post('/api/generate', { model: 'm', prompt: 'Hi.', stream: false })).json();
    expect(answer).toMatchObject({
      model: 'm',
      created_at,
      response: 'Hello.',
      thinking: 'Hm.',
      done: true,
      done_reason: 'stop',
      eval_count: 18,
    });
    expect(answer).not.toHaveProperty('message');
    expect(against('GenerateResponse', answer)).toEqual([]);
  });

  test('is answered with a stream where nothing is said', async () => {
    const { post } = scene({ deltas: [{ content: 'Hel' }, { content: 'lo.' }], usage });
    const lines = await linesOf(await post('/api/generate', { model: 'm', prompt: 'Hi.' }));
    expect(lines.map(({ response, done }) => [response, done])).toEqual([
      ['Hel', false],
      ['lo.', false],
      ['', true],
    ]);
    expect(lines.at(-1)).toMatchObject({ prompt_eval_count: 11, eval_count: 18 });
    expect(against('GenerateStreamEvent', ...lines)).toEqual([]);
  });

  test('becomes a chat, with what the system says before it and its images', async () => {
    const body = { prompt: 'Hi.', system: 'Be brief.', images: [png], raw: false, suffix: '', context: [], options: { num_predict: 5 } };
    expect(await requestOf(body, '/api/generate')).toEqual({
      model: 'm',
      max_tokens: 5,
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Hi.' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
          ],
        },
      ],
    });
  });

  test('names the place of an image that is none', async () => {
    const response = await scene().post('/api/generate', { model: 'm', prompt: 'Hi.', images: [secret] });
    expect((await response.json()) as object).toEqual({ error: 'images[0] must be a JPEG, PNG, WebP or GIF image in base64.' });
  });

  test('that is empty asks nobody', async () => {
    const { post, requests } = scene();
    const answer: unknown = await (await post('/api/generate', { model: 'm', keep_alive: '5m' })).json();
    expect(answer).toEqual({ model: 'm', created_at, response: '', done: true, done_reason: 'load' });
    expect(requests).toEqual([]);
  });
});

describe('embeddings', () => {
  test('come as bare vectors, in order', async () => {
    const { post, requests } = scene({
      vectors: [
        [1, 0],
        [0.5, -2],
      ],
      usage: { prompt_tokens: 3, completion_tokens: 0, total_tokens: 3 },
    });
    const body = { model: 'm', input: ['a', 'b'], dimensions: 2, truncate: false, options: { num_ctx: 512 } };
    const answer: unknown = await (await post('/api/embed', body)).json();
    expect(answer).toEqual({
      model: 'm',
      embeddings: [
        [1, 0],
        [0.5, -2],
      ],
      total_duration: 0,
      load_duration: 0,
      prompt_eval_count: 3,
    });
    expect(against('EmbedResponse', answer)).toEqual([]);
    expect(requests[0]).toEqual({
      model: 'm',
      input: ['a', 'b'],
      dimensions: 2,
      extra: { ollama: { truncate: false, options: { num_ctx: 512 } } },
    });
  });

  test.each([[''], [[]]])('of %j are none, and nobody is asked', async (input) => {
    const { post, requests } = scene();
    expect(await (await post('/api/embed', { model: 'm', input })).json()).toMatchObject({ embeddings: [] });
    expect(requests).toEqual([]);
  });

  test.each([
    [{ model: 'm' }, 'input'],
    [{ model: 'm', input: [7] }, 'input'],
    [{ model: 'm', input: 'a', dimensions: 0 }, 'dimensions'],
    [{ model: 'm', input: 'a', prompt: 'b' }, 'prompt'],
  ])('asked for with %j are refused', async (body, path) => {
    const response = await scene().post('/api/embed', body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: string }).error).toContain(path);
  });
});

const known = {
  id: 'llama3.1:8b',
  sizeBytes: 4_000,
  parametersBillions: 8,
  contextLength: 8_192,
  capabilities: { tools: true, vision: false },
};

describe('models', () => {
  test('are listed with every field that clients read, aliases first', async () => {
    const models = [known, { id: 'tiny', parametersBillions: 0.27 }];
    const { get } = scene({ models }, {}, { models: { small: { box: 'tiny' }, gone: { box: 'nothing' } } });
    const answer = (await (await get('/api/tags')).json()) as { models: object[] };
    const details = { parent_model: '', format: '', family: '', families: [], quantization_level: '' };
    const unknown = { modified_at: '1970-01-01T00:00:00Z', digest: '0'.repeat(64) };
    expect(answer.models).toEqual([
      { name: 'small', model: 'small', size: 0, details: { ...details, parameter_size: '270M' }, ...unknown },
      {
        name: 'llama3.1:8b',
        model: 'llama3.1:8b',
        size: 4_000,
        details: { ...details, parameter_size: '8.0B' },
        capabilities: ['completion', 'tools'],
        ...unknown,
      },
    ]);
    expect(against('ListResponse', answer)).toEqual([]);
  });

  test('are shown one by one, with what their server says of them', async () => {
    const { post } = scene({ models: [known, { id: 'tiny:latest' }] });
    const answer: unknown = await (await post('/api/show', { model: 'llama3.1:8b', verbose: false })).json();
    expect(answer).toMatchObject({
      capabilities: ['completion', 'tools'],
      details: { parameter_size: '8.0B' },
      model_info: { 'general.architecture': 'unknown', 'general.parameter_count': 8_000_000_000, 'unknown.context_length': 8_192 },
    });
    expect(against('ShowResponse', answer)).toEqual([]);
    for (const name of ['tiny', 'tiny:latest']) expect((await post('/api/show', { name })).status).toBe(200);
  });

  test.each([
    [{ model: secret }, 404],
    [{}, 400],
    [{ model: '' }, 400],
    [{ model: 'tiny', insecure: true }, 400],
  ])('asked for with %j are answered with %i', async (body, status) => {
    const response = await scene({ models: [known] }).post('/api/show', body);
    const answer = (await response.json()) as object;
    expect([response.status, Object.keys(answer)]).toEqual([status, ['error']]);
    expect(JSON.stringify(answer)).not.toContain('sEcReT');
  });

  test('have the version of the API that this is, which is what clients compare', async () => {
    const answer: unknown = await (await scene().get('/api/version')).json();
    expect(answer).toEqual({ version: '0.33.0' });
    expect(against('VersionResponse', answer)).toEqual([]);
  });
});

const token = 'kXw91-Lq0z7Vd3RtYp';

test('nothing of it is for those who have no token, who get nothing but a word of refusal', async () => {
  const { get, post, requests } = scene({ models: [known] }, { tokens: [token] });
  const bodies: Record<string, object> = {
    '/api/chat': whole,
    '/api/generate': { model: 'm', prompt: 'Hi.', stream: false },
    '/api/embed': { model: 'm', input: 'Hi.' },
    '/api/show': { model: known.id },
  };
  expect(ollamaRoutes.length).toBe(6);
  for (const { method, path } of ollamaRoutes) {
    const send = (headers: Record<string, string>): Promise<Response> =>
      method === 'GET' ? get(path, headers) : post(path, bodies[path], headers);
    const refused = await send({});
    expect([path, refused.status, await refused.json()]).toEqual([path, 401, { error: 'A valid bearer token is needed.' }]);
    expect([path, (await send({ authorization: `Bearer ${token}` })).status]).toEqual([path, 200]);
  }
  expect(requests).toHaveLength(3);
});
