import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withFiles } from '../../scripts/write-reference.ts';
import { defaults } from '../../src/config/defaults.ts';

const root = new URL('../../', import.meta.url);
const guide = readFileSync(new URL('docs/guides/limits-and-budgets.md', root), 'utf8');
const files = readdirSync(new URL('examples/limits/', root));

test('the guide has or names each example, and holds those it has as they are', () => {
  expect(withFiles(guide)).toBe(guide);
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(guide).toContain(`examples/limits/${file}`);
});

test('the guide names the defaults that hold', () => {
  expect(guide).toContain(`taken to be ${defaults.limits.processes} (\`limits.processes\`)`);
  expect(guide).toContain(`at ${defaults.budgets.warnAt * 100}% (\`warnAt\`)`);
});
