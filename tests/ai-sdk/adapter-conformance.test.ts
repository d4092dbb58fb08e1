import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { aiSdkAdapter } from 'inferlane/ai-sdk';
import { adapterCases, createBench, skipReason } from 'inferlane/testing';
import { expect, test } from 'vitest';

// A model of the AI SDK's own package for OpenAI-compatible servers, held to what every adapter here is held to.

const options = {
  backend: 'openai-compatible' as const,
  adapter: (url: string) => {
    const server = createOpenAICompatible({ name: 'server', baseURL: `${url}/v1`, includeUsage: true, supportsStructuredOutputs: true });
    const capabilities = { vision: true, reasoningEffort: true, dimensions: true };
    return aiSdkAdapter(server.chatModel('served'), { embeddings: server.embeddingModel('served'), capabilities });
  },
};

/** The package sends only the options of embeddings that it knows. */
const exception = 'sends the extra fields of an embedding, its own and no others';

await using sample = await createBench(options);
const cases = adapterCases.filter((each) => each.name !== exception && skipReason(each, sample) === undefined);

test.for(cases)('$group: $name', async (adapterCase) => {
  await using bench = await createBench(options);
  await adapterCase.run(bench);
});

test('most of the suite concerns it, and the exception is a case of the suite', () => {
  expect(cases.length).toBeGreaterThan(140);
  expect(adapterCases.map(({ name }) => name)).toContain(exception);
});
