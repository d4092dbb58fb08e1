import { describe, expect, test } from 'vitest';
import { huggingface } from '../../src/adapters/huggingface.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatRequest, EmbedAnswer } from '../../src/core/types.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { type Loopback, loopback, type Script } from '../_kit/loopback.ts';
import { answers, streams } from '../_kit/openai-bytes.ts';

const { signal } = new AbortController();
const user = { role: 'user', content: 'Hi' } as const;
const callOf = (request: Partial<ChatRequest> = {}): Call<ChatRequest> => ({
  request: { messages: [user], ...request },
  model: 'openai/gpt-oss-120b:fastest',
  signal,
  requestId: 'r1',
});
const adapterOf = (box: Loopback): Adapter => huggingface(adapterContext(box.url, 'huggingface'));
const json = (value: unknown, status = 200): Script => ({ status, pieces: [JSON.stringify(value)] });

describe('chat', () => {
  test.each<[string, Partial<ChatRequest>, object]>([
    ['nothing that was not asked', {}, {}],
    ['max_completion_tokens under the name that all providers know', { max_completion_tokens: 7 }, { max_tokens: 7 }],
    ['the rest as it is', { stop: 'END', top_p: 1, user: 'me' }, { stop: 'END', top_p: 1, user: 'me' }],
    ['the fields of extra', { extra: { huggingface: { top_k: 5 } } }, { top_k: 5 }],
  ])('%s', async (_what, request, expected) => {
    await using box = await loopback(() => answers('Hello'));
    await adapterOf(box).chat(callOf(request));
    expect(box.requests[0]).toMatchObject({ path: '/v1/chat/completions', headers: { authorization: 'Bearer key-of-the-box' } });
    expect(box.requests[0]?.body).toEqual({ model: 'openai/gpt-oss-120b:fastest', messages: [user], stream: false, ...expected });
  });

  test('a stream', async () => {
    await using box = await loopback(() => streams('Hel', 'lo'));
    expect((await collectChunks(await adapterOf(box).stream(callOf()))).choices[0]?.message.content).toBe('Hello');
  });

  test('the list of models speaks against no name', async () => {
    await using box = await loopback(() => json({ object: 'list', data: [{ id: 'openai/gpt-oss-120b' }] }));
    const adapter = adapterOf(box);
    expect(await adapter.models!(signal)).toEqual([{ id: 'openai/gpt-oss-120b' }]);
    expect(await adapter.health!(signal)).toEqual({ state: 'ok' });
    expect(adapter.listsAllModels).toBe(false);
  });
});

describe('errors', () => {
  const noProvider = "The requested model 'x/y' is not supported by any provider you have enabled.";

  test.each<[number, object, string]>([
    [
      402,
      {
        error:
          'You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits.',
      },
      'quota_exhausted',
    ],
    [402, { error: { message: 'No credits left', type: 'insufficient_quota' } }, 'quota_exhausted'],
    [
      400,
      { error: { message: noProvider, type: 'invalid_request_error', param: 'model', code: 'model_not_supported' } },
      'model_not_found',
    ],
    [400, { error: noProvider }, 'model_not_found'],
    [401, { error: 'Invalid username or password.' }, 'auth'],
    [
      403,
      { error: 'This authentication method does not have sufficient permissions to call Inference Providers on behalf of user me' },
      'auth',
    ],
    [429, { error: { message: 'Rate limit reached for requests' } }, 'rate_limited'],
    [500, { error: 'CUDA out of memory. Tried to allocate 20.00 MiB', warnings: ['There was an inference error'] }, 'out_of_memory'],
    [502, { error: 'Bad gateway' }, 'unavailable'],
  ])('%i %j is %s', async (status, body, code) => {
    await using box = await loopback(() => json(body, status));
    await expect(adapterOf(box).chat(callOf())).rejects.toMatchObject({ code, provider: 'box', status });
  });

  test.each([503, 200])('a model that is loading (%i) says when it will be ready', async (status) => {
    await using box = await loopback(() => json({ error: 'Model gpt2 is currently loading', estimated_time: 20 }, status));
    await expect(adapterOf(box).chat(callOf())).rejects.toMatchObject({ code: 'model_loading', retryAfterMs: 20_000 });
  });
});

describe('embeddings', () => {
  const embedWith = (
    box: Loopback,
    input: string | readonly string[],
    model: string | undefined = 'BAAI/bge-small',
  ): Promise<EmbedAnswer> => adapterOf(box).embed!({ request: { input }, model, signal, requestId: 'r1' });
  const vectorsOf = async (value: unknown, input: string | readonly string[]): Promise<number[][]> => {
    await using box = await loopback(() => json(value));
    return (await embedWith(box, input)).data.map(({ embedding }) => embedding);
  };

  test('are a task of the model, normalised and never cut', async () => {
    await using box = await loopback(() => json([[1, 0]]));
    const answer = await embedWith(box, 'a');
    expect(box.requests[0]?.path).toBe('/hf-inference/models/BAAI/bge-small/pipeline/feature-extraction');
    expect(box.requests[0]?.body).toEqual({ inputs: ['a'], normalize: true, truncate: false });
    expect(answer).toEqual({ object: 'list', model: 'BAAI/bge-small', data: [{ object: 'embedding', index: 0, embedding: [1, 0] }] });
  });

  test('carry the fields of extra', async () => {
    await using box = await loopback(() => json([[1, 0]]));
    const request = { input: 'a', extra: { huggingface: { prompt_name: 'query', inputs: 'b' } } };
    await adapterOf(box).embed!({ request, model: 'm', signal, requestId: 'r1' });
    expect(box.requests[0]?.body).toMatchObject({ inputs: ['a'], prompt_name: 'query' });
  });

  test.each<[string, unknown, string | readonly string[], number[][]]>([
    [
      'a list of vectors',
      [
        [1, 0],
        [0, 1],
      ],
      ['a', 'b'],
      [
        [1, 0],
        [0, 1],
      ],
    ],
    ['a bare vector', [0.6, 0.8], 'a', [[0.6, 0.8]]],
    ['a bare vector of one number', [1], 'a', [[1]]],
    [
      'the tokens of one text',
      [
        [
          [1, 0],
          [1, 0],
        ],
      ],
      'a',
      [[1, 0]],
    ],
    [
      'the tokens of two texts',
      [
        [
          [2, 0],
          [4, 0],
        ],
        [[0, 5]],
      ],
      ['a', 'b'],
      [
        [1, 0],
        [0, 1],
      ],
    ],
    [
      'the tokens of two texts, each in a batch of its own',
      [
        [
          [
            [2, 0],
            [4, 0],
          ],
        ],
        [[[0, 5]]],
      ],
      ['a', 'b'],
      [
        [1, 0],
        [0, 1],
      ],
    ],
    [
      'tokens that cancel out',
      [
        [
          [1, 0],
          [-1, 0],
        ],
      ],
      'a',
      [[0, 0]],
    ],
  ])('come as %s', async (_shape, value, input, expected) => {
    expect(await vectorsOf(value, input)).toEqual(expected);
  });

  test('of several tokens are their mean, of length 1', async () => {
    const [vector = []] = await vectorsOf(
      [
        [
          [3, 0],
          [0, 4],
          [0, 0],
        ],
      ],
      'a',
    );
    expect(vector[0]).toBeCloseTo(0.6);
    expect(vector[1]).toBeCloseTo(0.8);
  });

  test.each<[string, unknown, string | readonly string[]]>([
    ['too few', [[1, 0]], ['a', 'b']],
    [
      'too many',
      [
        [1, 0],
        [0, 1],
      ],
      'a',
    ],
    ['of different lengths', [[1, 0], [1]], ['a', 'b']],
    ['without a number', [[1, null]], 'a'],
    ['without any number', [[]], 'a'],
    ['of tokens of different lengths', [[[1, 0], [1]]], 'a'],
    ['of tokens of different lengths, the first the shortest', [[[1], [1, 0]]], 'a'],
    [
      'of tokens without a number',
      [
        [
          [1, null],
          [1, 0],
        ],
      ],
      'a',
    ],
    ['of tokens beside something else', [[[1, 0], 'x']], 'a'],
    ['no list', 'x', 'a'],
    ['an object', { data: [] }, 'a'],
  ])('that are %s are a bad response', async (_what, value, input) => {
    await expect(vectorsOf(value, input)).rejects.toMatchObject({ code: 'bad_response', provider: 'box' });
  });

  test('of more than 32 texts are asked for in parts and keep their order', async () => {
    const texts = Array.from({ length: 70 }, (_, index) => String(index));
    await using box = await loopback(({ body }) => json((body as { inputs: string[] }).inputs.map((text) => [Number(text), 1])));
    const { data } = await embedWith(box, texts);
    expect(box.requests.map(({ body }) => (body as { inputs: string[] }).inputs.length)).toEqual([32, 32, 6]);
    expect(data.map(({ index, embedding }) => [index, embedding[0]])).toEqual(texts.map((_, index) => [index, index]));
  });

  test('of a text too long are refused, not cut', async () => {
    const refusal = { error: 'Input validation error: `inputs` must have less than 512 tokens. Given: 600', error_type: 'Validation' };
    await using box = await loopback(() => json(refusal, 413));
    await expect(embedWith(box, 'a')).rejects.toMatchObject({ code: 'context_length' });
  });

  test('a name with odd characters stays inside its place in the path', async () => {
    await using box = await loopback(() => json([[1, 0]]));
    await embedWith(box, 'a', 'org/a b?c#d%2e');
    expect(box.requests[0]?.path).toBe('/hf-inference/models/org/a%20b%3Fc%23d%252e/pipeline/feature-extraction');
  });

  test.each(['../../v1/models', 'org/..', './m', 'org//m', '/m', '', 'a\ud800'])('the name %j leads nowhere', async (model) => {
    await using box = await loopback(() => json([[1, 0]]));
    await expect(embedWith(box, 'a', model)).rejects.toMatchObject({ code: 'model_not_found', provider: 'box' });
    expect(box.requests).toEqual([]);
  });

  test('promise no other length', async () => {
    await using box = await loopback(() => json([[1, 0]]));
    expect(adapterOf(box).capabilities).toMatchObject({ dimensions: false, choices: false, logitBias: false, jsonSchema: true });
  });
});
