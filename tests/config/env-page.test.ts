import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { environmentPage } from '../../scripts/write-environment.ts';
import { envTable } from '../../src/config/env-table.ts';

const page = readFileSync(new URL('../../docs/reference/environment.md', import.meta.url), 'utf8');

test('the page of the environment is what scripts/write-reference.ts writes', () => {
  expect(page).toBe(environmentPage());
});

test('it has each variable in one row, with what it reads and sets', () => {
  for (const [name, { reads, sets }] of Object.entries(envTable)) {
    const rows = page.split('\n').filter((line) => line.startsWith(`| \`${name}\` `) && line.includes(`| ${reads} `));
    expect(rows).toEqual([expect.stringContaining(`| ${sets}`)]);
  }
});
