import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RouterOptions } from '../../src/config/options.ts';
import { after, fault, type Outcome, pieces } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

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

test('each trial that fails doubles the pin, up to four hours, and a success begins anew', async () => {
  const { router, clock, events } = fakeRouter({ gpu: [oom, oom, oom, oom, oom, oom, 'fits', oom], cpu: 'yes' });
  const lengths: number[] = [];
  for (let count = 0; count < 8; count++) {
    await router.chat(hello);
    const { pinnedUntilMs } = router.snapshot().providers[0]?.models[0] ?? {};
    lengths.push((pinnedUntilMs ?? clock.nowMs()) - clock.nowMs());
    await clock.advance(lengths.at(-1) ?? 0);
  }
  const hourMs = 2 * halfHourMs;
  expect(lengths).toEqual([halfHourMs, hourMs, 2 * hourMs, 4 * hourMs, 4 * hourMs, 4 * hourMs, 0, halfHourMs]);
  expect(events.of('model:pinned')).toHaveLength(7);
  expect(events.of('model:unpinned')).toHaveLength(1);
});

test('a pin lasts as long as pinMs says, doubling from there', async () => {
  const { router, clock, events } = fakeRouter({ gpu: oom, cpu: 'yes' }, { pinMs: 1_000 });
  for (const ms of [1_000, 2_000, 4_000]) {
    await router.chat(hello);
    expect(events.of('model:pinned').at(-1)?.untilMs).toBe(clock.nowMs() + ms);
    await clock.advance(ms);
  }
});

describe('when a pin is over', () => {
  type Verb = 'chat' | 'stream' | 'embed';
  const streamed = pieces('yes');

  /** A hundred calls at the moment when the pin ends; gives how many were asked of the gpu, and lets all come to their end. */
  async function hundredAtExpiry(verb: Verb, trial: Outcome, options: Omit<RouterOptions, 'providers'> = {}, maxConcurrent?: number) {
    const limits = maxConcurrent === undefined ? {} : { maxConcurrent };
    const made = fakeRouter(
      { gpu: { does: [oom, trial], ...limits }, cpu: { does: after(10, verb === 'stream' ? streamed : 'yes'), ...limits } },
      options,
    );
    const { router, clock, fakes } = made;
    const call = async (): Promise<void> => {
      if (verb === 'embed') await router.embed({ model: 'm', input: 'a' });
      else if (verb === 'chat') await router.chat(hello);
      else for await (const _ of await router.stream(hello));
    };
    await clock.run(call());
    await clock.advance(halfHourMs);
    const before = fakes.gpu.calls.length;
    const calls = Promise.all(Array.from({ length: 100 }, call));
    await clock.settle();
    expect(fakes.gpu.calls.length - before).toBe(1);
    await clock.run(calls);
    return { ...made, trials: fakes.gpu.calls.length - before };
  }

  test.each(['chat', 'stream', 'embed'] as const)('a hundred calls make one trial (%s)', async (verb) => {
    const { trials, events } = await hundredAtExpiry(verb, after(50, oom));
    expect(trials).toBe(1);
    expect(events.of('model:pinned')).toHaveLength(2);
    expect(events.of('breaker:open')).toEqual([]);
  });

  test('calls that wait for a slot of either make one trial too', async () => {
    const { trials } = await hundredAtExpiry('chat', after(50, oom), { queue: { limit: 1_000 }, deadlineMs: 600_000 }, 1);
    expect(trials).toBe(1);
  });

  test('calls that were planned before the trial began, and got their slots after it, leave it alone', async () => {
    const { router, clock, fakes } = fakeRouter({
      gpu: { does: [oom, after(1_000, 'small'), after(1_000, 'small'), after(5_000, oom)], maxConcurrent: 2 },
      cpu: { does: ['yes', after(2_000, 'small'), 'yes'], maxConcurrent: 1 },
    });
    await router.chat(hello);
    await clock.advance(halfHourMs);
    for (const provider of ['gpu', 'gpu', 'cpu']) outcomeOf(router.chat({ ...hello, model: 'small' }, { provider }));
    const calls = Array.from({ length: 5 }, () => outcomeOf(router.chat(hello)));
    await clock.advance(1_000);
    expect(fakes.gpu.calls.slice(1).filter(({ model }) => model === 'm')).toHaveLength(1);
    await clock.advance(10_000);
    expect(calls.map(({ value }) => value?.route.provider)).toEqual(['cpu', 'cpu', 'cpu', 'cpu', 'cpu']);
    expect(fakes.gpu.calls.slice(1).filter(({ model }) => model === 'm')).toHaveLength(1);
  });

  test.each(['least-busy', 'expected-ttft', 'weighted'] as const)('calls that are balanced (%s) make one trial too', async (balance) => {
    const { trials } = await hundredAtExpiry('chat', after(50, oom), { balance, intents: { fast: { order: [['gpu', 'cpu']] } } });
    expect(trials).toBe(1);
  });

  test('a trial that is under way keeps all others away, and its success lets them come back', async () => {
    const { router, fakes, events } = await hundredAtExpiry('chat', after(50, 'fits'));
    expect(events.of('model:unpinned')).toEqual([{ provider: 'gpu', model: 'm' }]);
    expect(router.snapshot().providers[0]?.models[0]).toMatchObject({ pinnedUntilMs: undefined, situation: 'ok' });
    const before = fakes.cpu.calls.length;
    outcomeOf(router.chat(hello));
    outcomeOf(router.chat(hello));
    expect([fakes.gpu.calls.length, fakes.cpu.calls.length - before]).toEqual([4, 0]);
  });

  test('the lone provider that the model has is tried by all who ask, as it was while the pin lasted', async () => {
    const { router, clock, fakes } = fakeRouter({ gpu: [oom, after(1_000, 'fits')] });
    await failureOf(router.chat(hello));
    await clock.advance(halfHourMs);
    const calls = [1, 2, 3].map(() => outcomeOf(router.chat(hello)));
    await clock.advance(1_000);
    expect(calls.map(({ value }) => value?.route.provider)).toEqual(['gpu', 'gpu', 'gpu']);
    expect(fakes.gpu.calls).toHaveLength(4);
  });

  test('a trial that fails for another reason neither lengthens the pin nor ends it', async () => {
    const { router, clock, events, fakes } = fakeRouter({ gpu: [oom, fault('driver', { status: 500 }), 'fits'], cpu: 'yes' });
    await router.chat(hello);
    await clock.advance(halfHourMs);
    expect((await router.chat(hello)).route.attempts).toMatchObject([{ provider: 'gpu' }, { provider: 'cpu' }]);
    expect([events.of('model:pinned').length, events.of('model:unpinned').length]).toEqual([1, 0]);
    expect((await router.chat(hello)).route.provider).toBe('gpu');
    expect([fakes.gpu.calls.length, events.of('model:unpinned').length]).toEqual([3, 1]);
  });
});

describe('unpin()', () => {
  /** Two gpus on which two models each ran out of memory. */
  async function pinned() {
    const made = fakeRouter({ gpu: oom, other: { does: oom, device: 'gpu' }, cpu: 'yes' });
    for (const model of ['m', 'n']) await made.router.chat({ ...hello, model });
    expect(made.events.of('model:pinned')).toHaveLength(4);
    made.events.clear();
    const pins = () =>
      made.router
        .snapshot()
        .providers.flatMap(({ provider, models }) =>
          models.flatMap(({ model, pinnedUntilMs }) => (pinnedUntilMs === undefined ? [] : [`${provider} ${model}`])),
        );
    return { ...made, pins };
  }

  test.each([
    ['all', undefined, ['gpu m', 'gpu n', 'other m', 'other n'], []],
    ['all', {}, ['gpu m', 'gpu n', 'other m', 'other n'], []],
    ['those of one provider', { provider: 'gpu' }, ['gpu m', 'gpu n'], ['other m', 'other n']],
    ['those of one model', { model: 'n' }, ['gpu n', 'other n'], ['gpu m', 'other m']],
    ['one', { provider: 'other', model: 'm' }, ['other m'], ['gpu m', 'gpu n', 'other n']],
    ['none of a provider that is not there', { provider: 'nobody' }, [], ['gpu m', 'gpu n', 'other m', 'other n']],
    ['none of a model that has none', { model: 'small' }, [], ['gpu m', 'gpu n', 'other m', 'other n']],
  ])('forgets %s (%j), says how many, and announces each', async (_, which, gone, left) => {
    const { router, events, pins } = await pinned();
    expect(pins()).toHaveLength(4);
    expect(router.unpin(which)).toBe(gone.length);
    expect(events.of('model:unpinned').map(({ provider, model }) => `${provider} ${model}`)).toEqual(gone);
    expect(pins()).toEqual(left);
    expect(router.unpin(which)).toBe(0);
    expect(events.of('model:unpinned')).toHaveLength(gone.length);
  });

  test('lets the next call try the model at once, and the next pin is as long as the first', async () => {
    const { router, clock, events } = await pinned();
    router.unpin({ provider: 'gpu', model: 'm' });
    expect((await router.chat(hello)).route.attempts).toMatchObject([
      { provider: 'gpu', error: { code: 'out_of_memory' } },
      { provider: 'cpu' },
    ]);
    expect(events.of('model:pinned')).toMatchObject([{ provider: 'gpu', model: 'm', untilMs: clock.nowMs() + halfHourMs }]);
  });

  test('forgets the pin of a model that the server chose', async () => {
    const { router, events } = fakeRouter({ gpu: oom, cpu: 'yes' });
    await router.chat({ messages: hello.messages });
    expect(router.unpin()).toBe(1);
    expect(events.of('model:unpinned')).toEqual([{ provider: 'gpu', model: undefined }]);
  });
});

test('no sequence of out-of-memory errors opens a breaker, and each pin is announced and ended once', async () => {
  const step = fc.record({
    calls: fc.integer({ min: 1, max: 8 }),
    model: fc.constantFrom('m', 'n'),
    waitMs: fc.constantFrom(0, 1, 1_000, halfHourMs, 4 * halfHourMs, 8 * halfHourMs),
  });
  const gpu = fc.array(
    fc.constantFrom<Outcome>(oom, fault('out_of_memory'), after(5, fault('out_of_memory', { status: 424 })), 'fits', after(700, oom)),
    {
      minLength: 1,
      maxLength: 30,
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), gpu, async (steps, outcomes) => {
      const { router, clock, events } = fakeRouter({ gpu: outcomes, cpu: 'yes' }, { health: false, pollMs: false });
      for (const { calls, model, waitMs } of steps) {
        await clock.run(Promise.all(Array.from({ length: calls }, () => router.chat({ ...hello, model }))));
        await clock.advance(waitMs);
      }
      expect(events.of('breaker:open')).toEqual([]);
      const [snapshot] = router.snapshot().providers;
      expect([snapshot?.breaker, ...(snapshot?.models ?? []).map(({ breaker }) => breaker)].every((breaker) => breaker === 'closed')).toBe(
        true,
      );
      const count = (name: 'model:pinned' | 'model:unpinned', model: string) =>
        events.of(name).filter((each) => each.model === model).length;
      // A pin is renewed any number of times before it ends, and ends at most once for each time it was made.
      for (const model of ['m', 'n']) expect(count('model:unpinned', model)).toBeLessThanOrEqual(count('model:pinned', model));
    }),
    { numRuns: 100 },
  );
});
