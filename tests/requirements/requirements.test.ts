import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { requirementsPage } from '../../scripts/write-requirements.ts';
import { presetNames } from '../../src/index.ts';
import { matchesOf, type TestFile, testFileOf } from './titles.ts';
import { contradictions, defects, goneDefaults, requirementsOf, systems } from './table.ts';

const root = new URL('../../', import.meta.url);

/** How many lines each system's description lists as what must work, and how many of those that it tells in passing stand here as well. */
const counts = {
  'multi-backend': [27, 5],
  'free-first': [34, 6],
  hybrid: [26, 3],
  'tgi-registry': [19, 2],
  switchable: [38, 6],
} as const;

const rows = systems.flatMap((each) => requirementsOf(each).map((requirement) => ({ ...requirement, system: each.system })));
const named: readonly (readonly [what: string, reference: string])[] = [
  ...rows.flatMap(({ system, what, tests }) => tests.map((reference) => [`${system}: ${what}`, reference] as const)),
  ...defects.flatMap(({ what, tests }) => tests.map((reference) => [what, reference] as const)),
  ...contradictions.flatMap(({ topic, tests }) => tests.map((reference) => [topic, reference] as const)),
  ...goneDefaults.flatMap(({ what, tests }) => tests.map((reference) => [what, reference] as const)),
];

const files = new Map<string, TestFile | undefined>();

/** Undefined where there is no such file. */
function fileOf(name: string): TestFile | undefined {
  if (files.has(name)) return files.get(name);
  const address = new URL(`tests/${name}.test.ts`, root);
  const file = existsSync(address) ? testFileOf(readFileSync(address, 'utf8')) : undefined;
  files.set(name, file);
  return file;
}

/** What is wrong with the name of a test; undefined: it is there, once. */
function problemOf(reference: string): string | undefined {
  const [name = '', ...rest] = reference.split(': ');
  const title = rest.join(': ');
  if (name === 'awaited') return `is still to be written: ${title}`;
  const file = fileOf(name);
  if (file === undefined) return `there is no tests/${name}.test.ts`;
  const found = matchesOf(file, title);
  if (found.length === 0) return `tests/${name}.test.ts has no test "${title}"`;
  return found.length === 1 ? undefined : `tests/${name}.test.ts has ${found.length} tests "${title}": name the group`;
}

describe('the table of requirements', () => {
  test('names tests that are there, each of them once in its file', { timeout: 60_000 }, () => {
    const problems = named.flatMap(([what, reference]) => {
      const problem = problemOf(reference);
      return problem === undefined ? [] : [`${what}: ${problem}`];
    });
    expect(problems).toEqual([]);
  });

  test('has a test for each line', () => {
    expect([...rows, ...defects, ...contradictions, ...goneDefaults].filter(({ tests }) => tests.length === 0)).toEqual([]);
  });

  test('has as many lines of each system as its description, and every preset is one', () => {
    const counted = systems.map((each) => {
      const beside = requirementsOf(each).filter(({ isBeside }) => isBeside === true).length;
      return [each.system, [requirementsOf(each).length - beside, beside]] as const;
    });
    expect(Object.fromEntries(counted)).toEqual(counts);
    expect(systems.map(({ system }) => system)).toEqual(presetNames);
    expect([defects.length, contradictions.length, goneDefaults.length]).toEqual([17, 22, 8]);
  });

  test('says each thing once in a system', () => {
    for (const each of systems) {
      const said = Object.entries(each.topics).flatMap(([topic, list]) => list.map(({ what }) => `${topic}: ${what}`));
      expect(said).toEqual([...new Set(said)]);
    }
  });

  test('is the page that scripts/write-reference.ts writes', () => {
    const page = requirementsPage();
    expect(readFileSync(new URL('docs/reference/requirements.md', root), 'utf8')).toBe(page);
    // The systems are called by the names of their presets.
    expect(page).not.toMatch(/§|\bdocument 0|sarvan|aletheia|contextharbor|\bSAP\b|hana/i);
  });
});

describe('the reader of titles', () => {
  const source = `
    describe('a group', () => {
      test('plain', () => {});
      test.each(['one', 'two'])('case %s of it', () => {});
      test.skip('skipped', () => {});
    });
    describe('another', () => void test('plain', () => {}));
    test.each([[1, 'x']] as const)('%i and %s', () => {});
    test(\`made of \${1}\`, () => {});
  `;
  const found = (wanted: string): number => matchesOf(testFileOf(source), wanted).length;

  test.each([
    ['plain', 2],
    ['a group › plain', 1],
    ['a group', 1],
    ['case %s of it', 1],
    ['case two of it', 1],
    ['case three of it', 0],
    ['1 and x', 1],
    ['2 and x', 0],
    ['made of %s', 1],
    ['skipped', 0],
    ['pla', 0],
    ['another › case one of it', 0],
    ['', 0],
  ])('finds %j %i times', (wanted, times) => {
    expect(found(wanted)).toBe(times);
  });
});
