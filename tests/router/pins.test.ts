import { expect, test } from 'vitest';
import { after, fault, pieces } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello } from '../_kit/fake-router.ts';

const oom = fault('out_of_memory', { status: 500 });
const halfHourMs = 1_800_000;

test('after an out-of-memory error the next call goes straight to the cpu', async () => {
  const { router, fakes } = fakeRouter({ gpu: oom, cpu: 'yes' });
  await router.chat(hello);
  const { route } = await router.chat(hello);
  expect(route.attempts).toMatchObject([{ provider: 'cpu' }]);
  expect(fakes.gpu.calls).toHaveLength(1);
});

test('the pin ends after half an hour, the model is tried again, and success takes the pin away', async () => {
  const { router, clock, events } = fakeRouter({ gpu: [oom, 'room again'], cpu: 'yes' });
  await router.chat(hello);
  expect(events.of('model:pinned')).toEqual([
    { provider: 'gpu', model: 'm', untilMs: clock.nowMs() + halfHourMs, reason: 'out_of_memory' },
  ]);
  await clock.advance(halfHourMs - 1);
  expect((await router.chat(hello)).route.provider).toBe('cpu');
  await clock.advance(1);
  expect((await router.chat(hello)).route.provider).toBe('gpu');
  expect(events.of('model:unpinned')).toEqual([{ provider: 'gpu', model: 'm' }]);
});

test('an answer to a call that began before the memory ran out leaves the pin', async () => {
  const { router, clock, events } = fakeRouter({ gpu: [after(1_000, 'old'), oom, 'asked too early'], cpu: 'yes' });
  const old = router.chat(hello);
  await clock.advance(500);
  await router.chat(hello);
  await clock.advance(500);
  expect((await old).route.provider).toBe('gpu');
  expect(events.of('model:unpinned')).toEqual([]);
  expect((await router.chat(hello)).route.attempts).toMatchObject([{ provider: 'cpu' }]);
});

test('a reader who leaves a stream leaves the pin that its call puts to the test', async () => {
  const { router, clock, events } = fakeRouter({ gpu: [oom, pieces('one', 'hang'), 'fits'], cpu: 'yes' });
  await router.chat(hello);
  await clock.advance(halfHourMs);
  for await (const _ of await router.stream(hello)) break;
  expect(events.of('model:unpinned')).toEqual([]);
  expect((await router.chat(hello)).route.provider).toBe('gpu');
  expect(events.of('model:unpinned')).toHaveLength(1);
});

test('a second out-of-memory error doubles the pin', async () => {
  const { router, clock, events } = fakeRouter({ gpu: oom, cpu: 'yes' });
  await router.chat(hello);
  await clock.advance(halfHourMs);
  await router.chat(hello);
  expect(events.of('model:pinned').at(-1)).toMatchObject({ untilMs: clock.nowMs() + 2 * halfHourMs });
});

test('calls that were under way when the memory ran out make no second pin', async () => {
  const { router, clock, events } = fakeRouter({ gpu: (call) => after(call, oom), cpu: 'yes' });
  const calls = Promise.all(Array.from({ length: 10 }, () => router.chat(hello)));
  await clock.advance(100);
  await calls;
  const [first] = events.of('model:pinned');
  expect(events.of('model:pinned')).toHaveLength(1);
  expect(router.snapshot().providers[0]?.models[0]?.pinnedUntilMs).toBe(first?.untilMs);
});

test('when a pin ends, one call tries the model and the others go where it is known to fit', async () => {
  const { router, clock, fakes } = fakeRouter({ gpu: [oom, after(50, oom)], cpu: 'yes' });
  await router.chat(hello);
  await clock.advance(halfHourMs);
  const calls = Promise.all(Array.from({ length: 10 }, () => router.chat(hello)));
  await clock.advance(100);
  await calls;
  expect(fakes.gpu.calls).toHaveLength(2);
});

test('a pin concerns one model: others still go to the gpu', async () => {
  const { router } = fakeRouter({ gpu: [oom, 'fits'], cpu: 'yes' });
  await router.chat(hello);
  expect((await router.chat({ ...hello, model: 'small' })).route.provider).toBe('gpu');
});

test('pins never trip a breaker', async () => {
  const { router, clock, events } = fakeRouter({ gpu: oom, cpu: 'yes' });
  for (let count = 0; count < 6; count++) {
    await router.chat(hello);
    await clock.advance(14_400_000);
  }
  expect(events.of('breaker:open')).toEqual([]);
});

test('where every provider is pinned, the one with the oldest pin is put to the test', async () => {
  const { router, clock, fakes } = fakeRouter({ gpu: [oom, 'room again'], cpu: [after(10, oom), 'never asked'] });
  const first = failureOf(router.chat(hello));
  await clock.advance(10);
  await first;
  const { route } = await router.chat(hello);
  expect(route.provider).toBe('gpu');
  expect(fakes.cpu.calls).toHaveLength(1);
});

test('a pinned provider is not asked while another can answer, not even as the last one', async () => {
  const { router, clock, fakes } = fakeRouter({ gpu: [oom, 'never asked'], cpu: ['yes', fault('driver'), fault('driver')] });
  await router.chat(hello);
  await clock.advance(1_000);
  expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'all_failed', skipped: [{ provider: 'gpu', code: 'out_of_memory' }] });
  expect(fakes.gpu.calls).toHaveLength(1);
});
