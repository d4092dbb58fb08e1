import { describe, expect, test } from 'vitest';
import { decodeVector } from '../../src/adapters/openai-embeddings.ts';
import { fakeRouter } from '../_kit/fake-router.ts';
import { ask, expectRefusal, faultsIn, handle, look, secret, serve, withMore } from './openai-asked.ts';

const entry = (id: string): object => ({ id, object: 'model', created: 0, owned_by: 'inferlane' });
const listing = (...ids: readonly string[]) => {
  const asked = { times: 0 };
  const models = async () => {
    asked.times += 1;
    return ids.map((id) => ({ id }));
  };
  return { asked, provider: { does: 'Hello.', fake: { models } } };
};

describe('embeddings', () => {
  const path = '/v1/embeddings';
  const body = { model: 'e', input: 'a' };
  const vector = [0.5, -1.25, 0];

  test.each([
    ['a text', 'a', 1],
    ['a list of one', ['a'], 1],
    ['a list of three', ['a', '', 'c'], 3],
  ])('come for %s, as numbers', async (_, input, count) => {
    const { handler, asked } = serve({});
    const { status, json, headers } = await ask(handler, path, { ...body, input });
    expect(status).toBe(200);
    const data = Array.from({ length: count }, (_item, index) => ({ object: 'embedding', index, embedding: [0.5, -1.25, index] }));
    expect(json).toEqual({ object: 'list', data, model: 'e', usage: { prompt_tokens: 0, total_tokens: 0 } });
    expect(faultsIn('CreateEmbeddingResponse', json)).toEqual([]);
    expect(headers.get('x-inferlane-provider')).toBe('gpu');
    expect(JSON.parse(JSON.stringify(asked))).toEqual([{ model: 'e', input }]);
  });

  test('come as base64 where it is asked for: 32-bit floats, low byte first', async () => {
    const { handler } = serve({});
    const { json } = await ask(handler, path, { ...body, encoding_format: 'base64' });
    const [first] = (json as { readonly data: readonly { readonly embedding: string }[] }).data;
    expect(first?.embedding).toBe('AAAAPwAAoL8AAAAA');
    expect(decodeVector(first?.embedding ?? '')).toEqual(vector);
    expect(faultsIn('CreateEmbeddingResponse', json)).toEqual([]);
  });

  test('of many dimensions come whole as base64', async () => {
    const embedding = Array.from({ length: 20_001 }, (_, index) => index / 4);
    const data = [{ object: 'embedding' as const, index: 0, embedding }];
    const { handler } = serve({ embed: { object: 'list', data, model: 'e' } });
    const { json } = await ask(handler, path, { ...body, encoding_format: 'base64' });
    const [first] = (json as { readonly data: readonly { readonly embedding: string }[] }).data;
    expect(decodeVector(first?.embedding ?? '')).toEqual(embedding);
  });

  test('carry dimensions, user and extra, and tell counts where there are any', async () => {
    const usage = { prompt_tokens: 2, total_tokens: 2 };
    const data = [{ object: 'embedding' as const, index: 0, embedding: vector }];
    const { handler, asked } = serve({ embed: { object: 'list', data, model: 'e', usage: withMore(usage, { cost: 1 }), degraded: true } });
    const more = { dimensions: 3, user: 'u', extra: { nvidia: { input_type: 'query' } } };
    const { json, headers } = await ask(handler, path, { ...body, ...more, encoding_format: 'float' });
    expect(json).toEqual({ object: 'list', data, model: 'e', usage });
    expect(headers.get('x-inferlane-degraded')).toBe('true');
    expect(JSON.parse(JSON.stringify(asked))).toEqual([{ ...body, ...more }]);
  });

  test.each<[param: string, value: unknown, expects: string]>([
    ['model', undefined, 'must be text'],
    ['input', undefined, 'must be text, or a list of 1 to 2048 texts'],
    ['input', null, 'must be text'],
    ['input', [], 'a list of 1 to 2048 texts'],
    ['input', Array(2_049).fill(secret), 'a list of 1 to 2048 texts'],
    ['input', { secret }, 'must be text'],
    ['input', [1, 2], 'tokens mean something to one model only'],
    ['input', [[1, 2]], 'tokens mean something to one model only'],
    ['encoding_format', secret, 'must be one of float, base64'],
    ['dimensions', 0, 'must be a whole number, 1 at least'],
    ['user', { secret }, 'must be text'],
    ['extra', [secret], 'must be an object of objects'],
  ])('are refused where %s is wrong, case %#', async (param, value, expects) => {
    const message = expect.stringContaining(expects) as string;
    await expectRefusal(serve({}), path, { ...body, [param]: value }, { code: 'invalid_request', param, message });
  });

  test('are refused with a field that nobody knows', async () => {
    await expectRefusal(serve({}), path, { ...body, truncate: secret }, { code: 'unknown_parameter', param: 'truncate' });
  });
});

describe('the models', () => {
  const two = () => {
    const gpu = listing('llama3.1:8b', 'org/mini:latest');
    const cpu = listing('qwen');
    const aliases = { small: { gpu: 'llama3.1:8b' }, planned: { cpu: 'not there' } };
    const { router } = fakeRouter({ gpu: gpu.provider, cpu: cpu.provider }, { models: aliases });
    return { ...handle(router), router, asked: [gpu.asked, cpu.asked] };
  };

  test('are what a caller may ask for: aliases first, then the names of the servers', async () => {
    const { handler } = two();
    const { status, json } = await look(handler, '/v1/models');
    expect(status).toBe(200);
    expect(json).toEqual({ object: 'list', data: ['small', 'planned', 'org/mini', 'qwen', 'llama3.1:8b'].map(entry) });
    expect(faultsIn('ListModelsResponse', json)).toEqual([]);
  });

  test.each(['small', 'planned', 'llama3.1:8b', 'org%2Fmini', 'org%2Fmini:latest'])('are told one by one: %s', async (id) => {
    const { status, json } = await look(two().handler, `/v1/models/${id}`);
    expect({ status, json }).toEqual({ status: 200, json: entry(decodeURIComponent(id)) });
    expect(faultsIn('Model', json)).toEqual([]);
  });

  test.each(['other', 'Small', 'SECRET-7f3a', 'llama3.1', '%3Cb%3E', 'not%20there'])('do not have %s', async (id) => {
    const { status, json } = await look(two().handler, `/v1/models/${id}`);
    const error = { message: 'There is no such model.', type: 'not_found_error', param: 'model', code: 'model_not_found' };
    expect({ status, json }).toEqual({ status: 404, json: { error } });
  });

  test('that are listed can be asked for', async () => {
    const { handler } = two();
    const { json } = await look(handler, '/v1/models');
    const ids = (json as { readonly data: readonly { readonly id: string }[] }).data.map(({ id }) => id);
    const messages = [{ role: 'user', content: 'Hi.' }];
    for (const model of ids.filter((id) => id !== 'planned')) {
      expect([model, (await ask(handler, '/v1/chat/completions', { model, messages })).status]).toEqual([model, 200]);
    }
  });

  test('are asked of the providers once, however many callers want to know', async () => {
    const { handler, asked } = two();
    await Promise.all([look(handler, '/v1/models'), look(handler, '/v1/models'), look(handler, '/v1/models/qwen')]);
    await look(handler, '/v1/models');
    expect(asked.map(({ times }) => times)).toEqual([1, 1]);
  });
});
