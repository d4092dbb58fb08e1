import { describe, expect, test } from 'vitest';
import { openai } from '../../src/adapters/openai.ts';
import type { Call } from '../../src/core/adapter.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import { recording } from '../_kit/recordings.ts';
import { scriptedHttp } from '../_kit/scripted-http.ts';

const recorded = JSON.parse(new TextDecoder().decode(recording('llama-server/chat').body)) as object;
const callOf = <Request>(request: Request): Call<Request> => ({
  request,
  model: 'gpt',
  signal: new AbortController().signal,
  requestId: 'r1',
});
const embeddings = ({ input }: { input: string | string[] }): object => ({
  data: [input].flat().map((text, index) => ({ index, embedding: [Number(text)] })),
  model: 'm',
  usage: { prompt_tokens: 1, total_tokens: 1 },
});

async function bodyOf(request: ChatRequest): Promise<unknown> {
  const box = scriptedHttp({ '/v1/chat/completions': recorded });
  await openai(box).chat(callOf(request));
  return box.asked[0]?.body;
}

describe('chat', () => {
  test('max_tokens goes by the name that reasoning models take', async () => {
    expect(await bodyOf({ messages: [], max_tokens: 5 })).toEqual({ model: 'gpt', messages: [], max_completion_tokens: 5, stream: false });
  });

  test('max_completion_tokens wins where both are set', async () => {
    expect(await bodyOf({ messages: [], max_tokens: 5, max_completion_tokens: 6 })).toMatchObject({ max_completion_tokens: 6 });
  });

  test('reasoning of earlier answers is left out of the messages, and the request is not changed', async () => {
    const messages = [{ role: 'assistant', content: 'Hi', reasoning_content: 'Well' }] as const;
    expect(await bodyOf({ messages })).toMatchObject({ messages: [{ role: 'assistant', content: 'Hi' }] });
    expect(await bodyOf({ messages })).not.toHaveProperty('messages.0.reasoning_content');
    expect(messages[0]).toHaveProperty('reasoning_content');
  });
});

describe('embed', () => {
  test('asks for base64 and the dimensions', async () => {
    const box = scriptedHttp({ '/v1/embeddings': embeddings });
    await openai(box).embed!(callOf({ input: '7', dimensions: 1 }));
    expect(box.asked[0]?.body).toEqual({ model: 'gpt', input: '7', encoding_format: 'base64', dimensions: 1 });
  });

  test('a long list goes in requests of 2048 inputs and comes back in order', async () => {
    const box = scriptedHttp({ '/v1/embeddings': embeddings });
    const input = Array.from({ length: 4_097 }, (_, index) => String(index));
    const { data, usage } = await openai(box).embed!(callOf({ input }));
    expect(box.asked.map(({ body }) => (body as { input: string[] }).input.length)).toEqual([2_048, 2_048, 1]);
    expect(data.every(({ index, embedding }, at) => index === at && embedding[0] === at)).toBe(true);
    expect(usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
  });
});

test('health asks for the models and costs nothing', async () => {
  const box = scriptedHttp({ '/v1/models': { data: [] } });
  expect(await openai(box).health!(new AbortController().signal)).toEqual({ state: 'ok' });
  expect(box.asked).toEqual([{ path: '/v1/models' }]);
});
