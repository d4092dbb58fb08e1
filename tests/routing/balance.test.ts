import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Balance } from '../../src/routing/balance.ts';
import type { Score } from '../../src/routing/expected-time.ts';
import { createShares } from '../../src/routing/weighted.ts';
import { type Asked, type Described, facts, planned, planOf } from '../_kit/candidates.ts';

const orderOf = (list: readonly Described[], asked: Asked): string => planned(list, asked).order.join(' ');

const balances: readonly Balance[] = ['priority', 'weighted', 'least-busy', 'expected-ttft'];

describe('whatever the balance', () => {
  test.each(balances)('nobody goes before a provider that the intent puts first (%s)', (balance) => {
    const list = [
      facts('idle', { device: 'cpu' }),
      facts('crowded', { busy: 50, elsewhere: 50, loadMs: 9_000, successShare: 0.1, weight: 0.1 }),
    ];
    const shared = new Map([['idle', 1_000]]);
    const asked = { balance, affinity: true, lastServed: 'idle', shared };
    expect(orderOf(list, asked)).toBe('crowded idle');
    expect(orderOf(list, { ...asked, session: 's' })).toBe('crowded idle');
  });

  test('every member of a tier has one place, also of more than are put in order', () => {
    const member = fc.record({
      busy: fc.nat(3),
      elsewhere: fc.nat(2),
      loadMs: fc.constantFrom(0, 9_000),
      successShare: fc.constantFrom(1, 0.4, 0),
      weight: fc.constantFrom(0.5, 1, 3),
      isFull: fc.boolean(),
    });
    const asked = fc.record({
      balance: fc.constantFrom(...balances),
      affinity: fc.boolean(),
      lastServed: fc.constantFrom(undefined, 'p0', 'p3'),
      session: fc.constantFrom(undefined, 'one', 'two'),
    });
    fc.assert(
      fc.property(fc.array(member, { maxLength: 40 }), asked, (members, how) => {
        const list = members.map((each, index) => facts(`p${index}`, each));
        const { order } = planned(list, { ...how, shared: new Map([['p2', 10]]) });
        expect(order.toSorted()).toEqual(list.map(({ provider }) => provider).toSorted());
      }),
    );
  });
});

describe('priority', () => {
  test('has the order of the registry among equals', () => {
    const list = ['c', 'a', 'b'].map((id, index) => facts(id, { busy: 3 - index, weight: index + 1 }));
    expect(orderOf(list, { balance: 'priority' })).toBe('c a b');
    expect(orderOf(list.toReversed(), { balance: 'priority' })).toBe('b a c');
  });

  test('puts the first that has the model in memory before one that would have to load it, where affinity is on', () => {
    const list = [facts('cold', { loadMs: 1 }), facts('colder', { loadMs: 9 }), facts('warm'), facts('also warm')];
    expect(orderOf(list, { affinity: true })).toBe('warm cold colder also warm');
    expect(orderOf(list, { affinity: false })).toBe('cold colder warm also warm');
  });

  test('keeps its order where the first has the model in memory', () => {
    expect(orderOf([facts('a', { busy: 9 }), facts('cold', { loadMs: 1 }), facts('b')], { affinity: true })).toBe('a cold b');
  });

  test.each<[string, Partial<Described>, string]>([
    ['has one call more than the least busy', { busy: 1 }, 'warm cold'],
    ['has two calls more', { busy: 2 }, 'cold warm'],
    ['serves two calls of others more', { elsewhere: 2 }, 'cold warm'],
    ['has no free slot', { isFull: true }, 'cold warm'],
    ['has failed again and again', { successShare: 0.3 }, 'cold warm'],
  ])('and where the warm one %s', (_name, other, order) => {
    expect(orderOf([facts('cold', { loadMs: 9_000 }), facts('warm', other)], { affinity: true })).toBe(order);
  });
});

/** The orders of so many calls, each of which takes its turn. */
function takeTurns(list: readonly Described[], count: number, asked: Asked = {}): string[] {
  return Array.from({ length: count }, () => {
    const { candidates, turn } = planOf(list, { balance: 'weighted', ...asked });
    turn?.shares.take(turn.members, turn.index);
    return candidates.map(({ provider }) => provider).join(' ');
  });
}

describe('weighted', () => {
  test('whoever has the turn goes first, and the others follow as the registry has them', () => {
    const list = [facts('a'), facts('b'), facts('c')];
    expect(takeTurns(list, 4, { shares: createShares() })).toEqual(['a b c', 'b a c', 'c a b', 'a b c']);
  });

  test('a plan alone gives no turn out', () => {
    const list = [facts('a'), facts('b')];
    const shares = createShares();
    for (let count = 0; count < 5; count++) expect(orderOf(list, { balance: 'weighted', shares })).toBe('a b');
  });

  test('one without a free slot has no turn while another has a slot, and has it again where nobody has', () => {
    const full = facts('full', { isFull: true });
    expect(takeTurns([full, facts('b'), facts('c')], 4, { shares: createShares() })).toEqual([
      'b full c',
      'c full b',
      'b full c',
      'c full b',
    ]);
    expect(takeTurns([full, facts('b', { isFull: true })], 2, { shares: createShares() })).toEqual(['full b', 'b full']);
  });

  test('only the tier that is tried first gives out a turn', () => {
    const list = [facts('a'), facts('b'), facts('far', { device: 'cloud' }), facts('off', { device: 'cloud' })];
    const { turn } = planOf(list, { balance: 'weighted' });
    expect(turn?.members.map(({ provider }) => provider)).toEqual(['a', 'b']);
    expect(planOf([facts('only'), ...list.slice(2)], { balance: 'weighted' }).turn).toBeUndefined();
  });

  test('a session takes no turn', () => {
    expect(planOf([facts('a'), facts('b')], { balance: 'weighted', session: 's' }).turn).toBeUndefined();
  });
});

describe('least-busy', () => {
  const order = (...list: readonly Described[]): string => orderOf(list, { balance: 'least-busy' });

  test('counts our own calls and those of others alike', () => {
    expect(order(facts('c', { busy: 3 }), facts('b', { busy: 1, elsewhere: 1 }), facts('a', { elsewhere: 1 }))).toBe('a b c');
  });

  test('has the order of the registry between equals', () => {
    expect(order(facts('c'), facts('a'), facts('b'))).toBe('c a b');
  });

  test('counts per weight, and the call that is about to begin with it', () => {
    expect(order(facts('small', { busy: 0 }), facts('large', { weight: 3, busy: 1 }))).toBe('large small');
    expect(order(facts('small', { busy: 0 }), facts('large', { weight: 3, busy: 3 }))).toBe('small large');
  });

  test.each<[number, string]>([
    [0.95, 'idle busy'],
    [0.6, 'idle busy'],
    [0.25, 'busy idle'],
    [0, 'busy idle'],
  ])('one that succeeds in %d of its attempts is never idle', (successShare, expected) => {
    expect(order(facts('idle', { successShare }), facts('busy', { busy: 1 }))).toBe(expected);
  });

  test('one that failed long ago is as good as any, also between equals', () => {
    expect(order(facts('a', { successShare: 0.95 }), facts('b'))).toBe('a b');
    expect(order(facts('a', { successShare: 0.85 }), facts('b'))).toBe('b a');
  });

  test('one that always fails is asked only where the others have 1,000 times as much to do', () => {
    expect(order(facts('broken', { successShare: 0 }), facts('busy', { busy: 900 }))).toBe('busy broken');
    expect(order(facts('broken', { successShare: 0 }), facts('busy', { busy: 1_001 }))).toBe('broken busy');
  });

  test('puts the first 16 in order, and the rest stays as the registry has it', () => {
    const list = Array.from({ length: 20 }, (_, index) => facts(`p${index}`, { busy: 20 - index }));
    const byLoad = Array.from({ length: 16 }, (_, index) => `p${19 - index}`);
    expect(order(...list)).toBe([...byLoad, 'p0', 'p1', 'p2', 'p3'].join(' '));
  });
});

describe('least-busy, with what is probably in memory', () => {
  const order = (list: readonly Described[], asked: Asked): string => orderOf(list, { balance: 'least-busy', affinity: true, ...asked });

  test.each<[string, Partial<Described>, string]>([
    ['is as idle as any', {}, 'last b'],
    ['has one call more than the least busy', { busy: 1 }, 'last b'],
    ['serves one call of others', { elsewhere: 1 }, 'last b'],
    ['has two calls more', { busy: 2 }, 'b last'],
    ['serves two calls of others', { elsewhere: 2 }, 'b last'],
    ['has one call, and one of others', { busy: 1, elsewhere: 1 }, 'b last'],
    ['has no free slot', { isFull: true, busy: 1 }, 'b last'],
    ['has failed once', { successShare: 0.6 }, 'last b'],
    ['has failed three times', { successShare: 0.216 }, 'b last'],
    ['has one call more, and failed long ago', { busy: 1, successShare: 0.999 }, 'last b'],
    ['has one call more, and has just failed', { busy: 1, successShare: 0.6 }, 'b last'],
  ])('the provider that served the model last, and %s', (_name, other, expected) => {
    expect(order([facts('b'), facts('last', other)], { lastServed: 'last' })).toBe(expected);
  });

  test('the one that has seen most of the prompt goes before one that has seen less, and before the last one', () => {
    const list = [facts('a'), facts('last'), facts('some'), facts('most')];
    const shared = new Map([
      ['some', 100],
      ['most', 200],
    ]);
    expect(order(list, { shared, lastServed: 'last' })).toBe('most a last some');
    expect(order([...list.slice(0, 3), facts('most', { busy: 2 })], { shared, lastServed: 'last' })).toBe('some a last most');
  });

  test.each<[string, Partial<Described>, number, string]>([
    ['is 4 calls ahead of two idle ones', { busy: 4 }, 0, 'known b c'],
    ['is 8 calls ahead of them', { busy: 8 }, 0, 'b c known'],
    ['has 8 calls of others there', { elsewhere: 8 }, 0, 'b c known'],
    ['has a quarter more than its share, and 4', { busy: 30 }, 17, 'known b c'],
    ['has more than that', { busy: 36 }, 17, 'b c known'],
    ['has more than that, and twice the weight', { busy: 36, weight: 2 }, 17, 'known b c'],
  ])('one that has seen more, has slots enough, and %s', (_name, known, others, expected) => {
    const list = [facts('b', { busy: others }), facts('known', { slots: 64, ...known }), facts('c', { busy: others })];
    expect(order(list, { shared: new Map([['known', 10]]) })).toBe(expected);
  });

  test('of two that have seen as much, the one that served last', () => {
    const shared = new Map([
      ['a', 100],
      ['b', 100],
    ]);
    expect(order([facts('a'), facts('b')], { shared, lastServed: 'b' })).toBe('b a');
    expect(order([facts('a'), facts('b')], { shared })).toBe('a b');
  });

  test('one that is not among the equals changes nothing', () => {
    expect(order([facts('a'), facts('b')], { lastServed: 'gone', shared: new Map([['gone', 9]]) })).toBe('a b');
  });
});

function scoreOf(totalMs: number): Score {
  return { totalMs, queueMs: 0, loadMs: 0, answerMs: totalMs, failureMs: 0, savedMs: 0, isGuess: false };
}

describe('expected-ttft', () => {
  test('the soonest goes first, and each has the score that decided', () => {
    const expected: Readonly<Record<string, number>> = { a: 300, b: 100, c: 200, d: 100 };
    const list = Object.keys(expected).map((id) => facts(id));
    const { candidates } = planOf(list, { balance: 'expected-ttft', scoreFor: ({ place }) => scoreOf(expected[place.provider] ?? 0) });
    expect(candidates.map(({ provider, score }) => `${provider} ${score?.totalMs}`)).toEqual(['b 100', 'd 100', 'c 200', 'a 300']);
  });

  test('asks for no score where it decides nothing, unless the plan is for a person', () => {
    const scoreFor = (): Score => scoreOf(7);
    const list = [facts('a'), facts('b')];
    const totals = (asked: Asked): (number | undefined)[] =>
      planOf(list, { scoreFor, ...asked }).candidates.map(({ score }) => score?.totalMs);
    for (const balance of ['priority', 'weighted', 'least-busy'] as const) {
      expect(totals({ balance })).toEqual([undefined, undefined]);
      expect(totals({ balance, isShown: true })).toEqual([7, 7]);
    }
    expect(totals({ balance: 'expected-ttft', session: 's' })).toEqual([undefined, undefined]);
  });
});

/** The first has so many calls under way, and each other one three. */
function loaded(busy: number): Described[] {
  return ['a', 'b', 'c', 'd'].map((id) => facts(id, { busy: id === 'a' ? busy : 3 }));
}

describe('a session', () => {
  test.each(balances)('has an order of its own, the same every time (%s)', (balance) => {
    const list = ['a', 'b', 'c', 'd'].map((id) => facts(id));
    const orders = Array.from({ length: 50 }, (_, key) => orderOf(list, { balance, session: `s${key}` }));
    expect(orders).toEqual(Array.from({ length: 50 }, (_, key) => orderOf(list.toReversed(), { balance: 'priority', session: `s${key}` })));
    expect(new Set(orders.map((order) => order.slice(0, 1))).size).toBe(4);
  });

  test('outweighs affinity', () => {
    const list = ['a', 'b', 'c', 'd'].map((id) => facts(id));
    for (const session of ['s', 't', 'u', 'v', 'w']) {
      const shared = new Map([['a', 100]]);
      expect(orderOf(list, { balance: 'least-busy', affinity: true, lastServed: 'b', shared, session })).toBe(orderOf(list, { session }));
    }
  });

  test('leaves its provider while that has more than 1.25 times its share of all calls', () => {
    const session = Array.from({ length: 20 }, (_, key) => `s${key}`).find((key) => orderOf(loaded(3), { session: key }).startsWith('a'));
    expect(session).toBeDefined();
    // With four calls of 13 it has no more than five, and with six of 15 one more.
    expect(orderOf(loaded(4), { session }).slice(0, 1)).toBe('a');
    expect(orderOf(loaded(6), { session }).slice(-1)).toBe('a');
  });
});

/** A session whose first choice among these is the one called `a`. */
function sessionOf(...list: readonly Described[]): string {
  const session = Array.from({ length: 50 }, (_, key) => `s${key}`).find((key) => orderOf(list, { session: key }).startsWith('a'));
  if (session === undefined) throw new Error('no session has a as its first choice');
  return session;
}

/** Expected times by provider. */
const times = (totals: Readonly<Record<string, number>>): Pick<Asked, 'scoreFor'> => ({
  scoreFor: ({ place: { provider } }) => scoreOf(totals[provider] ?? 0),
});

describe('a prompt that is in the cache of a busy provider', () => {
  const cached = { isFull: true, seenTokens: 100 };

  test.each<[string, Partial<Described>, number, string]>([
    ['not half as long a wait', { isFull: true }, 200, 'cached other'],
    ['less than half as long a wait', { isFull: true }, 140, 'other cached'],
    ['less than half as long a wait, and a part of the prompt', { isFull: true, seenTokens: 99 }, 140, 'other cached'],
    ['not half as long a wait, and a part of the prompt', { isFull: true, seenTokens: 99 }, 200, 'cached other'],
    ['a shorter wait, and all of the prompt as well', { isFull: true, seenTokens: 100 }, 200, 'other cached'],
    ['a free slot, where it is sooner', {}, 200, 'other cached'],
  ])('is worth twice the wait, and no more, beside another that has %s', (_, other, totalMs, expected) => {
    const list = [facts('cached', cached), facts('other', other)];
    expect(orderOf(list, { balance: 'expected-ttft', ...times({ cached: 300, other: totalMs }) })).toBe(expected);
  });
});

/** `a` has read so much, and `b` 100 tokens. */
function bothRead(tokens: number): ReadonlyMap<string, number> {
  return new Map([
    ['a', tokens],
    ['b', 100],
  ]);
}

describe('the order of a session', () => {
  const soonest = times({ a: 900, b: 100 });
  const ask = (list: readonly Described[], shared: ReadonlyMap<string, number> | undefined): string =>
    orderOf(list, { session: sessionOf(facts('a'), facts('b')), shared, ...soonest });

  test('holds where nobody has read the prompt, however soon another would answer', () => {
    expect(ask([facts('a'), facts('b')], undefined)).toBe('a b');
    expect(ask([facts('a', { isFull: true }), facts('b')], new Map())).toBe('a b');
  });

  test('holds while its first one has a free slot and has read most of the prompt', () => {
    expect(ask([facts('a'), facts('b')], new Map([['a', 100]]))).toBe('a b');
    expect(ask([facts('a'), facts('b')], bothRead(100))).toBe('a b');
  });

  test('gives way to expected times where its first one is busy, or another has read more', () => {
    expect(ask([facts('a', { isFull: true }), facts('b')], new Map([['a', 100]]))).toBe('b a');
    expect(ask([facts('a'), facts('b')], new Map([['b', 100]]))).toBe('b a');
    expect(ask([facts('a'), facts('b')], bothRead(99))).toBe('b a');
  });
});

describe('among equals', () => {
  test('of more than are put in order all stay as the registry has them', () => {
    const list = Array.from({ length: 20 }, (_, index) => facts(`p${index}`));
    expect(orderOf(list, { balance: 'least-busy' })).toBe(list.map(({ provider }) => provider).join(' '));
  });

  test.each<[string, Partial<Described>, string]>([
    ['has a free slot of those that it is known to have', { busy: 3, slots: 4 }, 'most idle'],
    ['has none beside the calls of others', { busy: 1, elsewhere: 2, slots: 3 }, 'idle most'],
    ['has as many slots as nobody knows', { busy: 3, slots: Infinity }, 'idle most'],
  ])('one that has read more of the prompt, is busier, and %s', (_, other, expected) => {
    const asked = { balance: 'least-busy', affinity: true, shared: new Map([['most', 200]]) } as const;
    expect(orderOf([facts('idle'), facts('most', other)], asked)).toBe(expected);
  });

  test('one that has read no more than the idlest one is not preferred for having served last, where it is busier', () => {
    const shared = new Map(['idle', 'last'].map((provider) => [provider, 100]));
    const list = [facts('idle'), facts('last', { busy: 3, slots: 8 })];
    expect(orderOf(list, { balance: 'least-busy', affinity: true, shared, lastServed: 'last' })).toBe('idle last');
  });
});
