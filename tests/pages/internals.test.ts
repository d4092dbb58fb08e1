import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { architecturePage, withImports } from '../../scripts/write-internals.ts';

const root = new URL('../../', import.meta.url);
const folder = new URL('docs/internals/', root);
const pages = readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), 'utf8')] as const);

/** What stands between backticks. */
function codeIn(page: string): readonly string[] {
  return Array.from(page.matchAll(/`([^`\n]+)`/g), ([, code = '']) => code);
}

test('the table of imports is the one that the test of the architecture holds; `node scripts/write-internals.ts` writes it', () => {
  const page = readFileSync(architecturePage, 'utf8');
  expect(withImports(page)).toBe(page);
});

test.each(pages)('%s names files and folders that there are', (_, page) => {
  const paths = codeIn(page)
    .map((code) => /^(?:node )?((?:src|tests|scripts|bench|docs|examples)\/[\w./-]*)$/.exec(code)?.[1])
    .filter((path) => path !== undefined);
  expect(paths.length).toBeGreaterThan(1);
  expect(paths.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
});

test.each(pages)('%s names scripts of npm that there are', (_, page) => {
  const named = codeIn(page).flatMap((code) => Array.from(code.matchAll(/\bnpm run ([\w:-]+)/g), ([, name = '']) => name));
  expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);
});
