import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/core/errors.ts';
import type { StateStore, StoreConnection } from '../../src/state/store.ts';
import { memoryStore } from '../../src/state/memory.ts';
import { after, deaf, fake, fault, refused } from '../_kit/fake-adapter.ts';
import { fakeFleet, type FleetMember, settled } from '../_kit/fake-fleet.ts';
import { failureOf, hello, outcomeOf } from '../_kit/fake-router.ts';
import { type TestClock, testClock } from '../_kit/test-clock.ts';

const broken = fault('unavailable', { status: 500 });
const full = fault('out_of_memory', { status: 500 });
const once = { maxAttempts: 1 } as const;

function at(members: readonly FleetMember[], index: number): FleetMember {
  const member = members[index];
  if (member === undefined) throw new Error(`There is no member ${index}.`);
  return member;
}

/** Fails as often as it takes to open a breaker. */
async function openBy({ router }: FleetMember, times: number = 3): Promise<void> {
  for (let call = 0; call < times; call++) await failureOf(router.chat(hello, once));
}

/** A store that works until it is told not to, and counts what it is asked. `slow`: 20 ms later. */
function fickle(clock: TestClock): Fickle {
  const inner = memoryStore({ clock });
  const state: Fickle = { is: 'well', asked: 0, written: 0, store: { connect: () => wrapped(inner.connect()) } };
  const through = async <Answer>(work: () => Promise<Answer>): Promise<Answer> => {
    state.asked += 1;
    if (state.is === 'gone') throw new Error('ECONNREFUSED The store is gone.');
    if (state.is === 'hung') return new Promise<Answer>(() => undefined);
    if (state.is === 'slow') await new Promise<void>((resolve) => clock.schedule(20, resolve));
    return work();
  };
  const wrapped = (connection: StoreConnection): StoreConnection => ({
    ...connection,
    sync(ask) {
      state.written += ask.changes.length;
      return through(() => connection.sync(ask));
    },
    lease: (ask) => through(() => connection.lease(ask)),
    release: (name, token) => through(() => connection.release(name, token)),
  });
  return state;
}

interface Fickle {
  readonly store: StateStore;
  is: 'well' | 'slow' | 'gone' | 'hung';
  asked: number;
  written: number;
}

describe('what one router finds out', () => {
  test.each([
    ['of a model that fails', broken, 'm'],
    ['of a server that takes no connection', refused(), undefined],
  ])('opens the breakers of all: %s', async (_, failure, model) => {
    const { clock, members, fakes } = await fakeFleet(4, { gpu: failure });
    await openBy(at(members, 0));
    await settled(clock);
    for (const { router, events } of members) {
      expect(await failureOf(router.chat(hello, once))).toMatchObject({ code: 'no_provider' });
      expect(events.of('breaker:open')).toMatchObject([{ provider: 'gpu', model, reason: 'unavailable' }]);
    }
    expect(fakes.gpu.calls.length).toBe(3);
  });

  test('is told to others once, and not back and forth', async () => {
    const { clock, members } = await fakeFleet(3, { gpu: broken });
    await openBy(at(members, 0));
    for (let second = 0; second < 20; second++) await settled(clock, 1_000);
    expect(members.map(({ events }) => events.of('breaker:open').length)).toEqual([1, 1, 1]);
  });

  test('keeps a rest that a server has asked for', async () => {
    const { clock, members, fakes } = await fakeFleet(2, { gpu: fault('rate_limited', { status: 429, retryAfterMs: 20_000 }), cpu: 'hi' });
    await at(members, 0).router.chat(hello);
    await settled(clock);
    expect((await at(members, 1).router.chat(hello)).route.provider).toBe('cpu');
    expect(fakes.gpu.calls.length).toBe(1);
    const [told] = at(members, 1).events.of('provider:cooldown');
    expect(told).toMatchObject({ provider: 'gpu', reason: 'rate_limited' });
    expect(at(members, 0).events.of('provider:cooldown').length).toBe(1);
    // To a moment: what was left of it when it came.
    expect(Math.abs((told?.untilMs ?? 0) - clock.nowMs() - 20_000 + 300)).toBeLessThan(50);
  });

  test('is said once, however slow the store is, and however many calls end meanwhile', async () => {
    const clock = testClock();
    const state = fickle(clock);
    state.is = 'slow';
    const resting = fault('rate_limited', { status: 429, retryAfterMs: 20_000 });
    const { members } = await fakeFleet(
      2,
      { gpu: (call) => (call === 29 ? after(10, resting) : after(100 * call, 'hi')), cpu: 'hi' },
      { clock, store: state.store },
    );
    for (let call = 0; call < 30; call++) void at(members, 0).router.chat(hello);
    await settled(clock, 10_000);
    expect(members.map(({ events }) => events.of('provider:cooldown').length)).toEqual([1, 1]);
    expect(state.written).toBe(1);
  });

  test('pins a model, and takes the pin away again', async () => {
    const { clock, members, fakes } = await fakeFleet(3, { gpu: full, cpu: 'hi' });
    await at(members, 0).router.chat(hello);
    await settled(clock);
    const pinned = at(members, 1);
    expect((await pinned.router.chat(hello)).route.provider).toBe('cpu');
    expect(fakes.gpu.calls.length).toBe(1);
    expect(pinned.events.of('model:pinned')).toMatchObject([{ provider: 'gpu', model: 'm', reason: 'out_of_memory' }]);
    at(members, 2).router.unpin();
    await settled(clock);
    expect(pinned.events.of('model:unpinned')).toMatchObject([{ provider: 'gpu', model: 'm' }]);
    await pinned.router.chat(hello);
    expect(fakes.gpu.calls.length).toBe(2);
  });

  test('says that a model is missing', async () => {
    const { clock, members, fakes } = await fakeFleet(2, { gpu: fault('model_not_found', { status: 404 }), cpu: 'hi' });
    await at(members, 0).router.chat(hello);
    await settled(clock);
    await at(members, 1).router.chat(hello);
    expect(fakes.gpu.calls.length).toBe(1);
    expect(at(members, 1).events.of('model:missing')).toMatchObject([{ provider: 'gpu', model: 'm' }]);
  });

  test('is known to a router that comes later', async () => {
    const { clock, members, fakes, join } = await fakeFleet(1, { gpu: broken });
    await openBy(at(members, 0));
    await settled(clock);
    const late = join();
    await settled(clock);
    expect(await failureOf(late.router.chat(hello, once))).toMatchObject({ code: 'no_provider' });
    expect(fakes.gpu.calls.length).toBe(3);
  });

  test('closes breakers by hand everywhere', async () => {
    const { clock, members } = await fakeFleet(2, { gpu: (call) => (call < 3 ? broken : 'well') });
    await openBy(at(members, 0));
    await settled(clock);
    at(members, 1).router.closeCircuit();
    await settled(clock);
    expect((await at(members, 0).router.chat(hello)).choices[0]?.message.content).toBe('well');
  });

  test('holds no longer than the longest open time of who hears of it', async () => {
    const clock = testClock();
    const store = memoryStore({ clock });
    const { members, join } = await fakeFleet(
      1,
      { gpu: broken },
      { store, clock, breaker: { openMs: 3_600_000, maxOpenMs: 3_600_000, jitter: 0 } },
    );
    const careful = join({ breaker: { maxOpenMs: 40_000 } });
    await settled(clock);
    await openBy(at(members, 0));
    await settled(clock);
    const [told] = careful.events.of('breaker:open');
    expect(told?.untilMs).toBeLessThanOrEqual(clock.nowMs() + 40_000);
    expect(told?.untilMs).toBeGreaterThan(clock.nowMs() + 39_000);
  });

  test('says nothing of another server that somebody calls by the same name', async () => {
    const { clock, members, store } = await fakeFleet(1, { gpu: broken });
    const { join } = await fakeFleet(0, {}, { store, clock });
    const stranger = join({ providers: { gpu: { type: 'stub', reply: 'another', locality: 'lan' } } });
    await settled(clock);
    await openBy(at(members, 0));
    await settled(clock);
    expect((await stranger.router.chat(hello)).choices[0]?.message.content).toBe('another');
  });

  test('stays in the process where the model runs in the process', async () => {
    const { clock, members, store, fakes } = await fakeFleet(1, { gpu: broken });
    const { join } = await fakeFleet(0, {}, { store, clock });
    const own = { gpu: { type: 'custom', adapter: fakes.gpu.adapter, locality: 'process' } } as const;
    const [one, two] = [join({ providers: own }), join({ providers: own })];
    await settled(clock);
    await openBy(one);
    await settled(clock);
    await failureOf(two.router.chat(hello, once));
    expect([fakes.gpu.calls.length, members.length]).toEqual([4, 1]);
  });
});

describe('a probe', () => {
  /** Three failures, then what is given; the longest open time is over. */
  async function dueFleet(count: number, then: Parameters<typeof fake>[0]): ReturnType<typeof fakeFleet<'gpu'>> {
    const fleet = await fakeFleet<'gpu'>(count, {
      gpu: (call) => (call < 3 ? broken : typeof then === 'function' ? then(call) : (then as string)),
    });
    await openBy(at(fleet.members, 0));
    await settled(fleet.clock);
    return fleet;
  }

  test('is sent by one router at a time, and what it finds holds for all', async () => {
    const fleet = await dueFleet(8, (call) => (call === 3 ? after(20_000, 'well') : 'well'));
    const { clock, members, fakes } = fleet;
    await settled(clock, 31_000);
    const calls = members.flatMap(({ router }) => Array.from({ length: 20 }, () => outcomeOf(router.chat(hello))));
    await settled(clock, 500);
    expect(fakes.gpu.calls.length).toBe(4);
    // However long it takes, within its own limits.
    await settled(clock, 14_000);
    for (const { router } of members) outcomeOf(router.chat(hello));
    await settled(clock, 500);
    expect(fakes.gpu.calls.length).toBe(4);
    await settled(clock, 5_500);
    expect(calls.filter(({ value }) => value !== undefined).length).toBe(1);
    expect(members.map(({ events }) => events.of('breaker:close').length)).toEqual(Array(8).fill(1));
    for (const { router } of members) expect(outcomeOf(router.chat(hello)).error).toBeUndefined();
    await settled(clock, 100);
    expect(fakes.gpu.calls.length).toBe(12);
  });

  test('that fails keeps all of them away, for twice as long', async () => {
    const { clock, members, fakes } = await dueFleet(4, () => broken);
    await settled(clock, 31_000);
    const outcomes = members.map(({ router }) => outcomeOf(router.chat(hello)));
    await settled(clock, 1_000);
    expect(outcomes.every(({ error }) => error !== undefined)).toBe(true);
    expect(fakes.gpu.calls.length).toBe(4);
    await settled(clock, 50_000);
    for (const { router } of members) await failureOf(router.chat(hello));
    expect(fakes.gpu.calls.length).toBe(4);
  });

  test('of the only one that has calls needs no second call, however long the others are idle', async () => {
    const { clock, members } = await dueFleet(8, () => 'well');
    await settled(clock, 120_000);
    const outcome = outcomeOf(at(members, 5).router.chat(hello));
    await settled(clock, 60);
    expect(outcome.value?.choices[0]?.message.content).toBe('well');
  });

  test('that its caller gives up lets another router have its turn', async () => {
    const { clock, members, fakes } = await dueFleet(2, (call) => (call === 3 ? deaf : 'well'));
    await settled(clock, 31_000);
    const caller = new AbortController();
    const first = outcomeOf(at(members, 0).router.chat(hello, { signal: caller.signal }));
    await settled(clock, 100);
    expect(fakes.gpu.calls.length).toBe(4);
    caller.abort();
    await settled(clock, 100);
    const second = outcomeOf(at(members, 1).router.chat(hello));
    await settled(clock, 100);
    expect([first.settled, second.value?.choices[0]?.message.content]).toEqual([true, 'well']);
  });

  test('goes ahead of its time where a server says that it is well', async () => {
    const fleet = await dueFleet(2, () => 'well');
    const { clock, members } = fleet;
    await settled(clock, 5_000);
    at(members, 1).router.closeCircuit();
    await settled(clock, 100);
    expect((await at(members, 0).router.chat(hello)).choices[0]?.message.content).toBe('well');
  });

  test.each([
    ['and sees it', 401_000, after(100, broken)],
    ['while its clock stood still as well', 0, after(100, broken)],
    ['and another one is still probing', 0, deaf],
  ])('whose router has slept past its lease counts for nothing: %s', async (_, sleptFor, next) => {
    const clock = testClock();
    const store = memoryStore({ clock });
    const sleeper = testClock();
    let sleptMs = 0;
    const waking = { ...sleeper, nowMs: () => sleeper.nowMs() + sleptMs };
    let answer: (() => void) | undefined;
    const { members, join } = await fakeFleet(1, { gpu: (call) => (call < 3 ? broken : next) }, { store, clock });
    const awake = at(members, 0);
    const slow = fake('never asked', { clock: sleeper });
    const { chat, ...rest } = slow.adapter;
    const held = {
      ...rest,
      chat: () =>
        new Promise<never>((_, reject) => {
          // A server that refuses what it was asked is there.
          answer = () => reject(fault('bad_request', { status: 400 }));
        }),
    };
    expect(chat).toBeTypeOf('function');
    const asleep = join({ clock: waking, providers: { gpu: { type: 'custom', adapter: held, locality: 'lan' } } });
    await settled(clock);
    await settled(sleeper);
    await openBy(awake);
    await settled(clock);
    await settled(sleeper);
    // Both know; then the time comes, and the one that will sleep gets leave.
    await clock.advance(31_000);
    await settled(sleeper, 31_000);
    const probe = outcomeOf(asleep.router.chat(hello, once));
    await settled(sleeper, 60);
    expect(answer).toBeDefined();
    // It stands still, and the store's time goes on: another one may probe, and finds the server as it was.
    await settled(clock, 400_000);
    const other = outcomeOf(awake.router.chat(hello, once));
    await settled(clock, 1_000);
    expect(other.error !== undefined).toBe(next !== deaf);
    // It wakes up, and the first thing that it sees is the answer.
    sleptMs = sleptFor;
    answer?.();
    await sleeper.settle();
    expect(probe.settled).toBe(true);
    if (sleptFor > 0) expect(asleep.router.snapshot().store?.lateResults).toBe(1);
    // Where its clock says nothing, the store does.
    await settled(sleeper, 1_500);
    await settled(clock, 1_500);
    expect(asleep.router.snapshot().providers[0]?.models[0]?.breaker).toBe('open');
    expect(awake.events.of('breaker:close')).toEqual([]);
  });

  test('is not sent by a router that had leave to, and no call for it', async () => {
    const fleet = await fakeFleet(2, { gpu: (call) => (call < 3 ? broken : deaf), cpu: 'hi' });
    const { clock, members, fakes } = fleet;
    await Promise.all([1, 2, 3].map(() => at(members, 0).router.chat(hello)));
    await settled(clock, 31_000);
    // The first call asks for leave, and goes where it is served meanwhile.
    expect((await at(members, 0).router.chat(hello)).route.provider).toBe('cpu');
    await settled(clock, 12_000);
    expect((await at(members, 1).router.chat(hello)).route.provider).toBe('cpu');
    await settled(clock, 10);
    outcomeOf(at(members, 1).router.chat(hello));
    await settled(clock, 100);
    expect(fakes.gpu.calls.length).toBe(4);
    expect((await at(members, 0).router.chat(hello)).route.provider).toBe('cpu');
    await settled(clock, 10);
    expect((await at(members, 0).router.chat(hello)).route.provider).toBe('cpu');
    expect(fakes.gpu.calls.length).toBe(4);
  });
});

describe('a store that is not there', () => {
  /** Of a store: works until it is told not to. */
  test.each(['gone', 'hung'] as const)('when it is %s from the beginning, calls go as they would without it', async (is) => {
    const clock = testClock();
    const state = fickle(clock);
    state.is = is;
    const { members, fakes } = await fakeFleet(2, { gpu: (call) => (call < 3 ? broken : 'well') }, { clock, store: state.store });
    await openBy(at(members, 0));
    await settled(clock, 4_000);
    expect(at(members, 0).events.of('state:degraded').length).toBe(1);
    expect((await at(members, 1).router.chat(hello)).choices[0]?.message.content).toBe('well');
    await settled(clock, 31_000);
    expect((await at(members, 0).router.chat(hello)).choices[0]?.message.content).toBe('well');
    expect(fakes.gpu.calls.length).toBe(5);
  });

  test.each(['gone', 'hung'] as const)(
    'when it is %s while a breaker is due, the call that needs leave gets it from its own router',
    async (is) => {
      const clock = testClock();
      const state = fickle(clock);
      const { members } = await fakeFleet(2, { gpu: (call) => (call < 3 ? broken : 'well') }, { clock, store: state.store });
      await openBy(at(members, 0));
      await settled(clock, 31_000);
      state.is = is;
      const outcome = outcomeOf(at(members, 1).router.chat(hello));
      await settled(clock, 80);
      expect(outcome.value?.choices[0]?.message.content).toBe('well');
    },
  );

  test('is taken for slow before it is taken for gone: where others can serve, nobody probes without leave', async () => {
    const clock = testClock();
    const state = fickle(clock);
    const { members, fakes } = await fakeFleet(3, { gpu: (call) => (call < 3 ? broken : deaf), cpu: 'hi' }, { clock, store: state.store });
    for (let call = 0; call < 3; call++) await at(members, 0).router.chat(hello);
    await settled(clock, 31_000);
    state.is = 'hung';
    // One question of each goes unanswered, and before the third the store is back.
    for (const { router } of members) expect((await router.chat(hello)).route.provider).toBe('cpu');
    await clock.advance(60);
    state.is = 'well';
    for (const { router } of members) expect((await router.chat(hello)).route.provider).toBe('cpu');
    await settled(clock, 20);
    expect(fakes.gpu.calls.length).toBe(3);
    expect(members.map(({ events }) => events.of('state:degraded').length)).toEqual([0, 0, 0]);
    for (const { router } of members) outcomeOf(router.chat(hello));
    await settled(clock, 20);
    expect(fakes.gpu.calls.length).toBe(4);
  });

  test('that is gone keeps nobody from a probe where others can serve', async () => {
    const clock = testClock();
    const state = fickle(clock);
    const { members, fakes } = await fakeFleet(
      1,
      { gpu: (call) => (call < 3 ? broken : 'well'), cpu: 'hi' },
      { clock, store: state.store },
    );
    for (let call = 0; call < 3; call++) await at(members, 0).router.chat(hello);
    await settled(clock, 1_000);
    state.is = 'gone';
    await settled(clock, 31_000);
    expect((await at(members, 0).router.chat(hello)).route.provider).toBe('gpu');
    expect(fakes.gpu.calls.length).toBe(4);
  });

  test('is told once when it goes and once when it comes, and then all know the same again', async () => {
    const clock = testClock();
    const state = fickle(clock);
    const { members, fakes } = await fakeFleet(3, { gpu: broken, cpu: 'hi' }, { clock, store: state.store });
    state.is = 'gone';
    await settled(clock, 10_000);
    for (let call = 0; call < 3; call++) await at(members, 0).router.chat(hello);
    await settled(clock, 10_000);
    expect(members.map(({ events }) => events.of('breaker:open').length)).toEqual([1, 0, 0]);
    state.is = 'well';
    await settled(clock, 1_000);
    expect(members.map(({ events }) => events.of('breaker:open').length)).toEqual([1, 1, 1]);
    expect(members.map(({ events }) => [events.of('state:degraded').length, events.of('state:restored').length])).toEqual(
      [1, 2, 3].map(() => [1, 1]),
    );
    expect(fakes.gpu.calls.length).toBe(3);
  });

  test('that comes back lets one of those probe that have opened without it', async () => {
    const clock = testClock();
    const state = fickle(clock);
    const { members, fakes } = await fakeFleet(3, { gpu: (call) => (call < 9 ? broken : deaf) }, { clock, store: state.store });
    state.is = 'gone';
    await settled(clock, 2_000);
    for (const member of members) await openBy(member);
    state.is = 'well';
    await settled(clock, 32_000);
    for (const { router } of members) outcomeOf(router.chat(hello));
    await settled(clock, 100);
    expect(fakes.gpu.calls.length).toBe(10);
  });

  test('is asked a few times a second, however many calls there are', async () => {
    const clock = testClock();
    const state = fickle(clock);
    const { members } = await fakeFleet(1, { gpu: full, cpu: 'hi' }, { clock, store: state.store });
    await settled(clock, 1_000);
    const before = state.asked;
    for (let call = 0; call < 1_000; call++) {
      // Each of another model, which does not fit there: a thousand pins.
      await at(members, 0).router.chat({ ...hello, model: `m${call}` });
      await clock.advance(1);
    }
    expect(at(members, 0).events.of('model:pinned').length).toBe(1_000);
    expect(state.asked - before).toBeLessThanOrEqual(12);
  });
});

describe('the store of a router', () => {
  test('goes on when another configuration comes, and cannot be changed by it', async () => {
    const { clock, members, fakes } = await fakeFleet(2, { gpu: broken });
    const { router } = at(members, 1);
    const providers = { gpu: { type: 'custom', adapter: fakes.gpu.adapter, locality: 'lan', priority: 1 } } as const;
    router.update({ providers, health: false, checkModels: false, pollMs: false });
    await settled(clock);
    await openBy(at(members, 0));
    await settled(clock);
    await failureOf(router.chat(hello));
    expect(fakes.gpu.calls.length).toBe(3);
    expect(() => router.update({ providers, store: memoryStore({ clock }) })).toThrow(ConfigError);
  });

  test.each([
    ['nothing', ''],
    ['no object', 'null'],
    ['another object', '{"__proto__":{"is":"open"}}'],
    ['a time without end', '{"is":"open","provider":"gpu","model":"m","forMs":1e999,"times":1,"reason":"unavailable"}'],
    ['a word that is none', '{"is":"shut","provider":"gpu","model":"m","forMs":9e9,"times":1,"reason":"unavailable"}'],
    ['a field too many', '{"is":"open","provider":"gpu","model":"m","forMs":9e9,"times":1,"reason":"unavailable","more":1}'],
  ])('may hold anything: %s is no fact', async (_, value) => {
    const { clock, members, store, join } = await fakeFleet(1, { gpu: (call) => (call < 3 ? broken : 'well') });
    await openBy(at(members, 0));
    await settled(clock);
    const connection = store.connect();
    const { conclusions } = await connection.sync({ member: 'stranger', changes: [], sinceVersion: 0 });
    expect(conclusions.length).toBe(1);
    await connection.sync({ member: 'stranger', changes: conclusions.map(({ name }) => ({ name, value, keepMs: 1e6 })), sinceVersion: 0 });
    await connection.close();
    const late = join();
    await settled(clock, 1_000);
    expect((await late.router.chat(hello)).choices[0]?.message.content).toBe('well');
  });

  test('shows in the snapshot', async () => {
    const { clock, members } = await fakeFleet(3, { gpu: 'well' });
    // Each has asked once more since the last one came.
    await settled(clock, 1_500);
    expect(at(members, 0).router.snapshot().store).toEqual({ up: true, members: 3, lateResults: 0 });
  });

  test('leaves no timer behind when the router is closed', async () => {
    const { clock, members } = await fakeFleet(3, { gpu: broken });
    await openBy(at(members, 0));
    await settled(clock);
    await Promise.all(members.map(({ router }) => router.close()));
    await settled(clock, 2_000);
    expect(clock.timers()).toBe(0);
  });
});
