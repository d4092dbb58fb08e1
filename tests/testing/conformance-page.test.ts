import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { conformancePage } from '../../scripts/write-conformance.ts';
import { caseCounts } from '../_kit/conformance.ts';

test('the page says which cases each adapter runs, and why not the others', async () => {
  const page = readFileSync(new URL('../../docs/reference/conformance.md', import.meta.url), 'utf8');
  expect(page).toBe(conformancePage(await caseCounts()));
});
