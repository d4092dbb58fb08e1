import { describe, expect, test } from 'vitest';
import type { HealthReport } from '../../src/core/adapter.ts';
import { fault, type Outcome, pieces } from '../_kit/fake-adapter.ts';
import { fakeRouter, type FakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

const loading = fault('model_loading', { status: 503 });
const warming: HealthReport = { state: 'warming' };

interface Watched extends FakeRouter<'only'> {
  /** When the provider was asked how it is. */
  readonly asked: readonly number[];
}

/** One provider, whose health does the next thing in the list each time, and the last one from then on. */
function lone(does: Outcome | readonly Outcome[], ...health: readonly (HealthReport | Error | 'silence')[]): Watched {
  const asked: number[] = [];
  const tell = async (): Promise<HealthReport> => {
    const report = health[Math.min(asked.length, health.length - 1)];
    asked.push(made.clock.nowMs());
    if (report instanceof Error) throw report;
    return report === 'silence' || report === undefined ? new Promise<never>(() => undefined) : report;
  };
  const made = fakeRouter({ only: { does, fake: health.length === 0 ? {} : { health: tell } } });
  return { ...made, asked };
}

describe('a provider that loads a model and is the only one', () => {
  test.each(['chat', 'stream'] as const)('is waited for by its health, once a second, and no attempt is wasted (%s)', async (verb) => {
    const { router, clock, fakes, asked, events } = lone([loading, 'loaded'], ...Array.from({ length: 30 }, () => warming), {
      state: 'ok',
    });
    const call = outcomeOf<{ route: unknown }>(router[verb](hello));
    await clock.advance(30_624);
    expect(fakes.only.calls).toHaveLength(1);
    await clock.advance(1);
    expect(call.value).toMatchObject({ route: { provider: 'only' } });
    expect(fakes.only.calls).toHaveLength(2);
    // After the rest of 625 ms, 30 times `warming`.
    expect(asked).toHaveLength(31);
    expect(new Set(asked.slice(1).map((at, index) => at - (asked[index] ?? 0)))).toEqual(new Set([1_000]));
    expect(events.of('retry')).toMatchObject([{ reason: 'model_loading', delayMs: 625 }]);
  });

  test('is waited for again where it was too early', async () => {
    const { router, clock, fakes } = lone([loading, loading, 'loaded'], warming, { state: 'ok' });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(10_000);
    expect(call.value?.route.attempts).toHaveLength(3);
    expect(fakes.only.calls).toHaveLength(3);
  });

  test('is not waited for beyond the deadline', async () => {
    const { router, clock, fakes } = lone(loading, warming);
    const call = outcomeOf(router.chat(hello, { deadlineMs: 5_000 }));
    await clock.advance(5_000);
    expect(call.error).toMatchObject({ code: 'all_failed', attempts: [{ error: { code: 'model_loading' } }, { provider: 'only' }] });
    // The last one is at the end, where it costs nothing.
    expect(fakes.only.calls).toHaveLength(2);
    expect(clock.timers()).toBe(0);
  });

  test('gets its last attempt while there is time for one, rather than one more question', async () => {
    const { router, clock, fakes, asked } = lone([loading, 'loaded after all'], warming);
    const call = outcomeOf(router.chat(hello, { deadlineMs: 2_650 }));
    await clock.advance(2_650);
    expect(call.value?.choices[0].message.content).toBe('loaded after all');
    expect(asked).toHaveLength(1);
    expect(fakes.only.calls.map(({ atMs }) => atMs - (fakes.only.calls[0]?.atMs ?? 0))).toEqual([0, 1_625]);
  });

  test('that falls silent is not waited for beyond the deadline either, and the error says what was tried', async () => {
    const { router, clock, fakes } = lone(loading, warming, 'silence');
    const call = outcomeOf(router.chat(hello, { deadlineMs: 4_000 }));
    await clock.advance(3_999);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.error).toMatchObject({
      code: 'timeout',
      phase: 'deadline',
      stoppedBecause: 'deadline',
      message: expect.stringContaining('within 4000 ms'),
      attempts: [{ provider: 'only', error: { code: 'model_loading' } }],
    });
    expect(fakes.only.calls).toHaveLength(1);
    expect(clock.timers()).toBe(0);
  });

  test('that does not say how it is gets its next attempt after five seconds of silence', async () => {
    const { router, clock } = lone([loading, 'loaded'], 'silence');
    const call = outcomeOf(router.chat(hello));
    await clock.advance(5_624);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.value?.route.attempts).toHaveLength(2);
  });

  test('that cannot be asked gets it at once', async () => {
    const { router, clock, asked } = lone([loading, 'loaded'], fault('unavailable'));
    const call = outcomeOf(router.chat(hello));
    await clock.advance(625);
    expect(call.value?.route.attempts).toHaveLength(2);
    expect(asked).toHaveLength(1);
  });

  test('and tells nothing of its health is asked after plain pauses', async () => {
    const { router, clock, events } = lone([loading, loading, 'loaded']);
    const call = outcomeOf(router.chat(hello));
    await clock.advance(1_875);
    expect(call.value?.route.attempts).toHaveLength(3);
    expect(events.of('retry').map(({ delayMs }) => delayMs)).toEqual([625, 1_250]);
  });

  test('is asked for its health by nobody who waits for something else', async () => {
    const { router, clock, asked } = lone([fault('overloaded', { status: 503 }), 'now'], warming);
    const call = outcomeOf(router.chat(hello));
    await clock.advance(625);
    expect(call.value?.route.attempts).toHaveLength(2);
    expect(asked).toEqual([]);
  });

  test.each<[string, HealthReport | 'silence']>([
    ['between two questions', warming],
    ['during one', 'silence'],
  ])('is waited for no longer when the caller aborts %s', async (_, health) => {
    const { router, clock, fakes, events } = lone(loading, health);
    const controller = new AbortController();
    const call = outcomeOf(router.chat(hello, { signal: controller.signal }));
    await clock.advance(3_100);
    controller.abort('enough');
    await clock.settle();
    expect(call.error).toBe('enough');
    expect(events.of('request:error')).toMatchObject([{ aborted: true, attempts: 1 }]);
    expect(fakes.only.calls).toHaveLength(1);
    expect(clock.timers()).toBe(0);
  });

  test('is waited for no longer when the router is closed', async () => {
    const { router, clock } = lone(loading, warming);
    const call = outcomeOf(router.chat(hello));
    await clock.advance(3_100);
    void router.close({ drainMs: 10 });
    await clock.advance(10);
    expect(call.error).toMatchObject({ code: 'closed' });
    expect(clock.timers()).toBe(0);
  });

  test('is waited for no longer by a stream that broke when its reader leaves', async () => {
    const { router, clock, events } = lone([pieces('half', loading), 'never'], warming);
    const iterator = (await router.stream(hello, { onStreamFailure: 'restart' }))[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = outcomeOf(iterator.next());
    await clock.advance(3_100);
    expect(waiting.settled).toBe(false);
    await iterator.return?.();
    await clock.settle();
    expect(waiting.value).toEqual({ done: true, value: undefined });
    expect(events.of('request:end')).toMatchObject([{ abandoned: true, attempts: 1 }]);
    expect(clock.timers()).toBe(0);
  });
});

describe('a load', () => {
  const once = { maxAttempts: 1 } as const;
  /** One call every ten seconds, each of which finds the model being loaded. */
  const callFor = async ({ router, clock }: FakeRouter<'only'>, forMs: number): Promise<void> => {
    for (let ms = 0; ms <= forMs; ms += 10_000) {
      await router.chat(hello, once).catch(() => undefined);
      await clock.advance(10_000);
    }
  };

  test('is no failure for 300 s, and counts as one from then on', async () => {
    const made = lone(loading);
    await callFor(made, 300_000);
    expect(made.events.of('breaker:open')).toEqual([]);
    await callFor(made, 20_000);
    expect(made.events.of('breaker:open')).toMatchObject([{ provider: 'only', model: 'm', reason: 'model_loading' }]);
  });

  test('after a pause of more than 300 s is another one', async () => {
    const made = lone(loading);
    await callFor(made, 200_000);
    await made.clock.advance(310_000);
    await callFor(made, 290_000);
    expect(made.events.of('breaker:open')).toEqual([]);
    await callFor(made, 40_000);
    expect(made.events.of('breaker:open')).toHaveLength(1);
  });

  test('gives no other meaning to other errors, however long ago it began', async () => {
    const made = lone([loading, fault('rate_limited', { status: 429, retryAfterMs: 1_000 })]);
    await callFor(made, 400_000);
    expect(made.fakes.only.calls.length).toBeGreaterThan(40);
    expect(made.events.of('breaker:open')).toEqual([]);
  });

  test('after an answer is another one', async () => {
    const made = lone([...Array<Outcome>(25).fill(loading), 'loaded', loading]);
    await callFor(made, 530_000);
    expect(made.fakes.only.calls.length).toBeGreaterThan(50);
    expect(made.events.of('breaker:open')).toEqual([]);
  });
});
