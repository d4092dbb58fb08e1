import { describe, expect, test } from 'vitest';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import { after, fault, hang, refused } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, outcomeOf } from '../_kit/fake-router.ts';
import { server } from './health-kit.ts';

const embeds = (does: string) => ({ does, fake: { chat: undefined, stream: undefined } as never });

describe('testProvider()', () => {
  test('asks the one that it names how it is, and for a short answer, and nobody else', async () => {
    const [a, b] = [server(), server({ defaultModel: 'its-own' })];
    const { router, fakes } = fakeRouter({ a: a.provider, b: b.provider });
    const tested = await router.testProvider('b');
    expect(tested).toMatchObject({ ok: true, provider: 'b', model: 'its-own', ms: 0, error: undefined });
    expect(tested.health).toMatchObject({ provider: 'b', status: 'ok', version: '1.2.3', successes: 0 });
    expect(fakes.b.calls).toHaveLength(1);
    expect(fakes.b.calls[0]?.request).toMatchObject({ max_tokens: 16 });
    expect([fakes.a.calls.length, a.askedMs.length]).toEqual([0, 0]);
  });

  test('says why one that is down does not answer, after one attempt', async () => {
    const [a, b] = [server(), server()];
    b.go(false);
    const { router, fakes } = fakeRouter({ a: a.provider, b: b.provider });
    expect(await router.testProvider('b')).toMatchObject({
      ok: false,
      provider: undefined,
      error: { code: 'all_failed' },
      health: { provider: 'b', status: 'down', error: { code: 'unavailable' } },
    });
    expect([fakes.a.calls.length, fakes.b.calls.length]).toEqual([0, 1]);
  });

  test('takes the model and the intent that are given, and consent to pay from the name', async () => {
    const { router, fakes } = fakeRouter({ a: 'x', paid: { does: 'yes', cost: 'paid' } }, { intents: { batch: {} } });
    expect(await router.testProvider('paid', { model: 'big', intent: 'batch' })).toMatchObject({
      ok: true,
      provider: 'paid',
      model: 'big',
    });
    expect(fakes.paid.calls[0]?.model).toBe('big');
  });

  test('has one that only embeds embed', async () => {
    const { router, fakes } = fakeRouter({ a: 'x', b: { does: '1', fake: { chat: undefined, stream: undefined } as never } });
    expect(await router.testProvider('b')).toMatchObject({ ok: true, provider: 'b' });
    expect(fakes.b.calls[0]?.verb).toBe('embed');
  });

  test('rejects where there is no such provider, with the nearest name', async () => {
    const { router } = fakeRouter({ gpu: 'x' });
    expect(await failureOf(router.testProvider('gpo'))).toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/"gpo".*"gpu"/),
    });
  });

  test('rejects with the reason of the caller, and where the router was closed', async () => {
    const { router, clock } = fakeRouter({ a: hang });
    const controller = new AbortController();
    const tested = outcomeOf(router.testProvider('a', { signal: controller.signal }));
    await clock.settle();
    controller.abort('enough');
    await clock.settle();
    expect(tested.error).toBe('enough');
    await router.close();
    expect(await failureOf(router.testProvider('a'))).toMatchObject({ code: 'closed' });
    expect(await failureOf(router.testFailover())).toMatchObject({ code: 'closed' });
  });
});

describe('testFailover()', () => {
  test('tells for each provider who would answer without it, by trying it, one after the other', async () => {
    const { router, fakes } = fakeRouter({
      a: { does: 'x', priority: 1 },
      b: { does: 'x', priority: 2 },
      c: { does: refused(), priority: 3 },
    });
    expect(await router.testFailover()).toMatchObject([
      { without: 'a', ok: true, provider: 'b' },
      { without: 'b', ok: true, provider: 'a' },
      { without: 'c', ok: true, provider: 'a' },
    ]);
    expect(fakes.c.calls).toEqual([]);
  });

  test('tells that nobody would answer without the only one', async () => {
    const { router, fakes } = fakeRouter({ only: 'x', paid: { does: 'x', cost: 'paid' } });
    expect(await router.testFailover()).toMatchObject([
      { without: 'only', ok: false, provider: undefined, error: { code: 'no_provider', message: expect.stringContaining('allowPaid') } },
      { without: 'paid', ok: true, provider: 'only' },
    ]);
    expect(fakes.paid.calls).toEqual([]);
  });

  test('chats where somebody is left who does, and has the others embed', async () => {
    const { router, fakes } = fakeRouter({ one: embeds('1'), chats: { does: '1', fake: { embed: undefined } as never } });
    expect(await router.testFailover()).toMatchObject([
      { without: 'one', ok: true, provider: 'chats' },
      { without: 'chats', ok: true, provider: 'one' },
    ]);
    expect([fakes.one.calls, fakes.chats.calls].map((calls) => calls.map(({ verb }) => verb))).toEqual([['embed'], ['chat']]);
  });

  test('has providers that only embed do so', async () => {
    const { router } = fakeRouter({ one: embeds('1'), two: embeds('1') });
    expect(await router.testFailover()).toMatchObject([
      { without: 'one', ok: true, provider: 'two' },
      { without: 'two', ok: true, provider: 'one' },
    ]);
  });

  test('leaves those out that an update takes away in its middle, and goes by the new configuration', async () => {
    const { router, clock, fakes } = fakeRouter({ a: 'a', b: after(1_000, 'b'), c: 'c', d: 'd' });
    const tested = outcomeOf(router.testFailover());
    await clock.advance(500);
    const [a, d] = [fakes.a, fakes.d].map(({ adapter }) => ({ type: 'custom', adapter }) as const);
    router.update({ health: false, providers: { a: a as ProviderOptions, d: d as ProviderOptions } });
    await clock.advance(10_000);
    expect(tested.value).toMatchObject([
      { without: 'a', ok: true, provider: 'b' },
      { without: 'd', ok: true, provider: 'a' },
    ]);
  });

  test('rejects with the error of a router that is closed in its middle', async () => {
    const { router, clock } = fakeRouter({ a: hang, b: after(1_000, 'b'), c: 'c' });
    const tested = outcomeOf(router.testFailover());
    await clock.advance(500);
    const closing = outcomeOf(router.close());
    await clock.advance(10_000);
    expect([closing.settled, tested.error]).toMatchObject([true, { code: 'closed' }]);
  });

  test('tells of an adapter that fails with an error of its own, and rejects with nothing but the reason of the caller', async () => {
    const { router } = fakeRouter({ a: new TypeError('secret'), b: 'b' });
    expect(await router.testFailover()).toMatchObject([
      { without: 'a', ok: true },
      { without: 'b', ok: false, error: { code: 'bug', message: 'The adapter failed with a foreign error.' } },
    ]);
    const reason = fault('timeout');
    expect(await failureOf(router.testFailover({ signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  test('is no failure of those that are left out', async () => {
    const { router } = fakeRouter({ a: 'x', b: fault('driver', { status: 500 }) }, { maxAttempts: 1 });
    await router.testFailover();
    expect(router.snapshot().providers).toMatchObject([{ failures: 0 }, { failures: 1 }]);
  });
});

describe('without', () => {
  const call = { messages: [{ role: 'user' as const, content: 'Hello!' }] };

  test('keeps a call away from the providers that it names, whatever fails elsewhere', async () => {
    const { router, fakes } = fakeRouter({ a: 'x', b: refused(), c: 'x' });
    expect((await router.chat(call, { without: ['a', 'c'], maxAttempts: 1 }).catch((error: unknown) => error)) as object).toMatchObject({
      code: 'all_failed',
      skipped: [
        { provider: 'a', code: 'no_provider', reason: 'the call is not to go there' },
        { provider: 'c', code: 'no_provider' },
      ],
    });
    expect([fakes.a.calls.length, fakes.c.calls.length]).toEqual([0, 0]);
  });

  test.each([
    ['a name', 'a'],
    ['a number', [1]],
    ['no provider', ['b']],
  ])('is refused where it is %s', async (_, without) => {
    const { router } = fakeRouter({ a: 'x' });
    expect(await failureOf(router.chat(call, { without: without as never }))).toMatchObject({ code: 'invalid_request' });
  });

  test('is read when the call begins', async () => {
    const without = ['b'];
    const a = server();
    a.does = refused();
    const { router, clock, fakes } = fakeRouter({ a: a.provider, b: 'x' }, { health: 'per-request' });
    const answer = outcomeOf(router.chat(call, { without, maxAttempts: 2 }));
    without.pop();
    await clock.advance(10_000);
    expect([answer.settled, fakes.b.calls.length]).toEqual([true, 0]);
  });
});
