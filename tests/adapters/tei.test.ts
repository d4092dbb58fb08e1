import { describe, expect, test } from 'vitest';
import { tei } from '../../src/adapters/tei.ts';
import type { Call } from '../../src/core/adapter.ts';
import { RouterError } from '../../src/core/errors.ts';
import type { EmbedAnswer, EmbedRequest } from '../../src/core/types.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { loopback } from '../_kit/loopback.ts';
import { scriptedHttp, type ScriptedHttp } from '../_kit/scripted-http.ts';

const { signal } = new AbortController();
const info = { model_id: 'BAAI/bge-small-en', max_input_length: 512, max_client_batch_size: 64, version: '1.9.3' };

interface EmbedBody {
  readonly inputs: readonly string[];
}

function call(request: EmbedRequest, model?: string): Call<EmbedRequest> {
  return { request, model, signal, requestId: 'r1' };
}

const texts = (count: number): string[] => Array.from({ length: count }, (_, at) => `text ${at}`);
/** Vectors that tell which text they belong to. */
const vectorsOf = (body: unknown): number[][] => (body as EmbedBody).inputs.map((text) => [Number(text.split(' ')[1]), 1]);
const embed = (box: ScriptedHttp, request: EmbedRequest, model?: string): Promise<EmbedAnswer> => tei(box).embed!(call(request, model));
/** How many texts each request held. */
const sizesOf = ({ asked }: ScriptedHttp): number[] =>
  asked.filter(({ path }) => path === '/embed').map(({ body }) => (body as EmbedBody).inputs.length);

describe('embeddings', () => {
  test('a text that is too long must fail, so the server is told not to cut it', async () => {
    const box = scriptedHttp({ '/embed': [[0.6, 0.8]] });
    const answer = await embed(box, { input: 'hello' }, 'bge');
    expect(box.asked).toEqual([{ path: '/embed', body: { truncate: false, inputs: ['hello'] } }]);
    expect(answer).toEqual({ object: 'list', data: [{ object: 'embedding', index: 0, embedding: [0.6, 0.8] }], model: 'bge' });
  });

  test('extra.tei is passed on, and cannot change what is embedded', async () => {
    const box = scriptedHttp({ '/embed': [[1]] });
    await embed(box, { input: 'hello', extra: { tei: { truncate: true, prompt_name: 'query', inputs: [] }, ollama: { x: 1 } } });
    expect(box.asked[0]?.body).toEqual({ truncate: true, prompt_name: 'query', inputs: ['hello'] });
  });

  test('dimensions are passed on, and an answer of another length is refused', async () => {
    const box = scriptedHttp({ '/embed': [[1, 2]] });
    await embed(box, { input: 'hello', dimensions: 2 });
    expect(box.asked[0]?.body).toMatchObject({ dimensions: 2 });
    await expect(embed(box, { input: 'hello', dimensions: 3 })).rejects.toMatchObject({ code: 'bad_response' });
  });

  test.each([
    ['no list', { embeddings: [] }],
    ['too few', [[1]]],
    ['too many', [[1], [1], [1]]],
    ['of two lengths', [[1], [1, 2]]],
    ['with a NaN, which arrives as null', [[1], [null]]],
    ['empty', [[], []]],
  ])('vectors that are %s are refused', async (_what, vectors) => {
    await expect(embed(scriptedHttp({ '/embed': vectors }), { input: ['a', 'b'] })).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('no texts are no call', async () => {
    const box = scriptedHttp({});
    expect(await embed(box, { input: [] }, 'm')).toEqual({ object: 'list', data: [], model: 'm' });
    expect(box.asked).toEqual([]);
  });
});

describe('long lists', () => {
  test('go out in parts of the size that the server allows, in order, and its model is named', async () => {
    const box = scriptedHttp({ '/info': info, '/embed': vectorsOf });
    const { data, model } = await embed(box, { input: texts(150) });
    expect(sizesOf(box)).toEqual([64, 64, 22]);
    expect(data.map(({ index, embedding }) => [index, embedding[0]])).toEqual(texts(150).map((_, at) => [at, at]));
    expect(model).toBe('BAAI/bge-small-en');
  });

  test('the server is asked for its limit once, and only where it matters', async () => {
    const box = scriptedHttp({ '/info': info, '/embed': vectorsOf });
    const adapter = tei(box);
    for (const count of [32, 33, 34]) await adapter.embed!(call({ input: texts(count) }));
    expect(box.asked.map(({ path }) => path)).toEqual(['/embed', '/info', '/embed', '/embed']);
  });

  test.each([{}, 'nonsense', { max_client_batch_size: 0 }, { max_client_batch_size: 1.5 }, new RouterError('unavailable', 'box: no')])(
    'go out in parts of 32 where the server tells no limit: %j',
    async (answer) => {
      const box = scriptedHttp({ '/info': answer, '/embed': vectorsOf });
      await embed(box, { input: texts(70) });
      expect(sizesOf(box)).toEqual([32, 32, 6]);
    },
  );

  test('an abort while the limit is asked rejects with its reason', async () => {
    const controller = new AbortController();
    const box = scriptedHttp({
      '/info': () => {
        controller.abort(new Error('mine'));
        throw new Error('aborted');
      },
    });
    await expect(tei(box).embed!({ ...call({ input: texts(33) }), signal: controller.signal })).rejects.toThrow('mine');
  });
});

const refusal = (size: number, allowed: number): string =>
  JSON.stringify({ error: `batch size ${size} > maximum allowed batch size ${allowed}`, error_type: 'Validation' });

describe('a smaller limit than expected', () => {
  /** A server over the real network layer that takes `allowed` texts at most, and says what `claim` makes of their number. */
  const smallServer = (allowed: number, claim: (sent: number) => number = () => allowed) =>
    loopback(({ body }) => {
      const { length } = (body as EmbedBody).inputs;
      if (length > allowed) return { status: 422, pieces: [refusal(length, claim(length))] };
      return { pieces: [JSON.stringify(vectorsOf(body))] };
    });

  test('is learnt from the refusal, and the list goes on in smaller parts', async () => {
    await using box = await smallServer(4);
    const adapter = tei(adapterContext(box.url));
    const { data } = await adapter.embed!(call({ input: texts(10) }));
    expect(data.map(({ embedding }) => embedding[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await adapter.embed!(call({ input: texts(5) }));
    expect(box.requests.map(({ body }) => (body as EmbedBody).inputs.length)).toEqual([10, 4, 4, 2, 4, 1]);
  });

  test.each<[string, (sent: number) => number, number]>([
    ['another one with each try', (sent) => sent - 1, 2],
    ['no smaller one', (sent) => sent, 1],
    ['none at all', () => 0, 1],
  ])('that turns out to be %s is an error', async (_what, claim, tries) => {
    await using box = await smallServer(2, claim);
    await expect(tei(adapterContext(box.url)).embed!(call({ input: texts(10) }))).rejects.toMatchObject({ code: 'unsupported' });
    expect(box.requests).toHaveLength(tries);
  });

  test('other refusals are passed on: a text that is too long', async () => {
    const error = 'Input validation error: `inputs` must have less than 512 tokens. Given: 700';
    await using box = await loopback(() => ({ status: 413, pieces: [JSON.stringify({ error, error_type: 'Validation' })] }));
    await expect(tei(adapterContext(box.url)).embed!(call({ input: 'long' }))).rejects.toMatchObject({ code: 'context_length' });
    expect(box.requests).toHaveLength(1);
  });

  test.each([
    [429, 'Model is overloaded', 'Overloaded', 'overloaded'],
    [424, 'Backend error: DriverError(CUDA_ERROR_OUT_OF_MEMORY, "out of memory")', 'Backend', 'out_of_memory'],
  ])('status %i "%s" is classified', async (status, error, error_type, code) => {
    await using box = await loopback(() => ({ status, pieces: [JSON.stringify({ error, error_type })] }));
    await expect(tei(adapterContext(box.url)).embed!(call({ input: 'a' }))).rejects.toMatchObject({ code, status });
  });
});

const failure = (status: number): RouterError => new RouterError('unavailable', 'box: no', { provider: 'box', status });

describe('what the server knows about itself', () => {
  test('one model with its window', async () => {
    expect(await tei(scriptedHttp({ '/info': info })).models!(signal)).toEqual([{ id: 'BAAI/bge-small-en', contextLength: 512 }]);
    await expect(tei(scriptedHttp({ '/info': {} })).models!(signal)).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('health tells the version where it can', async () => {
    expect(await tei(scriptedHttp({ '/health': '', '/info': info })).health!(signal)).toEqual({ state: 'ok', version: '1.9.3' });
    expect(await tei(scriptedHttp({ '/health': '' })).health!(signal)).toEqual({ state: 'ok' });
  });

  test('a server that says it is unhealthy is not healthy', async () => {
    const error = failure(503);
    await expect(tei(scriptedHttp({ '/health': error, '/info': info })).health!(signal)).rejects.toBe(error);
  });

  test('load is the queue, where it is told', async () => {
    const loadOf = (metrics: unknown): unknown => tei(scriptedHttp({ '/metrics': metrics })).load!(signal);
    expect(await loadOf('# TYPE te_queue_size gauge\nte_queue_size 3\nte_queue_size_max 9\n')).toEqual({ waiting: 3 });
    expect(await loadOf('te_request_count 1\n')).toEqual({});
    expect(await loadOf(failure(404))).toEqual({});
    const error = failure(500);
    await expect(loadOf(error)).rejects.toBe(error);
  });

  test('load tells how many requests it takes before it refuses, also where its queue is told elsewhere', async () => {
    const about = { ...info, max_concurrent_requests: 512 };
    expect(await tei(scriptedHttp({ '/metrics': 'te_queue_size 3\n', '/info': about })).load!(signal)).toEqual({ waiting: 3, slots: 512 });
    expect(await tei(scriptedHttp({ '/info': about })).load!(signal)).toEqual({ slots: 512 });
    expect(await tei(scriptedHttp({ '/info': { ...info, max_concurrent_requests: null } })).load!(signal)).toEqual({});
  });

  test('it embeds and does not chat, whatever model is named', async () => {
    const { chats, capabilities, modelName } = tei(scriptedHttp({}));
    expect({ chats, dimensions: capabilities.dimensions, modelName }).toEqual({ chats: false, dimensions: true, modelName: 'ignored' });
  });
});
