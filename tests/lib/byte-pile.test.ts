import { expect, test } from 'vitest';
import { createBytePile } from '../../src/lib/byte-pile.ts';
import { cutEvery } from '../_kit/byte-stream.ts';

const text = 'Grüße, 世界! 🦙 '.repeat(20_000);
const bytes = new TextEncoder().encode(text);

test.each([1, 7, 4_096, bytes.length])('pieces of %i bytes make the text', (size) => {
  const pile = createBytePile();
  for (const piece of cutEvery(bytes, size)) pile.add(piece);
  expect(pile.size).toBe(bytes.length);
  expect(pile.text() === text).toBe(true);
});

test('nothing is an empty text', () => {
  expect(createBytePile().text()).toBe('');
  expect(createBytePile().size).toBe(0);
});

test('empty pieces change nothing', () => {
  const pile = createBytePile();
  for (const piece of ['', 'a', '', 'b']) pile.add(new TextEncoder().encode(piece));
  expect(pile.text()).toBe('ab');
});
