import { describe, expect, test } from 'vitest';
import { openai } from '../../src/adapters/openai.ts';
import type { Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { loopback } from '../_kit/loopback.ts';
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

async function bodyOf(request: ChatRequest, model = 'gpt'): Promise<unknown> {
  const box = scriptedHttp({ '/v1/chat/completions': recorded });
  await openai(box).chat({ ...callOf(request), model });
  return box.asked[0]?.body;
}

describe('chat', () => {
  test('max_tokens goes by the name that reasoning models take', async () => {
    expect(await bodyOf({ messages: [], max_tokens: 5 })).toEqual({ model: 'gpt', messages: [], max_completion_tokens: 5, stream: false });
  });

  test.each([
    ['gpt-4o', {}],
    ['gpt-4.1-mini', {}],
    ['gpt-3.5-turbo', {}],
    ['ft:gpt-4o-mini-2024-07-18:org::id', {}],
    ['gpt-5.2', { reasoning_effort: 'none' }],
    ['o3', { reasoning_effort: 'none' }],
  ])('reasoning_effort none for %s goes as %j: who cannot think refuses the field', async (model, effort) => {
    expect(await bodyOf({ messages: [], reasoning_effort: 'none' }, model)).toEqual({ model, messages: [], stream: false, ...effort });
  });

  test('an effort goes as it is, to be refused where there is none', async () => {
    expect(await bodyOf({ messages: [], reasoning_effort: 'low' }, 'gpt-4o')).toMatchObject({ reasoning_effort: 'low' });
  });

  test('max_completion_tokens wins where both are set', async () => {
    expect(await bodyOf({ messages: [], max_tokens: 5, max_completion_tokens: 6 })).toMatchObject({ max_completion_tokens: 6 });
  });

  test('reasoning of earlier answers is left out of the messages', async () => {
    const messages = [{ role: 'assistant', content: 'Hi', reasoning_content: 'Well' }] as const;
    expect(await bodyOf({ messages })).toMatchObject({ messages: [{ role: 'assistant', content: 'Hi' }] });
    expect(await bodyOf({ messages })).not.toHaveProperty('messages.0.reasoning_content');
  });

  test('the developer keeps the role', async () => {
    expect(await bodyOf({ messages: [{ role: 'developer', content: 'Be brief.' }] })).toMatchObject({ messages: [{ role: 'developer' }] });
  });

  test.each([
    ['unsupported_parameter', "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."],
    [
      'unsupported_value',
      "Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1) value is supported.",
    ],
  ])('%s is unsupported, so that another provider may answer', async (code, message) => {
    const error = { message, type: 'invalid_request_error', param: 'x', code };
    await using box = await loopback(() => ({ status: 400, pieces: [JSON.stringify({ error })] }));
    await expect(openai(adapterContext(box.url)).chat(callOf({ messages: [] }))).rejects.toMatchObject({
      code: 'unsupported',
      status: 400,
    });
  });
});

const chunk = (choices: object[], rest: object = {}): string => `data: ${JSON.stringify({ id: 'a', choices, ...rest })}\n\n`;

describe('what the answer carries passes', () => {
  const usage = { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10, prompt_tokens_details: { cached_tokens: 8 } };
  const logprobs = { content: [{ token: 'Hi', logprob: -0.1, bytes: [72, 105], top_logprobs: [] }], refusal: null };

  test('cached tokens and log probabilities, in answers', async () => {
    const choices = [{ index: 0, message: { role: 'assistant', content: 'Hi' }, logprobs, finish_reason: 'stop' }];
    const answer = await openai(scriptedHttp({ '/v1/chat/completions': { id: 'a', choices, usage } })).chat(callOf({ messages: [] }));
    expect(answer).toMatchObject({ usage, choices: [{ logprobs }] });
  });

  test('cached tokens, log probabilities and several choices, in streams', async () => {
    const body = [
      chunk([{ index: 1, delta: { content: 'Ho' }, finish_reason: null }], { usage: null, obfuscation: 'x' }),
      chunk([{ index: 0, delta: { content: 'Hi' }, logprobs, finish_reason: null }], { usage: null }),
      chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
      chunk([{ index: 1, delta: { content: '!' }, finish_reason: 'length' }]),
      chunk([], { usage }),
      'data: [DONE]\n\n',
    ];
    const answer = await collectChunks(
      await openai(scriptedHttp({ '/v1/chat/completions': body.join('') })).stream(callOf({ messages: [] })),
    );
    expect(answer.usage).toEqual(usage);
    expect(answer.choices).toMatchObject([
      { index: 0, message: { content: 'Hi' }, finish_reason: 'stop', logprobs: { content: logprobs.content } },
      { index: 1, message: { content: 'Ho!' }, finish_reason: 'length' },
    ]);
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
