import { describe, expect, test } from 'vitest';
import { scoreOf } from '../../src/routing/expected-time.ts';
import type { Placement } from '../../src/routing/facts.ts';
import { placesFor } from '../../src/routing/intents.ts';
import { createShares } from '../../src/routing/weighted.ts';
import { type Asked, type Described, facts, planned } from '../_kit/candidates.ts';

const usual = [['gpu'], ['remote'], ['cpu'], ['cloud']];

function places(order: readonly (readonly string[])[], ...list: readonly Described[]): readonly Placement[] {
  return placesFor('night', order, list);
}

/** Those that stand equal side by side, first to last. */
function tiers(order: readonly (readonly string[])[], ...list: readonly Described[]): string[] {
  const groups = new Map<number, string[]>();
  for (const { provider, tier } of places(order, ...list)) groups.set(tier, [...(groups.get(tier) ?? []), provider]);
  expect([...groups.keys()]).toEqual([...groups.keys()].toSorted((left, right) => left - right));
  return [...groups.values()].map((group) => group.join(' = '));
}

const paid = { cost: 'paid' } as const;

describe('the places of an intent', () => {
  test('follow its devices, and those of one device stand equal in the order of the registry', () => {
    const list = [facts('c', { device: 'cpu' }), facts('g2'), facts('r', { device: 'remote' }), facts('g1')];
    expect(tiers(usual, ...list)).toEqual(['g2 = g1', 'r', 'c']);
    expect(tiers([['cpu'], ['gpu'], ['remote'], ['cloud']], ...list)).toEqual(['c', 'g2 = g1', 'r']);
  });

  test('are one and the same within a group', () => {
    const list = [facts('c', { device: 'cpu' }), facts('g'), facts('r', { device: 'remote' })];
    expect(tiers([['cpu', 'gpu'], ['remote'], ['cloud']], ...list)).toEqual(['c = g', 'r']);
    expect(tiers([['r', 'gpu'], ['remote'], ['cpu'], ['cloud']], ...list)).toEqual(['g = r', 'c']);
  });

  test('of those that the order names are where they were named, and not with their device', () => {
    const list = [facts('first'), facts('second'), facts('slow', { device: 'cpu' })];
    expect(tiers([['slow'], ['gpu'], ['second'], ['cpu']], ...list)).toEqual(['slow', 'first', 'second']);
  });

  test('put priority before cost, and cost before the order', () => {
    const list = [
      facts('late', { priority: 1 }),
      facts('paid', paid),
      facts('c', { device: 'cpu' }),
      facts('early', { ...paid, priority: -1 }),
    ];
    expect(tiers(usual, ...list)).toEqual(['early', 'c', 'paid', 'late']);
  });

  test('of a paid one that is named are among the free ones, but never before their priority', () => {
    const order = [['dear'], ...usual];
    const cloud = { ...paid, device: 'cloud' } as const;
    expect(tiers(order, facts('g'), facts('dear', cloud), facts('other', cloud))).toEqual(['dear', 'g', 'other']);
    expect(tiers(order, facts('g'), facts('dear', { ...cloud, priority: 1 }))).toEqual(['g', 'dear']);
  });

  test('say who is named, which the name of a device never is', () => {
    const list = [facts('gpu', paid), facts('dear', paid), facts('other', paid)];
    const named = places([['gpu'], ['dear'], ['remote'], ['cpu'], ['cloud']], ...list).filter(({ isNamed }) => isNamed);
    expect(named.map(({ provider }) => provider)).toEqual(['dear']);
  });

  test('of a model that runs on the processor are those of a processor there', () => {
    const list = [facts('g'), facts('c', { device: 'cpu' }), facts('dear', paid), facts('named')];
    const found = places([['named'], ...usual], ...list).map((place) => [place.provider, place.tier, place.spilledTier]);
    expect(found).toEqual([
      // Wherever its model runs, the order has named it.
      ['named', 0, 0],
      ['g', 1, 2],
      ['c', 2, 2],
      ['dear', 3, 4],
    ]);
  });

  test('keep the index of the registry, and leave the priority behind', () => {
    const [first, second] = places(usual, facts('c', { device: 'cpu' }), facts('g'));
    expect([first?.index, second?.index]).toEqual([1, 0]);
    expect(first).not.toHaveProperty('priority');
  });

  test('have their reasons', () => {
    const list = [facts('g'), facts('c', { ...paid, device: 'cpu', priority: 3 }), facts('dear', paid)];
    expect(places([['gpu'], ['dear', 'remote'], ['cpu'], ['cloud']], ...list).map(({ reason }) => reason)).toEqual([
      'free, gpu is number 1 for night',
      'paid, dear is number 2 for night',
      'priority 3, paid, cpu is number 3 for night',
    ]);
  });
});

/** The balance that asks how soon each of them is expected to answer. */
function soonest(firstMs: Readonly<Record<string, number>>): Asked {
  const idle = {
    slots: 4,
    inFlight: 0,
    waitingAhead: 0,
    elsewhere: 0,
    serviceMs: 1_000,
    spreadMs: 0,
    runningMs: 0,
    loadMs: 0,
    savedMs: 0,
    successShare: 1,
    priorMs: 500,
  };
  return { balance: 'expected-ttft', scoreFor: ({ place }) => scoreOf({ ...idle, firstMs: firstMs[place.provider] }) };
}

/** What each step would do if the one above it had nothing to say: whoever wins by it is never the one who wins by those below. */
describe('each step decides before those below it', () => {
  const pinned = { pinnedUntilMs: 9 } as const;
  const cpu = { device: 'cpu' } as const;
  const busy = { busy: 50, isFull: true } as const;
  const best = { weight: 9 } as const;

  test.each<[string, Partial<Described>, Partial<Described>, Asked]>([
    ['a gate before a pin', { ...pinned }, { locality: 'cloud', distance: 4 }, { maxDistance: 1 }],
    ['a gate before a pin, where the other costs money', { ...pinned }, { ...paid, priority: -9 }, {}],
    ['a gate before the order', { ...cpu, priority: 9 }, { ...paid }, {}],
    ['a gate before the order, where the other one is named', { ...cpu }, { ...paid }, { order: [['loser'], ['gpu'], ['cpu']] }],
    ['a gate before the session', { ...busy }, { missing: 'not here' }, { session: 's' }],
    ['a gate before affinity', { ...busy }, { verbs: { chat: false, stream: true, embed: true } }, { lastServed: 'loser', affinity: true }],
    ['a pin before the order', { ...cpu, priority: 9 }, { ...pinned }, {}],
    ['a pin before the balance', { ...busy }, { ...pinned }, { balance: 'least-busy' }],
    ['a pin before affinity', { ...busy }, { ...pinned }, { balance: 'least-busy', lastServed: 'loser' }],
    ['the order before least-busy', { ...busy }, { ...cpu, weight: 9 }, { balance: 'least-busy' }],
    ['the order before turns by weight', { weight: 0.01 }, { ...cpu, weight: 9 }, { balance: 'weighted' }],
    ['the order before expected times', {}, { ...cpu }, soonest({ winner: 9_000, loser: 100 })],
    ['the order before affinity', {}, { ...cpu }, { balance: 'least-busy', lastServed: 'loser', shared: new Map([['loser', 9_000]]) }],
    ['the order before a warm model', { loadMs: 9_000 }, { ...cpu }, { affinity: true }],
    ['cost before least-busy', { ...busy }, { ...paid }, { balance: 'least-busy', pays: 'any' }],
    [
      'least-busy before affinity',
      { busy: 1 },
      { busy: 5 },
      { balance: 'least-busy', lastServed: 'loser', shared: new Map([['loser', 9_000]]) },
    ],
    ['turns by weight before affinity', { weight: 3 }, { weight: 1 }, { balance: 'weighted', affinity: true, lastServed: 'loser' }],
    ['expected times before affinity', {}, {}, { ...soonest({ winner: 100, loser: 9_000 }), affinity: true, lastServed: 'loser' }],
    ['a queue before a warm model', { loadMs: 9_000 }, { busy: 5 }, { affinity: true }],
  ])('%s', (_, winner, loser, asked) => {
    const pair = [facts('winner', winner), facts('loser', loser)];
    // By their places in the registry the loser would stand first, but where that place is the step that decides.
    for (const list of 'affinity' in asked && asked.balance === undefined ? [pair] : [pair, pair.toReversed()]) {
      expect(planned(list, { ...asked, shares: createShares() }).order[0]).toBe('winner');
    }
  });

  test.each<[string, Asked]>([
    ['whoever served the model last', { balance: 'least-busy', lastServed: 'loser' }],
    ['whoever has seen most of the prompt', { balance: 'least-busy', shared: new Map([['loser', 900]]) }],
  ])('affinity has its say between equals: %s', (_, asked) => {
    expect(planned([facts('winner', best), facts('loser', best)], { balance: 'least-busy' }).order[0]).toBe('winner');
    expect(planned([facts('winner', best), facts('loser', best)], asked).order[0]).toBe('loser');
  });
});
