import { describe, expect, test } from 'vitest';
import { after, fault, hang, type Outcome } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

const limited = (retryAfterMs?: number) => fault('rate_limited', { status: 429, retryAfterMs });

/** A provider that gets a call which takes 1 s, and says something else to the calls after that. */
async function afterOlderAnswer(...script: readonly Outcome[]) {
  const made = fakeRouter({ gpu: [after(1_000, 'old'), ...script, 'asked too early'], cpu: 'yes' });
  const old = outcomeOf(made.router.chat(hello));
  await made.clock.advance(500);
  await made.router.chat(hello);
  await made.clock.advance(500);
  expect(old.value?.route.provider).toBe('gpu');
  return made;
}

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

describe('an answer', () => {
  test.each([
    ['a pause', limited(60_000)],
    ['time to load the model', fault('model_loading', { status: 503, retryAfterMs: 60_000 })],
    ['credit', fault('quota_exhausted', { status: 429, retryAfterMs: 60_000 })],
  ])('to a call that began before the provider asked for %s does not end that', async (_, failure) => {
    const { router, clock, fakes } = await afterOlderAnswer(failure);
    expect((await router.chat(hello)).route.attempts).toMatchObject([{ provider: 'cpu' }]);
    await clock.advance(59_499);
    expect((await router.chat(hello)).route.provider).toBe('cpu');
    expect(fakes.gpu.calls).toHaveLength(2);
    await clock.advance(1);
    expect((await router.chat(hello)).route.provider).toBe('gpu');
  });

  test('to a call that began before credentials were refused does not make them valid', async () => {
    const { router, clock, events } = await afterOlderAnswer(fault('auth', { status: 401 }));
    expect((await router.chat(hello)).route.attempts).toMatchObject([{ provider: 'cpu' }]);
    expect(events.of('provider:up')).toEqual([]);
    await clock.advance(299_500);
    expect((await router.chat(hello)).route.provider).toBe('gpu');
    expect(events.of('provider:up')).toMatchObject([{ provider: 'gpu' }]);
  });

  test('to a later call ends the rests in a row: the next one is as short as the first', async () => {
    const { router, clock, events } = fakeRouter({ gpu: [limited(), 'fine', limited()], cpu: 'yes' });
    const startMs = clock.nowMs();
    for (let count = 0; count < 3; count++) {
      await router.chat(hello);
      await clock.advance(1_000);
    }
    expect(events.of('provider:cooldown').map(({ untilMs }) => untilMs - startMs)).toEqual([625, 2_625]);
  });

  test('to an older call does not: the next rest is longer', async () => {
    const { router, clock, events } = await afterOlderAnswer(limited(), limited());
    await clock.advance(1_000);
    const atMs = clock.nowMs();
    await router.chat(hello);
    expect(events.of('provider:cooldown').at(-1)).toMatchObject({ untilMs: atMs + 1_250 });
  });
});

describe('the error of a call that nobody answered', () => {
  test('says when to come again as counted from its own end, not from that of the attempt', async () => {
    const { router, clock } = fakeRouter({ a: limited(60_000), b: after(35_000, fault('driver')) });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(35_000);
    expect(call.error).toMatchObject({ code: 'all_failed', retryAfterMs: 25_000 });
  });

  test('and never says a time that has passed', async () => {
    const { router, clock } = fakeRouter({ a: fault('timeout', { retryAfterMs: 2_000 }), b: after(35_000, fault('driver')) });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(35_000);
    expect(call.error).toMatchObject({ code: 'all_failed', retryAfterMs: 0 });
  });

  test('takes the soonest of several', async () => {
    const { router } = fakeRouter({ a: limited(60_000), b: limited(40_000), c: limited(50_000) });
    expect(await failureOf(router.chat(hello))).toMatchObject({ retryAfterMs: 40_000 });
  });
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
