import { describe, expect, test } from 'vitest';
import type { LoadReport } from '../../src/core/adapter.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import type { Router } from '../../src/router/router.ts';
import { after, type FakeOptions, fault, hang, type Outcome } from '../_kit/fake-adapter.ts';
import { type FakeProvider, fakeRouter, type FakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';
import type { TestClock } from '../_kit/test-clock.ts';

type Telling = LoadReport | Error | 'silence' | { readonly afterMs: number; readonly report: LoadReport };

interface Watched {
  readonly provider: FakeProvider;
  /** When it was asked for its load. */
  readonly asked: number[];
  says: Telling;
  /** Questions that have not been answered yet, and the most there were at once. */
  readonly out: { now: number; most: number };
  clock: TestClock | undefined;
}

const quiet: LoadReport = { running: 0 };

/** A provider that is asked for its load, and says what it is told to. */
function watched(
  says: Telling = quiet,
  does: Outcome = 'yes',
  more: Omit<Partial<ProviderOptions>, 'type' | 'adapter'> = {},
  also: FakeOptions = {},
): Watched {
  const load = async (signal: AbortSignal): Promise<LoadReport> => {
    made.asked.push(made.clock?.nowMs() ?? 0);
    made.out.most = Math.max(made.out.most, (made.out.now += 1));
    try {
      return await reportOf(made, signal);
    } finally {
      made.out.now -= 1;
    }
  };
  const own: FakeOptions = { load, health: async () => ({ state: 'ok' }), ...also };
  const made: Watched = { provider: { does, ...more, fake: own }, asked: [], says, out: { now: 0, most: 0 }, clock: undefined };
  return made;
}

async function reportOf({ says, clock }: Watched, signal: AbortSignal): Promise<LoadReport> {
  if (says instanceof Error) throw says;
  if (says === 'silence') return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  if (!('afterMs' in says)) return says;
  await new Promise<void>((resolve) => clock?.schedule(says.afterMs, resolve));
  return says.report;
}

/** Behind them stands one that is never needed: a lone provider is not asked, because nothing would follow from its answer. */
function routerOf<Id extends string>(
  providers: Readonly<Record<Id, Watched>>,
  options: Omit<RouterOptions, 'providers'> = {},
): FakeRouter<Id | 'spare'> {
  const entries = Object.entries(providers) as [Id, Watched][];
  const described = Object.fromEntries(entries.map(([id, { provider }]) => [id, provider])) as Record<Id, FakeProvider>;
  const made = fakeRouter<Id | 'spare'>(
    { ...described, spare: { does: 'never asked', priority: 1 } } as Record<Id | 'spare', FakeProvider>,
    options,
  );
  for (const [, each] of entries) each.clock = made.clock;
  return made;
}

/** A call each so often. */
async function traffic({ router, clock }: { router: Router; clock: TestClock }, everyMs: number, forMs: number): Promise<void> {
  for (let ms = 0; ms < forMs; ms += everyMs) {
    await router.chat(hello);
    await clock.advance(everyMs);
  }
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((at, index) => at - (times[index] ?? 0));

describe('a server that tells its load', () => {
  test('is asked when the router starts, and again with a call after pollMs, never before', async () => {
    const box = watched();
    const made = routerOf({ box }, { pollMs: 2_000 });
    await made.clock.settle();
    expect(box.asked).toHaveLength(1);
    await traffic(made, 100, 10_000);
    expect(gaps(box.asked)).toEqual([2_000, 2_000, 2_000, 2_000]);
  });

  test('is asked every 10 s unless told otherwise', async () => {
    const box = watched();
    const made = routerOf({ box });
    await traffic(made, 1_000, 31_000);
    expect(gaps(box.asked)).toEqual([10_000, 10_000, 10_000]);
  });

  test('is not asked while there is no traffic, and nothing waits to ask it', async () => {
    const box = watched();
    const { clock } = routerOf({ box }, { pollMs: 1_000 });
    await clock.settle();
    expect(clock.timers()).toBe(0);
    await clock.advance(3_600_000);
    expect(box.asked).toHaveLength(1);
  });

  test('is not asked by explain(), nor by snapshot()', async () => {
    const box = watched();
    const { router, clock } = routerOf({ box }, { pollMs: 1_000 });
    await clock.settle();
    for (let count = 0; count < 5; count++) {
      await clock.advance(2_000);
      router.explain(hello);
      router.snapshot();
      await clock.settle();
    }
    expect(box.asked).toHaveLength(1);
  });

  test('is never asked where pollMs is false', async () => {
    const box = watched();
    const made = routerOf({ box }, { health: false, pollMs: false });
    await traffic(made, 10_000, 100_000);
    expect(box.asked).toEqual([]);
  });

  test.each([
    [30_000, 60_000],
    [120_000, 120_000],
  ])('and stands behind a tunnel is asked once a minute at most (pollMs %d)', async (pollMs, everyMs) => {
    const box = watched(quiet, 'yes', { locality: 'tunnel' });
    const made = routerOf({ box }, { pollMs });
    await traffic(made, 10_000, 370_000);
    expect(new Set(gaps(box.asked))).toEqual(new Set([everyMs]));
  });

  test('is asked after its first answer only, where there is no other to choose', async () => {
    const box = watched();
    const made = fakeRouter({ box: box.provider }, { pollMs: 1_000 });
    await made.router.chat(hello);
    await made.clock.advance(10_000);
    expect(box.asked).toEqual([]);
    await made.router.chat(hello);
    await made.clock.settle();
    expect(box.asked).toHaveLength(1);
  });

  test('is not asked by calls that may not go there', async () => {
    const box = watched(quiet, 'yes', { locality: 'lan' });
    const near = watched(quiet, 'yes', { locality: 'host' });
    const made = routerOf({ box, near }, { pollMs: 1_000 });
    await made.clock.settle();
    for (let count = 0; count < 5; count++) {
      await made.clock.advance(1_000);
      await made.router.chat(hello, { maxLocality: 'host' });
    }
    expect([box.asked.length, near.asked.length]).toEqual([1, 6]);
  });

  test('is asked by no router that goes nowhere near it', async () => {
    const box = watched(quiet, 'yes', { locality: 'lan' });
    const near = watched(quiet, 'yes', { locality: 'host' });
    const made = routerOf({ box, near }, { pollMs: 1_000, maxLocality: 'host' });
    await traffic(made, 1_000, 5_000);
    expect([box.asked.length, near.asked.length]).toEqual([0, 5]);
  });

  test('is asked one question at a time, however slow it is', async () => {
    const box = watched({ afterMs: 4_000, report: quiet });
    const made = routerOf({ box }, { pollMs: 1_000 });
    await traffic(made, 500, 30_000);
    expect(box.out.most).toBe(1);
    // 4 s for the answer, and the next question 1 s after it.
    expect(new Set(gaps(box.asked))).toEqual(new Set([5_000]));
  });

  test('and never answers is given up after five seconds, and asked again like the others', async () => {
    const box = watched('silence');
    const other = watched();
    const made = routerOf({ box, other }, { pollMs: 1_000 });
    await traffic(made, 500, 30_000);
    expect(box.out.most).toBe(1);
    expect(new Set(gaps(box.asked))).toEqual(new Set([6_000]));
    expect(new Set(gaps(other.asked))).toEqual(new Set([1_000]));
  });

  test.each([404, 401, 405, 429])('and refuses with status %d is not asked again for five minutes', async (status) => {
    const box = watched(fault('unsupported', { status }));
    const other = watched();
    const made = routerOf({ box, other }, { pollMs: 1_000 });
    await traffic(made, 10_000, 620_000);
    expect(gaps(box.asked)).toEqual([300_000, 300_000]);
    expect(other.asked).toHaveLength(62);
  });

  test('and has nothing to tell is not asked again for five minutes either', async () => {
    const box = watched({});
    const made = routerOf({ box }, { pollMs: 1_000 });
    await traffic(made, 10_000, 620_000);
    expect(gaps(box.asked)).toEqual([300_000, 300_000]);
  });

  test.each([
    ['is down', fault('unavailable', { phase: 'connect' })],
    ['fails', fault('unavailable', { status: 503 })],
    ['throws what is no error of ours', new TypeError('a bug')],
  ])('and %s is asked again like the others', async (_, error) => {
    const box = watched(error);
    const made = routerOf({ box }, { pollMs: 1_000 });
    await traffic(made, 1_000, 10_000);
    expect(box.asked).toHaveLength(10);
  });

  test('is held up by none of it: a failed question changes nothing for the calls', async () => {
    const box = watched(fault('unavailable', { status: 500 }));
    const made = routerOf({ box }, { pollMs: 1_000 });
    await traffic(made, 1_000, 10_000);
    expect(made.router.snapshot().providers[0]).toMatchObject({ situation: 'ok', failures: 0, successes: 10, lastError: undefined });
    expect(made.events.names().filter((name) => !/^(request|attempt):(start|end)$/.test(name))).toEqual([]);
  });
});

describe('a question that hangs', () => {
  test('holds up no call', async () => {
    const box = watched('silence');
    const { router, clock } = routerOf({ box });
    const startMs = clock.nowMs();
    for (let count = 0; count < 10; count++) expect((await router.chat(hello)).route.provider).toBe('box');
    expect(clock.nowMs()).toBe(startMs);
  });

  test('does not hold up the end of close(), and leaves no timer behind', async () => {
    const box = watched('silence');
    const { router, clock } = routerOf({ box });
    await router.chat(hello);
    expect(box.out.now).toBe(1);
    await router.close();
    await clock.settle();
    expect(box.out.now).toBe(0);
    expect(clock.timers()).toBe(0);
  });

  test('is asked by no router that was closed before it began', async () => {
    const box = watched();
    const { router, clock } = routerOf({ box });
    await router.close();
    await clock.settle();
    expect(box.asked).toEqual([]);
  });
});

const first = (router: Router): string | undefined => router.explain(hello).candidates[0]?.provider;

describe('what a server tells', () => {
  test('of the requests of others moves calls to whoever has fewer, without our own', async () => {
    const busy = watched({ running: 2, waiting: 1 });
    const idle = watched({ running: 0, waiting: 0 });
    const { router, clock } = routerOf({ busy, idle }, { balance: 'least-busy' });
    expect(first(router)).toBe('busy');
    await clock.settle();
    expect(first(router)).toBe('idle');
    expect(router.snapshot().providers.map(({ elsewhere }) => elsewhere)).toEqual([3, 0, undefined]);
  });

  test('of requests that are ours moves nothing', async () => {
    const box = watched({ running: 2, waiting: 0 }, hang);
    const { router, clock } = routerOf({ box }, { pollMs: 1_000 });
    await clock.settle();
    const calls = [1, 2].map(() => outcomeOf(router.chat(hello)));
    await clock.advance(1_000);
    calls.push(outcomeOf(router.chat(hello)));
    await clock.settle();
    expect(router.snapshot().providers[0]).toMatchObject({ inFlight: 3, elsewhere: 0 });
    await router.close({ drainMs: 0 });
  });

  test('of the requests of others is believed for three polls', async () => {
    const busy = watched({ running: 9 });
    const idle = watched({ running: 0 });
    const { router, clock } = routerOf({ busy, idle }, { balance: 'least-busy', pollMs: 1_000 });
    await clock.settle();
    await clock.advance(3_000);
    expect(first(router)).toBe('idle');
    await clock.advance(1);
    expect(first(router)).toBe('busy');
  });

  test('of the requests of others is part of the expected time', async () => {
    const box = watched({ running: 4, waiting: 2, slots: 4 }, after(1_000, 'yes'));
    const { router, clock } = routerOf({ box }, { pollMs: 60_000, balance: 'expected-ttft' });
    await clock.settle();
    await clock.run(router.chat(hello));
    const queueMs = () => router.explain(hello).candidates[0]?.score?.queueMs;
    // Three of the six have to end before there is a slot, each after 1 s and a half, four at a time.
    expect(queueMs()).toBe((1.5 * 3 * 1_000) / 4);
    expect(router.snapshot().providers[0]).toMatchObject({ slots: 4, elsewhere: 6 });
  });

  test('of its slots bounds the calls there, and lets waiting ones go on when there are more', async () => {
    const box = watched({ slots: 1 }, hang);
    const { router, clock, fakes } = routerOf({ box }, { pollMs: 1_000 });
    await clock.settle();
    const calls = [1, 2, 3].map(() => outcomeOf(router.chat(hello, { provider: 'box' })));
    await clock.advance(1_000);
    expect(fakes.box.calls).toHaveLength(1);
    expect(router.snapshot().providers[0]).toMatchObject({ slots: 1, inFlight: 1, waiting: 2 });
    box.says = { slots: 2 };
    calls.push(outcomeOf(router.chat(hello, { provider: 'box' })));
    await clock.settle();
    expect(fakes.box.calls).toHaveLength(2);
    expect(router.snapshot().providers[0]).toMatchObject({ slots: 2, inFlight: 2, waiting: 2 });
    await router.close({ drainMs: 0 });
  });

  test('of its slots stands behind what was configured', async () => {
    const box = watched({ slots: 1 }, hang, { maxConcurrent: 3 });
    const { router, clock, fakes } = routerOf({ box });
    await clock.settle();
    for (let count = 0; count < 5; count++) outcomeOf(router.chat(hello));
    await clock.settle();
    expect(fakes.box.calls).toHaveLength(3);
    await router.close({ drainMs: 0 });
  });

  test('of its context window keeps out prompts that surely do not fit', async () => {
    const box = watched({ contextLength: 100 });
    const { router, clock, fakes } = routerOf({ box });
    const long = {
      ...hello,
      messages: [{ role: 'user' as const, content: 'What is the weather like in the city of Berlin? '.repeat(50) }],
    };
    await clock.settle();
    expect((await router.chat(long)).route).toMatchObject({ provider: 'spare', skipped: [{ provider: 'box', code: 'context_length' }] });
    expect((await router.chat(hello)).route.provider).toBe('box');
    expect(fakes.box.calls).toHaveLength(1);
  });

  test('of the models in its memory is shown in the snapshot', async () => {
    const box = watched({ resident: [{ id: 'm:latest' }] });
    const { router } = routerOf({ box });
    await router.chat(hello);
    await router.chat({ ...hello, model: 'n' });
    expect(router.snapshot().providers[0]?.models.map(({ model, resident }) => [model, resident])).toEqual([
      ['m', true],
      ['n', false],
    ]);
  });

  test('is old news when an answer says otherwise later', async () => {
    const made = routerOf({ box: watched({ resident: [] }) });
    await made.clock.settle();
    expect(made.router.explain(hello).candidates[0]?.score?.loadMs).toBe(30_000);
    await made.router.chat(hello);
    expect(made.router.explain(hello).candidates[0]?.score?.loadMs).toBe(0);
  });

  test('is old news as well when the answer came before it, and after the question', async () => {
    const made = routerOf({ box: watched({ afterMs: 2_000, report: { resident: [] } }) });
    await made.clock.advance(1_000);
    await made.router.chat(hello);
    await made.clock.advance(1_000);
    expect(made.router.snapshot().providers[0]?.models).toMatchObject([{ model: 'm', resident: false }]);
    expect(made.router.explain(hello).candidates[0]?.score?.loadMs).toBe(0);
  });

  test('is not believed where a later question was answered before', async () => {
    const box = watched({ afterMs: 2_000, report: { running: 9 } });
    const { router, clock } = routerOf({ box });
    await clock.settle();
    box.says = { running: 1 };
    await clock.advance(1_000);
    await router.health();
    expect(router.snapshot().providers[0]?.elsewhere).toBe(1);
    await clock.advance(1_000);
    expect(box.asked).toHaveLength(2);
    expect(router.snapshot().providers[0]?.elsewhere).toBe(1);
  });

  test('at a health check of the requests of others counts where nobody polls, for half a minute', async () => {
    const busy = watched({ running: 9 });
    const { router, clock } = routerOf({ busy, idle: watched() }, { balance: 'least-busy', pollMs: false });
    expect(first(router)).toBe('busy');
    await router.health();
    expect(first(router)).toBe('idle');
    await clock.advance(30_000);
    expect(first(router)).toBe('idle');
    await clock.advance(1);
    expect(first(router)).toBe('busy');
  });

  test('counts as nothing where it is no number', async () => {
    const { router, clock } = routerOf({ box: watched({ running: NaN, waiting: 2 }) });
    await clock.settle();
    expect(router.snapshot().providers[0]?.elsewhere).toBe(2);
  });
});

describe('the list of models', () => {
  test('is not asked again with the load where it has come meanwhile', async () => {
    let lists = 0;
    const models = async () => {
      lists += 1;
      return [{ id: 'm' }];
    };
    const box = watched({ afterMs: 1_000, report: quiet }, 'yes', { defaultModel: 'm' }, { models });
    const { clock } = routerOf({ box });
    await clock.advance(2_000);
    expect(lists).toBe(1);
  });

  test('of a server that tells its load is kept fresh with it, and asked no more often than it gets old', async () => {
    let lists = 0;
    const models = async () => {
      lists += 1;
      return [{ id: 'm', contextLength: 100 }];
    };
    const box = watched(quiet, 'yes', {}, { models });
    const { router, clock } = routerOf({ box }, { checkModels: false });
    await traffic({ router, clock }, 5_000, 120_000);
    expect(lists).toBeGreaterThanOrEqual(2);
    expect(lists).toBeLessThanOrEqual(4);
    expect(box.asked.length).toBeGreaterThanOrEqual(12);
  });
});
