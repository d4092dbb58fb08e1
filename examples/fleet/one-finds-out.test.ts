import { createRouter, memoryStore, type RouterOptions } from 'inferlane';
import { fakeBackend, outOfMemory, reply } from 'inferlane/testing';
import { expect, test, vi } from 'vitest';

const question = { model: 'llama3.1', messages: [{ role: 'user' as const, content: 'Hello!' }] };

test('two routers share a store: what one finds out, the other knows without asking', async () => {
  await using gpu = await fakeBackend('ollama', outOfMemory('cuda')).listen();
  await using cpu = await fakeBackend('llamacpp', reply('Hello from the CPU.')).listen();
  const options: RouterOptions = {
    providers: {
      gpu: { type: 'ollama', url: gpu.url, device: 'gpu' },
      cpu: { type: 'llamacpp', url: cpu.url, device: 'cpu' },
    },
    health: false,
    checkModels: false,
    // In two processes: redisStore({ url: process.env.REDIS_URL, prefix: 'shop' }), of 'inferlane/redis'.
    store: memoryStore(),
  };
  await using one = createRouter(options);
  await using other = createRouter(options);
  const pinned = vi.fn();
  other.on('model:pinned', pinned);
  await vi.waitFor(() => expect(other.snapshot().store?.up).toBe(true));

  await one.chat(question);
  await vi.waitFor(() => expect(pinned).toHaveBeenCalledOnce());
  const answer = await other.chat(question);

  expect(answer.route.provider).toBe('cpu');
  // The one call with which the first router found out.
  expect(gpu.calls.filter(({ path }) => path === '/api/chat')).toHaveLength(1);
});
