import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { differences, integrityOf, type PackedFile } from '../../scripts/reproducible.ts';

// The two builds themselves take longer than a test should: `npm run check:reproducible`, which the workflows run.

const file = (path: string, text: string, mode = 0o644): PackedFile => ({ path, mode, bytes: Buffer.from(text) });

test('what is the same in both is no difference, in whatever order', () => {
  expect(differences([file('a', '1'), file('b', '2')], [file('b', '2'), file('a', '1')])).toEqual([]);
});

test.each<[PackedFile[], PackedFile[], string[]]>([
  [[file('a', '1')], [file('a', '2')], ['a differs']],
  [[file('a', '1')], [file('a', '1', 0o600)], ['a has the modes 644 and 600']],
  [[file('a-ONE.js', '1')], [file('a-TWO.js', '1')], ['a-ONE.js is in one of them only', 'a-TWO.js is in one of them only']],
])('what differs is named (%#)', (first, second, sentences) => {
  expect(differences(first, second)).toEqual(sentences);
});

test('the integrity is the one that registries tell', () => {
  expect(integrityOf(Buffer.from(''))).toBe(
    'sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==',
  );
});
