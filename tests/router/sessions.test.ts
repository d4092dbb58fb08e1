import { describe, expect, test } from 'vitest';
import { defineAdapter } from '../../src/core/adapter.ts';
import type { ChatAnswer, ChatRequest } from '../../src/core/types.ts';
import type { CallOptions } from '../../src/config/call-options.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import { after, fault, hang, type Outcome, pieces, refused } from '../_kit/fake-adapter.ts';
import { type FakeProvider, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';
import { collectGarbage } from '../_kit/collect-garbage.ts';

const balances = ['priority', 'weighted', 'least-busy', 'expected-ttft'] as const;

/** A prompt that begins like no other. */
const prompt = (name: number | string, model = 'm'): ChatRequest => ({ model, messages: [{ role: 'user', content: `${name}: hello!` }] });

const keys = (count: number): string[] => Array.from({ length: count }, (_, key) => `session-${key}`);

/** Who gets each verb of a session, of a router of its own. */
async function providersOf(session: string): Promise<string[]> {
  const { router } = fakeRouter({ a: 'yes', b: 'yes', c: 'yes' });
  const stream = await router.stream(hello, { session });
  await readAll(stream);
  const { route } = await router.chat(hello, { session });
  const embedded = await router.embed({ model: 'm', input: 'text' }, { session });
  return [stream.route.provider, route.provider, embedded.route.provider];
}

describe('a session', () => {
  test.each(balances)('stays at one provider, whatever was asked and answered before (%s)', async (balance) => {
    const made = fakeRouter({ a: after(900, 'yes'), b: after(300, 'yes'), c: after(600, 'yes') }, { balance });
    const served = new Map<string, Set<string>>();
    for (let round = 0; round < 6; round++) {
      for (const session of keys(30)) {
        const { route } = await made.clock.run(made.router.chat(prompt(`${session} ${round}`), { session }));
        served.set(session, (served.get(session) ?? new Set()).add(route.provider));
        await made.clock.run(made.router.chat(hello));
      }
    }
    expect([...served.values()].map(({ size }) => size)).toEqual(keys(30).map(() => 1));
    expect(new Set([...served.values()].flatMap((ids) => [...ids]))).toEqual(new Set(['a', 'b', 'c']));
  });

  test('stays there for every verb and in every process', async () => {
    const all = await Promise.all(keys(30).map(async (session) => [await providersOf(session), await providersOf(session)]));
    for (const [first, second] of all) {
      expect(first).toEqual(second);
      expect(new Set(first).size).toBe(1);
    }
    expect(new Set(all.flat(2)).size).toBe(3);
  });

  test('leaves it while that is out, always for the same other one, and comes back to it', async () => {
    const out = { now: false };
    const first = (): Outcome => (out.now ? refused() : 'yes');
    const { router, clock } = fakeRouter({ a: first, b: 'yes', c: 'yes' });
    const sessions = keys(40);
    const round = async (): Promise<string[]> => {
      const served: string[] = [];
      // One after the other: with many at once a provider is left for its load.
      for (const session of sessions) served.push((await router.chat(hello, { session })).route.provider);
      return served;
    };
    const before = await round();
    out.now = true;
    for (let call = 0; call < 3; call++) await router.chat(hello, { session: sessions[before.indexOf('a')] });
    expect(router.snapshot().providers[0]?.situation).toBe('open');
    const [during, again] = [await round(), await round()];
    expect(during).toEqual(again);
    expect(during.map((id, at) => (before[at] === 'a' ? 'moved' : id))).toEqual(before.map((id) => (id === 'a' ? 'moved' : id)));
    expect(new Set(during.filter((_, at) => before[at] === 'a'))).toEqual(new Set(['b', 'c']));
    out.now = false;
    await clock.advance(60_000);
    for (let call = 0; call < 10; call++) await router.chat(hello, { provider: 'a' });
    expect(await round()).toEqual(before);
  });

  test('with many calls at once does not bury its provider', async () => {
    const made = fakeRouter({ a: hang, b: hang, c: hang, d: hang });
    for (let call = 0; call < 40; call++) outcomeOf(made.router.chat(prompt(call), { session: 'one' }));
    await made.clock.settle();
    const counts = Object.values(made.fakes).map(({ calls }) => calls.length);
    // 1.25 times the share of 40, and the call that reached the limit.
    expect(Math.max(...counts)).toBeLessThanOrEqual(14);
    expect(Math.max(...counts)).toBeGreaterThanOrEqual(12);
    await made.router.close({ drainMs: 0 });
  });

  test('goes elsewhere while all slots of its provider are taken, rather than wait', async () => {
    const one = { does: hang, maxConcurrent: 1 } as const;
    const made = fakeRouter({ a: one, b: one, c: one });
    for (let call = 0; call < 3; call++) outcomeOf(made.router.chat(hello, { session: 'one' }));
    await made.clock.settle();
    expect(Object.values(made.fakes).map(({ calls }) => calls.length)).toEqual([1, 1, 1]);
    expect(made.events.of('queue:enter')).toEqual([]);
    await made.router.close({ drainMs: 0 });
  });

  test.each([
    ['and it tells how many it serves at once', { slots: 4 }],
    ['and nobody knows how many it serves at once', {}],
  ])('begins elsewhere while others have buried its provider, %s', async (_name, told) => {
    const report = { running: 4, waiting: 50, ...told };
    const made = fakeRouter({ a: { does: 'yes', fake: { load: async () => report } }, b: 'yes', c: 'yes' });
    const firsts = (): string[] => keys(30).map((session) => made.router.explain(hello, { session }).candidates[0]?.provider ?? '');
    const before = firsts();
    await made.router.health();
    await made.clock.settle();
    expect(before).toContain('a');
    expect(firsts().filter((_, at) => before[at] === 'a')).not.toContain('a');
    expect(firsts().filter((_, at) => before[at] !== 'a')).toEqual(before.filter((id) => id !== 'a'));
  });

  test('leaves no gate and no tier', async () => {
    const { router } = fakeRouter({ gpu: 'yes', cpu: 'yes', paid: { does: 'yes', cost: 'paid' } });
    for (const session of keys(30)) {
      const { candidates, skipped } = router.explain(hello, { session });
      expect(candidates.map(({ provider }) => provider)).toEqual(['gpu', 'cpu']);
      expect(skipped.map(({ provider }) => provider)).toEqual(['paid']);
    }
  });
});

describe('1,000 sessions', () => {
  test.each(balances)('spread by weight (%s)', async (balance) => {
    const weights = { a: 5, b: 3, c: 2 };
    const providers = Object.entries(weights).map(([id, weight]): [string, FakeProvider] => [id, { does: 'yes', weight }]);
    const { router } = fakeRouter(Object.fromEntries(providers), { balance });
    const counts: Record<string, number> = {};
    for (const session of keys(1_000)) {
      const { provider } = (await router.chat(prompt(session), { session })).route;
      counts[provider] = (counts[provider] ?? 0) + 1;
    }
    // Four standard deviations of what chance would do.
    for (const [id, weight] of Object.entries(weights)) {
      const share = weight / 10;
      expect(Math.abs((counts[id] ?? 0) - 1_000 * share)).toBeLessThan(4 * Math.sqrt(1_000 * share * (1 - share)));
    }
  });

  test('move only from the provider that is taken away', async () => {
    const providerOf = (ids: readonly string[]) => {
      const { router } = fakeRouter(Object.fromEntries(ids.map((id) => [id, 'yes'])) as Record<string, FakeProvider>);
      return keys(1_000).map((session) => router.explain(hello, { session }).candidates[0]?.provider);
    };
    const before = providerOf(['a', 'b', 'c', 'd']);
    const since = providerOf(['a', 'c', 'd']);
    expect(since.filter((_, at) => before[at] !== 'b')).toEqual(before.filter((id) => id !== 'b'));
  });
});

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

test('of 50,000 sessions nothing is kept', { timeout: 60_000 }, async () => {
  const router = forgetful(['a', 'b', 'c']);
  const explained = (from: number, count: number): void => {
    for (let key = from; key < from + count; key++) router.explain(hello, longKey(key));
  };
  const called = async (from: number, count: number): Promise<void> => {
    for (let key = from; key < from + count; key++) await router.chat(hello, longKey(key));
  };
  explained(0, 3_000);
  await called(3_000, 3_000);
  const before = heapBytes();
  explained(6_000, 30_000);
  await called(36_000, 20_000);
  // The keys of the calls alone would take more than 2 MB.
  expect(heapBytes() - before).toBeLessThan(1_500_000);
});

function longKey(key: number): CallOptions {
  return { session: `session-${key}-${'x'.repeat(100)}` };
}

/** A router over providers that keep no list of their calls, and without a record of events. */
function forgetful(ids: readonly string[]): Router {
  const answer: ChatAnswer = {
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
  };
  const adapter = defineAdapter({ name: 'forgetful', modelName: 'optional', chat: async () => answer });
  const providers = Object.fromEntries(ids.map((id) => [id, { type: 'custom', adapter } as const]));
  return createRouter({ clock: testClock(), balance: 'least-busy', providers });
}

describe('the provider that served a model last', () => {
  const balance = 'least-busy';
  const nextOf = (made: { router: { explain: ReturnType<typeof fakeRouter>['router']['explain'] } }, model = 'm'): string | undefined =>
    made.router.explain(prompt('the next', model)).candidates[0]?.provider;

  test('is learned by fast calls, and neither learned nor asked for by heavy ones', async () => {
    const made = fakeRouter({ a: 'yes', b: 'yes' }, { balance });
    await made.router.chat(prompt('one'), { provider: 'b', intent: 'heavy' });
    expect(nextOf(made)).toBe('a');
    await made.router.chat(prompt('two'), { provider: 'b' });
    expect(nextOf(made)).toBe('b');
    expect(made.router.explain(prompt('three'), { intent: 'heavy' }).candidates[0]?.provider).toBe('a');
    await made.router.chat(prompt('four'), { provider: 'a', intent: 'heavy' });
    expect(nextOf(made)).toBe('b');
  });

  test('is another one for another model', async () => {
    const made = fakeRouter({ a: 'yes', b: 'yes', c: 'yes' }, { balance });
    await made.router.chat(prompt('one', 'm'), { provider: 'b' });
    await made.router.chat(prompt('two', 'n'), { provider: 'c' });
    expect([nextOf(made, 'm'), nextOf(made, 'n'), nextOf(made, 'o')]).toEqual(['b', 'c', 'a']);
  });

  test('is forgotten after half an hour, and so is who has read the prompt', async () => {
    const made = fakeRouter({ a: 'yes', b: 'yes' }, { balance });
    await made.router.chat(prompt('the next'), { provider: 'b' });
    await made.clock.advance(1_799_999);
    expect(nextOf(made)).toBe('b');
    await made.clock.advance(2);
    expect(nextOf(made)).toBe('a');
  });

  test.each<[string, Outcome | readonly Outcome[], string]>([
    ['an open breaker', refused(), 'circuit_open'],
    ['a rest', fault('overloaded', { retryAfterMs: 9_000 }), 'overloaded'],
    ['a pin', fault('out_of_memory'), 'out_of_memory'],
  ])('gets no call past %s', async (_name, failure, code) => {
    const made = fakeRouter({ a: 'yes', b: ['yes', failure as Outcome] }, { balance, breaker: { failureThreshold: 1 } });
    await made.router.chat(prompt('the next'), { provider: 'b' });
    expect(nextOf(made)).toBe('b');
    await made.router.chat(prompt('the next'), { provider: 'b', maxAttempts: 1 }).catch(() => undefined);
    const { candidates, skipped } = made.router.explain(prompt('the next'));
    expect(candidates.map(({ provider }) => provider)).toEqual(['a']);
    expect(skipped).toMatchObject([{ provider: 'b', code }]);
    expect((await made.router.chat(prompt('the next'))).route.provider).toBe('a');
  });

  test('is not learned from a call that failed, nor from one that failed there and was answered elsewhere', async () => {
    const made = fakeRouter({ a: 'yes', b: fault('unsupported') }, { balance });
    await made.router.chat(prompt('the next'), { provider: 'b' }).catch(() => undefined);
    expect(nextOf(made)).toBe('a');
  });

  test('is not learned from a stream that its reader left', async () => {
    const made = fakeRouter({ a: 'yes', b: pieces('one', 'two', 'three') }, { balance });
    const left = await made.router.stream(prompt('the next'), { provider: 'b' });
    for await (const _chunk of left) break;
    expect(made.events.of('request:end')).toMatchObject([{ abandoned: true }]);
    expect(nextOf(made)).toBe('a');
    await readAll(await made.router.stream(prompt('the next'), { provider: 'b' }));
    expect(nextOf(made)).toBe('b');
  });

  test.each(['chat', 'stream'] as const)('is not learned from the answer of a stand-in (%s)', async (verb) => {
    const router = createRouter({
      clock: testClock(),
      balance,
      intents: { fast: { order: [['real', 'stand-in']] } },
      providers: { real: { type: 'stub', reply: 'yes' }, 'stand-in': { type: 'stub', reply: 'yes' } },
    });
    if (verb === 'chat') await router.chat(prompt('the next'), { provider: 'stand-in' });
    else await readAll(await router.stream(prompt('the next'), { provider: 'stand-in' }));
    expect(nextOf({ router })).toBe('real');
  });

  test('gets the next call only while it has at most one call more than the least busy', async () => {
    const made = fakeRouter({ a: hang, b: ['yes', hang] }, { balance });
    await made.router.chat(prompt('one'), { provider: 'b' });
    for (const [busy, expected] of [
      [0, 'b'],
      [1, 'b'],
      [2, 'a'],
    ] as const) {
      expect([busy, nextOf(made)]).toEqual([busy, expected]);
      outcomeOf(made.router.chat(prompt(`busy ${busy}`), { provider: 'b' }));
    }
    outcomeOf(made.router.chat(prompt('elsewhere'), { provider: 'a' }));
    outcomeOf(made.router.chat(prompt('elsewhere too'), { provider: 'a' }));
    await made.clock.settle();
    expect(nextOf(made)).toBe('b');
    await made.router.close({ drainMs: 0 });
  });

  test('that fails at once loses what it had: 200 conversations that it has read do not pay for it one by one', async () => {
    const broken = { now: false };
    const breaker = { failureThreshold: 1_000, minimumOutcomes: 1_000 };
    const does = (): Outcome => (broken.now ? fault('driver') : 'yes');
    const made = fakeRouter({ a: 'yes', b: does }, { balance, breaker });
    for (const key of keys(200)) await made.router.chat(prompt(key), { provider: 'b' });
    broken.now = true;
    for (const key of keys(200)) await made.router.chat(prompt(key));
    expect(made.fakes.b.calls.length - 200).toBeGreaterThan(0);
    expect(made.fakes.b.calls.length - 200).toBeLessThan(10);
  });
});
