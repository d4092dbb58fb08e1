import { expect, test } from 'vitest';
import { Ring } from '../../src/lib/ring.ts';

function ringOf(values: readonly string[]) {
  const ring = new Ring<string>();
  return { ring, links: values.map((value) => ring.add(value)) };
}

test.each([
  [0, 'bc'],
  [1, 'ac'],
  [2, 'ab'],
])('a value is taken out of place %i once, and the others stay in their order', (at, left) => {
  const { ring, links } = ringOf(['a', 'b', 'c']);
  links[at]?.remove();
  links[at]?.remove();
  expect(ring.values().join('')).toBe(left);
  ring.add('d');
  expect(ring.values().join('')).toBe(`${left}d`);
});

test('the first comes first, until nothing is left', () => {
  const { ring, links } = ringOf(['a', 'b', 'c']);
  links[1]?.remove();
  expect([ring.shift(), ring.shift(), ring.shift()]).toEqual(['a', 'c', undefined]);
  expect(ring.values()).toEqual([]);
  links[0]?.remove();
  ring.add('d');
  expect(ring.values()).toEqual(['d']);
});

test('a value stands before those at the end that are later, and behind its equals', () => {
  const { ring } = ringOf(['b', 'b2', 'd', 'e']);
  ring.add('c', (other) => other > 'c');
  ring.add('a', (other) => other > 'a');
  ring.add('b3', (other) => other > 'b3');
  ring.add('b4', (other) => other[0] === 'z');
  expect(ring.values()).toEqual(['a', 'b', 'b2', 'b3', 'c', 'd', 'e', 'b4']);
  expect([ring.first(), new Ring<string>().first()]).toEqual(['a', undefined]);
});
