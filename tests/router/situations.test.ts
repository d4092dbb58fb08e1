import { expect, test } from 'vitest';
import { fault, type Outcome, refused } from '../_kit/fake-adapter.ts';
import { fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

// Six situations that must not be taken for each other: what one of them needs is wrong for the next.

const cases = [
  ['warming', fault('model_loading', { status: 503 }), { provider: 'ok', model: 'warming' }],
  ['saturated', fault('overloaded', { status: 503 }), { provider: 'saturated', model: 'ok' }],
  ['limited', fault('rate_limited', { status: 429, retryAfterMs: 9_000 }), { provider: 'limited', model: 'ok' }],
  ['limited, without credit', fault('quota_exhausted', { status: 429 }), { provider: 'limited', model: 'ok' }],
  ['misconfigured', fault('auth', { status: 401 }), { provider: 'misconfigured', model: 'ok' }],
  ['out of memory', fault('out_of_memory', { status: 500 }), { provider: 'ok', model: 'out-of-memory' }],
  ['open, the model', fault('driver', { status: 500 }), { provider: 'ok', model: 'open' }],
  ['open, the server', refused(), { provider: 'open', model: 'ok' }],
] as const satisfies readonly (readonly [string, Outcome, object])[];

test.each(cases)('%s', async (_name, failure, { provider, model }) => {
  const { router } = fakeRouter({ gpu: failure, cpu: 'yes' });
  for (let count = 0; count < 3; count++) await router.chat(hello);
  const [gpu] = router.snapshot().providers;
  expect({ provider: gpu?.situation, model: gpu?.models[0]?.situation }).toEqual({ provider, model });
});

test.each(cases.slice(0, 6))('%s opens no breaker, however often it comes', async (_name, failure) => {
  const { router, events, clock } = fakeRouter({ gpu: failure, cpu: 'yes' });
  for (let count = 0; count < 12; count++) {
    await router.chat(hello);
    // Past the rest of that time, but never past the five minutes in which a model may be loading.
    await clock.advance(20_000);
  }
  expect(events.of('breaker:open')).toEqual([]);
});

test('an open breaker is probing once its time is over', async () => {
  const { router, clock } = fakeRouter({ only: refused() });
  for (let count = 0; count < 3; count++) await outcomeOf(router.chat(hello, { maxAttempts: 1 }));
  await clock.settle();
  expect(router.snapshot().providers[0]?.situation).toBe('open');
  await clock.advance(30_000);
  expect(router.snapshot().providers[0]?.situation).toBe('probing');
});

const health = async () => ({ state: 'ok' as const });

test('health tells them apart as well', async () => {
  const { router } = fakeRouter({
    full: { does: fault('overloaded', { status: 503 }), fake: { health } },
    slow: { does: fault('rate_limited', { status: 429 }), fake: { health } },
    fine: { does: 'yes', fake: { health } },
  });
  await router.chat(hello);
  const { providers } = await router.health();
  expect(providers.map(({ provider, status }) => `${provider} ${status}`)).toEqual(['full saturated', 'slow limited', 'fine ok']);
});
