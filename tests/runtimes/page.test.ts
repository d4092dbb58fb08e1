import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runtimesPage } from './page.ts';
import { checkNames, knownExceptions, runtimes } from './runtimes.ts';
import manifest from './package.json' with { type: 'json' };

// The run itself is `npm run test:runtimes`, which installs 900 MB.

test('the page of the runtimes is what a run writes in which all but the known exceptions holds', () => {
  const versions = Object.entries(manifest.dependencies).map(
    ([name, wanted]) => [name, wanted.slice(wanted.lastIndexOf('@') + 1)] as const,
  );
  const page = readFileSync(new URL('../../docs/reference/runtimes.md', import.meta.url), 'utf8');
  expect(page).toBe(runtimesPage(new Map(versions)));
});

test('each known exception speaks of checks and runtimes that there are, and no cell has two', () => {
  const cells = knownExceptions.flatMap(({ checks, runtimes: where }) => checks.flatMap((check) => where.map((id) => `${id} ${check}`)));
  expect(new Set(cells).size).toBe(cells.length);
  expect(knownExceptions.flatMap(({ checks }) => checks).filter((check) => !checkNames.includes(check))).toEqual([]);
  expect(knownExceptions.flatMap(({ runtimes: where }) => where).filter((id) => !(id in runtimes))).toEqual([]);
});
