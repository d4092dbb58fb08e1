import { expect, test } from 'vitest';
import { Ring } from '../../src/lib/ring.ts';

function ringOf(values: readonly string[]) {
  const ring = new Ring<string>();
  return { ring, places: values.map((value) => ring.add(value)) };
}

test.each([
  [0, 'bc'],
  [1, 'ac'],
  [2, 'ab'],
])('a value is taken out of place %i once, and the others stay in their order', (at, left) => {
  const { ring, places } = ringOf(['a', 'b', 'c']);
  places[at]?.remove();
  places[at]?.remove();
  expect(ring.values().join('')).toBe(left);
  ring.add('d');
  expect(ring.values().join('')).toBe(`${left}d`);
});

test('the first comes first, until nothing is left', () => {
  const { ring, places } = ringOf(['a', 'b', 'c']);
  places[1]?.remove();
  expect([ring.shift(), ring.shift(), ring.shift()]).toEqual(['a', 'c', undefined]);
  expect(ring.values()).toEqual([]);
  places[0]?.remove();
  ring.add('d');
  expect(ring.values()).toEqual(['d']);
});
