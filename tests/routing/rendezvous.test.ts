import { describe, expect, test } from 'vitest';
import { rendezvousOrder, type RendezvousMember } from '../../src/routing/rendezvous.ts';

const toMembers = (weights: readonly number[]): RendezvousMember[] =>
  weights.map((weight, index) => ({ provider: `gpu-${index}`, weight, inFlight: 0 }));

const keys = Array.from({ length: 20_000 }, (_, index) => `session-${index}`);

const order = (key: string, members: readonly RendezvousMember[]): string[] =>
  rendezvousOrder(key, members).map((index) => members[index]!.provider);

const first = (key: string, members: readonly RendezvousMember[]): string => order(key, members)[0]!;

/** The share of the keys that each member is first choice for. */
function sharesOf(members: readonly RendezvousMember[]): number[] {
  const firsts = keys.map((key) => first(key, members));
  return members.map(({ provider: id }) => firsts.filter((each) => each === id).length / keys.length);
}

describe('the order of a key', () => {
  test('has every member once', () => {
    for (const count of [2, 3, 12, 200]) {
      const members = toMembers(Array.from({ length: count }, (_, index) => 1 + (index % 3)));
      for (const key of keys.slice(0, 50)) {
        expect([...rendezvousOrder(key, members)].sort((left, right) => left - right)).toEqual([...members.keys()]);
      }
    }
  });

  test('is the same in whatever order the members are listed', () => {
    const members = toMembers([1, 2, 3, 1, 2, 3, 1, 1]);
    for (const key of keys.slice(0, 500)) expect(order(key, members.toReversed())).toEqual(order(key, members));
  });

  test('is the same in every process and release', () => {
    expect(['a', 'b', 'c', 'd', 'e', 'f'].map((key) => rendezvousOrder(key, toMembers([1, 1, 1])).join(''))).toEqual([
      '201',
      '210',
      '210',
      '021',
      '021',
      '102',
    ]);
  });

  test('loses but the member that leaves', () => {
    const members = toMembers([1, 2, 3, 1, 2, 3, 1, 1]);
    for (const key of keys.slice(0, 500)) {
      expect(order(key, members.slice(1))).toEqual(order(key, members).filter((id) => id !== 'gpu-0'));
    }
  });
});

describe('keys', () => {
  test('go to members by their weights', () => {
    const weights = [1, 2, 3, 4];
    for (const [index, share] of sharesOf(toMembers(weights)).entries()) {
      expect(Math.abs(share / (weights[index]! / 10) - 1)).toBeLessThan(0.06);
    }
  });

  test('spread evenly over 50 equal members', () => {
    for (const share of sharesOf(toMembers(Array.from({ length: 50 }, () => 1)))) expect(Math.abs(share * 50 - 1)).toBeLessThan(0.25);
  });

  test('move to a new member only, and about its share of them', () => {
    const before = toMembers([1, 1, 1, 1]);
    const after = toMembers([1, 1, 1, 1, 1]);
    const moved = keys.filter((key) => first(key, before) !== first(key, after));
    expect(moved.every((key) => first(key, after) === 'gpu-4')).toBe(true);
    expect(Math.abs(moved.length / keys.length - 1 / 5)).toBeLessThan(0.02);
  });

  test('of one member go to all the others when it leaves', () => {
    const members = toMembers([1, 1, 1, 1]);
    const own = keys.filter((key) => first(key, members) === 'gpu-0');
    for (const id of ['gpu-1', 'gpu-2', 'gpu-3']) {
      const taken = own.filter((key) => first(key, members.slice(1)) === id).length;
      expect(Math.abs(taken / own.length - 1 / 3)).toBeLessThan(0.04);
    }
  });
});

/** Begins so many calls of one key, none of which ends. */
function load(members: readonly RendezvousMember[], calls: number): RendezvousMember[] {
  let now = [...members];
  for (let call = 0; call < calls; call += 1) {
    const [chosen] = rendezvousOrder('one session', now);
    now = now.map((member, index) => (index === chosen ? { ...member, inFlight: member.inFlight + 1 } : member));
  }
  return now;
}

const isEven = (provider: string): boolean => Number(provider.at(-1)) % 2 === 0;

describe('load', () => {
  test.each([
    ['equal', [1, 1, 1, 1, 1]],
    ['unequal', [8, 4, 2, 1, 1]],
  ])('of one key alone leaves none of %s members with more than a quarter over its share', (_name, weights) => {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const calls of [1, 2, 5, 17, 100, 400]) {
      for (const { weight, inFlight } of load(toMembers(weights), calls)) {
        expect(inFlight).toBeLessThanOrEqual(Math.ceil((1.25 * calls * weight) / sum) + 1);
      }
    }
  });

  test('stays with the first choice as long as that has no more than its share bears', () => {
    const members = toMembers([1, 1, 1, 1]);
    const [one, two] = rendezvousOrder('key', members) as [number, number];
    const withLoad = (calls: readonly number[]): RendezvousMember[] =>
      members.map((member, index) => ({ ...member, inFlight: index === one ? calls[0]! : calls[1]! }));
    // 20 calls are 5 each, and a quarter over that is 6.25.
    expect(rendezvousOrder('key', withLoad([8, 4]))[0]).toBe(two);
    expect(rendezvousOrder('key', withLoad([5, 5]))[0]).toBe(one);
    expect(rendezvousOrder('key', withLoad([6, 5]))[0]).toBe(one);
    expect(rendezvousOrder('key', withLoad([1, 0]))[0]).toBe(one);
  });

  test('puts those with too much behind the rest, both in the order of the key', () => {
    const members = toMembers([1, 1, 1, 1, 1, 1]);
    const busy = members.map((member, index) => ({ ...member, inFlight: index % 2 === 0 ? 10 : 1 }));
    for (const key of keys.slice(0, 200)) {
      const free = order(key, members);
      expect(order(key, busy)).toEqual([...free.filter((id) => !isEven(id)), ...free.filter(isEven)]);
    }
  });

  test('counts against what the weight bears', () => {
    const members: RendezvousMember[] = [
      { provider: 'large', weight: 9, inFlight: 9 },
      { provider: 'small', weight: 1, inFlight: 3 },
    ];
    for (const key of keys.slice(0, 200)) expect(first(key, members)).toBe('large');
  });
});

test('no members have no order, and one has the first place whatever its load', () => {
  expect(rendezvousOrder('key', [])).toEqual([]);
  expect(rendezvousOrder('key', [{ provider: 'a', weight: 1, inFlight: 99 }])).toEqual([0]);
});
