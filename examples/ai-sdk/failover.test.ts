import { generateText, streamText } from 'ai';
import { createRouter } from 'inferlane';
import { createInferlane } from 'inferlane/ai-sdk';
import { fakeBackend, outOfMemory, reply } from 'inferlane/testing';
import { expect, test } from 'vitest';

test('the GPU is full, and generateText and streamText never notice', async () => {
  await using gpu = await fakeBackend('ollama', outOfMemory()).listen();
  await using cpu = await fakeBackend('ollama', reply('Hello from the CPU.')).listen();
  await using router = createRouter({
    providers: { gpu: { type: 'ollama', url: gpu.url, device: 'gpu' }, cpu: { type: 'ollama', url: cpu.url, device: 'cpu' } },
  });
  const inferlane = createInferlane(router);

  const { text, providerMetadata } = await generateText({
    model: inferlane('llama3.1'),
    prompt: 'Hello!',
    providerOptions: { inferlane: { intent: 'fast', deadlineMs: 30_000, maxLocality: 'lan' } },
  });
  const { textStream } = streamText({ model: inferlane('llama3.1'), prompt: 'Hello!' });
  const pieces = [];
  for await (const piece of textStream) pieces.push(piece);

  expect([text, pieces.join('')]).toEqual(['Hello from the CPU.', 'Hello from the CPU.']);
  expect(providerMetadata?.['inferlane']).toMatchObject({
    route: { provider: 'cpu', attempts: [{ provider: 'gpu', error: { code: 'out_of_memory' } }, { provider: 'cpu' }] },
  });
});
