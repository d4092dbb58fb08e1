import { expect, test } from 'vitest';
import tsup from '../tsup.config.ts';
import { deadExports } from './_kit/dead-exports.ts';
import { readSources, source } from './_kit/source-rules.ts';

const folders = ['src', 'tests', 'bench', 'scripts', 'examples'] as const;
/** Programs, which nobody imports. */
const programs = ['src/admin/main.tsx', 'src/cli/main.ts'];

test('what a file of the library exports, another one asks for', { timeout: 60_000 }, () => {
  const all = folders.flatMap((folder) =>
    readSources(new URL(`../${folder}/`, import.meta.url)).map((file) => ({ ...file, path: `${folder}/${file.path}` })),
  );
  const { entry } = tsup as { readonly entry: Readonly<Record<string, string>> };
  const own = all.filter(({ path }) => path.startsWith('src/'));
  expect(own.length).toBeGreaterThan(300);
  expect(deadExports(own, all, new Set([...Object.values(entry), ...programs]))).toEqual([]);
});

test('names are asked for by imports, and in what is exported once more', () => {
  const all = [
    source('src/a.ts', 'export const used = 1; export const dead = 2; export interface Told {} export function again() {}'),
    source('src/b.ts', "import { used as mine } from './a.ts'; export type { Told } from './a.ts'; const all = mine;"),
    source('src/c.ts', 'export const one = 1; export const two = 2; export const three = 3;'),
    source('src/d.ts', 'export class Whole {}'),
    source(
      'tests/e.ts',
      "import { again } from '../src/a.ts'; type One = import('../src/c.ts').one; const whole = await import('../src/d.ts');",
    ),
    source('src/index.ts', "export { two as second } from './c.ts';"),
  ];
  expect(deadExports(all, all, new Set(['src/index.ts']))).toEqual(['src/a.ts: dead', 'src/b.ts: Told', 'src/c.ts: three']);
});
