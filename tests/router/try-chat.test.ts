import { expect, test } from 'vitest';
import { fault, hang } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

test('tryChat() gives the answer, its text and who gave it', async () => {
  const { router } = fakeRouter({ a: fault('unavailable'), b: 'yes' });
  const tried = await router.tryChat(hello);
  expect(tried).toMatchObject({ success: true, provider: 'b', content: 'yes', answer: { choices: [{ message: { content: 'yes' } }] } });
});

test('tryChat() gives an empty text where the answer has none', async () => {
  const message = { role: 'assistant' as const, content: null };
  const choice = { index: 0, message, finish_reason: 'tool_calls' as const };
  const adapter = { chat: async () => ({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [choice] }) } as object;
  const { router } = fakeRouter({ a: { does: 'x', fake: adapter } });
  expect(await router.tryChat(hello)).toMatchObject({ success: true, content: '' });
});

test('tryChat() gives the error in the place of an answer, and who failed where it was one', async () => {
  const { router } = fakeRouter({ a: fault('bad_request', { status: 400 }) });
  expect(await router.tryChat(hello)).toMatchObject({
    success: false,
    provider: 'a',
    errorMessage: expect.stringContaining('bad_request'),
    error: { code: 'bad_request' },
  });
  const { router: all } = fakeRouter({ a: fault('driver'), b: fault('driver') }, { maxAttempts: 2 });
  expect(await all.tryChat(hello)).toMatchObject({ success: false, provider: undefined, error: { code: 'all_failed' } });
});

test('tryChat() gives an error for a request that is none, and for a router that was closed', async () => {
  const { router } = fakeRouter({ a: 'x' });
  expect(await router.tryChat({ messages: [] })).toMatchObject({ success: false, error: { code: 'invalid_request' } });
  await router.close();
  expect(await router.tryChat(hello)).toMatchObject({ success: false, error: { code: 'closed' } });
});

test('tryChat() rejects with the reason of the caller who aborts, and for nothing else', async () => {
  const { router, clock } = fakeRouter({ a: hang });
  const controller = new AbortController();
  const tried = outcomeOf(router.tryChat(hello, { signal: controller.signal }));
  await clock.settle();
  controller.abort('enough');
  await clock.settle();
  expect(tried.error).toBe('enough');
  expect(await failureOf(router.tryChat(hello, { signal: AbortSignal.abort('before') }))).toBe('before');
});
