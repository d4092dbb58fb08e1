import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LoadReport } from '../../src/core/adapter.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import type { CallOptions } from '../../src/config/call-options.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import { after, fault, hang, type Outcome, refused } from '../_kit/fake-adapter.ts';
import { type FakeProvider, fakeRouter, type FakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

type Options = Omit<RouterOptions, 'providers'>;

/** Whose turn it was, call by call. */
const firsts = ({ events }: Pick<FakeRouter<string>, 'events'>): string[] =>
  events.of('attempt:start').flatMap(({ attempt, provider }) => (attempt === 1 ? [provider] : []));

/** How far the count of anybody was from its exact share, at the worst, over all beginnings of the list. */
function worstShare(dealt: readonly string[], weights: Readonly<Record<string, number>>): number {
  const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
  return Math.max(...Object.entries(weights).flatMap(([id, weight]) => excesses(dealt, id, weight / sum).map(Math.abs)));
}

/** By how much a provider was above its share after the first call, after the second and so on. */
function excesses(dealt: readonly string[], id: string, share: number): number[] {
  let count = 0;
  return dealt.map((each, index) => (count += each === id ? 1 : 0) - share * (index + 1));
}

const countOf = (dealt: readonly string[], id: string): number => dealt.filter((each) => each === id).length;

/** Begins a call each so often, and waits for none of them. */
async function traffic(
  { router, clock }: FakeRouter<string>,
  count: number,
  everyMs: number,
  requestFor: (call: number) => ChatRequest = () => hello,
  options: CallOptions = {},
): Promise<void> {
  for (let call = 0; call < count; call++) {
    router.chat(requestFor(call), options).catch(() => undefined);
    await clock.advance(everyMs);
  }
}

/** A prompt that no other begins like, of about so many tokens. */
const prompt = (name: number | string, tokens = 10): ChatRequest => ({
  model: 'm',
  messages: [{ role: 'user', content: `${name} ${'word '.repeat(tokens)}` }],
});

/** Equals that answer after as long as `speeds` says at that moment. */
function equals<Id extends string>(
  speeds: Record<Id, number>,
  options: Options,
  more: Omit<FakeProvider & object, 'does'> = {},
): FakeRouter<Id> {
  const ids = Object.keys(speeds) as Id[];
  const providers = ids.map((id): [Id, FakeProvider] => [id, { ...more, does: () => after(speeds[id], 'yes') }]);
  return fakeRouter(Object.fromEntries(providers) as Record<Id, FakeProvider>, options);
}

describe('priority', () => {
  test('the first of the registry gets every call, however busy it is', async () => {
    const made = equals({ c: 1_000, a: 10, b: 10 }, { balance: 'priority' });
    await traffic(made, 20, 10);
    expect(new Set(firsts(made))).toEqual(new Set(['c']));
  });
});

/** Providers with these weights that all do the same. */
function weighted(weights: Readonly<Record<string, number>>, does: Outcome = 'yes', options: Options = {}): FakeRouter<string> {
  const providers = Object.entries(weights).map(([id, weight]): [string, FakeProvider] => [id, { does, weight }]);
  return fakeRouter(Object.fromEntries(providers), { balance: 'weighted', ...options });
}

describe('weighted', () => {
  test('nobody is ever a call away from its share, whatever the weights', async () => {
    const anyWeight = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.double({ min: 0.1, max: 10, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(fc.array(anyWeight, { minLength: 2, maxLength: 8 }), async (list) => {
        const weights = Object.fromEntries(list.map((weight, index) => [`p${index}`, weight]));
        const made = weighted(weights);
        for (let call = 0; call < 120; call++) await made.router.chat(hello);
        expect(worstShare(firsts(made), weights)).toBeLessThan(1);
      }),
      { numRuns: 25 },
    );
  });

  test('0.7 and 0.3 give seven and three of each ten', async () => {
    const made = weighted({ gpu: 0.7, cpu: 0.3 }, 'yes', { intents: { fast: { order: [['gpu', 'cpu']] } } });
    for (let call = 0; call < 100; call++) await made.router.chat(hello);
    const dealt = firsts(made);
    for (let from = 0; from < 100; from += 10) expect(countOf(dealt.slice(from, from + 10), 'cpu')).toBe(3);
    expect(worstShare(dealt, { gpu: 0.7, cpu: 0.3 })).toBeLessThan(1);
  });

  test('holds for 100 calls at once', async () => {
    const weights = { a: 5, b: 3, c: 1 };
    const made = weighted(weights, after(100, 'yes'));
    await made.clock.run(Promise.all(Array.from({ length: 100 }, () => made.router.chat(hello))));
    expect(firsts(made)).toHaveLength(100);
    expect(worstShare(firsts(made), weights)).toBeLessThan(1);
  });

  test('charges a call that fails over to the one whose turn it was', async () => {
    const weights = { a: 2, b: 1, c: 1 };
    const fine = weighted(weights);
    const failing = fakeRouter({ a: { does: 'yes', weight: 2 }, b: fault('unsupported'), c: 'yes' }, { balance: 'weighted' });
    for (const { router } of [fine, failing]) for (let call = 0; call < 100; call++) await router.chat(hello);
    expect(failing.fakes.b.calls).toHaveLength(25);
    expect(failing.fakes.a.calls).toHaveLength(75);
    expect(firsts(failing)).toEqual(firsts(fine));
  });

  test('explain() takes no turn', async () => {
    const made = weighted({ a: 1, b: 1 });
    for (let call = 0; call < 10; call++) {
      for (let count = 0; count < 3; count++) expect(made.router.explain(hello).candidates[0]?.provider).toBe('ab'[call % 2]);
      await made.router.chat(hello);
    }
    expect(firsts(made).join('')).toBe('ababababab');
  });

  test('each intent has shares of its own', async () => {
    const made = weighted({ a: 1, b: 1 }, 'yes', { intents: { other: {} } });
    for (let call = 0; call < 20; call++) await made.router.chat(hello, { intent: call % 2 === 0 ? 'fast' : 'other' });
    expect(firsts(made).join('')).toBe('aabb'.repeat(5));
  });

  test('each tier has shares of its own', async () => {
    const rests = { now: false };
    const first = (): Outcome => (rests.now ? fault('overloaded', { retryAfterMs: 5_000 }) : 'yes');
    const order = [
      ['a', 'b'],
      ['c', 'd'],
    ];
    const made = fakeRouter({ a: first, b: first, c: 'yes', d: 'yes' }, { balance: 'weighted', intents: { fast: { order } } });
    for (let round = 0; round < 4; round++) {
      for (let call = 0; call < 5; call++) await made.router.chat(hello);
      rests.now = true;
      for (let call = 0; call < 5; call++) await made.router.chat(hello);
      rests.now = false;
      await made.clock.advance(5_000);
    }
    const dealt = firsts(made);
    expect(
      worstShare(
        dealt.filter((id) => id === 'a' || id === 'b'),
        { a: 1, b: 1 },
      ),
    ).toBeLessThan(1);
    expect(
      worstShare(
        dealt.filter((id) => id === 'c' || id === 'd'),
        { c: 1, d: 1 },
      ),
    ).toBeLessThan(1);
  });

  test.each<[string, Record<'a' | 'b' | 'c', number>, number, Outcome]>([
    ['as heavy as the others, refused', { a: 1, b: 1, c: 1 }, 100, refused()],
    ['heavier than the others, refused', { a: 1, b: 1, c: 3 }, 100, refused()],
    ['lighter than the others, refused', { a: 4, b: 3, c: 1 }, 100, refused()],
    ['whose calls are many at once, refused', { a: 1, b: 1, c: 3 }, 2_000, refused()],
    ['whose calls are many at once, failing', { a: 2, b: 1, c: 2 }, 2_000, fault('unavailable', { status: 500 })],
    ['without room', { a: 1, b: 1, c: 1 }, 100, fault('overloaded', { status: 503 })],
  ])('one that was out has nothing to catch up with: %s', async (_name, weights, serviceMs, failure) => {
    const out = { now: false };
    const does = after(serviceMs, 'yes');
    const made = fakeRouter(
      { a: { does, weight: weights.a }, b: { does, weight: weights.b }, c: { does: () => (out.now ? failure : does), weight: weights.c } },
      { balance: 'weighted' },
    );
    await traffic(made, 90, 100);
    expect(worstShare(firsts(made), weights)).toBeLessThan(1);
    out.now = true;
    await traffic(made, 200, 100);
    const before = firsts(made).length;
    out.now = false;
    await traffic(made, 500, 100);
    const dealt = firsts(made).slice(before);
    const since = dealt.slice(dealt.indexOf('c'));
    const share = weights.c / (weights.a + weights.b + weights.c);
    expect(Math.max(...excesses(since.slice(0, 100), 'c', share))).toBeLessThanOrEqual(1);
    expect(countOf(since.slice(0, 100), 'c')).toBeGreaterThan(10);
    expect(worstShare(since.slice(-100), weights)).toBeLessThan(2);
  });

  test('one whose slots were all taken has nothing to catch up with', async () => {
    const speeds = { a: 2_000, b: 10, c: 10 };
    const made = equals(speeds, { balance: 'weighted' }, { maxConcurrent: 1 });
    await traffic(made, 200, 100);
    const full = firsts(made);
    expect(countOf(full, 'a')).toBe(10);
    expect(
      worstShare(
        full.filter((id) => id !== 'a'),
        { b: 1, c: 1 },
      ),
    ).toBeLessThan(2);
    speeds.a = 10;
    await made.clock.advance(2_000);
    await traffic(made, 100, 100);
    expect(Math.max(...excesses(firsts(made).slice(200), 'a', 1 / 3))).toBeLessThanOrEqual(1);
    expect(worstShare(firsts(made).slice(200), { a: 1, b: 1, c: 1 })).toBeLessThan(2);
  });
});

describe('least-busy', () => {
  const balance = 'least-busy';
  // Nothing is learned by them, so that only the load decides.
  const intents = { heavy: { balance } } as const;

  test('counts the calls that wait with those under way', async () => {
    const { router, clock } = fakeRouter({ a: { does: hang, maxConcurrent: 1 }, b: hang }, { balance, intents });
    for (const provider of ['a', 'a', 'a', 'b', 'b'] as const) outcomeOf(router.chat(hello, { provider }));
    await clock.settle();
    expect(router.snapshot().providers.map(({ inFlight }) => inFlight)).toEqual([1, 2]);
    expect(router.explain(prompt('new')).candidates.map(({ provider }) => provider)).toEqual(['b', 'a']);
    await router.close({ drainMs: 0 });
  });

  test('counts the calls of others that the server tells of', async () => {
    const report: LoadReport = { running: 3, waiting: 2 };
    const made = fakeRouter({ a: { does: hang, fake: { load: async () => report } }, b: hang }, { balance, intents });
    await made.clock.settle();
    for (let call = 0; call < 6; call++) outcomeOf(made.router.chat(prompt(call), { intent: 'heavy' }));
    await made.clock.settle();
    expect(firsts(made).join('')).toBe('bbbbba');
    await made.router.close({ drainMs: 0 });
  });

  test('keeps calls in proportion to the weights', async () => {
    const made = fakeRouter({ a: { does: hang, weight: 1 }, b: { does: hang, weight: 3 } }, { balance, intents });
    for (let call = 0; call < 40; call++) outcomeOf(made.router.chat(prompt(call), { intent: 'heavy' }));
    await made.clock.settle();
    expect([made.fakes.a.calls.length, made.fakes.b.calls.length]).toEqual([10, 30]);
    await made.router.close({ drainMs: 0 });
  });

  test('gives a slow one fewer calls', async () => {
    const made = equals({ slow: 900, quick: 300 }, { balance, intents });
    await traffic(made, 400, 50, undefined, { intent: 'heavy' });
    expect(made.fakes.quick.calls.length).toBeGreaterThan(280);
    expect(made.fakes.slow.calls.length).toBeGreaterThan(80);
  });
});

describe.each(['least-busy', 'expected-ttft'] as const)('%s and a provider that fails at once', (balance) => {
  // Of no window's outcomes are there ever enough.
  const off = { failureThreshold: 1_000, minimumOutcomes: 1_000, windowMs: 1 };
  const failures = {
    'answers 503 in 50 ms': after(50, fault('overloaded', { status: 503 })),
    'answers 500 in 50 ms': after(50, fault('unavailable', { status: 500 })),
    'refuses connections': refused(),
  };

  test.each(
    Object.entries(failures).flatMap(([name, failure]) => [
      [name, 'breakers as they are', failure, {}] as const,
      [name, 'breakers as good as off', failure, { breaker: off }] as const,
    ]),
  )('that %s, with %s, gets less than a twentieth, and its share again within two minutes', async (_name, _breakers, failure, options) => {
    const broken = { now: true };
    const does = after(400, 'yes');
    // Where speed decides, an equal has no share of its own: there it comes back faster than the others.
    const better = balance === 'expected-ttft' ? after(200, 'yes') : does;
    const even = { affinity: false };
    const made = fakeRouter(
      { bad: () => (broken.now ? failure : better), good: does, fine: does },
      { balance, intents: { even }, ...options },
    );
    let prompts = 0;
    const another = (): ChatRequest => prompt((prompts += 1));
    await traffic(made, 1_000, 60, another);
    expect(made.fakes.bad.calls.length).toBeGreaterThan(0);
    expect(made.fakes.bad.calls.length).toBeLessThan(50);
    expect(made.events.of('request:error')).toEqual([]);
    broken.now = false;
    await traffic(made, 240, 500, another, { intent: 'even' });
    const before = made.fakes.bad.calls.length;
    await traffic(made, 300, 60, another, { intent: 'even' });
    expect(made.fakes.bad.calls.length - before).toBeGreaterThan(100);
  });

  test.each(Object.entries(failures))('that %s gets no more where the others have 40 calls each', async (_name, failure) => {
    const does = after(400, 'yes');
    const made = fakeRouter({ bad: failure, good: does, fine: does }, { balance, breaker: off });
    await traffic(made, 1_000, 5, prompt);
    expect(made.fakes.bad.calls.length).toBeGreaterThan(0);
    expect(made.fakes.bad.calls.length).toBeLessThan(50);
  });
});

describe('expected-ttft', () => {
  const balance = 'expected-ttft';

  test('tries each once, and stays with the fastest', async () => {
    const made = equals({ a: 1_000, b: 200, c: 600 }, { balance });
    for (let call = 0; call < 30; call++) await made.clock.run(made.router.chat(prompt(call)));
    expect(firsts(made).join('')).toBe(`abc${'b'.repeat(27)}`);
  });

  test('leaves one that became slow, after a few calls', async () => {
    const speeds = { a: 1_000, b: 200, c: 600 };
    const made = equals(speeds, { balance });
    for (let call = 0; call < 20; call++) await made.clock.run(made.router.chat(prompt(call)));
    speeds.b = 2_000;
    for (let call = 0; call < 20; call++) await made.clock.run(made.router.chat(prompt(call)));
    const since = firsts(made).slice(20).join('');
    expect(since).toMatch(/^b{1,10}c{10,}$/);
  });

  test('comes back to one that became fast, though it was slow when it was last asked', async () => {
    const speeds = { a: 800, b: 200 };
    const made = equals(speeds, { balance });
    await traffic(made, 60, 10_000, prompt);
    expect(countOf(firsts(made), 'a')).toBe(1);
    speeds.a = 50;
    await traffic(made, 90, 10_000, prompt);
    expect(countOf(firsts(made).slice(-20), 'a')).toBeGreaterThan(17);
  });

  test('of 100 calls at once, one goes to each provider that nothing is known of', async () => {
    const made = equals({ known: 200, x: 200, y: 200 }, { balance });
    await made.clock.run(made.router.chat(prompt('first'), { provider: 'known' }));
    const calls = Array.from({ length: 100 }, (_, call) => made.router.chat(prompt(call)));
    await made.clock.run(Promise.all(calls));
    expect([made.fakes.x.calls.length, made.fakes.y.calls.length, made.fakes.known.calls.length]).toEqual([1, 1, 99]);
  });

  test('a first call there that hangs is not followed by others', async () => {
    const made = fakeRouter({ silent: hang, known: after(200, 'yes') }, { balance });
    await made.clock.run(made.router.chat(prompt('first'), { provider: 'known' }));
    outcomeOf(made.router.chat(prompt('second')));
    for (let call = 0; call < 20; call++) await made.clock.run(made.router.chat(prompt(call)));
    expect([made.fakes.silent.calls.length, made.fakes.known.calls.length]).toEqual([1, 21]);
    await made.router.close({ drainMs: 0 });
  });

  test.each([
    [4_000, 5_990, 'cold'],
    [4_000, 6_010, 'warm'],
    [1_000, 1_490, 'cold'],
    [1_000, 1_510, 'warm'],
  ] as const)(
    'with one call of %d ms ahead, the second goes to an idle one that loads for %d ms or waits: %s',
    async (serviceMs, loadMs, chosen) => {
      const reports: Record<'cold' | 'warm', LoadReport> = { cold: { resident: [resident('m')] }, warm: { resident: [resident('m')] } };
      const providerFor = (id: 'cold' | 'warm'): FakeProvider => ({
        does: after(serviceMs, 'yes'),
        maxConcurrent: 1,
        fake: {
          load: async () => reports[id],
          health: async () => ({ state: 'ok' }),
          models: async () => [{ id: 'm', sizeBytes: loadMs / 1.7e-6 }],
          listsAllModels: false,
        },
      });
      const made = fakeRouter({ cold: providerFor('cold'), warm: providerFor('warm') }, { balance });
      for (const provider of ['cold', 'warm'] as const) await made.clock.run(made.router.chat(prompt('same'), { provider }));
      reports.cold = { resident: [] };
      await made.clock.advance(1);
      await made.router.health();
      made.events.clear();
      const both = [made.router.chat(prompt('one')), made.router.chat(prompt('two'))];
      await made.clock.run(Promise.all(both));
      expect(firsts(made)).toEqual(['warm', chosen]);
    },
  );

  describe('and prompts of different lengths', () => {
    /** Answers after a fixed time and as long again for each token of the prompt that it has not seen. */
    function reading<Id extends string>(
      speeds: Readonly<Record<Id, readonly [number, number]>>,
      options: Omit<FakeProvider & object, 'does'> = {},
    ) {
      const providers = (Object.entries(speeds) as [Id, readonly [number, number]][]).map(
        ([id, [baseMs, perTokenMs]]): [Id, FakeProvider] => {
          const does = (): Outcome => after(baseMs + perTokenMs * tokensOf(made.fakes[id].calls.at(-1)?.request), 'yes');
          return [id, { ...options, does }];
        },
      );
      const made = fakeRouter(Object.fromEntries(providers) as Record<Id, FakeProvider>, { balance });
      const learn = async (): Promise<void> => {
        for (const provider of Object.keys(speeds) as Id[]) {
          for (const tokens of [20, 2_000, 50, 1_000, 20]) {
            await made.clock.run(made.router.chat(prompt(`${provider}${tokens}`, tokens), { provider }));
          }
        }
      };
      const providerOf = async (request: ChatRequest): Promise<string> => (await made.clock.run(made.router.chat(request))).route.provider;
      return { ...made, learn, providerOf };
    }

    test('sends long ones to the machine that reads fast, and short ones to the one that begins fast', async () => {
      const { learn, providerOf } = reading({ nimble: [100, 2], strong: [1_000, 0.1] });
      await learn();
      const chosen: string[] = [];
      for (const tokens of [10, 3_000, 100, 1_500]) chosen.push(await providerOf(prompt(`new ${tokens}`, tokens)));
      expect(chosen).toEqual(['nimble', 'strong', 'nimble', 'strong']);
    });

    test('sends the next turn of a conversation where the last one went, unless that one is busy', async () => {
      const { learn, providerOf, router, clock } = reading({ a: [100, 1], b: [100, 1] }, { maxConcurrent: 1 });
      await learn();
      const first = prompt('a conversation', 1_000);
      await clock.run(router.chat(first, { provider: 'b' }));
      const next: ChatRequest = {
        ...first,
        messages: [...first.messages, { role: 'assistant', content: 'yes' }, ...prompt('and').messages],
      };
      const scores = router.explain(next).candidates.map(({ provider, seenTokens }) => [provider, seenTokens > 900]);
      expect(scores).toEqual([
        ['b', true],
        ['a', false],
      ]);
      expect(await providerOf(next)).toBe('b');
      expect(await providerOf(prompt('another conversation', 1_000))).toBe('a');
      const other = Promise.all(['long', 'longer'].map((name) => router.chat(prompt(name, 3_000), { provider: 'b' })));
      expect(router.explain(next).candidates[0]?.provider).toBe('a');
      await clock.run(other);
      expect(router.explain(next).candidates[0]?.provider).toBe('b');
    });
  });

  test('one that fails at once every other time is not faster than one that needs a second', async () => {
    const made = fakeRouter(
      { hasty: (call) => after(50, call % 2 === 0 ? fault('driver') : 'yes'), steady: after(1_000, 'yes') },
      { balance, breaker: { failureThreshold: 1_000, minimumOutcomes: 1_000 } },
    );
    for (let call = 0; call < 300; call++) await made.clock.run(made.router.chat(prompt(call)));
    expect(made.fakes.hasty.calls.length).toBeGreaterThan(2);
    expect(made.fakes.hasty.calls.length).toBeLessThan(45);
  });
});

/** About as many as the router estimates. */
function tokensOf(request: unknown): number {
  return JSON.stringify(request).length / 4;
}

function resident(id: string): NonNullable<LoadReport['resident']>[number] {
  return { id };
}

/** Four calls of a second each, and then calls without end. */
const four = (call: number): Outcome => (call < 4 ? after(1_000, 'yes') : hang);

describe('what one call has shown of a machine holds for others', () => {
  test('of another intent as well: the same machine is no stranger to it', async () => {
    const order = [['slow', 'quick']];
    const { router, clock } = fakeRouter(
      { slow: after(3_000, 'slow'), quick: after(300, 'quick') },
      { balance: 'expected-ttft', intents: { fast: { order }, mine: { order } } },
    );
    for (let count = 0; count < 4; count++) {
      for (const provider of ['slow', 'quick']) await clock.run(router.chat(hello, { provider }));
    }
    const { route } = await clock.run(router.chat(hello, { intent: 'mine' }));
    expect(route.provider).toBe('quick');
  });

  test.each([
    [12, 0],
    [0, 1],
  ])('and a server that once ran %d requests at once, none of which waited, serves as many', async (running, sign) => {
    const told = { running, waiting: 0 };
    const load = async (): Promise<typeof told> => told;
    const made = fakeRouter(
      { a: { does: four, locality: 'host', fake: { load, health: async () => ({ state: 'ok' }) } } },
      { balance: 'expected-ttft', pollMs: false },
    );
    for (let count = 0; count < 4; count++) await made.clock.run(made.router.chat(hello));
    await made.router.health();
    told.running = 0;
    await made.router.health();
    for (let count = 0; count < 6; count++) void outcomeOf(made.router.chat(hello));
    await made.clock.settle();
    expect(Math.sign(made.router.explain(hello).candidates[0]?.score?.queueMs ?? Number.NaN)).toBe(sign);
  });
});
