import { describe, expect, test } from 'vitest';
import type { RouterOptions } from '../../src/config/options.ts';
import { fault, refused } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';
import { type Server, server } from './health-kit.ts';

function pair(options: Omit<RouterOptions, 'providers'> = {}) {
  const [first, second] = [server({ priority: 1 }), server({ priority: 2, locality: 'lan' })];
  const made = fakeRouter({ first: first.provider, second: second.provider }, { health: 'per-request', pollMs: false, ...options });
  for (const each of [first, second]) each.clock = made.clock;
  return { ...made, first, second, counts: () => [first.askedMs.length, second.askedMs.length] };
}

describe("health: 'per-request'", () => {
  test('asks nobody before the first call, and nobody in the background', async () => {
    const { router, clock, counts } = pair();
    await clock.advance(300_000);
    expect(counts()).toEqual([0, 0]);
    await router.chat(hello);
    await clock.advance(300_000);
    expect(counts()).toEqual([1, 1]);
    expect(clock.timers()).toBe(0);
  });

  test.each(['chat', 'stream', 'embed'] as const)('has %s wait for the answers, and go to the one that is well', async (verb) => {
    const { router, first } = pair();
    first.says = refused();
    const answer = await (verb === 'embed' ? router.embed({ input: 'x', model: 'm' }) : router[verb](hello));
    expect(answer.route.provider).toBe('second');
  });

  test('lets an answer stand for a second, also for calls side by side', async () => {
    const { router, clock, counts } = pair();
    await Promise.all([router.chat(hello), router.chat(hello), router.chat(hello)]);
    await clock.advance(1_000);
    await router.chat(hello);
    expect(counts()).toEqual([1, 1]);
    await clock.advance(1);
    await router.chat(hello);
    expect(counts()).toEqual([2, 2]);
  });

  test('lets it stand for another time where one is set', async () => {
    const { router, clock, counts } = pair({ health: { mode: 'per-request', maxAgeMs: 10_000 } });
    await router.chat(hello);
    await clock.advance(10_000);
    await router.chat(hello);
    expect(counts()).toEqual([1, 1]);
  });

  test('sees at once that a provider goes, and at once that it is back', async () => {
    const { router, clock, first } = pair();
    const providers: string[] = [];
    for (const up of [true, false, true, false, true]) {
      first.go(up);
      providers.push((await router.chat(hello)).route.provider);
      await clock.advance(2_000);
    }
    expect(providers).toEqual(['first', 'second', 'first', 'second', 'first']);
  });

  test('asks a provider that failed its check where nobody else is left', async () => {
    const { router, first, second } = pair();
    first.says = refused();
    second.says = fault('unavailable');
    second.does = refused();
    expect((await router.chat(hello)).route).toMatchObject({ provider: 'first', attempts: [{ provider: 'first' }] });
  });

  test('asks nobody beyond what the call may reach, or that it is not for', async () => {
    const { router, counts } = pair();
    await router.chat(hello, { maxLocality: 'host' });
    expect(counts()).toEqual([1, 0]);
    for (const options of [{ without: ['first'] }, { provider: 'second' }]) {
      const other = pair();
      await other.router.chat(hello, options);
      expect(other.counts()).toEqual([0, 1]);
    }
  });

  test('gives the checks half of the time of a call, and whoever did not answer by then stands last', async () => {
    const { router, clock, first } = pair();
    first.says = 'hangs';
    const call = outcomeOf(router.chat(hello, { deadlineMs: 4_000 }));
    await clock.advance(1_999);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.value?.route.provider).toBe('second');
  });

  test('gives them health.timeoutMs where there is more', async () => {
    const { router, clock, first } = pair({ health: { mode: 'per-request', timeoutMs: 700 } });
    first.says = 'hangs';
    const call = outcomeOf(router.chat(hello));
    await clock.advance(700);
    expect(call.value?.route.provider).toBe('second');
    expect(clock.timers()).toBe(0);
  });

  test('holds no caller who aborts, and tells of the call once', async () => {
    const { router, clock, events, first, fakes } = pair();
    first.says = 'hangs';
    const controller = new AbortController();
    const call = outcomeOf(router.chat(hello, { signal: controller.signal }));
    await clock.advance(100);
    controller.abort('enough');
    await clock.settle();
    expect(call.error).toBe('enough');
    expect([events.of('request:start').length, events.of('request:error')]).toMatchObject([1, [{ aborted: true }]]);
    expect(router.snapshot().inFlight).toBe(0);
    expect([...fakes.first.calls, ...fakes.second.calls]).toEqual([]);
    await clock.advance(5_000);
    expect(clock.timers()).toBe(0);
  });

  test('ends with the router', async () => {
    const { router, clock, first } = pair();
    first.says = 'hangs';
    const call = outcomeOf(router.chat(hello));
    await clock.settle();
    const closing = outcomeOf(router.close({ drainMs: 0 }));
    await clock.settle();
    expect(call.error).toMatchObject({ code: 'closed' });
    expect([closing.settled, clock.timers(), router.snapshot().inFlight]).toEqual([true, 0, 0]);
  });

  test('is part of the latency of the call', async () => {
    const { router, clock, first, events } = pair({ health: { mode: 'per-request', timeoutMs: 700 } });
    first.says = 'hangs';
    void outcomeOf(router.chat(hello));
    await clock.advance(700);
    expect(events.of('request:end')).toMatchObject([{ ms: 700 }]);
  });

  test('opens no breaker for a first failure, and closes none', async () => {
    const { router, clock, events, first }: { first: Server } & ReturnType<typeof pair> = pair();
    first.says = refused();
    await router.chat(hello);
    expect(events.of('breaker:open')).toEqual([]);
    await clock.advance(2_000);
    await router.chat(hello);
    expect(events.of('breaker:open')).toHaveLength(1);
    first.says = 'ok';
    await clock.advance(2_000);
    await router.health();
    expect(events.of('breaker:close')).toEqual([]);
    expect(await failureOf(router.chat(hello, { signal: AbortSignal.abort('no') }))).toBe('no');
    expect((await router.chat(hello)).route.provider).toBe('first');
  });
});
