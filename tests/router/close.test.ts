import { describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/state/memory.ts';
import type { StateStore } from '../../src/state/store.ts';
import { after, deaf, fault, hang, pieces } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';

describe('close', () => {
  test('lets calls under way end, and refuses new ones meanwhile', async () => {
    const { router, clock } = fakeRouter({ a: after(4_000, 'in time') });
    const call = outcomeOf(router.chat(hello));
    await clock.settle();
    const closing = outcomeOf(router.close());
    expect(router.snapshot().closed).toBe(true);
    for (const verb of [router.chat, router.stream]) expect(await failureOf(verb(hello))).toMatchObject({ code: 'closed' });
    expect(await failureOf(router.embed({ input: 'x' }))).toMatchObject({ code: 'closed' });
    expect(await failureOf(router.health())).toMatchObject({ code: 'closed' });
    expect(await failureOf(router.models())).toMatchObject({ code: 'closed' });
    expect(closing.settled).toBe(false);
    await clock.advance(4_000);
    expect(call.value?.choices[0].message.content).toBe('in time');
    expect(closing.settled).toBe(true);
    expect(clock.timers()).toBe(0);
  });

  test.each([hang, deaf])('aborts what is still under way after drainMs, with the closed error', async (does) => {
    const { router, clock, events, fakes } = fakeRouter({ a: does, b: 'never asked' });
    const call = outcomeOf(router.chat(hello));
    await clock.settle();
    const closing = outcomeOf(router.close({ drainMs: 1_000 }));
    await clock.advance(999);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.error).toMatchObject({ code: 'closed' });
    expect(closing.settled).toBe(true);
    expect(fakes.b.calls).toHaveLength(0);
    expect(events.of('request:error')).toMatchObject([{ aborted: false }]);
    expect(router.snapshot()).toMatchObject({ closed: true, inFlight: 0, providers: [{ inFlight: 0, failures: 0 }, {}] });
    expect(clock.timers()).toBe(0);
  });

  test('with a drain time of 0 aborts at once', async () => {
    const { router, clock } = fakeRouter({ a: hang });
    const call = outcomeOf(router.chat(hello));
    await clock.settle();
    await router.close({ drainMs: 0 });
    await clock.settle();
    expect(call.error).toMatchObject({ code: 'closed' });
  });

  test('breaks a stream that is being read with the closed error, as it is', async () => {
    const { router, clock, events } = fakeRouter({ a: pieces('one', 'hang') });
    const read = outcomeOf(readAll(await router.stream(hello)));
    const closing = outcomeOf(router.close());
    await clock.advance(5_000);
    expect(read.value).toMatchObject({ text: 'one', failure: { code: 'closed' } });
    expect(closing.settled).toBe(true);
    expect(events.of('stream:interrupted')).toEqual([]);
  });

  test('ends a call that waits for a retry', async () => {
    const { router, clock } = fakeRouter({ a: fault('rate_limited', { retryAfterMs: 9_000 }) });
    const call = outcomeOf(router.chat(hello));
    await clock.settle();
    void router.close({ drainMs: 10 });
    await clock.advance(10);
    expect(call.error).toMatchObject({ code: 'closed' });
    expect(clock.timers()).toBe(0);
  });

  test('twice is once: adapters are closed one time, and both calls end together', async () => {
    let closed = 0;
    const { router } = fakeRouter({ a: { does: 'x', fake: { close: async () => void closed++ } } });
    await Promise.all([router.close(), router.close()]);
    await router.close();
    expect(closed).toBe(1);
  });

  test('twice is once for what the store is told, too: a limit is charged with each call one time', async () => {
    const clock = testClock();
    const inner = memoryStore({ clock });
    const wanted: (readonly [string, number])[] = [];
    const store: StateStore = {
      connect() {
        const connection = inner.connect();
        const take: typeof connection.take = (asks) => {
          wanted.push(...asks.map((ask) => [ask.name, ask.wanted] as const));
          return connection.take(asks);
        };
        return { ...connection, take };
      },
    };
    const { router } = fakeRouter({ a: 'x' }, { clock, store, limits: { caller: { rpm: 600 } } });
    await clock.advance(1_000);
    for (let call = 0; call < 8; call += 1) await router.chat(hello, { caller: 'c' });
    await Promise.all([router.close(), router.close()]);
    await router.close();
    expect(wanted).toEqual([[expect.stringContaining('caller:c:rpm'), 8]]);
  });

  test.each<[string, () => Promise<void>]>([
    ['rejects', () => Promise.reject(new Error('broken'))],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
  ])('is not stopped by an adapter that %s', async (_, close) => {
    const { router } = fakeRouter({ a: { does: 'x', fake: { close } } });
    await expect(router.close()).resolves.toBeUndefined();
  });

  test('leaves an adapter behind that does not end within five seconds', async () => {
    const { router, clock } = fakeRouter({ a: { does: 'x', fake: { close: () => new Promise<void>(() => undefined) } } });
    const closing = outcomeOf(router.close());
    await clock.advance(5_000);
    expect(closing.settled).toBe(true);
  });

  test('ends a health check that is under way', async () => {
    const { router, clock } = fakeRouter({ a: { does: 'x', fake: { health: () => new Promise<never>(() => undefined) } } });
    const health = outcomeOf(router.health());
    await clock.settle();
    await router.close();
    await clock.settle();
    expect(health.settled).toBe(true);
    expect(clock.timers()).toBe(0);
  });

  test('comes by itself at the end of an await using block', async () => {
    const { router } = fakeRouter({ a: 'x' });
    {
      await using same = router;
      await same.chat(hello);
    }
    expect(router.snapshot().closed).toBe(true);
    expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'closed' });
  });

  test('does not touch calls that have ended: their answers and events stand', async () => {
    const { router, events } = fakeRouter({ a: 'x' });
    await router.chat(hello);
    const before = events.all.length;
    await router.close();
    expect(events.all).toHaveLength(before);
  });
});
