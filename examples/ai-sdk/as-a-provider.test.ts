import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createRouter } from 'inferlane';
import { aiSdkAdapter } from 'inferlane/ai-sdk';
import { fakeBackend, outOfMemory, reply } from 'inferlane/testing';
import { expect, test } from 'vitest';

test('a model of the AI SDK stands behind a server of our own', async () => {
  await using own = await fakeBackend('ollama', outOfMemory()).listen();
  await using hosted = await fakeBackend('openai-compatible', reply('Hello from far away.')).listen();

  // Any provider package: @ai-sdk/anthropic, @ai-sdk/google, @ai-sdk/amazon-bedrock, a community one.
  const vendor = createOpenAICompatible({ name: 'vendor', baseURL: `${hosted.url}/v1`, includeUsage: true });
  const adapter = aiSdkAdapter(vendor('its-large-model'), { name: 'vendor', capabilities: { vision: true } });
  await using router = createRouter({
    allowPaid: true,
    providers: {
      own: { type: 'ollama', url: own.url, priority: 1 },
      vendor: { type: 'custom', adapter, cost: 'paid', locality: 'cloud', priority: 2 },
    },
  });

  const answer = await router.chat({ model: 'llama3.1', messages: [{ role: 'user', content: 'Hello!' }] });

  expect(answer.choices[0].message.content).toBe('Hello from far away.');
  expect(answer.route.attempts.map(({ provider, error }) => [provider, error?.code])).toEqual([
    ['own', 'out_of_memory'],
    ['vendor', undefined],
  ]);
});
