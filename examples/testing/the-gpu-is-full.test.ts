import { createRouter } from 'inferlane';
import { fakeBackend, outOfMemory, recordEvents, reply } from 'inferlane/testing';
import { expect, test } from 'vitest';

test('the GPU is full: the CPU answers, and the GPU is not asked for that model again', async () => {
  await using gpu = await fakeBackend('ollama', outOfMemory('cuda')).listen();
  await using cpu = await fakeBackend('ollama', reply('Hello from the CPU.')).listen();
  await using router = createRouter({
    providers: { gpu: { type: 'ollama', url: gpu.url, device: 'gpu' }, cpu: { type: 'ollama', url: cpu.url, device: 'cpu' } },
  });
  const events = recordEvents(router);
  const request = { model: 'llama3.1', messages: [{ role: 'user' as const, content: 'Hello!' }] };

  const first = await router.chat(request);
  const second = await router.chat(request);

  expect(first.choices[0].message.content).toBe('Hello from the CPU.');
  expect(second.route.attempts.map(({ provider }) => provider)).toEqual(['cpu']);
  expect(events.of('model:pinned')).toMatchObject([{ provider: 'gpu', model: 'llama3.1' }]);
  expect([gpu.calls.length, cpu.calls.length]).toEqual([1, 2]);
});
