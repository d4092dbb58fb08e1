import { createTestRouter, fakeBackend, rateLimited, reply } from 'inferlane/testing';
import { setupServer } from 'msw/node';
import { afterAll, beforeAll, expect, test } from 'vitest';

const cloud = fakeBackend('openai', [rateLimited(20), reply('The cloud is back.')]);
const local = fakeBackend('vllm', reply('From here, meanwhile.'), { url: 'http://box.test' });
const server = setupServer(...cloud.handlers, ...local.handlers);
beforeAll(() => server.listen({ onUnhandledFrame: 'error' }));
afterAll(() => server.close());

test('the cloud rate-limits: another machine answers until the time that it asked for is over', async () => {
  await using made = createTestRouter({
    providers: { openai: { type: 'openai', apiKey: 'key-of-the-test', priority: -1 }, box: { type: 'vllm', url: 'http://box.test' } },
    allowPaid: true,
  });
  const { router, clock, events } = made;
  const ask = async (): Promise<string | null> => {
    const { choices } = await router.chat({ messages: [{ role: 'user', content: 'Hello!' }] });
    return choices[0].message.content;
  };

  const answers = [await ask(), await ask()];
  await clock.advance(20_000);
  answers.push(await ask());

  expect(answers).toEqual(['From here, meanwhile.', 'From here, meanwhile.', 'The cloud is back.']);
  expect(events.of('provider:cooldown')).toMatchObject([{ provider: 'openai', reason: 'rate_limited' }]);
  expect(cloud.calls).toHaveLength(2);
});
