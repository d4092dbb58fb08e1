import { describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/state/memory.ts';
import { after, fault, hang } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';

const perMinute = (rpm: number) => ({ limits: { rpm } });

const configOf = (rpm: number) => ({
  health: false as const,
  providers: {
    gpu: { type: 'ollama' as const, url: 'http://gpu', device: 'gpu' as const, limits: { rpm } },
    cpu: { type: 'stub' as const },
  },
});

describe('a provider at its limit', () => {
  test('is left out with the reason and the moment at which it may be asked again, and the call goes to the next one', async () => {
    const { router, clock, fakes } = fakeRouter({ gpu: { does: 'yes', ...perMinute(2) }, cpu: 'I do' });
    const who = [];
    for (let call = 0; call < 4; call++) who.push((await router.chat(hello)).route.provider);
    expect(who).toEqual(['gpu', 'gpu', 'cpu', 'cpu']);
    expect(router.explain(hello).skipped).toMatchObject([
      { provider: 'gpu', code: 'rate_limited', reason: 'is at its limit of 2 requests a minute', readyAtMs: clock.nowMs() + 30_000 },
    ]);
    await clock.advance(30_000);
    expect((await router.chat(hello)).route.provider).toBe('gpu');
    expect(fakes.gpu.calls).toHaveLength(3);
  });

  test('is neither broken nor resting, and nothing is held against it', async () => {
    const { router, events } = fakeRouter({ gpu: { does: 'yes', ...perMinute(1) }, cpu: 'I do' });
    for (let call = 0; call < 3; call++) await router.chat(hello);
    expect(router.snapshot().providers[0]).toMatchObject({ situation: 'ok', breaker: 'closed', failures: 0, restsUntilMs: undefined });
    expect(events.of('provider:cooldown')).toEqual([]);
  });

  test('that is the only one is waited for where that is not long', async () => {
    const { router, clock, events } = fakeRouter({ only: { does: 'yes', ...perMinute(10) } });
    for (let call = 0; call < 10; call++) await router.chat(hello);
    const call = outcomeOf(router.chat(hello));
    await clock.advance(5_999);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.value?.route.attempts).toHaveLength(1);
    expect(events.of('retry')).toMatchObject([{ provider: 'only', reason: 'rate_limited', delayMs: 6_000 }]);
  });

  test('that is the only one makes a call fail at once where it would have to wait for long, and says when to come again', async () => {
    const { router, fakes } = fakeRouter({ only: { does: 'yes', ...perMinute(1) } });
    await router.chat(hello);
    const error = await failureOf(router.chat(hello));
    expect(error).toMatchObject({ code: 'no_provider', retryAfterMs: 60_000, skipped: [{ provider: 'only', code: 'rate_limited' }] });
    expect(fakes.only.calls).toHaveLength(1);
  });

  test('gets no retry and no hedge beyond it either', async () => {
    const { router, clock, fakes } = fakeRouter({
      gpu: { does: [fault('unavailable', { status: 500 }), 'never'], ...perMinute(1) },
      cpu: fault('unavailable', { status: 500 }),
    });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(20_000);
    expect(call.error).toMatchObject({ code: 'all_failed' });
    expect([fakes.gpu.calls.length, fakes.cpu.calls.length]).toEqual([1, 2]);

    const hedged = fakeRouter(
      { gpu: (call) => (call < 20 ? after(10, 'yes') : hang), cpu: { does: 'I do', ...perMinute(1) } },
      { hedge: { minDelayMs: 100, minSamples: 5, maxLoad: 1 } },
    );
    for (let index = 0; index < 20; index++) await hedged.clock.run(hedged.router.chat(hello));
    const two = [outcomeOf(hedged.router.chat(hello, { deadlineMs: 5_000 })), outcomeOf(hedged.router.chat(hello, { deadlineMs: 5_000 }))];
    await hedged.clock.advance(1_000);
    expect(two.map(({ settled }) => settled)).toEqual([true, false]);
    expect(hedged.fakes.cpu.calls).toHaveLength(1);
  });

  test('gets no probe beyond it either, and has its request back for one that another call makes already', async () => {
    const { router, clock, fakes } = fakeRouter(
      { gpu: { does: (call) => (call === 1 ? after(1_000, 'yes') : fault('driver')), ...perMinute(3) } },
      { breaker: { failureThreshold: 1 }, panic: 'soonest' },
    );
    await failureOf(router.chat(hello));
    const probe = router.chat(hello);
    for (let call = 0; call < 5; call++) await failureOf(router.chat(hello));
    expect((await clock.run(probe)).route.provider).toBe('gpu');
    // The third of three opens it again, and nobody looks at it before there is another one.
    expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'all_failed' });
    for (let call = 0; call < 5; call++) expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'no_provider' });
    expect(fakes.gpu.calls).toHaveLength(3);
  });

  test('keeps what it has left when the configuration is replaced', async () => {
    const { router, clock } = fakeRouter({ gpu: { does: 'yes', ...perMinute(3) }, cpu: 'I do' });
    await router.chat(hello);
    router.update(configOf(1));
    expect(router.explain(hello).skipped).toMatchObject([{ provider: 'gpu', code: 'rate_limited', readyAtMs: clock.nowMs() + 60_000 }]);
    router.update(configOf(2));
    expect(router.explain(hello).skipped).toEqual([]);
  });
});

const counted = (prompt_tokens: number, completion_tokens: number) => ({
  chat: async () => ({
    id: 'c',
    object: 'chat.completion' as const,
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant' as const, content: 'yes' }, finish_reason: 'stop' as const }],
    usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
  }),
});

describe('a limit of tokens', () => {
  test('is charged with the prompt and the longest answer when a call begins, and with what the server counted in the end', async () => {
    const { router } = fakeRouter({
      gpu: { does: 'unused', fake: counted(10, 20) as never, limits: { tpm: 1_000 } },
      cpu: 'I do',
    });
    const first = router.chat({ ...hello, max_tokens: 900 });
    // While it runs there is no room for another one like it.
    const second = router.chat({ ...hello, max_tokens: 900 });
    expect([(await first).route.provider, (await second).route.provider]).toEqual(['gpu', 'cpu']);
    for (let call = 0; call < 3; call++) expect((await router.chat({ ...hello, max_tokens: 800 })).route.provider).toBe('gpu');
  });

  test('takes a moderate answer for granted where the request has no limit', async () => {
    const { router } = fakeRouter({ gpu: { does: hang, limits: { tpm: 600 } }, cpu: 'I do' });
    void router.chat(hello, { provider: 'gpu' }).catch(() => undefined);
    void router.chat(hello, { provider: 'gpu' }).catch(() => undefined);
    expect((await router.chat(hello)).route.provider).toBe('cpu');
  });

  test('gives all of it back for an attempt that the server refused', async () => {
    const { router, fakes, clock } = fakeRouter({
      gpu: { does: [fault('bad_request', { status: 400 }), 'yes'], limits: { tpm: 1_000 } },
    });
    await failureOf(router.chat({ ...hello, max_tokens: 900 }));
    expect((await clock.run(router.chat({ ...hello, max_tokens: 900 }))).route.provider).toBe('gpu');
    expect(fakes.gpu.calls).toHaveLength(2);
  });

  test('counts the pieces of a stream whose server tells no usage', async () => {
    const { router } = fakeRouter({ gpu: { does: 'four', limits: { tpm: 300 } }, cpu: 'I do' });
    for (let call = 0; call < 3; call++) {
      const stream = await router.stream(hello);
      expect(stream.route.provider).toBe('gpu');
      await readAll(stream);
    }
    expect(router.spending().rows).toMatchObject([{ provider: 'gpu', attempts: 3, answerTokens: 6, estimated: { attempts: 3 } }]);
  });
});

test('routers at one store share the limit of a provider', async () => {
  const clock = testClock();
  const store = memoryStore({ clock });
  const made = Array.from({ length: 4 }, () => fakeRouter({ gpu: { does: 'yes', ...perMinute(40) }, cpu: 'I do' }, { store, clock }));
  await clock.advance(1_500);
  let served = 0;
  for (let at = 0; at < 60_000; at += 250) {
    for (const { router } of made) if ((await router.chat(hello)).route.provider === 'gpu') served += 1;
    await clock.advance(250);
  }
  // A minute's worth, and what came in over a minute.
  expect(served).toBeLessThanOrEqual(80);
  expect(served).toBeGreaterThan(70);
  await Promise.all(made.map(({ router }) => router.close()));
});
