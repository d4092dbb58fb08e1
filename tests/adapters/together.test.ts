import { describe, expect, test } from 'vitest';
import { together } from '../../src/adapters/together.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatAnswer, ChatRequest } from '../../src/core/types.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { type Loopback, loopback, type Script } from '../_kit/loopback.ts';
import { answers, sse } from '../_kit/openai-bytes.ts';

const { signal } = new AbortController();
const user = { role: 'user', content: 'Hi' } as const;
const callOf = (request: Partial<ChatRequest> = {}): Call<ChatRequest> => ({
  request: { messages: [user], ...request },
  model: 'org/tiny',
  signal,
  requestId: 'r1',
});
const adapterOf = (box: Loopback): Adapter => together(adapterContext(box.url, 'together'));
const json = (value: unknown, status = 200): Script => ({ status, pieces: [JSON.stringify(value)] });
const head = { id: 'c1', object: 'chat.completion', created: 1, model: 'org/tiny' };

async function answered(script: Script, request: Partial<ChatRequest> = {}): Promise<ChatAnswer> {
  await using box = await loopback(() => script);
  return await adapterOf(box).chat(callOf(request));
}

async function streamed(choices: readonly object[], request: Partial<ChatRequest> = {}): Promise<ChatAnswer> {
  const events = choices.map((choice) => `data: ${JSON.stringify({ ...head, choices: [{ index: 0, ...choice }] })}\n\n`);
  await using box = await loopback(() => ({ headers: sse, pieces: [...events, 'data: [DONE]\n\n'] }));
  return await collectChunks(await adapterOf(box).stream(callOf(request)));
}

const token = (text: string, logprob: number, top_logprobs: object[] = []): object => ({
  token: text,
  logprob,
  bytes: null,
  top_logprobs,
});
const error = (message: string, code: string | null = null, type = 'invalid_request_error'): object => ({
  error: { message, type, param: null, code },
});

describe('what is sent', () => {
  const format = { type: 'json_schema', json_schema: { name: 'place', schema: { type: 'object' }, strict: true } } as const;

  test.each<[string, Partial<ChatRequest>, object]>([
    ['nothing that was not asked', {}, {}],
    ['max_completion_tokens under the name it knows', { max_completion_tokens: 7 }, { max_tokens: 7 }],
    ['max_tokens before the other name', { max_tokens: 5, max_completion_tokens: 7 }, { max_tokens: 5 }],
    ['one stop as a list', { stop: 'END' }, { stop: ['END'] }],
    ['several stops', { stop: ['a', 'b'] }, { stop: ['a', 'b'] }],
    ['logprobs as a number', { logprobs: true }, { logprobs: 1 }],
    ['the number of alternatives as logprobs', { logprobs: true, top_logprobs: 4 }, { logprobs: 4 }],
    ['the least number where no alternatives are wanted', { logprobs: true, top_logprobs: 0 }, { logprobs: 1 }],
    ['no logprobs where none are wanted', { logprobs: false }, {}],
    ['an effort that it knows', { reasoning_effort: 'medium' }, { reasoning_effort: 'medium' }],
    ['the least effort for a smaller one', { reasoning_effort: 'minimal' }, { reasoning_effort: 'low' }],
    ['the most effort for a larger one', { reasoning_effort: 'max' }, { reasoning_effort: 'high' }],
    ['no reasoning for no effort', { reasoning_effort: 'none' }, { reasoning: { enabled: false } }],
    ['a schema as OpenAI writes it', { response_format: format }, { response_format: format }],
    ['several choices, bias and seed', { n: 2, logit_bias: { '5': 1 }, seed: 4 }, { n: 2, logit_bias: { '5': 1 }, seed: 4 }],
    ['no parameter that it has no place for', { user: 'me', parallel_tool_calls: false }, {}],
    ['the fields of extra', { extra: { together: { min_p: 0.1 } } }, { min_p: 0.1 }],
  ])('%s', async (_what, request, expected) => {
    await using box = await loopback(() => answers('Hello'));
    await adapterOf(box).chat(callOf(request));
    expect(box.requests[0]).toMatchObject({ path: '/v1/chat/completions', headers: { authorization: 'Bearer key-of-the-box' } });
    expect(box.requests[0]?.body).toEqual({ model: 'org/tiny', messages: [user], stream: false, ...expected });
  });

  test('only what the server does is declared', async () => {
    await using box = await loopback(() => answers('Hello'));
    const { capabilities, ignores, modelName } = adapterOf(box);
    expect(capabilities).toMatchObject({ jsonSchema: true, choices: true, dimensions: false });
    expect(ignores).toEqual(['parallel_tool_calls', 'user']);
    expect(modelName).toBe('required');
  });
});

describe('what comes back', () => {
  test('eos is stop, and reasoning has the name that all have', async () => {
    const message = { role: 'assistant', content: 'Hello', reasoning: 'Well', tool_calls: [] };
    const { choices } = await answered(json({ ...head, choices: [{ index: 0, finish_reason: 'eos', message }] }));
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'Hello', reasoning_content: 'Well' } });
  });

  test('a stream with reasoning, whose chunks carry more than OpenAI has', async () => {
    const { choices } = await streamed([
      { delta: { role: 'assistant', reasoning: 'Well', token_id: 1 }, logprobs: null, finish_reason: null, seed: null },
      { delta: { role: 'assistant', content: 'Hello', token_id: 2 }, logprobs: null, finish_reason: null },
      { delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: 'eos' },
    ]);
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'Hello', reasoning_content: 'Well' } });
  });

  const message = { role: 'assistant', content: 'Hello' };

  test('the lists of logprobs become one list of tokens', async () => {
    const logprobs = { token_ids: [1, 2], tokens: ['Hel', 'lo'], token_logprobs: [-0.5, -1] };
    const { choices } = await answered(json({ ...head, choices: [{ index: 0, finish_reason: 'stop', message, logprobs }] }), {
      logprobs: true,
    });
    expect(choices[0]?.logprobs).toEqual({ content: [token('Hel', -0.5), token('lo', -1)] });
  });

  test('alternatives stand with their token', async () => {
    const logprobs = { tokens: ['Hello'], token_logprobs: [-0.5], top_logprobs: [{ Hello: -0.5, Hi: -2 }] };
    const { choices } = await answered(json({ ...head, choices: [{ index: 0, finish_reason: 'stop', message, logprobs }] }), {
      top_logprobs: 2,
    });
    const alternatives = [
      { token: 'Hello', logprob: -0.5, bytes: null },
      { token: 'Hi', logprob: -2, bytes: null },
    ];
    expect(choices[0]?.logprobs).toEqual({ content: [token('Hello', -0.5, alternatives)] });
  });

  test('logprobs in the shape of OpenAI stay', async () => {
    const logprobs = { content: [token('Hello', -0.5)] };
    const { choices } = await answered(json({ ...head, choices: [{ index: 0, finish_reason: 'stop', message, logprobs }] }), {
      logprobs: true,
    });
    expect(choices[0]?.logprobs).toEqual(logprobs);
  });

  test('the number that a chunk carries becomes its token', async () => {
    const { choices } = await streamed(
      [
        { delta: { content: 'Hel' }, logprobs: -0.5, top_logprobs: { Hel: -0.5 }, finish_reason: null },
        { delta: { content: 'lo' }, logprobs: -1, finish_reason: null },
        { delta: { content: '' }, logprobs: null, finish_reason: 'stop' },
      ],
      { logprobs: true },
    );
    const alternative = { token: 'Hel', logprob: -0.5, bytes: null };
    expect(choices[0]?.logprobs).toEqual({ content: [token('Hel', -0.5, [alternative]), token('lo', -1)] });
  });
});

describe('errors', () => {
  test.each<[number, object, string]>([
    [403, error('Input tokens and max_tokens are larger than this model allows'), 'context_length'],
    [403, { error: { message: 'Forbidden' } }, 'context_length'],
    [403, error('The key may not use this model', 'invalid_api_key'), 'auth'],
    [403, error('Not for this key', null, 'permission_error'), 'auth'],
    [400, error('Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000'), 'context_length'],
    [400, error('temperature must be a number'), 'bad_request'],
    [401, { error: { message: 'Missing credentials' } }, 'auth'],
    [401, error('Invalid API key provided', 'invalid_api_key'), 'auth'],
    [402, error('You have reached your monthly spending limit'), 'quota_exhausted'],
    [404, error('Unable to access model x. Please visit https://api.together.ai/models', 'model_not_available'), 'model_not_found'],
    [429, error('Too many requests'), 'rate_limited'],
    [503, error('The server is overloaded or not ready yet.', null, 'service_unavailable'), 'overloaded'],
  ])('%i %j is %s', async (status, body, code) => {
    await expect(answered(json(body, status))).rejects.toMatchObject({ code, provider: 'box', status });
  });

  test('403 before a stream is the context window too', async () => {
    await using box = await loopback(() => json(error('Too long'), 403));
    await expect(adapterOf(box).stream(callOf())).rejects.toMatchObject({ code: 'context_length' });
  });

  test('403 for a text to embed is the context window too, and disables nothing', async () => {
    await using box = await loopback(() => json(error('Too long'), 403));
    const call = { request: { input: 'a' }, model: 'org/embed', signal, requestId: 'r1' };
    await expect(adapterOf(box).embed!(call)).rejects.toMatchObject({ code: 'context_length' });
  });

  test.each<[string, Script]>([
    ['a web page', { status: 403, headers: { 'content-type': 'text/html' }, pieces: ['<html>Forbidden</html>'] }],
    ['a bot protection', { status: 403, headers: { 'content-type': 'text/html', 'cf-mitigated': 'challenge' }, pieces: ['<html></html>'] }],
  ])('%s with 403 says nothing of the context window', async (_what, script) => {
    await expect(answered(script)).rejects.toMatchObject({ code: 'auth' });
  });
});

describe('models and embeddings', () => {
  test('the list of models is bare', async () => {
    const list = [
      { id: 'org/tiny', object: 'model', created: 1, type: 'chat', context_length: 2048 },
      { id: 'org/embed', object: 'model', created: 1, type: 'embedding' },
    ];
    await using box = await loopback(() => json(list));
    expect(await adapterOf(box).models!(signal)).toEqual([{ id: 'org/tiny', contextLength: 2048 }, { id: 'org/embed' }]);
    expect(await adapterOf(box).health!(signal)).toEqual({ state: 'ok' });
    expect(box.requests[0]?.path).toBe('/v1/models');
  });

  test('embeddings are asked for as numbers and come without usage', async () => {
    await using box = await loopback(() =>
      json({ object: 'list', model: 'org/embed', data: [{ object: 'embedding', index: 0, embedding: [1, -2] }] }),
    );
    const answer = await adapterOf(box).embed!({ request: { input: ['a'] }, model: 'org/embed', signal, requestId: 'r1' });
    expect(box.requests[0]).toMatchObject({ path: '/v1/embeddings' });
    expect(box.requests[0]?.body).toEqual({ model: 'org/embed', input: ['a'] });
    expect(answer).toEqual({ object: 'list', model: 'org/embed', data: [{ object: 'embedding', index: 0, embedding: [1, -2] }] });
  });
});
