import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createShares, type ShareMember, type Shares } from '../../src/routing/weighted.ts';

const toMembers = (weights: readonly number[]): ShareMember[] => weights.map((weight, index) => ({ provider: `p${index}`, weight }));

const without = (members: readonly ShareMember[], left: number): ShareMember[] => members.filter((_, index) => index !== left);

/** Gives out so many requests in turn. Returns who got them, by id. */
function deal(shares: Shares, members: readonly ShareMember[], requests: number): string[] {
  return Array.from({ length: requests }, () => {
    const index = shares.next(members);
    shares.take(members, index);
    return members[index]!.provider;
  });
}

/** Of each member, how far its count was below and above the exact share, at the worst, over all prefixes. */
function deviations(members: readonly ShareMember[], dealt: readonly string[]): { least: number; most: number }[] {
  const sum = members.reduce((total, { weight }) => total + weight, 0);
  return members.map(({ provider: id, weight }) => {
    let count = 0;
    let least = 0;
    let most = 0;
    for (const [index, winner] of dealt.entries()) {
      if (winner === id) count += 1;
      const deviation = count - ((index + 1) * weight) / sum;
      least = Math.min(least, deviation);
      most = Math.max(most, deviation);
    }
    return { least, most };
  });
}

const worstPrefix = (members: readonly ShareMember[], dealt: readonly string[]): number =>
  Math.max(...deviations(members, dealt).map(({ least, most }) => Math.max(-least, most)));

/** A window is the difference of two prefixes. */
const worstWindow = (members: readonly ShareMember[], dealt: readonly string[]): number =>
  Math.max(...deviations(members, dealt).map(({ least, most }) => most - least));

const weight = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.double({ min: 0.1, max: 10, noNaN: true }));
const weights = (fewest: number, most: number): fc.Arbitrary<number[]> => fc.array(weight, { minLength: fewest, maxLength: most });

describe('from the start', () => {
  test('no member is ever a request away from its share', () => {
    fc.assert(
      fc.property(weights(2, 12), (list) => {
        const members = toMembers(list);
        // A little is left for the sums of this test.
        expect(worstPrefix(members, deal(createShares(), members, 600))).toBeLessThan(1 - 1 / (2 * list.length - 2) + 1e-6);
      }),
    );
  });

  test('two members have their shares in every stretch of requests', () => {
    fc.assert(
      fc.property(weights(2, 2), (list) => {
        const members = toMembers(list);
        expect(worstWindow(members, deal(createShares(), members, 600))).toBeLessThan(1 + 1e-6);
      }),
    );
  });

  test('more members have them within two in every stretch of requests', () => {
    fc.assert(
      fc.property(weights(3, 12), (list) => {
        const members = toMembers(list);
        expect(worstWindow(members, deal(createShares(), members, 600))).toBeLessThan(2);
      }),
    );
  });

  test('a ratio of 8 to 2 gives four of each five requests, well apart', () => {
    const dealt = deal(createShares(), toMembers([0.8, 0.2]), 20).join(' ');
    expect(dealt).toBe(Array.from({ length: 4 }, () => 'p0 p0 p1 p0 p0').join(' '));
  });

  test('equal members take turns', () => {
    expect(deal(createShares(), toMembers([1, 1, 1]), 6)).toEqual(['p0', 'p1', 'p2', 'p0', 'p1', 'p2']);
  });

  test('one with hardly any weight does not disturb the others', () => {
    const dealt = deal(createShares(), toMembers([1, 1e-20, 1]), 1_000);
    expect(dealt.filter((id) => id === 'p1')).toEqual([]);
    expect(dealt.filter((id) => id === 'p0')).toHaveLength(500);
  });
});

describe('over 1,000,000 requests', () => {
  test('the order is the same at the end as at the start', () => {
    const members = toMembers([0.6, 0.3, 0.1]);
    const shares = createShares();
    const start = deal(shares, members, 10);
    for (let request = 0; request < 1_000_000; request += 1) shares.take(members, shares.next(members));
    expect(deal(shares, members, 10)).toEqual(start);
  });

  test('no member is a request away from its share, whatever the weights', () => {
    const members = toMembers([Math.PI, Math.E, Math.SQRT2, 0.1]);
    expect(worstPrefix(members, deal(createShares(), members, 1_000_000))).toBeLessThan(1);
  });
});

/** Requests after which each has had ten turns, about. */
const settled = (list: readonly number[]): number => Math.ceil((list.reduce((sum, each) => sum + each, 0) / Math.min(...list)) * 10);

describe('a member that comes back', () => {
  test('after a long absence has its share at once, and so have all others', () => {
    fc.assert(
      fc.property(weights(3, 12), fc.nat(), fc.nat(100), (list, seed, more) => {
        const members = toMembers(list);
        const left = seed % list.length;
        const shares = createShares();
        deal(shares, members, settled(list) + more);
        deal(shares, without(members, left), settled(list) + more);
        const dealt = deal(shares, members, 300);
        expect(worstPrefix(members, dealt)).toBeLessThan(1);
        expect(dealt).toEqual(deal(createShares(), members, 300));
      }),
      { numRuns: 40 },
    );
  });

  test('after a short absence goes on where it was', () => {
    const members = toMembers([1, 1, 1]);
    const shares = createShares();
    // p2 is next, misses two requests, and is next still; p0 then follows p1 as ever.
    expect(deal(shares, members, 32).slice(30)).toEqual(['p0', 'p1']);
    deal(shares, without(members, 2), 2);
    expect(deal(shares, members, 4)).toEqual(['p2', 'p0', 'p1', 'p2']);
  });

  test('has no more than its share of requests that few members can serve', () => {
    const members = toMembers([1, 1, 1]);
    const shares = createShares();
    const rare: string[] = [];
    for (let round = 0; round < 600; round += 1) {
      rare.push(...deal(shares, members, 1));
      deal(shares, without(members, 2), 50);
    }
    const share = rare.filter((id) => id === 'p2').length / rare.length;
    expect(share).toBeGreaterThan(0.25);
    expect(share).toBeLessThan(0.42);
  });
});

describe('whoever comes and goes', () => {
  test('members that are missing at random have nearly their shares of what they were there for', () => {
    fc.assert(
      fc.property(weights(3, 6), fc.infiniteStream(fc.nat(9)), (list, dice) => {
        const members = toMembers(list);
        const shares = createShares();
        const exact = new Map(members.map(({ provider: id }) => [id, 0]));
        const counts = new Map(exact);
        for (let request = 0; request < 2_000; request += 1) {
          const there = members.filter(() => dice.next().value! < 7);
          if (there.length === 0) continue;
          const sum = there.reduce((total, each) => total + each.weight, 0);
          for (const each of there) exact.set(each.provider, exact.get(each.provider)! + each.weight / sum);
          const [id] = deal(shares, there, 1) as [string];
          counts.set(id, counts.get(id)! + 1);
        }
        for (const [id, share] of exact) expect(Math.abs(counts.get(id)! - share)).toBeLessThan(10 + share / 10);
      }),
      { numRuns: 30 },
    );
  });

  test('a member whose weight becomes next to nothing gets nothing, whatever it was owed', () => {
    const members = toMembers([1, 1, 1]);
    const shares = createShares();
    for (let request = 0; request < 10; request += 1) shares.take(members, 0);
    expect(deal(shares, toMembers([1, 1e-20, 1]), 20)).not.toContain('p1');
  });

  test('a debt that an absent member leaves is borne by all, not by turns of the first in the list', () => {
    const members = toMembers([1, 1, 1, 1]);
    const shares = createShares();
    for (let request = 0; request < 10; request += 1) shares.take(members, request % 3);
    const there = without(members, 3);
    for (let round = 0; round < 20; round += 1) {
      const dealt = deal(shares, there, 3);
      expect(dealt.toSorted()).toEqual(['p0', 'p1', 'p2']);
    }
  });

  test('many requests out of turn give nobody a debt or a claim of more than a few turns', () => {
    const members = toMembers([1, 1, 1]);
    const shares = createShares();
    for (let request = 0; request < 1_000; request += 1) shares.take(members, 0);
    const dealt = deal(shares, members, 60);
    expect(dealt.slice(0, 12)).toContain('p0');
    expect(worstPrefix(members, dealt)).toBeLessThan(5);
  });

  test('the last of them are remembered, and those before 1,000 others are not', () => {
    const after = (names: number): string => {
      const shares = createShares();
      const members = toMembers([1, 1]);
      // The member of little weight has had no turn, so that nobody begins afresh.
      const seldom = { provider: 'seldom', weight: 0.001 };
      expect(deal(shares, [...members, seldom], 1)).toEqual(['p0']);
      for (let name = 0; name < names; name += 1) shares.take([{ provider: `n${name}`, weight: 1 }, seldom], 0);
      return deal(shares, members, 1)[0]!;
    };
    expect(after(10)).toBe('p1');
    expect(after(100)).toBe('p1');
    expect(after(1_000)).toBe('p0');
    expect(after(100_000)).toBe('p0');
  });
});

test('asking whose turn it is changes nothing', () => {
  const members = toMembers([3, 2, 1]);
  const shares = createShares();
  const dealt = Array.from({ length: 12 }, () => {
    for (let time = 0; time < 5; time += 1) shares.next(members);
    for (let time = 0; time < 5; time += 1) shares.next(without(members, 0));
    return deal(shares, members, 1)[0];
  });
  expect(dealt).toEqual(deal(createShares(), members, 12));
});

test('a single member has every turn, and an empty list none', () => {
  const shares = createShares();
  expect(deal(shares, toMembers([5]), 3)).toEqual(['p0', 'p0', 'p0']);
  expect(shares.next([])).toBe(-1);
});
