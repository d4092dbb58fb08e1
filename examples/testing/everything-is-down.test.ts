import { isRouterError } from 'inferlane';
import { createTestRouter, fakeBackend, reply, stallBeforeHeaders, status } from 'inferlane/testing';
import { expect, test } from 'vitest';

test('everything is down: one error says what each provider did, and later all is well', async () => {
  await using gone = await fakeBackend('ollama').listen();
  await using broken = await fakeBackend('vllm', status(500, { message: 'It did not work.' })).listen();
  await using silent = await fakeBackend('llamacpp', stallBeforeHeaders()).listen();
  await gone.close();
  await using made = createTestRouter({
    providers: {
      gone: { type: 'ollama', url: gone.url },
      broken: { type: 'vllm', url: broken.url },
      silent: { type: 'llamacpp', url: silent.url, timeouts: { totalMs: 10_000 } },
    },
  });
  const { router, clock } = made;
  const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Hello!' }] };

  const error = await clock.run(router.chat(request).catch((reason: unknown) => reason));
  silent.play(reply('Good morning.'));
  const answer = await clock.run(router.chat(request));

  expect(isRouterError(error, 'all_failed') && error.attempts.map(({ provider, error: { code } }) => [provider, code])).toEqual([
    ['gone', 'unavailable'],
    ['broken', 'unavailable'],
    ['silent', 'timeout'],
  ]);
  expect(answer.choices[0].message.content).toBe('Good morning.');
});
