import { expect, test } from 'vitest';
import type { ChatRequest } from '../../src/core/types.ts';
import { failureOf, fakeRouter, hello } from '../_kit/fake-router.ts';

const seeded: ChatRequest = { ...hello, seed: 7, temperature: 0.5 };
const without = { ignores: ['seed'] } as const;
const bug = (): never => {
  throw new Error('a bug of the adapter');
};

test('a call goes to a provider without a place for a parameter, and that is told once', async () => {
  const { router, events } = fakeRouter({ gpu: { does: 'Hi', fake: without } });
  await router.chat(seeded);
  await router.chat(seeded);
  expect(events.of('config:warning')).toEqual([
    { path: 'providers.gpu', message: expect.stringMatching(/without seed: .* no place for it/) as string },
  ]);
});

test('streams are told of as well', async () => {
  const { router, events } = fakeRouter({ gpu: { does: 'Hi', fake: without } });
  for await (const _ of await router.stream(seeded)) break;
  expect(events.of('config:warning')).toHaveLength(1);
});

test('max_completion_tokens counts as max_tokens', async () => {
  const { router, events } = fakeRouter({ gpu: { does: 'Hi', fake: { ignores: ['max_tokens'] } } });
  await router.chat({ ...hello, max_completion_tokens: 5 });
  expect(events.of('config:warning')[0]?.message).toContain('max_tokens');
});

test('nothing is told where the request does not set it', async () => {
  const { router, events } = fakeRouter({ gpu: { does: 'Hi', fake: without } });
  await router.chat(hello);
  expect(events.of('config:warning')).toEqual([]);
});

test('what only some models have no place for is told, and refused, for those', async () => {
  const fake = { leavesOut: (_: ChatRequest, model: string | undefined) => (model === 'new' ? (['temperature'] as const) : []) };
  const { router, events } = fakeRouter({ gpu: { does: 'Hi', fake } });
  await router.chat({ ...seeded, model: 'old' });
  expect(events.of('config:warning')).toEqual([]);
  await router.chat({ ...seeded, model: 'new' });
  expect(events.of('config:warning')[0]?.message).toContain('temperature');
  const strict = fakeRouter({ gpu: { does: 'no', fake }, cpu: 'yes' }, { onIgnoredParameter: 'refuse' });
  expect((await strict.router.chat({ ...seeded, model: 'new' })).route.provider).toBe('cpu');
});

test('refuse: such a provider is no candidate', async () => {
  const { router, fakes } = fakeRouter({ gpu: { does: 'no', fake: without }, cpu: 'yes' }, { onIgnoredParameter: 'refuse' });
  const { route } = await router.chat(seeded);
  expect(route.provider).toBe('cpu');
  expect(fakes.gpu.calls).toHaveLength(0);
});

test('refuse: alone, it is refused with the name of the parameter', async () => {
  const { router } = fakeRouter({ gpu: { does: 'no', fake: without } }, { onIgnoredParameter: 'refuse' });
  expect(await failureOf(router.chat(seeded))).toMatchObject({ message: expect.stringContaining('has no place for seed') as string });
});

test('refuse: an adapter that throws while the call is planned leaves nothing behind, and nothing was told', async () => {
  const { router, events } = fakeRouter({ a: { does: 'yes', fake: { leavesOut: bug } } }, { onIgnoredParameter: 'refuse' });
  for (const verb of ['chat', 'stream'] as const) await expect(router[verb](seeded)).rejects.toThrow('a bug of the adapter');
  expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0 }] });
  expect(events.all).toEqual([]);
  // Nobody is waited for.
  await router.close();
  expect(router.snapshot().closed).toBe(true);
});

test('an adapter that throws when it is asked holds no place afterwards', async () => {
  const { router, events } = fakeRouter({ a: { does: 'yes', fake: { leavesOut: bug } } });
  await expect(router.chat({ ...hello, seed: 7 })).rejects.toThrow('a bug of the adapter');
  expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0 }] });
  expect(events.lines()).toEqual(['request:start', 'request:error']);
});
