import { describe, expect, test } from 'vitest';
import { fault, refused } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, outcomeOf } from '../_kit/fake-router.ts';

const lists = (...ids: readonly string[]) => ({ does: 'x', fake: { models: async () => ids.map((id) => ({ id })) } });

describe('models()', () => {
  test('tells what each provider serves, and why one did not say', async () => {
    const { router } = fakeRouter({
      a: { does: 'x', fake: { models: async () => [{ id: 'one', contextLength: 4_096 }] } },
      b: { does: 'x', fake: { models: () => Promise.reject(refused()) } },
      c: { does: 'x', fake: { models: () => Promise.reject(new Error('a secret of the adapter')) } },
      d: 'x',
    });
    const { providers } = await router.models();
    expect(providers).toEqual([
      { provider: 'a', models: [{ id: 'one', contextLength: 4_096 }], error: undefined },
      { provider: 'b', models: undefined, error: { code: 'unavailable', message: expect.any(String) } },
      { provider: 'c', models: undefined, error: { code: 'bug', message: expect.not.stringContaining('secret') } },
      { provider: 'd', models: undefined, error: undefined },
    ]);
  });

  test('puts what goes by one alias together, each with its own name for it, and aliases first', async () => {
    const { router } = fakeRouter(
      { gpu: lists('llama3.2:3b', 'phi3:latest'), cloud: lists('meta/Llama-3.2-3B', 'phi3') },
      { models: { small: { gpu: 'llama3.2:3b', cloud: 'meta/llama-3.2-3b' } } },
    );
    expect((await router.models()).models).toEqual([
      {
        id: 'small',
        isAlias: true,
        servedBy: [
          { provider: 'gpu', model: 'llama3.2:3b' },
          { provider: 'cloud', model: 'meta/Llama-3.2-3B' },
        ],
      },
      {
        id: 'phi3',
        isAlias: false,
        servedBy: [
          { provider: 'gpu', model: 'phi3:latest' },
          { provider: 'cloud', model: 'phi3' },
        ],
      },
    ]);
  });

  test('tells of an alias that nobody serves, of a model with two aliases under both, and of one that is listed twice once', async () => {
    const { router } = fakeRouter(
      { a: lists('m', 'm', ''), b: lists('') },
      { models: { nobody: { a: 'gone' }, one: { a: 'm' }, two: { a: 'm' } } },
    );
    expect((await router.models()).models.map(({ id, servedBy }) => [id, servedBy.map(({ provider }) => provider)])).toEqual([
      ['nobody', []],
      ['one', ['a']],
      ['two', ['a']],
      ['', ['a', 'b']],
    ]);
  });

  test('waits five seconds for one that hangs, and rejects for its caller alone', async () => {
    const { router, clock } = fakeRouter({ a: lists('m'), b: { does: 'x', fake: { models: () => new Promise<never>(() => undefined) } } });
    const models = outcomeOf(router.models());
    const controller = new AbortController();
    const left = outcomeOf(router.models({ signal: controller.signal }));
    await clock.advance(1_000);
    controller.abort('enough');
    await clock.advance(4_000);
    expect(models.value?.providers[1]).toMatchObject({ models: undefined, error: { code: 'timeout' } });
    expect(left.error).toBe('enough');
    expect(clock.timers()).toBe(0);
    await router.close();
    expect(await failureOf(router.models())).toMatchObject({ code: 'closed' });
  });

  test('says nothing of the credentials that a list was asked for with', async () => {
    const { router } = fakeRouter({ a: { does: 'x', fake: { models: () => Promise.reject(fault('auth', { status: 401 })) } } });
    expect(JSON.stringify(await router.models())).not.toMatch(/key|https?:/i);
  });
});
