import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startPage, withOutputs } from '../../scripts/write-start.ts';

const page = readFileSync(startPage, 'utf8');

test('docs/start.md shows what its commands and its program print; `node scripts/write-start.ts` writes it', async () => {
  expect(await withOutputs(page)).toBe(page);
});

test('it shows a failover because nobody listens, and one because memory ran out', () => {
  expect(page).toContain('failover from gpu to cpu: unavailable');
  expect(page).toContain('failover from gpu to cpu: out_of_memory');
});
