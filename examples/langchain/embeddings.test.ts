import { OpenAIEmbeddings } from '@langchain/openai';
import { embed } from 'inferlane/testing';
import { expect, test } from 'vitest';
import { servers } from './servers.ts';

test('embeddings come from the CPU where the GPU is full', async () => {
  await using each = await servers(embed([[1, 2]]));
  const configuration = { fetch: each.router.fetch };
  const embeddings = new OpenAIEmbeddings({ model: 'nomic-embed-text', apiKey: 'unused', maxRetries: 0, configuration });
  expect(await embeddings.embedQuery('a')).toEqual([1, 2]);
});
