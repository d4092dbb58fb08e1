import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HealthOptions } from '../../src/config/health-options.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { runProgram } from '../_kit/child-program.ts';
import { after, fault, hang, refused } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';
import { loopback, type Script } from '../_kit/loopback.ts';
import { answers } from '../_kit/openai-bytes.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { type Server, server } from './health-kit.ts';

const background = { health: {}, pollMs: false as const };
/** Without the part that is taken off intervals, so that times are round. */
const even = { ...background, random: () => 0 };
const once = { maxAttempts: 1 };

/** Two servers, watched; the second stands behind the first. */
function watched(a: Server, b: Server = server(), options: Omit<RouterOptions, 'providers'> = even) {
  const made = fakeRouter({ a: a.provider, b: { ...(b.provider as object), priority: 1_000 } as typeof b.provider }, options);
  a.clock = made.clock;
  b.clock = made.clock;
  return made;
}

/** When it was asked, in seconds since the start. */
function secondsOf({ askedMs }: Server): readonly number[] {
  return askedMs.map((ms) => Math.round((ms - 1_000_000) / 1_000));
}

describe('in the background', () => {
  test('every provider is asked at the start, and no call waits for it', async () => {
    const a = server();
    a.says = 'hangs';
    const { router, clock } = watched(a);
    const call = outcomeOf(router.chat(hello));
    await clock.settle();
    expect(call.value?.route.provider).toBe('a');
    expect(secondsOf(a)).toEqual([0]);
  });

  test('one that is well is asked once a minute', async () => {
    const [a, b] = [server(), server()];
    const { clock } = watched(a, b);
    await clock.advance(185_000);
    expect([secondsOf(a), secondsOf(b)]).toEqual([
      [0, 60, 120, 180],
      [0, 60, 120, 180],
    ]);
  });

  test.each<[string, (a: Server) => void]>([
    ['down', (a) => a.go(false)],
    ['warming', (a) => void (a.says = 'warming')],
    ['without room', (a) => void (a.says = fault('overloaded', { status: 503 }))],
  ])('one that is %s is asked every ten seconds', async (_, change) => {
    const a = server();
    change(a);
    const { clock } = watched(a);
    await clock.advance(45_000);
    expect(secondsOf(a)).toEqual([0, 10, 20, 30, 40]);
  });

  test.each(['auth', 'rate_limited', 'quota_exhausted'] as const)('one that says %s is asked no more often for it', async (code) => {
    const a = server();
    a.says = fault(code);
    const { clock } = watched(a);
    await clock.advance(65_000);
    expect(secondsOf(a)).toEqual([0, 60]);
  });

  test('one behind an open breaker is asked every ten seconds, and once a minute when it is closed again', async () => {
    const a = server();
    const { router, clock } = watched(a);
    a.does = fault('driver', { status: 500 });
    for (let count = 0; count < 5; count++) await router.chat(hello);
    await clock.advance(15_000);
    expect(secondsOf(a)).toEqual([0, 10]);
    a.does = 'back';
    expect((await router.chat(hello)).route.provider).toBe('a');
    await clock.advance(100_000);
    expect(secondsOf(a)).toEqual([0, 10, 70]);
  });

  test('a model that is being loaded is asked after every ten seconds, for as long as somebody calls for it', async () => {
    const a = server();
    const { router, clock } = watched(a);
    await clock.settle();
    a.does = fault('model_loading', { status: 503, retryAfterMs: 25_000 });
    await router.chat(hello);
    await clock.advance(300_000);
    expect(secondsOf(a).slice(0, 4)).toEqual([0, 10, 20, 80]);
  });

  test('an answer to a call stands for a check', async () => {
    const [a, b] = [server(), server()];
    const { router, clock } = watched(a, b);
    for (let second = 0; second < 300; second += 5) {
      await router.chat(hello);
      await clock.advance(5_000);
    }
    expect(secondsOf(a)).toEqual([0]);
    expect(secondsOf(b)).toEqual([0, 60, 120, 180, 240, 300]);
  });

  test('intervals are cut by up to 15% and never stretched', async () => {
    const a = server();
    a.go(false);
    const random = seededRandom(7);
    const { clock } = watched(a, server(), { ...background, random });
    await clock.advance(3_600_000);
    const gaps = a.askedMs.slice(1).map((ms, index) => ms - (a.askedMs[index] as number));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(8_500);
    expect(new Set(gaps.map((ms) => Math.round(ms / 100))).size).toBeGreaterThan(10);
  });

  test('intervals are those of the configuration, and one that is down is asked as often as one that is well at least', async () => {
    const [a, b] = [server(), server()];
    a.go(false);
    const { clock } = watched(a, b, { ...even, health: { intervalMs: 4_000 } satisfies HealthOptions });
    await clock.advance(9_000);
    expect([secondsOf(a), secondsOf(b)]).toEqual([
      [0, 4, 8],
      [0, 4, 8],
    ]);
  });

  test('a provider that takes five seconds to fail is asked again no later for it', async () => {
    const a = server();
    a.says = 'hangs';
    const { clock } = watched(a);
    await clock.advance(31_000);
    expect(secondsOf(a)).toEqual([0, 10, 20, 30]);
  });

  test('nobody is asked beyond maxLocality, nor what runs in this process', async () => {
    const [far, near] = [server({ locality: 'cloud' }), server({ locality: 'process' })];
    const { clock } = watched(far, near, { ...even, maxLocality: 'lan' });
    await clock.advance(60_000);
    expect([far.askedMs, near.askedMs]).toEqual([[], []]);
  });

  test('where requests are counted nobody is asked for long without a call', async () => {
    const cloud = server({ locality: 'cloud' });
    const { router, clock } = watched(cloud);
    await clock.advance(1_200_000);
    expect(secondsOf(cloud)).toEqual([0]);
    cloud.go(false);
    await router.chat(hello);
    await clock.advance(3_600_000);
    const last = secondsOf(cloud).at(-1) as number;
    expect(last).toBeGreaterThan(1_200 + 200);
    expect(last).toBeLessThanOrEqual(1_200 + 300);
  });

  test('a provider that is alone is not asked before the first call', async () => {
    const a = server();
    const { router, clock } = fakeRouter({ a: a.provider }, even);
    await clock.advance(120_000);
    expect(a.askedMs).toEqual([]);
    a.go(false);
    await failureOf(router.chat(hello, once));
    await clock.advance(10_000);
    expect(a.askedMs).toHaveLength(1);
  });

  test('health: false asks nobody', async () => {
    const a = server();
    const { clock } = watched(a, server(), { ...even, health: false });
    await clock.advance(120_000);
    expect([a.askedMs, clock.timers()]).toEqual([[], 0]);
  });

  test('there is one check at a time, however many ask', async () => {
    const a = server();
    a.says = 'hangs';
    const { router, clock } = watched(a);
    await clock.settle();
    const asked = [outcomeOf(router.health()), outcomeOf(router.health()), outcomeOf(router.testProvider('a'))];
    await clock.advance(5_000);
    expect(asked.map(({ settled }) => settled)).toEqual([true, true, true]);
    expect([a.askedMs.length, a.atOnce.most]).toEqual([1, 1]);
  });

  test('a check that was begun for somebody who leaves is begun again for those who stay', async () => {
    const a = server();
    a.says = 'hangs';
    const { router, clock } = watched(a, server(), { ...even, health: false });
    const controller = new AbortController();
    const left = outcomeOf(router.health({ signal: controller.signal }));
    const stays = outcomeOf(router.health());
    await clock.settle();
    a.says = 'ok';
    controller.abort('enough');
    await clock.settle();
    expect([left.error, stays.value?.status, a.askedMs.length, a.atOnce.most]).toEqual(['enough', 'ok', 2, 1]);
    expect(clock.timers()).toBe(0);
  });

  test('a call that waits for a model to be loaded asks no second time beside it', async () => {
    const a = server();
    a.says = 'warming';
    a.does = fault('model_loading', { status: 503 });
    const { router, clock } = fakeRouter({ a: a.provider }, even);
    const call = outcomeOf(router.chat(hello, { deadlineMs: 30_000 }));
    await clock.advance(9_700);
    a.says = 'hangs';
    void outcomeOf(router.health());
    await clock.advance(21_000);
    expect([call.settled, a.atOnce.most]).toEqual([true, 1]);
  });

  test('close() ends it, and a check under way with it', async () => {
    const a = server();
    a.says = 'hangs';
    const { router, clock } = watched(a);
    await clock.settle();
    await router.close();
    await clock.settle();
    expect([clock.timers(), a.atOnce.now]).toEqual([0, 0]);
    await clock.advance(120_000);
    expect(a.askedMs).toHaveLength(1);
  });

  test('a router that is closed in the turn in which it was made asks nobody', async () => {
    const a = server();
    const { router, clock } = watched(a);
    await router.close();
    await clock.advance(60_000);
    expect([a.askedMs, clock.timers()]).toEqual([[], 0]);
  });

  test('a program that has no more to do ends by itself, with the next check due', async () => {
    await using one = await loopback(() => answers('yes'));
    const source = `
      import { createRouter } from '${new URL('../../src/index.ts', import.meta.url).href}';
      const providers = { a: { type: 'openai-compatible', url: '${one.url}' }, b: { type: 'openai-compatible', url: '${one.url}/b' } };
      const router = createRouter({ providers, pollMs: false });
      await router.chat({ messages: [{ role: 'user', content: 'Hello!' }] });
      console.log('done');`;
    expect(await runProgram(source)).toEqual({ output: 'done\n', code: 0 });
    expect(one.requests.filter(({ method }) => method === 'GET').length).toBeGreaterThan(0);
  });
});

describe('a provider that gives no sign of life', () => {
  test('stands behind all others after two checks, and is asked when nobody else is left', async () => {
    const [a, b] = [server(), server()];
    a.says = refused();
    const { router, clock, fakes } = watched(a, b);
    await clock.advance(1_000);
    expect((await router.chat(hello)).route.provider).toBe('a');
    await clock.advance(30_000);
    expect(router.explain(hello).candidates.map(({ provider, reason }) => [provider, /did not say how it is/.test(reason)])).toEqual([
      ['b', false],
      ['a', true],
    ]);
    expect((await router.chat(hello)).route.provider).toBe('b');
    b.does = fault('driver', { status: 500 });
    expect((await router.chat(hello)).route.provider).toBe('a');
    expect(fakes.a.calls).toHaveLength(2);
    // That call has found otherwise.
    expect(router.explain(hello).candidates[0]?.provider).toBe('a');
  });

  test('keeps its place while it answers a call: nobody is paid for that', async () => {
    const a = server();
    const { router, clock } = watched(a, server(), { ...even, allowPaid: true });
    await clock.settle();
    a.does = hang;
    const call = outcomeOf(router.chat(hello, { deadlineMs: 600_000 }));
    await clock.settle();
    a.says = 'hangs';
    await clock.advance(200_000);
    expect(router.explain(hello).candidates[0]?.provider).toBe('a');
    expect(call.settled).toBe(false);
  });

  test('opens its breaker after two checks, so that calls lose no time there', async () => {
    const a = server();
    a.go(false);
    const { router, clock, events, fakes } = watched(a);
    await clock.advance(9_000);
    expect(events.lines()).toEqual(['provider:down a']);
    await clock.advance(1_000);
    expect(events.lines()).toEqual(['provider:down a', 'breaker:open a']);
    expect(events.of('breaker:open')).toMatchObject([{ provider: 'a', model: undefined, reason: 'unavailable' }]);
    await router.chat(hello);
    expect(fakes.a.calls).toHaveLength(0);
  });

  test('keeps its breaker closed where a call has succeeded in the last minute', async () => {
    const a = server();
    a.says = refused();
    const { router, clock, events } = watched(a);
    for (let second = 0; second < 600; second += 10) {
      await router.chat(hello, { provider: 'a' });
      await clock.advance(10_000);
    }
    expect(events.of('breaker:open')).toEqual([]);
    await clock.advance(70_000);
    expect(events.of('breaker:open')).toHaveLength(1);
  });

  test('keeps it closed while it answers a call, however long that takes', async () => {
    const a = server();
    a.does = after(300_000, 'at last');
    const { router, clock, events } = watched(a, server(), { ...even, timeouts: { totalMs: 400_000, firstTokenMs: 400_000 } });
    const call = outcomeOf(router.chat(hello, { deadlineMs: 500_000, maxAttempts: 1 }));
    await clock.settle();
    a.says = 'hangs';
    await clock.advance(300_000);
    expect(call.value?.route.provider).toBe('a');
    expect(events.of('breaker:open')).toEqual([]);
  });

  test('has its recovery tried at once when it is well again, and not closed by that alone', async () => {
    const a = server();
    a.go(false);
    const { router, clock, events } = watched(a);
    await clock.advance(20_000);
    a.go(true);
    await clock.advance(10_000);
    expect(router.snapshot().providers[0]).toMatchObject({ breaker: 'open', situation: 'probing' });
    expect(events.of('breaker:close')).toEqual([]);
    expect((await router.chat(hello)).route.provider).toBe('a');
    expect(events.of('breaker:close')).toHaveLength(1);
  });

  test("has no say over the plain breaker ('classic'): five minutes are five minutes", async () => {
    const a = server();
    const { router, clock } = watched(a, server(), { ...even, breaker: 'classic' });
    await clock.settle();
    a.does = fault('driver', { status: 500 });
    for (let count = 0; count < 3; count++) await outcomeOf(router.chat(hello, { provider: 'a' })).settled;
    await clock.settle();
    const openUntilMs = router.snapshot().providers[0]?.models[0]?.openUntilMs ?? 0;
    expect(openUntilMs - router.snapshot().nowMs).toBe(300_000);
    a.does = 'well again';
    await clock.advance(60_000);
    expect(router.snapshot().providers[0]?.models[0]?.openUntilMs).toBe(openUntilMs);
  });
});

describe('a server that says it is well and fails every call', () => {
  test.each<[string, Server['does']]>([
    ['with an error', fault('driver', { status: 500 })],
    ['by silence', hang],
  ])('%s is not probed ahead of time for ever', async (_, does) => {
    const a = server();
    const { router, clock, fakes } = watched(a, server(), { ...even, timeouts: { firstTokenMs: 2_000, totalMs: 2_000 } });
    a.does = does;
    // In the first minutes it opens, and each open time is longer than the one before.
    for (let second = 0; second < 1_200; second += 5) {
      void outcomeOf(router.chat(hello));
      await clock.advance(5_000);
    }
    const before = fakes.a.calls.length;
    for (let second = 0; second < 3_600; second += 5) {
      void outcomeOf(router.chat(hello));
      await clock.advance(5_000);
    }
    expect(fakes.a.calls.length - before).toBeLessThanOrEqual(3_600 / 240 + 1);
  });

  test('is given one probe ahead of time, and another one when it has been down in between', async () => {
    const a = server();
    const { router, clock, fakes } = watched(a);
    await clock.settle();
    a.does = fault('driver', { status: 500 });
    for (let count = 0; count < 5; count++) await router.chat(hello);
    const opened = fakes.a.calls.length;
    await clock.advance(12_000);
    await router.chat(hello);
    expect(fakes.a.calls).toHaveLength(opened + 1);
    await clock.advance(20_000);
    await router.chat(hello);
    expect(fakes.a.calls).toHaveLength(opened + 1);
    a.says = refused();
    await clock.advance(10_000);
    a.says = 'ok';
    await clock.advance(10_000);
    a.does = 'back';
    expect((await router.chat(hello)).route.provider).toBe('a');
  });
});

function* endless(): Iterable<string> {
  for (;;) yield 'x'.repeat(65_536);
}

describe('what a server says of its health', () => {
  const html = { 'content-type': 'text/html' };

  test.each<[string, Script]>([
    ['is a page', { headers: html, pieces: ['<html><body>Sign in</body></html>'] }],
    ['has no end', { pieces: endless() }],
    ['never comes', { pieces: [], after: 'hang' }],
    ['breaks off', { pieces: ['{"data": ['], after: 'cut' }],
    ['is no JSON', { pieces: ['{"data": [[[[['] }],
  ])('is a failure like any other where it %s', async (_, script) => {
    await using box = await loopback(() => script);
    const router = createRouter({
      providers: { box: { type: 'ollama', url: box.url } },
      health: { timeoutMs: 300 },
      pollMs: false,
      checkModels: false,
    });
    const { status, providers } = await router.health();
    expect(status).toBe('down');
    expect(providers[0]?.status).toBe('down');
    expect(providers[0]?.error?.message.length).toBeLessThan(500);
    await router.close();
  });
});

async function pass({ router, clock }: ReturnType<typeof fakeRouter>, ms: number, everyMs: number): Promise<void> {
  for (let left = ms; left > 0; left -= everyMs) {
    void outcomeOf(router.chat(hello));
    await clock.advance(Math.min(left, everyMs));
  }
}

describe('over hours of servers that come and go', () => {
  const intervalMs = 60_000;
  const longestRecoveryMs = 10_000 + 5_000 + 1_000;

  interface World {
    readonly servers: readonly Server[];
    readonly router: ReturnType<typeof fakeRouter<'a' | 'b' | 'c'>>;
  }

  function world(seed: number): World {
    const servers = [server(), server(), server()];
    const [a, b, c] = servers as [Server, Server, Server];
    const router = fakeRouter(
      { a: a.provider, b: b.provider, c: c.provider },
      { ...background, ...once, random: seededRandom(seed), panic: 'off' },
    );
    for (const each of servers) each.clock = router.clock;
    return { servers, router };
  }

  const step = fc.record({
    which: fc.nat(2),
    becomes: fc.constantFrom('up' as const, 'down' as const, 'mute' as const, 'grey' as const, 'same' as const),
    calls: fc.nat(4),
    asks: fc.boolean(),
    waitMs: fc.constantFrom(100, 3_000, 9_000, 25_000, 70_000),
  });

  /** What breakers did that no call explains; asked when all is told, for the event of a call comes after those of the breakers. */
  function watch({ router: { router, clock } }: World): () => readonly string[] {
    const told: { readonly what: string; readonly provider: string; readonly atMs: number }[] = [];
    for (const what of ['attempt:end', 'attempt:error', 'breaker:open', 'breaker:close'] as const) {
      router.on(what, ({ provider }) => void told.push({ what, provider, atMs: clock.nowMs() }));
    }
    return () =>
      told.flatMap(({ what, provider, atMs }) => {
        const agoMs = (other: string): number[] =>
          told.flatMap((each) => (each.what === other && each.provider === provider ? [atMs - each.atMs] : []));
        const isFresh = agoMs('attempt:end').some((ms) => ms >= 0 && ms <= intervalMs);
        if (what === 'breaker:open' && !agoMs('attempt:error').includes(0) && isFresh) return [`${provider} opened after a success`];
        const isAnswered = [...agoMs('attempt:end'), ...agoMs('attempt:error')].includes(0);
        if (what === 'breaker:close' && !isAnswered) return [`${provider} closed without a call`];
        return [];
      });
  }

  const change: Readonly<Record<'up' | 'down' | 'mute' | 'grey', (server: Server) => void>> = {
    up: (each) => each.go(true),
    down: (each) => each.go(false),
    mute: (each) => void Object.assign(each, { says: 'hangs', does: 'yes' }),
    grey: (each) => void Object.assign(each, { says: 'ok', does: fault('driver', { status: 500 }) }),
  };

  test(
    'checks close no breaker and open none that a call has just succeeded at, and there is one at a time',
    { timeout: 60_000 },
    async () => {
      const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.nat(), async (steps, seed) => {
        const made = world(seed);
        const { servers, router } = made;
        const wrong = watch(made);
        for (const { which, becomes, calls, asks, waitMs } of steps) {
          if (becomes !== 'same') change[becomes](servers[which] as Server);
          if (asks) void outcomeOf(router.router.health());
          for (let count = 0; count < calls; count++) void outcomeOf(router.router.chat(hello));
          await router.clock.advance(waitMs);
        }
        // Calls that pause before another try have time to end.
        await router.clock.run(router.router.close());
        expect(wrong()).toEqual([]);
        expect(servers.map(({ atOnce }) => atOnce.most <= 1)).toEqual([true, true, true]);
        expect(servers.map(({ atOnce }) => atOnce.now)).toEqual([0, 0, 0]);
        expect(router.clock.timers()).toBe(0);
      });
      await fc.assert(property, { numRuns: 150 });
    },
  );

  test('after all have been down, the first call succeeds within sixteen seconds of the return of one', { timeout: 60_000 }, async () => {
    const outage = fc.record({
      which: fc.nat(2),
      downMs: fc.integer({ min: 500, max: 900_000 }),
      upMs: fc.integer({ min: 0, max: 60_000 }),
      isMute: fc.boolean(),
    });
    let slowestMs = 0;
    const property = fc.asyncProperty(fc.array(outage, { minLength: 1, maxLength: 5 }), fc.nat(), async (outages, seed) => {
      const { servers, router } = world(seed);
      for (const { which, downMs, upMs, isMute } of outages) {
        for (const each of servers) {
          each.go(false);
          if (isMute) each.says = 'hangs';
        }
        await pass(router, downMs, 1_000);
        servers[which]?.go(true);
        const tookMs = await untilServed(router);
        slowestMs = Math.max(slowestMs, tookMs);
        expect(tookMs).toBeLessThanOrEqual(longestRecoveryMs);
        await pass(router, upMs, 1_000);
      }
      await router.clock.run(router.router.close());
    });
    await fc.assert(property, { numRuns: 40 });
    expect(slowestMs).toBeGreaterThan(5_000);
  });

  async function untilServed({ router, clock }: World['router']): Promise<number> {
    for (let passedMs = 0; passedMs <= 2 * longestRecoveryMs; passedMs += 100) {
      const call = outcomeOf(router.chat(hello));
      await clock.settle();
      if (call.value !== undefined) return passedMs;
      await clock.advance(100);
    }
    return Infinity;
  }
});
