import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };

// What the pages for those who work on it and for those who found a hole tell people to open and to run.

const root = new URL('../../', import.meta.url);
const pages = ['CONTRIBUTING.md', 'SECURITY.md'];
const textOf = (page: string): string => readFileSync(new URL(page, root), 'utf8');
const found = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name = '']) => name);

test.each(pages)('%s leads to files that there are', (page) => {
  const links = found(textOf(page), /\]\((?!https?:)([^)#]+)/g);
  const files = found(textOf(page), /`((?:scripts|src|tests|docs|\.github|\.ci)\/[\w./-]+|\w+\/?[\w-]*\.ts)`/g);
  expect(links.length).toBeGreaterThan(0);
  expect([...links, ...files].filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
});

test('CONTRIBUTING.md names scripts that there are', () => {
  const text = textOf('CONTRIBUTING.md');
  const commands = found(text, /npm run ([\w:]+)/g);
  const programs = found(text, /node (scripts\/[\w-]+\.ts)/g);
  expect(commands.filter((name) => !Object.hasOwn(manifest.scripts, name))).toEqual([]);
  expect(programs.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
  expect([commands.length > 0, programs.length > 0]).toEqual([true, true]);
});

test('SECURITY.md says where to report, and asks for no public issue', () => {
  expect(textOf('SECURITY.md')).toMatch(/_Report a vulnerability_[^]*no issue and no pull request/);
});
