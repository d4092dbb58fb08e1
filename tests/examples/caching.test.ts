import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withFiles } from '../../scripts/write-reference.ts';
import { defaults } from '../../src/config/defaults.ts';

const root = new URL('../../', import.meta.url);
const guide = readFileSync(new URL('docs/guides/caching.md', root), 'utf8');
const files = readdirSync(new URL('examples/caching/', root));

test('the guide holds the examples as they are', () => {
  expect(withFiles(guide)).toBe(guide);
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(guide).toContain(`\`\`\`ts examples/caching/${file}\n`);
});

test('the guide names the defaults that hold', () => {
  expect(guide).toContain(`waits ${defaults.cache.timeoutMs} ms for it`);
  expect(defaults.cache.ttlMs).toBe(60 * 60 * 1_000);
  expect(guide).toContain('older than an hour (`ttlMs`)');
});
