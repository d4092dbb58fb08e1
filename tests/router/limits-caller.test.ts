import { describe, expect, test } from 'vitest';
import { fault, hang } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello } from '../_kit/fake-router.ts';

const web = { caller: 'web' };

describe('a caller over its limit', () => {
  test('is refused at once, with the time after which it may come again and no provider', async () => {
    const { router, clock, events, fakes } = fakeRouter({ gpu: 'yes' }, { limits: { caller: { rpm: 2 } } });
    for (let call = 0; call < 2; call++) await router.chat(hello, web);
    const error = await failureOf(router.chat(hello, { ...web, requestId: 'third' }));
    expect(error).toMatchObject({ code: 'rate_limited', provider: undefined, retryAfterMs: 30_000, attempts: [], skipped: [] });
    expect((error as Error).message).toBe('The caller is at its limit of 2 requests a minute.');
    expect(events.all.filter(({ payload }) => (payload as { requestId?: string }).requestId === 'third').map(({ name }) => name)).toEqual([
      'request:start',
      'request:error',
    ]);
    expect(fakes.gpu.calls).toHaveLength(2);
    await clock.advance(30_000);
    expect((await router.chat(hello, web)).route.provider).toBe('gpu');
  });

  test('is no matter of others, nor of calls without a caller', async () => {
    const { router } = fakeRouter({ gpu: 'yes' }, { limits: { caller: { rpm: 1 }, callers: { batch: { rpm: 3 }, free: {} } } });
    const passes = async (caller: string | undefined): Promise<number> => {
      let count = 0;
      for (let call = 0; call < 5; call++)
        count += await router.chat(hello, { caller }).then(
          () => 1,
          () => 0,
        );
      return count;
    };
    expect([await passes('web'), await passes('app'), await passes('batch'), await passes('free'), await passes(undefined)]).toEqual([
      1, 1, 3, 5, 5,
    ]);
  });

  test('takes one request of it for a call, however many attempts that needs', async () => {
    const { router } = fakeRouter({ gpu: fault('driver'), cpu: 'I do' }, { limits: { caller: { rpm: 2 } } });
    expect((await router.chat(hello, web)).route.attempts).toHaveLength(2);
    expect((await router.chat(hello, web)).route.provider).toBe('cpu');
    expect(await failureOf(router.chat(hello, web))).toMatchObject({ code: 'rate_limited' });
  });

  test.each(['chat', 'stream', 'embed'] as const)('holds for %s', async (verb) => {
    const { router } = fakeRouter({ gpu: '1' }, { limits: { caller: { rpm: 1 } } });
    const ask = (): Promise<unknown> => (verb === 'embed' ? router.embed({ model: 'm', input: 'a' }, web) : router[verb](hello, web));
    await ask();
    expect(await failureOf(ask())).toMatchObject({ code: 'rate_limited' });
  });
});

describe('a caller’s limit of tokens', () => {
  test('is charged with what is likely when a call begins, and has the rest back when it has failed', async () => {
    const { router } = fakeRouter({ gpu: fault('bad_request', { status: 400 }) }, { limits: { caller: { tpm: 500 } } });
    for (let call = 0; call < 5; call++) expect(await failureOf(router.chat(hello, web))).toMatchObject({ code: 'bad_request' });
  });

  test('keeps a second call away while the first one may use it up', async () => {
    const { router } = fakeRouter({ gpu: hang }, { limits: { caller: { tpm: 500 } } });
    const first = failureOf(router.chat(hello, { ...web, signal: AbortSignal.abort(new Error('left')) }));
    expect(await first).toMatchObject({ message: 'left' });
    void router.chat(hello, web).catch(() => undefined);
    expect(await failureOf(router.chat(hello, web))).toMatchObject({
      code: 'rate_limited',
      message: 'The caller is at its limit of 500 tokens a minute.',
    });
  });
});
