import { priceTable } from 'inferlane';
import { createTestRouter, fakeBackend, reply, testClock } from 'inferlane/testing';
import { expect, test } from 'vitest';

const ask = (content: string) => ({ model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content }], max_tokens: 1_000 });

test('the cloud answers until its hour’s money is spent; then the box in the cellar does, and nobody notices', async () => {
  const clock = testClock();
  const cloud = await fakeBackend('openai', reply('From the cloud.')).listen();
  const box = await fakeBackend('vllm', reply('From the cellar.')).listen();
  // Far dearer than it is, so that a few words cost something.
  const prices = priceTable({ date: '2026-11-21', models: { 'gpt-4o-mini': { inputPerMillionUsd: 2_000, outputPerMillionUsd: 8_000 } } });
  await using made = createTestRouter(
    {
      providers: {
        cloud: { type: 'openai', url: cloud.url, apiKey: 'k', cost: 'paid', priority: -1 },
        box: { type: 'vllm', url: box.url },
      },
      allowPaid: true,
      prices,
      budgets: { hourUsd: 0.1, callers: { batch: { dayUsd: 0.01 } } },
    },
    { clock },
  );
  const { router, events } = made;

  const served: string[] = [];
  for (let call = 0; call < 8; call++) served.push((await router.chat(ask('Hello!'))).route.provider);

  const [budget] = router.spending().budgets;
  expect(served[0]).toBe('cloud');
  expect(served.at(-1)).toBe('box');
  expect(budget).toMatchObject({ scope: 'all', per: 'hour', limitUsd: 0.1 });
  expect(events.of('budget:exceeded')).toHaveLength(1);

  await clock.advance(budget?.leftMs ?? 0);
  expect((await router.chat(ask('Hello again!'))).route.provider).toBe('cloud');
  await Promise.all([cloud.close(), box.close()]);
});
