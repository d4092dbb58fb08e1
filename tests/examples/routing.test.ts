import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withFiles } from '../../scripts/write-reference.ts';

const root = new URL('../../', import.meta.url);
const guide = readFileSync(new URL('docs/guides/routing.md', root), 'utf8');

test('the guide holds the examples as they are', () => {
  expect(withFiles(guide)).toBe(guide);
  for (const file of readdirSync(new URL('examples/routing/', root))) expect(guide).toContain(`\`\`\`ts examples/routing/${file}\n`);
});
