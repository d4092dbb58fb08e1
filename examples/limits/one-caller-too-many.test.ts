import { isRouterError } from 'inferlane';
import { createTestRouter, fakeBackend, reply, testClock } from 'inferlane/testing';
import { expect, test } from 'vitest';

const question = { model: 'llama3.1', messages: [{ role: 'user' as const, content: 'What is for lunch?' }] };

test('one caller asks too often and is told when to come back, another one notices nothing', async () => {
  const clock = testClock();
  await using box = await fakeBackend('vllm', reply('Soup.')).listen();
  await using made = createTestRouter(
    { providers: { box: { type: 'vllm', url: box.url } }, limits: { caller: { rpm: 30 }, callers: { batch: { rpm: 2, tpm: 20_000 } } } },
    { clock },
  );
  const { router } = made;

  let retryAfterMs: number | undefined;
  for (let call = 0; call < 3; call++) {
    try {
      await router.chat(question, { caller: 'batch' });
    } catch (error) {
      if (isRouterError(error, 'rate_limited')) ({ retryAfterMs } = error);
    }
  }

  expect(retryAfterMs).toBe(30_000);
  expect((await router.chat(question, { caller: 'web' })).route.provider).toBe('box');
});
