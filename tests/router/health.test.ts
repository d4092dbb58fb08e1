import { describe, expect, test } from 'vitest';
import { fault, refused } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

const ok = async () => ({ state: 'ok' as const });

describe('health', () => {
  test('asks every provider side by side, and one that hangs is down after five seconds', async () => {
    const { router, clock } = fakeRouter({
      up: { does: 'x', fake: { health: ok, models: async () => [{ id: 'm' }] } },
      slow: { does: 'x', fake: { health: () => new Promise<never>(() => undefined) } },
      mute: 'x',
    });
    const health = outcomeOf(router.health());
    await clock.advance(5_000);
    expect(health.value).toMatchObject({
      status: 'degraded',
      providers: [
        { provider: 'up', status: 'ok', models: [{ id: 'm' }] },
        { provider: 'slow', status: 'down', error: { code: 'timeout' } },
        { provider: 'mute', status: 'unknown' },
      ],
    });
    expect(clock.timers()).toBe(0);
  });

  test('rejects with the reason of the caller and for nothing else', async () => {
    const { router } = fakeRouter({ a: { does: 'x', fake: { health: () => Promise.reject(new Error('foreign')) } } });
    expect(await router.health()).toMatchObject({ status: 'down', providers: [{ error: { code: 'bug' } }] });
    expect(await failureOf(router.health({ signal: AbortSignal.abort('mine') }))).toBe('mine');
  });

  test('tells of a provider that goes and comes, once each', async () => {
    let up = true;
    const { router, events } = fakeRouter({ a: { does: 'x', fake: { health: () => (up ? ok() : Promise.reject(refused())) } } });
    await router.health();
    up = false;
    await router.health();
    await router.health();
    up = true;
    await router.health();
    expect(events.lines()).toEqual(['provider:down a', 'provider:up a']);
  });

  test('never opens or closes a breaker', async () => {
    const { router } = fakeRouter({ a: { does: fault('driver'), fake: { health: ok } } }, { maxAttempts: 1 });
    for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
    await router.health();
    expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'no_provider' });
  });

  test('says that a provider rests, or refuses the credentials', async () => {
    const { router } = fakeRouter({
      tired: { does: fault('rate_limited', { retryAfterMs: 60_000 }), fake: { health: ok } },
      locked: { does: fault('auth'), fake: { health: ok } },
      b: 'yes',
    });
    await router.chat(hello);
    expect((await router.health()).providers).toMatchObject([{ status: 'limited' }, { status: 'misconfigured' }, {}]);
  });

  test('does not say that a provider is up whose credentials were refused, until the next call has found them right', async () => {
    const { router, clock, events } = fakeRouter({ locked: { does: [fault('auth'), 'open'], fake: { health: ok } }, b: 'yes' });
    const told = () => events.lines().filter((line) => line.startsWith('provider:'));
    await router.chat(hello);
    await router.health();
    await router.health();
    expect(told()).toEqual(['provider:down locked']);
    await clock.advance(3_600_000);
    await router.chat(hello);
    expect(told()).toEqual(['provider:down locked', 'provider:up locked']);
  });
});

describe('lists of models', () => {
  test('come from every provider that answers', async () => {
    const { router } = fakeRouter({
      a: { does: 'x', fake: { models: async () => [{ id: 'one' }, { id: 'two' }] } },
      b: { does: 'x', fake: { models: () => Promise.reject(refused()) } },
      c: 'x',
    });
    expect(await router.models()).toEqual([
      { provider: 'a', id: 'one' },
      { provider: 'a', id: 'two' },
    ]);
  });

  test('make a provider without the model no candidate, for a minute', async () => {
    const { router, clock } = fakeRouter({ a: { does: 'a', fake: { models: async () => [{ id: 'other' }] } }, b: 'b' });
    await router.models();
    expect((await router.chat(hello)).route.provider).toBe('b');
    await clock.advance(60_000);
    expect((await router.chat(hello)).route.provider).toBe('a');
  });

  test('know a model by its name without the tag that Ollama adds', async () => {
    const { router } = fakeRouter({ a: { does: 'a', fake: { models: async () => [{ id: 'm:latest' }] } }, b: 'b' });
    await router.models();
    expect((await router.chat(hello)).route.provider).toBe('a');
  });
});
