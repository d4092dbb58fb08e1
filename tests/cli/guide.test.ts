import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withCaptures } from './captures.ts';

const page = readFileSync(new URL('../../docs/guides/command-line.md', import.meta.url), 'utf8');

test('the guide shows what the commands print, and the exit codes that there are; `node scripts/write-command-line.ts` writes it', async () => {
  expect(page.match(/^\$ .*inferlane/gm)?.length).toBeGreaterThan(8);
  expect(await withCaptures(page)).toBe(page);
});
