import { describe, expect, test } from 'vitest';
import { after, fault, hang } from '../_kit/fake-adapter.ts';
import { fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

const limited = (retryAfterMs?: number) => fault('rate_limited', { status: 429, retryAfterMs });

describe('a provider that is the only one', () => {
  test('is waited for as long as it asked, and asked again', async () => {
    const { router, clock, events, fakes } = fakeRouter({ only: [limited(7_000), 'now'] });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(6_999);
    expect(fakes.only.calls).toHaveLength(1);
    await clock.advance(1);
    expect(call.value?.choices[0].message.content).toBe('now');
    expect(events.of('retry')).toMatchObject([{ provider: 'only', model: 'm', reason: 'rate_limited', delayMs: 7_000 }]);
    expect(events.of('failover')).toEqual([]);
  });

  test('is not waited for longer than 10 s: the call fails at once and says when to come again', async () => {
    const { router, clock, fakes } = fakeRouter({ only: limited(10_001) });
    const call = outcomeOf(router.chat(hello));
    await clock.settle();
    expect(call.error).toMatchObject({ code: 'all_failed', retryAfterMs: 10_001 });
    expect(fakes.only.calls).toHaveLength(1);
  });

  test('is not waited for beyond the deadline', async () => {
    const { router, clock } = fakeRouter({ only: limited(2_000) });
    const call = outcomeOf(router.chat(hello, { deadlineMs: 2_049 }));
    await clock.settle();
    expect(call.error).toMatchObject({ code: 'all_failed', retryAfterMs: 2_000 });
  });

  test('without a word about when, it is asked again after a pause that grows', async () => {
    const { router, clock, events } = fakeRouter({ only: [fault('overloaded'), fault('overloaded'), 'now'] });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(2_000);
    expect(call.value?.route.attempts).toHaveLength(3);
    // The rests of the provider, which are longer than the plain pause between two tries.
    expect(events.of('retry').map(({ delayMs }) => delayMs)).toEqual([625, 1_250]);
  });

  test('is asked three times and no more', async () => {
    const { router, clock, fakes } = fakeRouter({ only: fault('overloaded') });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(10_000);
    expect(call.error).toMatchObject({ code: 'all_failed', stoppedBecause: 'max-attempts' });
    expect(fakes.only.calls).toHaveLength(3);
  });

  test.each(['auth', 'model_not_found', 'out_of_memory', 'driver', 'timeout', 'quota_exhausted', 'limit_exceeded'] as const)(
    'is not asked again after %s',
    async (code) => {
      const { router, clock, fakes } = fakeRouter({ only: fault(code) });
      const call = outcomeOf(router.chat(hello));
      await clock.advance(10_000);
      expect(call.error).toMatchObject({ code: 'all_failed' });
      expect(fakes.only.calls).toHaveLength(1);
    },
  );
});

describe('a provider that asked for a rest', () => {
  test('is passed over until then, while others can answer', async () => {
    const { router, clock, events } = fakeRouter({ gpu: [limited(5_000), 'rested'], cpu: 'yes' });
    await router.chat(hello);
    expect(events.of('provider:cooldown')).toMatchObject([{ provider: 'gpu', untilMs: clock.nowMs() + 5_000 }]);
    await clock.advance(4_999);
    expect((await router.chat(hello)).route.attempts).toMatchObject([{ provider: 'cpu' }]);
    await clock.advance(1);
    expect((await router.chat(hello)).route.provider).toBe('gpu');
  });

  test('is waited for by a call that has nobody else', async () => {
    const { router, clock } = fakeRouter({ gpu: [limited(5_000), 'rested'], cpu: ['yes', fault('driver')] });
    await router.chat(hello);
    const call = outcomeOf(router.chat(hello));
    await clock.advance(5_000);
    expect(call.value?.route.attempts).toMatchObject([{ provider: 'cpu' }, { provider: 'gpu' }]);
  });

  test('is waited for from the moment it said so, not from the moment the others have failed', async () => {
    const { router, clock } = fakeRouter({ gpu: [limited(5_000), 'rested'], cpu: after(3_000, fault('driver')) });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(5_000);
    expect(call.value?.route.provider).toBe('gpu');
  });

  test('rests alone where one of its models is being loaded', async () => {
    const { router } = fakeRouter({ gpu: [fault('model_loading', { status: 503 }), 'other model'], cpu: 'yes' });
    await router.chat(hello);
    expect((await router.chat(hello)).route.provider).toBe('cpu');
    expect((await router.chat({ ...hello, model: 'other' })).route.provider).toBe('gpu');
  });

  test('with an exhausted quota rests five minutes', async () => {
    const { router, clock } = fakeRouter({ gpu: [fault('quota_exhausted', { status: 429 }), 'paid'], cpu: 'yes' });
    await router.chat(hello);
    await clock.advance(299_999);
    expect((await router.chat(hello)).route.provider).toBe('cpu');
    await clock.advance(1);
    expect((await router.chat(hello)).route.provider).toBe('gpu');
  });

  test.each([
    ['rate_limited', 'it asked for a pause'],
    ['overloaded', 'it has no room now'],
    ['model_loading', 'the model is being loaded there'],
    ['quota_exhausted', 'its account has no credit left'],
  ] as const)('for %s is left out for that reason: %s', async (code, reason) => {
    const { router, clock } = fakeRouter({ gpu: [fault(code, { status: 503, retryAfterMs: 8_000 }), 'rested'], cpu: 'yes' });
    const readyAtMs = clock.nowMs() + 8_000;
    await router.chat(hello);
    expect(router.explain(hello)).toMatchObject({
      candidates: [{ provider: 'cpu' }],
      skipped: [{ provider: 'gpu', model: 'm', code, reason, readyAtMs }],
    });
    await clock.advance(8_000);
    expect(router.explain(hello).skipped).toEqual([]);
  });

  test('for two reasons is left out for the one that ends last', async () => {
    const { router, clock } = fakeRouter({ gpu: [fault('model_loading', { retryAfterMs: 3_000 }), limited(2_000)], cpu: 'yes' });
    const reasons = (): unknown => router.explain(hello).skipped.map(({ code }) => code);
    await router.chat(hello);
    await router.chat({ ...hello, model: 'other' });
    expect(reasons()).toEqual(['model_loading']);
    await clock.advance(1_000);
    expect(router.explain({ ...hello, model: 'third' }).skipped).toMatchObject([{ code: 'rate_limited' }]);
    await clock.advance(1_500);
    expect(reasons()).toEqual(['model_loading']);
  });

  test('rests no longer because many calls were refused at the same time', async () => {
    const { router, clock } = fakeRouter({ gpu: [...Array(10).fill(limited()), 'rested'], cpu: 'yes' });
    await Promise.all(Array.from({ length: 10 }, () => router.chat(hello)));
    await clock.advance(1_000);
    expect((await router.chat(hello)).route.provider).toBe('gpu');
  });
});

test('a caller who aborts while the router waits is answered at once, with the reason as it is', async () => {
  const { router, clock, fakes, events } = fakeRouter({ only: limited(9_000) });
  const controller = new AbortController();
  const call = outcomeOf(router.chat(hello, { signal: controller.signal }));
  await clock.advance(100);
  controller.abort('a reason that is no error');
  await clock.settle();
  expect(call).toMatchObject({ settled: true, error: 'a reason that is no error' });
  expect(events.of('request:error')).toMatchObject([{ aborted: true, attempts: 1 }]);
  expect(clock.timers()).toBe(0);
  expect(fakes.only.calls).toHaveLength(1);
});

test('no attempt starts with less than 50 ms left', async () => {
  // Half of the deadline is kept for the second one, so only a short one leaves it too little.
  const { router, clock, fakes } = fakeRouter({ a: after(41, fault('driver')), b: hang }, { deadlineMs: 90 });
  const call = outcomeOf(router.chat(hello));
  await clock.advance(41);
  expect(call.error).toMatchObject({ code: 'timeout', phase: 'deadline', attempts: [{ provider: 'a' }] });
  expect(fakes.b.calls).toHaveLength(0);
});
