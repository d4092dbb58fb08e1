import { describe, expect, test } from 'vitest';
import { isRouterError } from '../../src/core/errors.ts';
import type { RouteTrace } from '../../src/core/route.ts';
import type { Router } from '../../src/router/router.ts';
import { fault, hang, refused } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';

const listModels = (contextLength: number) => ({
  models: async () => [{ id: 'm', contextLength }],
  health: async () => ({ state: 'ok' as const }),
});

/** A provider of the type stub, which fakes are not. */
const stub = { does: 'unused', type: 'stub', adapter: undefined } as never;

describe('the stub', () => {
  const answered: readonly (readonly [string, (router: Router) => Promise<RouteTrace>])[] = [
    ['chat', async (router) => (await router.chat(hello)).route],
    [
      'stream',
      async (router) => {
        const stream = await router.stream(hello);
        await readAll(stream);
        return stream.route;
      },
    ],
  ];

  test.each(answered)('is asked after the last attempt, be it one that hung: there is time left for it (%s)', async (_, ask) => {
    const { router, clock, fakes } = fakeRouter({ gpu: hang, cpu: hang, stub }, { maxAttempts: 1, deadlineMs: 12_000 });
    const call = outcomeOf(ask(router));
    await clock.advance(6_000);
    expect(call.value).toMatchObject({
      provider: 'stub',
      degraded: true,
      attempts: [{ provider: 'gpu', ms: 6_000, error: { code: 'timeout' } }, { provider: 'stub' }],
    });
    expect(fakes.cpu.calls).toEqual([]);
    expect(clock.timers()).toBe(0);
  });

  test('is asked after as many attempts as a call may make, and is not one of them', async () => {
    const { router } = fakeRouter({ a: fault('driver'), b: fault('driver'), c: 'never asked', stub }, { maxAttempts: 2 });
    const { route } = await router.chat(hello);
    expect(route.attempts.map(({ provider }) => provider)).toEqual(['a', 'b', 'stub']);
  });

  test('leaves no time where it may not be asked: the last attempt has all of it', async () => {
    const { router, clock } = fakeRouter({ gpu: hang, cpu: 'never asked', stub }, { maxAttempts: 1, deadlineMs: 12_000 });
    const call = outcomeOf(router.chat(hello, { without: ['stub'] }));
    await clock.advance(11_999);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.error).toMatchObject({ code: 'timeout', phase: 'deadline' });
  });

  test('of a large registry is asked though the plan of the call did not go so far', async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`p${index}`, fault('driver')]));
    const { router } = fakeRouter({ ...many, stub }, { maxAttempts: 2 });
    expect((await router.chat(hello)).route).toMatchObject({ provider: 'stub', degraded: true });
  });

  test('is not asked for what it cannot do: the call fails with its attempts', async () => {
    const { router } = fakeRouter({ a: fault('driver'), b: 'never asked', stub }, { maxAttempts: 1 });
    expect(await failureOf(router.embed({ input: 'x' }))).toMatchObject({ code: 'all_failed', stoppedBecause: 'max-attempts' });
  });
});

describe('failover', () => {
  test('an answer of the next provider comes, and every event on the way, in order, with one request id', async () => {
    const { router, events } = fakeRouter({ gpu: fault('out_of_memory'), cpu: 'from the cpu' });
    const answer = await router.chat(hello);
    expect(answer.choices[0].message.content).toBe('from the cpu');
    expect(events.lines()).toEqual([
      'request:start',
      'attempt:start gpu',
      'attempt:error gpu',
      'model:pinned gpu',
      'failover gpu to cpu: out_of_memory',
      'attempt:start cpu',
      'attempt:end cpu',
      'request:end cpu',
    ]);
    const ids = events.all.flatMap(({ payload }) => ('requestId' in payload ? [payload.requestId] : []));
    expect(new Set(ids)).toEqual(new Set([answer.route.requestId]));
  });

  test('the route tells who answered and what was tried before', async () => {
    const { router } = fakeRouter({ gpu: fault('unavailable'), cpu: 'yes' });
    const { route } = await router.chat(hello);
    expect(route).toMatchObject({ provider: 'cpu', model: 'm', intent: 'fast', degraded: false, substituted: false });
    expect(route.attempts).toMatchObject([{ provider: 'gpu', error: { code: 'unavailable' } }, { provider: 'cpu' }]);
    expect(route.attempts[1]).not.toHaveProperty('error');
  });

  test.each(['bad_request', 'content_filtered'] as const)('%s is the answer: nobody else is asked', async (code) => {
    const { router, fakes, events } = fakeRouter({ gpu: fault(code, { status: 400 }), cpu: 'yes' });
    const error = await failureOf(router.chat(hello));
    expect(error).toMatchObject({ code, provider: 'gpu', status: 400 });
    expect(fakes.cpu.calls).toHaveLength(0);
    expect(fakes.gpu.calls).toHaveLength(1);
    expect(events.of('request:error')).toMatchObject([{ error, aborted: false }]);
  });

  test.each(['invalid_request', 'bad_request', 'content_filtered', 'stream_interrupted'] as const)('%s is never retried', async (code) => {
    const { router, fakes } = fakeRouter({ only: [fault(code), 'yes'] });
    expect(await failureOf(router.chat(hello))).toMatchObject({ code });
    expect(fakes.only.calls).toHaveLength(1);
  });

  test('a foreign error is a bug: it reaches the caller as it is, and nobody else is asked', async () => {
    const bug = new TypeError('x is not a function');
    const { router, fakes, events } = fakeRouter({ gpu: bug, cpu: 'yes' });
    expect(await failureOf(router.chat(hello))).toBe(bug);
    expect(fakes.cpu.calls).toHaveLength(0);
    expect(events.of('attempt:error')).toMatchObject([{ error: bug, aborted: false }]);
    expect(router.snapshot().providers[0]).toMatchObject({ inFlight: 0, failures: 0 });
  });

  test('at most three attempts are made, over all providers', async () => {
    const { router, fakes } = fakeRouter({ a: refused(), b: refused(), c: refused(), d: 'never asked' });
    const error = await failureOf(router.chat(hello));
    expect(error).toMatchObject({ code: 'all_failed', stoppedBecause: 'max-attempts' });
    expect(fakes.d.calls).toHaveLength(0);
  });

  test('maxAttempts of a call is over all providers, and never above five', async () => {
    const { router, fakes } = fakeRouter({ a: refused(), b: refused(), c: refused(), d: refused(), e: refused(), f: 'never' });
    expect(await failureOf(router.chat(hello, { maxAttempts: 1 }))).toMatchObject({ attempts: [{ provider: 'a' }] });
    expect(await failureOf(router.chat(hello, { maxAttempts: 50 }))).toMatchObject({ stoppedBecause: 'max-attempts' });
    expect(fakes.f.calls).toHaveLength(0);
  });

  test('the error of a call that all failed lists every attempt with its own words', async () => {
    const { router } = fakeRouter({ gpu: fault('out_of_memory'), cpu: fault('driver') });
    const error = await failureOf(router.chat(hello));
    expect(error).toMatchObject({
      code: 'all_failed',
      attempts: [
        { provider: 'gpu', model: 'm', error: { code: 'out_of_memory' } },
        { provider: 'cpu', model: 'm', error: { code: 'driver' } },
      ],
    });
    expect((error as Error).message).toMatch(/gpu: it said out_of_memory.*cpu: it said driver/s);
  });

  test('and those that were not asked, with the reason', async () => {
    const { router } = fakeRouter({ gpu: fault('driver'), cloud: { does: 'never asked', cost: 'paid' } });
    const { message } = (await failureOf(router.chat(hello))) as Error;
    expect(message).toBe('No provider could answer. gpu: it said driver. Not asked: cloud: costs money, and allowPaid is false.');
  });

  test('a call that nobody may answer says why of each provider', async () => {
    const { router } = fakeRouter({ cloud: { does: 'x', cost: 'paid' }, gpu: 'x' }, { models: { big: { cloud: 'gpt' } } });
    const error = await failureOf(router.chat({ ...hello, model: 'big' }));
    expect(error).toMatchObject({ code: 'no_provider', attempts: [], skipped: [{ provider: 'gpu' }, { provider: 'cloud' }] });
    expect((error as Error).message).toMatch(/gpu: models has no name for "big" there; cloud: costs money/);
  });

  test('a model that was said to be missing is told by its plain name, as one that is pinned', async () => {
    const { router, events } = fakeRouter({ gpu: fault('model_not_found', { status: 404 }), cpu: 'yes' });
    await router.chat({ ...hello, model: 'm:latest' });
    expect(events.of('model:missing')).toMatchObject([{ provider: 'gpu', model: 'm' }]);
  });

  test('a model that was said to be missing is not asked for again for a minute', async () => {
    const { router, fakes, events, clock } = fakeRouter({ gpu: [fault('model_not_found', { status: 404 }), 'found'], cpu: 'yes' });
    await router.chat(hello);
    expect(events.of('model:missing')).toEqual([{ provider: 'gpu', model: 'm', untilMs: clock.nowMs() + 60_000 }]);
    await clock.advance(59_999);
    expect((await router.chat(hello)).route.provider).toBe('cpu');
    await clock.advance(1);
    expect((await router.chat(hello)).route.provider).toBe('gpu');
    expect(fakes.gpu.calls).toHaveLength(2);
  });

  test('a missing model does not keep the other models of the provider away', async () => {
    const { router } = fakeRouter({ gpu: [fault('model_not_found'), 'found'], cpu: 'yes' });
    await router.chat(hello);
    expect((await router.chat({ ...hello, model: 'other' })).route.provider).toBe('gpu');
  });

  test('refused credentials take the provider out for five minutes, for every model', async () => {
    const { router, clock, fakes } = fakeRouter({ gpu: [fault('auth', { status: 401 }), 'in again'], cpu: 'yes' });
    await router.chat(hello);
    await clock.advance(299_999);
    expect((await router.chat({ ...hello, model: 'other' })).route.provider).toBe('cpu');
    await clock.advance(1);
    expect((await router.chat(hello)).route.provider).toBe('gpu');
    expect(fakes.gpu.calls).toHaveLength(2);
  });

  test('refused credentials are told once, however many calls were refused, and the return is told too', async () => {
    const { router, clock, events } = fakeRouter({ gpu: (call) => (call < 10 ? fault('auth', { status: 401 }) : 'in again'), cpu: 'yes' });
    await Promise.all(Array.from({ length: 9 }, () => router.chat(hello)));
    await clock.advance(300_000);
    await router.chat(hello);
    expect(events.of('provider:down')).toEqual([{ provider: 'gpu', reason: 'auth' }]);
    await clock.advance(300_000);
    await router.chat(hello);
    expect(events.of('provider:up')).toEqual([{ provider: 'gpu' }]);
  });

  test('a provider that hangs is left, and its call is told to stop', async () => {
    const { router, clock, fakes } = fakeRouter({ gpu: hang, cpu: 'yes' }, { deadlineMs: 1_000 });
    const answer = router.chat(hello);
    await clock.advance(500);
    expect((await answer).route.provider).toBe('cpu');
    expect(fakes.gpu.calls[0]?.signal.aborted).toBe(true);
  });
});

describe('a prompt that was too long', () => {
  test('goes on to a provider of which nothing is known', async () => {
    const { router } = fakeRouter({ gpu: fault('context_length'), cpu: 'it fits' });
    expect((await router.chat(hello)).route.provider).toBe('cpu');
  });

  test('goes to a larger context, past one that is no larger', async () => {
    const { router, fakes } = fakeRouter({
      a: { does: fault('context_length'), fake: listModels(4_096) },
      b: { does: 'never asked', fake: listModels(4_096) },
      c: { does: 'it fits', fake: listModels(8_192) },
    });
    await router.health();
    expect((await router.chat(hello)).route.provider).toBe('c');
    expect(fakes.b.calls).toHaveLength(0);
  });

  test('is still too long after another provider has failed for another reason', async () => {
    const { router, fakes } = fakeRouter({
      a: { does: fault('context_length'), fake: listModels(4_096) },
      b: { does: fault('out_of_memory'), fake: listModels(8_192) },
      c: { does: 'never asked', fake: listModels(2_048) },
    });
    await router.health();
    expect(await failureOf(router.chat(hello))).toMatchObject({ attempts: [{ provider: 'a' }, { provider: 'b' }], skipped: [] });
    expect(fakes.c.calls).toHaveLength(0);
  });

  test('is the error of the call where every candidate says so', async () => {
    const { router } = fakeRouter({ gpu: fault('context_length', { status: 400 }), cpu: fault('context_length', { status: 400 }) });
    const error = await failureOf(router.chat(hello));
    expect(isRouterError(error, 'context_length')).toBe(true);
    expect(error).toMatchObject({ provider: 'gpu', status: 400 });
  });

  test('says nothing against the provider', async () => {
    const { router } = fakeRouter({ gpu: fault('context_length', { status: 400 }), cpu: 'yes' });
    for (let count = 0; count < 30; count++) expect((await router.chat(hello)).route.attempts[0]?.provider).toBe('gpu');
  });
});
