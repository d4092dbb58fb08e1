import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withReplay } from '../../scripts/write-record-and-replay.ts';

const guide = readFileSync(new URL('../../docs/guides/record-and-replay.md', import.meta.url), 'utf8');

test('the guide shows the program of the example, and the table that it prints', { timeout: 60_000 }, () => {
  expect(guide).toMatch(/\| fast: share of answers +\|/);
  expect(withReplay(guide)).toBe(guide);
});
