import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { newestHeading, obstacles, type Release } from '../../scripts/release-ready.ts';
import { version } from '../../src/http/version.ts';

const root = new URL('../../', import.meta.url);
const changelog = readFileSync(new URL('CHANGELOG.md', root), 'utf8');

test('the source knows the version of the package, and has it in one file', () => {
  expect(version).toBe(manifest.version);
  const told = new RegExp(`version['"]?\\s*[:=]\\s*['"]${manifest.version.replaceAll('.', '\\.')}['"]`);
  const files = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' }).filter((path) => /\.tsx?$/.test(path));
  const holders = files.filter((path) => told.test(readFileSync(new URL(`src/${path}`, root), 'utf8')));
  expect(holders).toEqual([join('http', 'version.ts')]);
});

test('the newest heading of the changelog is the version', () => {
  expect(newestHeading(changelog).split(' ')[0]).toBe(manifest.version);
});

test('nothing runs where the package is installed', () => {
  const atInstall = /^(?:pre|post)?(?:install|prepare|uninstall)$|^prepublish$|^dependencies$/;
  expect(Object.keys(manifest.scripts).filter((name) => atInstall.test(name))).toEqual([]);
  // npm compiles what has one.
  expect(existsSync(new URL('binding.gyp', root))).toBe(false);
});

test('users install one package beside it; whatever else it can use is theirs to choose', () => {
  const { dependencies, peerDependencies, peerDependenciesMeta } = manifest;
  expect(Object.keys(dependencies)).toEqual(['ofetch']);
  expect(peerDependenciesMeta).toEqual(Object.fromEntries(Object.keys(peerDependencies).map((name) => [name, { optional: true }])));
  expect(Object.keys(manifest)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(?:bundle(?:d)?|optional)Dependencies$/)]));
});

test('the manifest says what tools ask for', () => {
  expect(manifest).toMatchObject({ license: 'MIT', type: 'module', sideEffects: false, engines: { node: '>=22.12' } });
});

const ready: Release = {
  version: '1.2.3',
  repository: { type: 'git', url: 'git+https://example.com/inferlane.git' },
  changelog: '# Changelog\n\n## 1.2.3 (2027-01-31)\n\n- One.\n\n## 1.2.2 (2026-12-24)\n',
  tag: 'v1.2.3',
};

test('what has a date, a repository and its own tag may be published; before the tag as well', () => {
  expect(obstacles(ready)).toEqual([]);
  expect(obstacles({ ...ready, tag: undefined })).toEqual([]);
});

test.each<[Partial<Release>, string]>([
  [{ tag: 'v1.2.4' }, 'The tag is v1.2.4, and package.json says 1.2.3.'],
  [{ tag: '1.2.3' }, 'The tag is 1.2.3, and package.json says 1.2.3.'],
  [{ changelog: '## 1.2.3 (unreleased)\n' }, 'CHANGELOG.md begins with "1.2.3 (unreleased)"'],
  [{ changelog: '## 1.2.30 (2027-01-31)\n' }, 'CHANGELOG.md begins with "1.2.30 (2027-01-31)"'],
  [{ changelog: '# Changelog\n' }, 'CHANGELOG.md begins with ""'],
  [{ repository: undefined }, 'package.json has no "repository"'],
])('what stands against a release is told: %o', (part, sentence) => {
  const found = obstacles({ ...ready, ...part });
  expect(found).toEqual([expect.stringContaining(sentence)]);
});
