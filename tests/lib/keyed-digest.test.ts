import { expect, test } from 'vitest';
import { createKeyedDigest } from '../../src/lib/keyed-digest.ts';

test('it is SipHash-2-4, by the example of its paper and the first of its vectors', () => {
  const digest = createKeyedDigest(Uint8Array.from({ length: 16 }, (_, index) => index));
  const text = String.fromCodePoint(...Array.from({ length: 15 }, (_, index) => index));
  expect([digest(text), digest('')]).toEqual(['a129ca6149be45e5', '726fdb47dd0e0e31']);
});

test('the same text has the same digest, and another one with another key', () => {
  const digest = createKeyedDigest();
  expect(digest('someone')).toBe(digest('someone'));
  expect(digest('someone')).not.toBe(digest('someone else'));
  expect(digest('someone')).not.toBe(createKeyedDigest()('someone'));
});
