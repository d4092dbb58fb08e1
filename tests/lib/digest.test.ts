import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { sha256Hex } from '../../src/lib/digest.ts';

test.each(['', 'abc', 'žluťoučký kůň 🐎', 'x'.repeat(100_000)])('it is the SHA-256 that everybody else computes of %.20s', async (text) => {
  expect(await sha256Hex(text)).toBe(createHash('sha256').update(text).digest('hex'));
});
