import { describe, expect, test } from 'vitest';
import { collect, type ChatRequest, type Router } from '../../src/index.ts';
import { failureOf, readAll } from '../_kit/fake-router.ts';
import { fault } from '../_kit/fake-adapter.ts';
import { type Says, scene, type Scene, through } from './ollama-scene.ts';

// Our own client of Ollama in front of our own server of it: what one writes the other reads.

const token = 'kXw91-Lq0z7Vd3RtYp';
const url = 'http://127.0.0.1:8000';

interface Chain extends Scene {
  readonly front: Router;
}

function chain(says: Says): Chain {
  const made = scene(says, { tokens: [token] }, { maxAttempts: 1 });
  return { ...made, front: through(made.handler, { type: 'ollama', url, apiKey: token, defaultModel: 'm' }, { maxAttempts: 1 }) };
}

const usage = { prompt_tokens: 11, completion_tokens: 18, total_tokens: 29 };
const call = { id: 'call_1', type: 'function' as const, function: { name: 'weather', arguments: '{"city":"Oslo"}' } };
const image = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==';

const request: ChatRequest = {
  model: 'm',
  messages: [
    { role: 'system', content: 'Be brief.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: image } },
      ],
    },
    { role: 'assistant', content: '', reasoning_content: 'Hm.', tool_calls: [call] },
    { role: 'tool', content: 'rain', tool_call_id: 'call_1' },
  ],
  temperature: 0.5,
  top_p: 0.9,
  max_tokens: 64,
  seed: 1,
  stop: ['a'],
  frequency_penalty: 1,
  presence_penalty: -1,
  tools: [{ type: 'function', function: { name: 'weather', description: 'd', parameters: { type: 'object' } } }],
  response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } },
  reasoning_effort: 'high',
};

describe('a chat that goes through two routers', () => {
  test('arrives as it was sent, but for what the adapter adds', async () => {
    const { front, requests } = chain({});
    await front.chat(request);
    expect(JSON.parse(JSON.stringify(requests[0]))).toEqual({ ...request, extra: { ollama: { truncate: false } } });
  });

  test('comes back as it was given', async () => {
    const { front } = chain({ message: { content: 'Yes.', reasoning_content: 'Hm.', tool_calls: [call] }, finish: 'tool_calls', usage });
    const answer = await front.chat(request);
    expect(answer.choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: 'Yes.', reasoning_content: 'Hm.', tool_calls: [call] },
        finish_reason: 'tool_calls',
      },
    ]);
    expect(answer.usage).toEqual(usage);
  });

  test('comes back as a stream, whole', async () => {
    const deltas = [{ reasoning_content: 'Hm.' }, { content: 'Y' }, { content: 'es.' }, { tool_calls: [{ index: 0, ...call }] }];
    const { front } = chain({ deltas, finish: 'tool_calls', usage });
    const answer = await collect(await front.stream(request));
    expect(answer.choices[0].message).toEqual({ role: 'assistant', content: 'Yes.', reasoning_content: 'Hm.', tool_calls: [call] });
    expect([answer.choices[0].finish_reason, answer.usage]).toEqual(['tool_calls', usage]);
  });

  test('is cut at its limit, and says so', async () => {
    const { front } = chain({ deltas: [{ content: 'Ye' }], finish: 'length' });
    expect((await collect(await front.stream(request))).choices[0].finish_reason).toBe('length');
  });

  test('that breaks in the middle is no whole one at the other end', async () => {
    const { front } = chain({ deltas: [{ content: 'Ye' }, fault('unavailable')] });
    expect(await readAll(await front.stream(request))).toMatchObject({ text: 'Ye', failure: { code: 'stream_interrupted' } });
  });

  test.each([
    ['rate_limited', 'rate_limited'],
    ['model_not_found', 'model_not_found'],
    ['overloaded', 'overloaded'],
    ['timeout', 'unavailable'],
    ['context_length', 'bad_request'],
  ] as const)('that fails as %s fails as %s', async (code, seen) => {
    const { front } = chain({ message: fault(code) });
    const { attempts, ...error } = (await failureOf(front.chat(request))) as { code: string; attempts: { error: { code: string } }[] };
    expect(attempts[0]?.error.code ?? error.code).toBe(seen);
  });

  test('goes nowhere with a token that is wrong', async () => {
    const { handler, requests } = chain({});
    const front = through(handler, { type: 'ollama', url, apiKey: 'another-token-0123', defaultModel: 'm' }, { maxAttempts: 1 });
    expect(await failureOf(front.chat(request))).toMatchObject({ attempts: [{ error: { code: 'auth' } }] });
    expect(requests).toEqual([]);
  });
});

test('embeddings come back in their order', async () => {
  const { front, requests } = chain({
    vectors: [
      [1, 0],
      [0.5, -2],
    ],
    usage: { prompt_tokens: 3, completion_tokens: 0, total_tokens: 3 },
  });
  const { data, usage: counted } = await front.embed({ model: 'm', input: ['a', 'b'], dimensions: 2 });
  expect(data.map(({ embedding }) => embedding)).toEqual([
    [1, 0],
    [0.5, -2],
  ]);
  expect(counted).toEqual({ prompt_tokens: 3, total_tokens: 3 });
  expect(requests[0]).toMatchObject({ input: ['a', 'b'], dimensions: 2 });
});

test('health, version and models are those of a server of Ollama', async () => {
  const capabilities = { tools: true, vision: false, reasoningEffort: true };
  const { front } = chain({ models: [{ id: 'llama3.1:8b', sizeBytes: 4_000, parametersBillions: 8, capabilities }] });
  const { status, providers } = await front.health();
  expect([status, providers[0]?.version, providers[0]?.models]).toEqual([
    'ok',
    '0.33.0',
    [{ id: 'llama3.1:8b', sizeBytes: 4_000, parametersBillions: 8, capabilities }],
  ]);
});
