import { HumanMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { createRouter, type Router } from 'inferlane';
import { embed, fakeBackend, outOfMemory, reply, toolCall, when } from 'inferlane/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';

const weather = tool(async ({ city }) => `sun in ${city}`, { name: 'weather', schema: z.object({ city: z.string() }) });

/** LangChain's model for OpenAI, whose requests go to the router in this process. `apiKey` is asked for and sent to nobody. */
function modelOf(router: Router): ChatOpenAI {
  return new ChatOpenAI({ model: 'llama3.1', apiKey: 'unused', maxRetries: 0, configuration: { fetch: router.fetch } });
}

async function servers(script: Parameters<typeof fakeBackend>[1]) {
  const gpu = await fakeBackend('ollama', outOfMemory()).listen();
  const cpu = await fakeBackend('ollama', script).listen();
  const providers = { gpu: { type: 'ollama', url: gpu.url, device: 'gpu' }, cpu: { type: 'ollama', url: cpu.url, device: 'cpu' } } as const;
  const router = createRouter({ providers });
  const close = async () => void (await Promise.all([router.close(), gpu.close(), cpu.close()]));
  return { gpu, router, model: modelOf(router), [Symbol.asyncDispose]: close };
}

test('invoke and stream answer from the CPU where the GPU is full', async () => {
  await using each = await servers(reply('Hello from the CPU.'));
  expect((await each.model.invoke('Hello!')).text).toBe('Hello from the CPU.');
  const pieces = [];
  for await (const { text } of await each.model.stream('Hello!')) pieces.push(text);
  expect(pieces.join('')).toBe('Hello from the CPU.');
  expect(each.gpu.calls).toHaveLength(1);
});

test('tools bound to the model survive the failover', async () => {
  const knows = when({ where: ({ body }) => JSON.stringify(body).includes('sun in Vienna') }, reply('It is sunny.'));
  await using each = await servers([knows, toolCall('weather', { city: 'Vienna' })]);
  const withTools = each.model.bindTools([weather]);
  const question = new HumanMessage('How is the weather in Vienna?');
  const answer = await withTools.invoke([question]);
  const [call] = answer.tool_calls ?? [];
  const result = await weather.invoke({ name: 'weather', args: call?.args as { city: string }, id: call?.id ?? '', type: 'tool_call' });
  expect((await withTools.invoke([question, answer, result])).text).toBe('It is sunny.');
});

test('structured output, held to its schema by whichever server answers', async () => {
  await using each = await servers(reply('{"name":"Ada","age":36}'));
  const person = each.model.withStructuredOutput(z.object({ name: z.string(), age: z.number() }), { name: 'person', method: 'jsonSchema' });
  expect(await person.invoke('Who wrote the first program?')).toEqual({ name: 'Ada', age: 36 });
});

test('embeddings', async () => {
  await using each = await servers(embed([[1, 2]]));
  const configuration = { fetch: each.router.fetch };
  const embeddings = new OpenAIEmbeddings({ model: 'nomic-embed-text', apiKey: 'unused', maxRetries: 0, configuration });
  expect(await embeddings.embedQuery('a')).toEqual([1, 2]);
});
