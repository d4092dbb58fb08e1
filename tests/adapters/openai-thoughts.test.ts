import { describe, expect, test } from 'vitest';
import { openaiCompatible } from '../../src/adapters/openai-compatible.ts';
import type { Dialect } from '../../src/adapters/openai-dialect.ts';
import type { Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatAnswer, ChatChunk, ChatRequest } from '../../src/core/types.ts';
import { gather } from '../_kit/byte-stream.ts';
import { scriptedHttp } from '../_kit/scripted-http.ts';

const call: Call<ChatRequest> = { request: { messages: [] }, model: 'm', signal: new AbortController().signal, requestId: 'r1' };
const dialect: Dialect = { name: 'vllm', capabilities: {} };
const route = '/v1/chat/completions';

const chat = (message: object, rules: Partial<Dialect> = {}, rest: object = {}): Promise<ChatAnswer> =>
  openaiCompatible({ ...dialect, ...rules })(
    scriptedHttp({ [route]: { id: 'a', created: 1, model: 'm', choices: [{ index: 0, message, finish_reason: 'stop' }], ...rest } }),
  ).chat(call);
const chunk = (delta: object, finish: string | null = null, index = 0): string =>
  `data: ${JSON.stringify({ id: 'a', created: 1, model: 'm', choices: [{ index, delta, finish_reason: finish }] })}\n\n`;
const texts = (...pieces: string[]): string => pieces.map((content) => chunk({ content })).join('');
const done = 'data: [DONE]\n\n';
const stream = (body: string, rules: Partial<Dialect> = {}): ReturnType<ReturnType<ReturnType<typeof openaiCompatible>>['stream']> =>
  openaiCompatible({ ...dialect, ...rules })(scriptedHttp({ [route]: body })).stream(call);
const chunksOf = async (body: string, rules: Partial<Dialect> = {}): Promise<ChatChunk[]> => gather(await stream(body, rules));
const deltasOf = async (body: string): Promise<unknown[]> => (await chunksOf(body)).map(({ choices }) => choices[0]?.delta);

const none = (body: string): string => body.replaceAll('"model":"m"', '"model":"None"');

describe('a whole answer', () => {
  test('that begins with <think> has its reasoning moved', async () => {
    const answer = await chat({ role: 'assistant', content: '<think>\nWell\n</think>\n\nHello' });
    expect(answer.choices[0]?.message).toEqual({ role: 'assistant', content: 'Hello', reasoning_content: 'Well\n' });
  });

  test('whose block is empty has no reasoning', async () => {
    const answer = await chat({ role: 'assistant', content: '<think>\n\n</think>\n\nHello' });
    expect(answer.choices[0]?.message).toEqual({ role: 'assistant', content: 'Hello' });
  });

  test.each(['reasoning_content', 'reasoning'])('with %s of the server keeps its tags', async (name) => {
    const answer = await chat({ role: 'assistant', content: '<think>a</think>b', [name]: 'Well' });
    expect(answer.choices[0]?.message).toMatchObject({ content: '<think>a</think>b', reasoning_content: 'Well' });
  });

  test('with a null for reasoning (vLLM without a parser) is split', async () => {
    const answer = await chat({ role: 'assistant', content: '<think>a</think>b', reasoning: null });
    expect(answer.choices[0]?.message).toMatchObject({ content: 'b', reasoning_content: 'a' });
  });

  test('of nothing but thoughts before a tool call has no text', async () => {
    const tool_calls = [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }];
    const answer = await chat({ role: 'assistant', content: '<think>a</think>\n', tool_calls });
    expect(answer.choices[0]?.message).toMatchObject({ content: null, reasoning_content: 'a', tool_calls });
  });
});

describe('a stream', () => {
  test('has its reasoning moved, across the borders of chunks', async () => {
    const answer = await collectChunks(
      await stream(texts('\n<th', 'ink>We', 'll</', 'think>\n', '\nHel', 'lo') + chunk({}, 'stop') + done),
    );
    expect(answer.choices[0]?.message).toEqual({ role: 'assistant', content: 'Hello', reasoning_content: 'Well' });
  });

  test('passes a chunk whose text is held back, with its other fields', async () => {
    const [first] = await chunksOf(chunk({ role: 'assistant', content: '<th' }) + texts('e') + chunk({}, 'stop') + done);
    expect(first?.choices[0]).toEqual({ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null });
  });

  test('that begins otherwise passes as it came', async () => {
    expect(await deltasOf(texts('Hello', ' <think>', '</think>') + chunk({}, 'stop') + done)).toEqual([
      { content: 'Hello' },
      { content: ' <think>' },
      { content: '</think>' },
      {},
    ]);
  });

  test('gives what was held back with the finish reason', async () => {
    expect(await deltasOf(texts('\n<thi') + chunk({}, 'stop') + done)).toEqual([{ content: '' }, { content: '\n<thi' }]);
  });

  test('gives what was held back with the text of the last chunk', async () => {
    expect(await deltasOf(texts('<') + chunk({ content: 'th' }, 'stop') + done)).toEqual([{ content: '' }, { content: '<th' }]);
  });

  test('gives what was held back at a terminator without a finish reason, in a chunk of its own', async () => {
    const chunks = await chunksOf(texts('<think>a</thi') + done);
    expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
      { content: '', reasoning_content: 'a' },
      { reasoning_content: '</thi' },
    ]);
    expect(chunks[1]).toMatchObject({ id: 'a', object: 'chat.completion.chunk', created: 1, model: 'm' });
  });

  test('that fails gives nothing of what was held back, so that another server may answer', async () => {
    const chunks: ChatChunk[] = [];
    const reading = (async () => {
      for await (const batch of await stream(texts('<th') + chunk({}, 'abort'))) chunks.push(...batch);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'overloaded' });
    expect(chunks.map(({ choices }) => choices[0]?.delta.content)).toEqual(['']);
  });

  test('keeps the choices apart', async () => {
    const pieces = [chunk({ content: '<think>a' }), chunk({ content: '<b' }, null, 1), chunk({ content: '</think>c' })];
    const body = pieces.join('') + chunk({ content: '>' }, 'stop', 1) + chunk({}, 'stop') + done;
    const { choices } = await collectChunks(await stream(body));
    expect(choices.map(({ message }) => [message.content, message.reasoning_content])).toEqual([
      ['c', 'a'],
      ['<b>', undefined],
    ]);
  });

  test.each(['reasoning_content', 'reasoning'])('in which the server sends %s itself keeps its tags', async (name) => {
    const body = chunk({ content: '\n' }) + chunk({ [name]: 'Well' }) + texts('<think>a</think>') + chunk({}, 'stop') + done;
    const answer = await collectChunks(await stream(body));
    expect(answer.choices[0]?.message).toMatchObject({ content: '\n<think>a</think>', reasoning_content: 'Well' });
  });

  test('in which the first chunk carries both keeps both', async () => {
    const [first] = await chunksOf(chunk({ content: '<think>a', reasoning_content: 'Well' }) + chunk({}, 'stop') + done);
    expect(first?.choices[0]?.delta).toEqual({ content: '<think>a', reasoning_content: 'Well' });
  });

  test('in which the server begins to send reasoning inside a block loses nothing', async () => {
    const body = texts('<think>a<') + chunk({ reasoning_content: 'b' }) + texts('c') + chunk({}, 'stop') + done;
    const answer = await collectChunks(await stream(body));
    expect(answer.choices[0]?.message).toMatchObject({ content: 'c', reasoning_content: 'a<b' });
  });
});

describe('a server without a model', () => {
  const rules: Partial<Dialect> = { isNoModel: ({ model }) => model === 'None' };

  test.each(['', null])('answers with %j for a text: model_not_found', async (content) => {
    await expect(chat({ role: 'assistant', content }, rules, { model: 'None' })).rejects.toMatchObject({
      code: 'model_not_found',
      provider: 'box',
    });
  });

  test('streams no text: model_not_found, before a finish reason is handed on', async () => {
    const chunks = await stream(none(chunk({ role: 'assistant', content: '' }) + chunk({}, 'stop') + done), rules);
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const batch of chunks) seen.push(...batch.map(({ choices }) => choices[0]?.finish_reason));
    })();
    await expect(reading).rejects.toMatchObject({ code: 'model_not_found' });
    expect(seen).toEqual([null]);
  });

  test('streams nothing and says no reason: model_not_found', async () => {
    const body = none(chunk({ role: 'assistant', content: '' }) + done);
    await expect(chunksOf(body, rules)).rejects.toMatchObject({ code: 'model_not_found' });
  });

  test('that answers all the same has a model', async () => {
    expect((await chat({ role: 'assistant', content: 'Hi' }, rules, { model: 'None' })).choices[0]?.message.content).toBe('Hi');
    expect(await chunksOf(none(texts('Hi') + chunk({}, 'stop') + done), rules)).toHaveLength(2);
  });

  test('a model that says nothing is not missing', async () => {
    expect((await chat({ role: 'assistant', content: '' }, rules)).choices[0]?.message.content).toBe('');
    expect(await chunksOf(chunk({}, 'stop') + done, rules)).toHaveLength(1);
  });
});
