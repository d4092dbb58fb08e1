import { describe, expect, test } from 'vitest';
import { isRouterError, type RouterError } from '../../src/core/errors.ts';
import { createEmbeddingSpaces, type EmbeddingSpaces } from '../../src/router/embedding-space.ts';

const vector = (length: number): number[] => Array<number>(length).fill(0.5);

type Given = readonly [space: string, dimensions: number | undefined, provider: string, vectors: readonly number[][], model?: string];

function check(spaces: EmbeddingSpaces, [space, dimensions, provider, vectors, model]: Given): void {
  spaces.check({ space, dimensions, provider, vectors, model });
}

/** What a check says: nothing, or its error. */
function refusal(spaces: EmbeddingSpaces, ...given: Given): RouterError | undefined {
  try {
    check(spaces, given);
    return undefined;
  } catch (error) {
    if (isRouterError(error)) return error;
    throw error;
  }
}

describe('vectors without a length that was asked for', () => {
  test('have the length of the first answer in their space, whoever gives them', () => {
    const spaces = createEmbeddingSpaces();
    check(spaces, ['nomic', undefined, 'a', [vector(768), vector(768)]]);
    expect(refusal(spaces, 'nomic', undefined, 'b', [vector(768)])).toBeUndefined();
    const { code, provider, message } = refusal(spaces, 'nomic', undefined, 'cloud', [vector(1536)]) as RouterError;
    expect([code, provider]).toEqual(['embedding_space', 'cloud']);
    expect(message).toBe(
      'cloud: its vectors have 1,536 numbers where those of a, the first to answer in the space "nomic", have 768: ' +
        'the two serve different models under one name.',
    );
  });

  test('keep the length of the first answer after others were refused', () => {
    const spaces = createEmbeddingSpaces();
    check(spaces, ['nomic', undefined, 'a', [vector(768)]]);
    for (const provider of ['b', 'b', 'c']) expect(refusal(spaces, 'nomic', undefined, provider, [vector(1536)])).toBeDefined();
    expect(refusal(spaces, 'nomic', undefined, 'a', [vector(768)])).toBeUndefined();
  });

  test('of one provider that serves another model all at once are refused as well', () => {
    const spaces = createEmbeddingSpaces();
    check(spaces, ['the default of a', undefined, 'a', [vector(2)]]);
    expect(refusal(spaces, 'the default of a', undefined, 'a', [vector(1)])?.message).toBe(
      'a: its vectors in the space "the default of a" have 1 number, and had 2: it serves another model now.',
    );
  });

  test('may have any length in another space', () => {
    const spaces = createEmbeddingSpaces();
    check(spaces, ['nomic', undefined, 'a', [vector(768)]]);
    expect(refusal(spaces, 'large', undefined, 'a', [vector(1536)])).toBeUndefined();
  });

  test('are not learnt from an answer that holds none', () => {
    const spaces = createEmbeddingSpaces();
    check(spaces, ['nomic', undefined, 'a', []]);
    expect(refusal(spaces, 'nomic', undefined, 'b', [vector(3)])).toBeUndefined();
  });
});

describe('vectors of a length that was asked for', () => {
  test('have it, or are refused', () => {
    const spaces = createEmbeddingSpaces();
    expect(refusal(spaces, 'small', 256, 'a', [vector(256)])).toBeUndefined();
    expect(refusal(spaces, 'small', 256, 'a', [vector(1536)])).toMatchObject({
      code: 'embedding_space',
      message: 'a: its vectors have 1,536 numbers where 256 were asked for.',
    });
  });

  test('say nothing about the length of the others', () => {
    const spaces = createEmbeddingSpaces();
    check(spaces, ['small', 256, 'a', [vector(256)]]);
    expect(refusal(spaces, 'small', undefined, 'b', [vector(1536)])).toBeUndefined();
    expect(refusal(spaces, 'small', 512, 'a', [vector(512)])).toBeUndefined();
  });
});

describe('what is no answer at all', () => {
  test('is one whose vectors differ among themselves', () => {
    const spaces = createEmbeddingSpaces();
    const error = refusal(spaces, 'nomic', undefined, 'a', [vector(768), vector(768), vector(384)]);
    expect(error).toMatchObject({ code: 'embedding_space', message: 'a: its answer holds vectors of 768 and of 384 numbers.' });
    expect(refusal(spaces, 'nomic', undefined, 'b', [vector(384)])).toBeUndefined();
  });

  test.each([
    [
      'NaN',
      [
        [1, 2],
        [1, NaN],
      ],
    ],
    ['an infinite number', [[Infinity, 2]]],
    ['null', [[1, null as never]]],
    ['a text', [['1' as never, 2]]],
    ['nothing', [[], []]],
  ])('is one that holds %s', (_, vectors) => {
    const spaces = createEmbeddingSpaces();
    expect(refusal(spaces, 'nomic', undefined, 'a', vectors)).toMatchObject({ code: 'bad_response', provider: 'a' });
    expect(refusal(spaces, 'nomic', undefined, 'b', [vector(3)])).toBeUndefined();
  });
});

test('no more than 1,000 spaces are remembered, and the one that was not used for longest is forgotten', () => {
  const spaces = createEmbeddingSpaces();
  for (let index = 0; index < 1_000; index++) check(spaces, [`space ${index}`, undefined, 'a', [vector(2)]]);
  check(spaces, ['space 0', undefined, 'a', [vector(2)]]);
  check(spaces, ['one too many', undefined, 'a', [vector(2)]]);
  expect(refusal(spaces, 'space 0', undefined, 'b', [vector(3)])).toBeDefined();
  expect(refusal(spaces, 'space 2', undefined, 'b', [vector(3)])).toBeDefined();
  expect(refusal(spaces, 'space 1', undefined, 'b', [vector(3)])).toBeUndefined();
});

test('a message does not carry a name without end', () => {
  const spaces = createEmbeddingSpaces();
  const space = 'x'.repeat(10_000);
  check(spaces, [space, undefined, 'a', [vector(2)]]);
  expect(refusal(spaces, space, undefined, 'b', [vector(3)])?.message.length).toBeLessThan(300);
});

test.each([
  [[[]], 'an empty vector'],
  [[[1, NaN]], 'a vector with something in it that is no finite number'],
])('the error of an answer that holds %o says so, and whose it is', (vectors, what) => {
  expect(refusal(createEmbeddingSpaces(), 'nomic', undefined, 'a', vectors)?.message).toBe(`a: the answer holds ${what}.`);
});
