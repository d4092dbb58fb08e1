import { tool, ToolLoopAgent } from 'ai';
import { createRouter } from 'inferlane';
import { createInferlane } from 'inferlane/ai-sdk';
import { fakeBackend, reply, serverError, toolCall, when } from 'inferlane/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';

const weather = tool({
  description: 'How the weather is in a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sun in ${city}`,
});

test('an agent whose server dies after its first step goes on with the other one', async () => {
  const knows = when({ where: ({ body }) => JSON.stringify(body).includes('sun in Vienna') }, reply('It is sunny in Vienna.'));
  await using first = await fakeBackend('vllm', [toolCall('weather', { city: 'Vienna' }), serverError()]).listen();
  await using second = await fakeBackend('llamacpp', [knows, serverError()]).listen();
  await using router = createRouter({
    providers: {
      first: { type: 'vllm', url: first.url, defaultModel: 'llama3.1', priority: 1 },
      second: { type: 'llamacpp', url: second.url, defaultModel: 'llama3.1', priority: 2 },
    },
  });

  // What is given here holds for all calls of this agent; without an id each provider uses its default model.
  const inferlane = createInferlane(router, { session: 'agent-7', maxAttempts: 3 });
  const agent = new ToolLoopAgent({ model: inferlane(), tools: { weather } });
  const { text, steps } = await agent.generate({ prompt: 'How is the weather in Vienna?' });

  expect(text).toBe('It is sunny in Vienna.');
  expect(steps).toHaveLength(2);
  expect(first.calls).toHaveLength(2);
});
