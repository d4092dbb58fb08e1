import { describe, expect, test } from 'vitest';
import type { Transport } from '../../src/lib/transport.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import { after, deaf, fault, hang, pieces, role } from '../_kit/fake-adapter.ts';
import { fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';

describe('the deadline of a call', () => {
  test('settles it to the millisecond, with every attempt that was made', async () => {
    const { router, clock } = fakeRouter({ a: after(100, fault('driver')), b: hang }, { deadlineMs: 2_000 });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(1_999);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.error).toMatchObject({
      code: 'timeout',
      phase: 'deadline',
      attempts: [
        { provider: 'a', error: { code: 'driver' } },
        { provider: 'b', error: { code: 'timeout', phase: 'deadline' } },
      ],
    });
    expect((call.error as Error).message).toMatch(/within 2000 ms.*a: it said driver.*b: /s);
  });

  test('holds against a provider that listens to no signal', async () => {
    const { router, clock } = fakeRouter({ only: deaf });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(120_000);
    expect(call.error).toMatchObject({ code: 'timeout', phase: 'deadline' });
    expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0 }] });
  });

  test('is the one of the call, before the one of the intent, before the one of the router', async () => {
    const { router, clock } = fakeRouter({ only: hang }, { deadlineMs: 500 });
    const own = outcomeOf(router.chat(hello, { deadlineMs: 200 }));
    const usual = outcomeOf(router.chat(hello));
    const heavy = outcomeOf(router.chat(hello, { intent: 'heavy' }));
    await clock.advance(200);
    expect([own.settled, usual.settled, heavy.settled]).toEqual([true, false, false]);
    await clock.advance(300);
    expect([usual.settled, heavy.settled]).toEqual([true, false]);
    await clock.advance(299_500);
    expect(heavy.settled).toBe(true);
  });

  test('holds for a stream to its last piece', async () => {
    const { router, clock } = fakeRouter({ only: pieces('a', ...Array.from({ length: 40 }, () => 100), 'never') }, { deadlineMs: 3_000 });
    const stream = await router.stream(hello);
    const read = outcomeOf(readAll(stream));
    await clock.advance(3_000);
    expect(read.value).toMatchObject({ text: 'a', failure: { code: 'stream_interrupted', phase: 'deadline' } });
  });

  test('says nothing against a provider that it gave no time to answer', async () => {
    const { router, clock, events } = fakeRouter({ only: hang });
    for (let count = 0; count < 30; count++) {
      const call = outcomeOf(router.chat(hello, { deadlineMs: 100 }));
      await clock.advance(100);
      expect(call.settled).toBe(true);
    }
    expect(events.of('breaker:open')).toEqual([]);
  });
});

describe('a chat that hangs', () => {
  test('gets half the deadline while another candidate is left, and the last one all that is left', async () => {
    const { router, clock } = fakeRouter({ a: hang, b: hang }, { deadlineMs: 8_000 });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(8_000);
    expect(call.error).toMatchObject({
      attempts: [
        { provider: 'a', error: { phase: 'total' } },
        { provider: 'b', error: { phase: 'deadline' } },
      ],
    });
    expect((call.error as Error).message).toContain('a: no complete answer within 4000 ms');
  });

  test('leaves half the deadline to the others although its own limit is longer', async () => {
    const { router, clock } = fakeRouter({ a: hang, b: 'yes' }, { deadlineMs: 8_000, timeouts: { totalMs: 60_000 } });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(4_000);
    expect(call.value?.route.provider).toBe('b');
  });

  test('leaves half the deadline to the others as a stream, too', async () => {
    const { router, clock } = fakeRouter({ a: hang, b: pieces('yes') }, { deadlineMs: 8_000 });
    const call = outcomeOf(router.stream(hello));
    await clock.advance(3_999);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.value?.route).toMatchObject({ provider: 'b', attempts: [{ provider: 'a' }] });
  });

  test('is not cut short where nobody else could answer', async () => {
    const { router, clock } = fakeRouter({ only: after(119_999, 'a cold model') });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(119_999);
    expect(call.value?.choices[0].message.content).toBe('a cold model');
  });

  test('is not cut short where the budget of attempts lets nobody else answer', async () => {
    const { router, clock } = fakeRouter({ a: after(119_000, 'yes'), b: 'never asked' });
    const call = outcomeOf(router.chat(hello, { maxAttempts: 1 }));
    await clock.advance(119_000);
    expect(call.value?.route.provider).toBe('a');
  });

  test('until its deadline, which is its own limit as well, was stopped by the deadline', async () => {
    const { router, clock } = fakeRouter({ only: hang }, { deadlineMs: 8_000, timeouts: { totalMs: 8_000 } });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(8_000);
    expect(call.error).toMatchObject({ code: 'timeout', phase: 'deadline', attempts: [{ error: { phase: 'deadline' } }] });
  });

  test('is bound by totalMs where that is set, the last one too', async () => {
    const { router, clock } = fakeRouter({ a: hang, b: hang }, { timeouts: { totalMs: 300 } });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(600);
    expect(call.error).toMatchObject({ code: 'all_failed', attempts: [{ error: { phase: 'total' } }, { error: { phase: 'total' } }] });
  });
});

describe('the limit for a connection', () => {
  const transport: Transport = {
    send: ({ onConnecting }) => new Promise((_, reject) => void onConnecting?.(reject)),
  };

  test.each([
    ['of a call', { timeouts: { connectMs: 50 } }],
    ['of an intent', { intent: 'quick' }],
  ])('%s reaches the network', async (_, options) => {
    const clock = testClock();
    const router: Router = createRouter({
      clock,
      transport,
      checkModels: false,
      health: false,
      pollMs: false,
      providers: { a: { type: 'vllm', url: 'http://127.0.0.1:8000' } },
      timeouts: { connectMs: 2_000 },
      intents: { quick: { timeouts: { connectMs: 50 } } },
      maxAttempts: 1,
    });
    const usual = outcomeOf(router.chat(hello));
    const own = outcomeOf(router.chat(hello, options));
    await clock.advance(50);
    expect(own.error).toMatchObject({ attempts: [{ error: { code: 'timeout', phase: 'connect' } }] });
    expect(usual.settled).toBe(false);
    await clock.advance(1_950);
    expect(usual.error).toMatchObject({ attempts: [{ error: { code: 'timeout', phase: 'connect' } }] });
  });
});

describe('a stream without content', () => {
  test('is left after firstTokenMs while another candidate is left; role chunks do not count', async () => {
    const { router, clock, events } = fakeRouter({ a: pieces(role, 4_000, role, 'hang'), b: 'yes' });
    const call = outcomeOf(router.stream(hello));
    await clock.advance(9_999);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.value?.route.attempts).toMatchObject([{ provider: 'a', error: { code: 'timeout' } }]);
    expect(events.of('failover')).toMatchObject([{ from: 'a', to: 'b', model: 'm', reason: 'timeout', phase: 'first-token' }]);
    expect(call.value?.route.provider).toBe('b');
  });

  test('of the last candidate has the rest of the deadline', async () => {
    const { router, clock } = fakeRouter({ a: fault('driver'), b: after(100_000, 'a cold model') });
    const call = outcomeOf(router.stream(hello));
    await clock.advance(100_000);
    expect(call.value && (await readAll(call.value)).text).toBe('a cold model');
  });

  test('of a heavy call has a minute', async () => {
    const { router, clock } = fakeRouter({ cpu: after(59_999, 'slow'), gpu: 'never asked' });
    const call = outcomeOf(router.stream(hello, { intent: 'heavy' }));
    await clock.advance(59_999);
    expect(call.value?.route.provider).toBe('cpu');
  });

  test('limits of a call stand above those of a provider, and those above the router’s', async () => {
    const slow = after(1_000, 'slow');
    const { router, clock } = fakeRouter(
      { a: { does: slow, timeouts: { firstTokenMs: 500 } }, b: 'yes' },
      { timeouts: { firstTokenMs: 2_000 } },
    );
    const usual = outcomeOf(router.stream(hello));
    const own = outcomeOf(router.stream(hello, { timeouts: { firstTokenMs: 1_500 } }));
    await clock.advance(1_000);
    expect(usual.value?.route.provider).toBe('b');
    expect(own.value?.route.provider).toBe('a');
  });
});

test.each([
  ['says nothing against a provider that had begun to answer', pieces('one', fault('limit_exceeded', { phase: 'total' })), 0],
  ['counts where nothing but noise had come', pieces(role, fault('limit_exceeded', { phase: 'total' })), 1],
] as const)('a stream that outgrows what the router takes %s', async (_, does, opened) => {
  const { router, events } = fakeRouter({ only: does });
  for (let count = 0; count < 3; count++) {
    const stream = await router.stream(hello, { maxAttempts: 1 }).catch(() => undefined);
    if (stream !== undefined) expect(await readAll(stream)).toMatchObject({ failure: { code: 'stream_interrupted' } });
  }
  expect(events.of('breaker:open')).toHaveLength(opened);
});

test.each([{ deadlineMs: 0 }, { deadlineMs: Number.NaN }, { maxAttempts: 0 }, { maxAttempts: 1.5 }, { timeouts: { idleMs: -1 } }])(
  'options that cannot be carried out are refused: %j',
  async (options) => {
    const { router, clock, fakes } = fakeRouter({ only: 'yes' });
    const call = outcomeOf(router.chat(hello, options));
    await clock.settle();
    expect(call.error).toMatchObject({ code: 'invalid_request' });
    expect(fakes.only.calls).toHaveLength(0);
    expect(router.snapshot().inFlight).toBe(0);
  },
);

describe('a share of a short deadline', () => {
  test.each(['chat', 'stream'] as const)('that a %s used up is not held against the provider', async (verb) => {
    const { router, clock, events } = fakeRouter({ a: hang, b: 'yes' });
    for (let count = 0; count < 12; count++) {
      const call = outcomeOf<unknown>(router[verb](hello, { deadlineMs: 400 }));
      await clock.advance(200);
      expect(call.value).toBeDefined();
    }
    expect(events.of('breaker:open')).toEqual([]);
    expect(router.snapshot().providers[0]).toMatchObject({ retryTokens: 20, failures: 12 });
  });

  test.each([
    ['first-token', 0],
    ['throughput', 0],
    ['connect', 1],
    ['idle', 1],
  ] as const)('excuses a timeout of %s only where the share has cut that limit', async (phase, opened) => {
    const { router, clock, events } = fakeRouter({ a: after(50, fault('timeout', { phase })), b: 'yes' });
    for (let count = 0; count < 3; count++) {
      const call = outcomeOf(router.stream(hello, { deadlineMs: 400 }));
      await clock.advance(50);
      expect(call.value?.route.provider).toBe('b');
    }
    expect(events.of('breaker:open')).toHaveLength(opened);
  });

  test('is held against a provider that had its full time to begin', async () => {
    const { router, clock, events } = fakeRouter({ a: hang, b: 'yes' });
    for (let count = 0; count < 3; count++) {
      const call = outcomeOf(router.chat(hello, { deadlineMs: 30_000 }));
      await clock.advance(15_000);
      expect(call.value?.route.provider).toBe('b');
    }
    expect(events.of('breaker:open')).toMatchObject([{ provider: 'a' }]);
  });

  describe.each([
    ['of the router', { deadlineMs: 6_000 }, {}],
    ['of the intent', { intents: { quick: { deadlineMs: 6_000 } } }, { intent: 'quick' }],
  ] as const)('that is the usual one %s', (_, options, callOptions) => {
    test.each(['chat', 'stream'] as const)('is held against a provider that hangs (%s)', async (verb) => {
      const { router, clock, events, fakes } = fakeRouter({ a: hang, b: pieces('yes') }, options);
      for (let count = 0; count < 5; count++) {
        const call = outcomeOf<unknown>(router[verb](hello, callOptions));
        await clock.advance(3_000);
        expect(call.value).toMatchObject({ route: { provider: 'b' } });
      }
      expect(events.of('breaker:open')).toMatchObject([{ provider: 'a', model: 'm', reason: 'timeout' }]);
      expect(fakes.a.calls).toHaveLength(3);
    });

    test('is held against the only provider as well', async () => {
      const { router, clock, events } = fakeRouter({ only: hang }, options);
      for (let count = 0; count < 3; count++) {
        const call = outcomeOf(router.chat(hello, callOptions));
        await clock.advance(6_000);
        expect(call.error).toMatchObject({ code: 'timeout', phase: 'deadline' });
      }
      expect(events.of('breaker:open')).toMatchObject([{ provider: 'only' }]);
    });

    test.each([
      [1_999, 0],
      [2_000, 1],
    ])('and a shorter one of the caller only from a third of it on: %i ms', async (deadlineMs, opened) => {
      const { router, clock, events } = fakeRouter({ only: hang }, options);
      for (let count = 0; count < 3; count++) {
        const call = outcomeOf(router.chat(hello, { ...callOptions, deadlineMs }));
        await clock.advance(deadlineMs);
        expect(call.settled).toBe(true);
      }
      expect(events.of('breaker:open')).toHaveLength(opened);
    });
  });

  test('and a limit that was set for the provider is held against it, however short', async () => {
    const { router, clock, events } = fakeRouter({ a: { does: hang, timeouts: { totalMs: 100 } }, b: 'yes' });
    for (let count = 0; count < 3; count++) {
      const call = outcomeOf(router.chat(hello));
      await clock.advance(100);
      expect(call.value?.route.provider).toBe('b');
    }
    expect(events.of('breaker:open')).toMatchObject([{ provider: 'a' }]);
  });
});
