import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Adapter } from '../../src/core/adapter.ts';
import { bert } from '../tiny-model/models.ts';
import { cpuOf, embedCall, modelFolder } from './cpu-kit.ts';

const folder = modelFolder();
let cpu: Adapter;

beforeAll(() => {
  cpu = cpuOf({ embeddingModelPath: folder.write('bert.gguf', bert()) });
});

afterAll(async () => {
  await cpu.close?.();
  folder.remove();
});

async function vectors(...input: string[]): Promise<number[][]> {
  const answer = await cpu.embed?.(embedCall(input));
  return answer?.data.map(({ embedding }) => embedding) ?? [];
}

function dot(left: readonly number[] = [], right: readonly number[] = []): number {
  return left.reduce((sum, value, i) => sum + value * (right[i] ?? 0), 0);
}

describe('embeddings', () => {
  test('come one per input, in the order of the inputs, with token counts', async () => {
    const answer = await cpu.embed?.(embedCall(['hello world', 'red car']));
    const [alone] = await vectors('red car');
    expect(answer).toMatchObject({ object: 'list', model: 'bert', usage: { prompt_tokens: 8, total_tokens: 8 } });
    expect(answer?.data.map(({ index }) => index)).toEqual([0, 1]);
    expect(dot(answer?.data[1]?.embedding, alone)).toBeCloseTo(1, 5);
  });

  test('are finite and of length 1', async () => {
    for (const vector of await vectors('hello', 'the night is red', 'x')) {
      expect(vector).toHaveLength(64);
      expect(vector.every(Number.isFinite)).toBe(true);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
    }
  });

  test('of texts that share words are nearer than those of texts that do not', async () => {
    const [base, near, far] = await vectors('the red car on the road', 'a red car on a road', 'good night king');
    expect(dot(base, near)).toBeGreaterThan(dot(base, far));
  });

  test('of one text alone are given as a list', async () => {
    expect((await cpu.embed?.(embedCall('hello')))?.data).toHaveLength(1);
  });

  test('of a text longer than the model takes are refused', async () => {
    await expect(cpu.embed?.(embedCall(['hello', 'hello '.repeat(600)]))).rejects.toMatchObject({ code: 'context_length' });
  });

  test('of an empty text are refused', async () => {
    await expect(cpu.embed?.(embedCall(['hello', '']))).rejects.toMatchObject({ code: 'bad_request' });
  });

  test('of calls at the same time do not mix', async () => {
    const texts = ['hello', 'red car', 'good night', 'sun and moon'];
    const together = await Promise.all(texts.map((text) => vectors(text)));
    const alone = await vectors(...texts);
    for (const [i, [vector]] of together.entries()) expect(dot(vector, alone[i])).toBeCloseTo(1, 5);
  });

  test('end with the reason itself when they are aborted, and the next call is served', async () => {
    const controller = new AbortController();
    const reason = { why: 'enough' };
    const aborted = cpu.embed?.(
      embedCall(
        Array.from({ length: 200 }, (_, i) => `hello ${i}`),
        controller.signal,
      ),
    );
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    expect(await vectors('hello')).toHaveLength(1);
  });
});
