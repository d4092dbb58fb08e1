import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/core/error-codes.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { serves } from '../../src/router/health-report.ts';
import { fault, refused } from '../_kit/fake-adapter.ts';
import { type FakeProvider, failureOf, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

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
    // Health is switched off here, so it moves no breaker.
    expect(events.lines()).toEqual(['provider:down a', 'provider:up a']);
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

  test('tells all that is known of a provider, and shows of its address no more than where it is', async () => {
    const { router, clock } = fakeRouter(
      {
        gpu: {
          does: [fault('out_of_memory', { status: 500 }), 'yes', fault('driver', { status: 500 })],
          locality: 'host',
          metadata: { zone: 'cellar' },
          defaultModel: 'm',
          maxConcurrent: 3,
          fake: {
            health: () => new Promise((resolve) => clock.schedule(40, () => resolve({ state: 'ok', version: '0.9' }))),
            models: async () => [{ id: 'm:latest' }, { id: 'n' }],
            load: async () => ({ running: 1, waiting: 2 }),
          },
        },
        b: 'yes',
      },
      { pollMs: false },
    );
    await router.chat(hello);
    await router.chat({ ...hello, model: 'n' }, { provider: 'gpu' });
    await router.chat({ ...hello, model: 'n' });
    const wallMs = clock.wallMs();
    const summary = outcomeOf(router.health());
    await clock.advance(40);
    expect(summary.value).toMatchObject({ status: 'degraded', atMs: wallMs + 40, failsOver: true, providers: [{}, { status: 'unknown' }] });
    expect(summary.value?.providers[0]).toMatchObject({
      provider: 'gpu',
      device: 'gpu',
      locality: 'host',
      defaultModel: 'm',
      metadata: { zone: 'cellar' },
      status: 'ok',
      checkedAtMs: wallMs + 40,
      latencyMs: 40,
      version: '0.9',
      error: undefined,
      successes: 1,
      failures: 2,
      consecutiveFailures: 1,
      lastError: { code: 'driver', atMs: wallMs },
      circuit: 'closed',
      circuitOpenUntilMs: undefined,
      pins: [{ model: 'm', untilMs: wallMs + 1_800_000 }],
      inFlight: 0,
      waiting: 0,
      slots: 3,
      models: [{ id: 'm:latest' }, { id: 'n' }],
      load: { running: 1, waiting: 2 },
    });
  });

  test('tells until when a circuit is open: that of the connection or the worst of its models', async () => {
    const { router, clock } = fakeRouter({ a: { does: fault('driver', { status: 500 }), fake: { health: ok } }, b: 'yes' });
    for (let count = 0; count < 5; count++) await router.chat(hello);
    const untilMs = clock.wallMs() + 30_000;
    expect((await router.health({ maxAgeMs: Infinity })).providers[0]).toMatchObject({
      circuit: 'open',
      circuitOpenUntilMs: expect.any(Number),
    });
    const { router: other } = fakeRouter({ a: { does: refused(), fake: {} }, b: 'yes' });
    for (let count = 0; count < 3; count++) await other.chat(hello);
    expect((await other.health()).providers[0]).toMatchObject({ circuit: 'open', circuitOpenUntilMs: untilMs, status: 'open' });
  });

  test.each([
    ['http://user:pass@gpu.example:8080', 'http://gpu.example:8080'],
    ['https://abc.example/secret/path/v1', 'https://abc.example/…'],
    ['http://gpu.example:8080/v1', 'http://gpu.example:8080'],
  ])('shows %s as %s', async (url, shown) => {
    const router = createRouter({
      providers: { box: { type: 'openai-compatible', url } },
      health: false,
      pollMs: false,
      transport: { send: () => Promise.reject(new Error('no network')) } as never,
    });
    const summary = await router.health();
    expect(summary.providers[0]?.url).toBe(shown);
    expect(JSON.stringify(summary)).not.toMatch(/pass|secret/);
  });

  test('asks nobody again whose answer is younger than maxAgeMs', async () => {
    let asked = 0;
    const { router, clock } = fakeRouter({ a: { does: 'x', fake: { health: async () => (asked++, { state: 'ok' }) } } });
    await router.health();
    await clock.advance(9_999);
    await router.health({ maxAgeMs: 10_000 });
    expect(asked).toBe(1);
    await clock.advance(1);
    await router.health({ maxAgeMs: 10_000 });
    await router.health();
    expect(asked).toBe(3);
  });

  test('knows of a call that has succeeded since', async () => {
    const { router, clock } = fakeRouter({ a: { does: 'x', fake: { health: () => Promise.reject(refused()) } } });
    expect((await router.health()).status).toBe('down');
    await clock.advance(10);
    await router.chat(hello);
    expect(await router.health({ maxAgeMs: 60_000 })).toMatchObject({
      status: 'ok',
      providers: [{ status: 'ok', consecutiveFailures: 0 }],
    });
  });

  test('does not say that all are down where some cannot be asked', async () => {
    const { router } = fakeRouter({ a: { does: 'x', fake: { health: () => Promise.reject(refused()) } }, b: 'x' });
    expect((await router.health()).status).toBe('degraded');
  });
});

const says = (code: ErrorCode) => ({ does: fault(code), fake: { health: () => Promise.reject(fault(code)) } });

async function statusOf(...providers: readonly FakeProvider[]): Promise<string> {
  const { router } = fakeRouter(Object.fromEntries(providers.map((provider, index) => [`p${index}`, provider])));
  return (await router.health()).status;
}

describe('the status of all', () => {
  const [full, loading, limited, locked] = [says('overloaded'), says('model_loading'), says('rate_limited'), says('auth')];
  const [well, mute] = [{ does: 'x', fake: { health: ok } }, 'x'];

  test.each<[string, string, readonly FakeProvider[]]>([
    ['ok', 'that have no room now: they serve, later', [full, full]],
    ['ok', 'one of which loads its model', [loading, well]],
    ['degraded', 'one of which has asked for a pause', [limited, full]],
    ['degraded', 'one of which cannot be asked', [limited, mute]],
    ['down', 'that have asked for a pause', [limited, limited]],
    ['down', 'one of which refuses the credentials, and the other has asked for a pause', [locked, limited]],
  ])('is %s of providers %s', async (status, _, providers) => {
    expect(await statusOf(...providers)).toBe(status);
  });

  test.each([
    ['stub', true],
    ['ollama', undefined],
    ['custom', undefined],
    ['toString', undefined],
  ])('counts a provider of the type %s that cannot be asked as serving: %s', (type, expected) => {
    expect(serves({ type, status: 'unknown' })).toBe(expected);
    expect(serves({ type, status: 'down' })).toBe(false);
  });
});

describe('lists of models', () => {
  test('come from every provider that answers', async () => {
    const { router } = fakeRouter({
      a: { does: 'x', fake: { models: async () => [{ id: 'one' }, { id: 'two' }] } },
      b: { does: 'x', fake: { models: () => Promise.reject(refused()) } },
      c: 'x',
    });
    expect((await router.models()).providers).toMatchObject([
      { provider: 'a', models: [{ id: 'one' }, { id: 'two' }], error: undefined },
      { provider: 'b', models: undefined, error: { code: 'unavailable' } },
      { provider: 'c', models: undefined, error: undefined },
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
