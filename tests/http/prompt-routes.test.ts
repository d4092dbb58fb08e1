import { describe, expect, test } from 'vitest';
import { promptRoutes } from '../../src/http/prompt-routes.ts';
import { fault } from '../_kit/fake-adapter.ts';
import { hello } from '../_kit/fake-router.ts';
import { type Says, scene, through } from './ollama-scene.ts';

const secret = 'sEcReT-<b>';
const user = (content: string) => ({ role: 'user', content });

async function seen(path: string, body: object, says: Says = {}): Promise<{ status: number; answer: unknown; request: unknown }> {
  const { post, requests } = scene(says);
  const response = await post(path, body);
  const request: unknown = requests[0] && JSON.parse(JSON.stringify(requests[0]));
  return { status: response.status, answer: await response.json(), request };
}

describe('POST /generate', () => {
  test('with the id of a model answers as the registry of models does', async () => {
    const body = {
      model_id: 'gpt-2',
      prompt: 'Once upon a time',
      max_new_tokens: 200,
      temperature: 0.7,
      top_p: 0.95,
      repetition_penalty: 1.0,
    };
    expect(await seen('/generate', body, { message: { content: 'Once upon a time, in a land far away...' } })).toEqual({
      status: 200,
      answer: { generated_text: 'Once upon a time, in a land far away...', model_id: 'gpt-2' },
      request: { model: 'gpt-2', max_tokens: 200, temperature: 0.7, top_p: 0.95, messages: [user('Once upon a time')] },
    });
  });

  test('with a prompt alone answers as a notebook does, and sets nothing that was not set', async () => {
    expect(await seen('/generate', { prompt: 'Hi.' })).toEqual({
      status: 200,
      answer: { content: 'Hello.' },
      request: { messages: [user('Hi.')] },
    });
    expect((await seen('/generate', { prompt: 'Hi.', max_tokens: 9 })).request).toMatchObject({ max_tokens: 9 });
    expect((await seen('/generate', { model_id: 'm', prompt: 'Hi.' })).request).toEqual({ model: 'm', messages: [user('Hi.')] });
  });

  test('takes a penalty for repetition to each server in its own words', async () => {
    const { request } = await seen('/generate', { model_id: 'm', prompt: 'Hi.', repetition_penalty: 1.5 });
    expect(request).toMatchObject({
      extra: {
        tgi: { presence_penalty: -0.5 },
        vllm: { repetition_penalty: 1.5 },
        'remote-gpu': { repetition_penalty: 1.5 },
        llamacpp: { repeat_penalty: 1.5 },
        ollama: { options: { repeat_penalty: 1.5 } },
      },
    });
  });

  test.each(['notebook', 'proxy'] as const)('is a server to our own client of the dialect %s', async (dialect) => {
    const { handler, requests } = scene();
    const front = through(handler, { type: 'remote-gpu', dialect, url: 'http://127.0.0.1:8000', defaultModel: 'm' });
    const { choices } = await front.chat({ ...hello, max_tokens: 9, temperature: 0.5, top_p: 0.9 });
    expect(choices[0].message.content).toBe('Hello.');
    expect(requests[0]).toMatchObject({ messages: [user('Hello!')], max_tokens: 9, temperature: 0.5, top_p: 0.9 });
  });
});

describe('POST /api/query', () => {
  test('tells by a flag that there is an answer', async () => {
    expect(await seen('/api/query', { prompt: 'Hi.', max_tokens: 100, temperature: 0.2 })).toEqual({
      status: 200,
      answer: { success: true, provider: 'box', content: 'Hello.', error_message: null },
      request: { messages: [user('Hi.')], max_tokens: 100, temperature: 0.2 },
    });
  });

  test('tells by the flag and by the status that there is none, and nothing of what a server said', async () => {
    const message = fault('rate_limited', { retryAfterMs: 2_500 });
    const { post } = scene({ message }, {}, { maxAttempts: 1 });
    const response = await post('/api/query', { prompt: 'Hi.' });
    const answer = (await response.json()) as Record<string, unknown>;
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '3']);
    expect(answer).toEqual({ success: false, provider: null, content: null, error_message: answer['error_message'] });
    expect(answer['error_message']).toMatch(/^\S.*\.$/);
    expect(answer['error_message']).not.toContain('it said');
  });
});

describe('POST /chat', () => {
  test.each([
    [{ message: 'Hi.' }, { messages: [user('Hi.')] }],
    [
      { messages: [{ role: 'system', content: 'Be brief.' }, user('Hi.')], model: 'm' },
      { model: 'm', messages: [{ role: 'system', content: 'Be brief.' }, user('Hi.')] },
    ],
  ])('answers %j with a response', async (body, request) => {
    expect(await seen('/chat', body)).toEqual({ status: 200, answer: { response: 'Hello.' }, request });
  });

  test('is routed by the intent of the body', async () => {
    const { handler, post, router } = scene();
    const intents: string[] = [];
    router.on('request:start', ({ intent }) => void intents.push(intent));
    await post('/chat', { message: 'Hi.', intent: 'heavy' });
    await post('/chat', { message: 'Hi.' }, { 'x-inferlane-intent': 'heavy' });
    await post('/chat', { message: 'Hi.' });
    expect([typeof handler, intents]).toEqual(['function', ['heavy', 'heavy', 'fast']]);
  });
});

describe('a body that is wrong', () => {
  test.each<[path: string, body: unknown, place: string]>([
    ['/generate', {}, 'prompt'],
    ['/generate', { prompt: 7 }, 'prompt'],
    ['/generate', { prompt: 'Hi.', max_tokens: 0 }, 'max_tokens'],
    ['/generate', { inputs: 'Hi.', prompt: 'Hi.', parameters: {} }, 'inputs'],
    ['/generate', { prompt: 'Hi.', max_new_tokens: 5 }, 'max_new_tokens'],
    ['/generate', { model_id: '', prompt: 'Hi.' }, 'model_id'],
    ['/generate', { model_id: 7, prompt: 'Hi.' }, 'model_id'],
    ['/generate', { model_id: 'm', prompt: 'Hi.', max_tokens: 5 }, 'max_tokens'],
    ['/generate', { model_id: 'm', prompt: 'Hi.', top_p: secret }, 'top_p'],
    ['/api/query', { prompt: [secret] }, 'prompt'],
    ['/api/query', { prompt: 'Hi.', provider: secret }, 'provider'],
    ['/chat', {}, 'message'],
    ['/chat', { message: 'Hi.', messages: [] }, 'message'],
    ['/chat', { messages: [{ role: secret, content: 'Hi.' }] }, 'messages[0].role'],
    ['/chat', { messages: [{ role: 'user', content: [secret] }] }, 'messages[0].content'],
    ['/chat', { message: 'Hi.', intent: secret }, 'intent'],
    ['/chat', { message: 'Hi.', tools: [secret] }, 'tools'],
  ])('of %s, %j, is refused with the place and without the value', async (path, body, place) => {
    const { post, requests } = scene();
    const response = await post(path, body);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect([response.status, /^(?:invalid_request|unknown_parameter)$/.test(error.code)]).toEqual([400, true]);
    expect(error.message).toContain(place);
    expect(error.message).not.toMatch(/sEcReT|<b>/);
    expect(requests).toEqual([]);
  });
});

test('who has no token gets nothing of it', async () => {
  const { post, requests } = scene({}, { tokens: ['kXw91-Lq0z7Vd3RtYp'] });
  for (const { path } of promptRoutes) expect([path, (await post(path, { prompt: 'Hi.' })).status]).toEqual([path, 401]);
  expect(requests).toEqual([]);
});
