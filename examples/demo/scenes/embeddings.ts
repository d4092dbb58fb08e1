import { ok } from 'node:assert/strict';
import type { Router } from '../../../src/index.ts';
import { say, title } from '../print/lines.ts';

export async function embedTexts(router: Router): Promise<void> {
  title('6  Embeddings', `router.embed({ model: 'tiny-bert', input })`);
  const input = ['the cat is in the sun', 'a cat in the sun', 'good night king'] as const;
  const { data, route } = await router.embed({ model: 'tiny-bert', input });
  const [first = [], second = [], third = []] = data.map(({ embedding }) => embedding);
  const [near, far] = [dot(first, second), dot(first, third)];
  say('vectors', `${data.length} of ${first.length} numbers, from ${route.provider}`);
  say('similarity', `${near.toFixed(2)}  "${input[0]}" and "${input[1]}"`);
  say('similarity', `${far.toFixed(2)}  "${input[0]}" and "${input[2]}"`);
  ok(near > far, 'texts that share words should be nearer');
}

/** Vectors come with length 1, so this is the cosine. */
function dot(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
}
