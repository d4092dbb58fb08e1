import { describe, expect, test } from 'vitest';
import { decodeVector, joinEmbedAnswers, splitInput, toEmbedAnswer, toEmbedBody } from '../../src/adapters/openai-embeddings.ts';
import type { CallOrigin } from '../../src/adapters/openai-wire.ts';
import { RouterError } from '../../src/core/errors.ts';
import type { EmbedRequest } from '../../src/core/types.ts';
import { recording } from '../_kit/recordings.ts';

const origin: CallOrigin = {
  provider: 'box',
  requestId: 'r1',
  model: 'tiny',
  badResponse: (text) => new RouterError('bad_response', `box: ${text}`, { provider: 'box' }),
};
const recorded = (name: string): unknown => JSON.parse(new TextDecoder().decode(recording(name).body)) as unknown;
const base64 = (...numbers: number[]): string => Buffer.from(new Float32Array(numbers).buffer).toString('base64');
const item = (index: unknown, embedding: unknown): object => ({ object: 'embedding', index, embedding });
const read = (data: unknown, request: EmbedRequest = { input: ['a', 'b'] }): ReturnType<typeof toEmbedAnswer> =>
  toEmbedAnswer({ object: 'list', model: 'm', data, usage: { prompt_tokens: 2, total_tokens: 2 } }, request, request.input.length, origin);

describe('vectors', () => {
  test('base64 and numbers of the same server are the same vector', () => {
    const floats = toEmbedAnswer(recorded('llama-server/embeddings_bert'), { input: ['hello world', 'king queen'] }, 2, origin);
    const packed = toEmbedAnswer(recorded('llama-server/embeddings_b64'), { input: 'hello world' }, 1, origin);
    expect(packed.data[0]?.embedding).toHaveLength(64);
    packed.data[0]?.embedding.forEach((number, at) => expect(number).toBeCloseTo(floats.data[0]?.embedding[at] ?? NaN, 3));
    expect(packed.usage).toEqual({ prompt_tokens: 4, total_tokens: 4 });
  });

  test('every float32 survives, in little-endian order', () => {
    expect(decodeVector('AACAPwAAAMA=')).toEqual([1, -2]);
    const numbers = [0, -0, 1.5, -3.25, Math.fround(1e-45), 3.4028234663852886e38, Math.fround(0.1)];
    expect(decodeVector(base64(...numbers))).toEqual(numbers);
  });

  test.each(['###', 'AACA', 'AACAPwA='])('%j is no vector', (text) => {
    expect(decodeVector(text)).toBeUndefined();
  });

  test('are put in the order of the inputs', () => {
    expect(read([item(1, [2]), item(0, base64(1))]).data).toEqual([item(0, [1]), item(1, [2])]);
  });

  test('without numbers are taken in the order they came', () => {
    expect(read([{ embedding: [1] }, { embedding: [2] }]).data).toEqual([item(0, [1]), item(1, [2])]);
  });
});

describe('what is no answer', () => {
  test.each<[string, unknown]>([
    ['no list', {}],
    ['too few vectors', [item(0, [1])]],
    ['too many vectors', [item(0, [1]), item(1, [1]), item(2, [1])]],
    ['one index twice', [item(0, [1]), item(0, [2])]],
    ['an index out of range', [item(0, [1]), item(2, [2])]],
    ['a broken index', [item(0, [1]), item(0.5, [2])]],
    ['a negative index', [item(0, [1]), item(-1, [2])]],
    ['an index of text', [item('length', [1]), item(1, [2])]],
    ['no object', [item(0, [1]), null]],
    ['a vector of another length', [item(0, [1]), item(1, [1, 2])]],
    ['an empty vector', [item(0, []), item(1, [])]],
    ['null in a vector', [item(0, [1]), item(1, [null])]],
    ['vectors of vectors (no pooling)', [item(0, [[1]]), item(1, [[1]])]],
    ['NaN in base64', [item(0, [1]), item(1, base64(NaN))]],
    ['infinity in base64', [item(0, [1]), item(1, base64(Infinity))]],
    ['text that is no base64', [item(0, [1]), item(1, '###')]],
  ])('%s is a bad response', (_name, data) => {
    expect(() => read(data)).toThrow(expect.objectContaining({ code: 'bad_response' }));
  });

  test('vectors of another length than asked for are a bad response', () => {
    expect(() => read([item(0, [1, 2])], { input: ['a'], dimensions: 1 })).toThrow(expect.objectContaining({ code: 'bad_response' }));
  });
});

describe('requests', () => {
  test('ask for base64 only where it is known to be there', () => {
    const request: EmbedRequest = { input: 'a', dimensions: 2, user: 'u' };
    expect(toEmbedBody(request, 'a', 'm', true)).toEqual({ model: 'm', input: 'a', encoding_format: 'base64', dimensions: 2, user: 'u' });
    expect(toEmbedBody(request, 'a', 'm', false)).toEqual({ model: 'm', input: 'a', dimensions: 2, user: 'u' });
  });

  test('are split at the limit', () => {
    expect(splitInput('abc', 2)).toEqual(['abc']);
    expect(splitInput([], 2)).toEqual([]);
    expect(splitInput(['a', 'b'], 2)).toEqual([['a', 'b']]);
    expect(splitInput(['a', 'b', 'c'], 2)).toEqual([['a', 'b'], ['c']]);
    expect(splitInput(['a', 'b', 'c'], Infinity)).toEqual([['a', 'b', 'c']]);
  });

  test('are joined again in order, with the sum of their usage', () => {
    const parts = [read([item(0, [1]), item(1, [2])]), read([item(0, [3])], { input: ['c'] })];
    expect(joinEmbedAnswers(parts, 'tiny')).toEqual({
      object: 'list',
      model: 'm',
      data: [item(0, [1]), item(1, [2]), item(2, [3])],
      usage: { prompt_tokens: 4, total_tokens: 4 },
    });
  });

  test('usage is left out where one part did not report it', () => {
    const silent = toEmbedAnswer({ data: [item(0, [1])], usage: { prompt_tokens: null } }, { input: 'a' }, 1, origin);
    expect(joinEmbedAnswers([silent, read([item(0, [3])], { input: ['c'] })], 'tiny')).not.toHaveProperty('usage');
    expect(joinEmbedAnswers([], 'tiny')).toEqual({ object: 'list', model: 'tiny', data: [] });
  });
});
