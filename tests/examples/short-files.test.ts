import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import format from '../../.oxfmtrc.json' with { type: 'json' };
import { examples } from './example-process.ts';

/** One idea fits on a screen. */
const mostLines = 40;

/** What is installed or built there is none of ours. */
const foreign: ReadonlySet<string> = new Set(['node_modules', 'dist', '.next']);

/**
 * Every program but those of `deploy`. They are no examples to read: the server that makes a notebook a remote GPU is put there as it is,
 * as one file because a notebook is given files one by one, and it has tests of its own.
 */
const programs = globSync('**/*.{ts,tsx,js,mjs,cjs,py,sh,html,css}', {
  cwd: examples,
  exclude: (path) => foreign.has(basename(path)) || path === 'deploy',
});

/** The formatter breaks no comments and no texts, so width is asked for as well. */
function faultsOf(text: string): readonly string[] {
  const lines = text.trimEnd().split('\n');
  const isWide = lines.some((line) => line.length > format.printWidth);
  return [...(lines.length > mostLines ? [`${lines.length} lines`] : []), ...(isWide ? ['a line that is too wide'] : [])];
}

test(`a program has at most ${mostLines} lines`, () => {
  const found = programs.map((path) => [path, faultsOf(readFileSync(join(examples, path), 'utf8'))] as const);
  expect(found.length).toBeGreaterThan(60);
  expect(found.filter(([, faults]) => faults.length > 0)).toEqual([]);
});

test.each([
  ['no line too many', 'const a = 1;\n'.repeat(mostLines), []],
  ['a line too many', 'const a = 1;\n'.repeat(mostLines + 1), ['41 lines']],
  ['empty lines too many', `${'\n'.repeat(mostLines)}export {};`, ['41 lines']],
  ['a comment that is too wide', `// ${'a'.repeat(format.printWidth)}`, ['a line that is too wide']],
])('%s is seen as such', (_what, text, faults) => {
  expect(faultsOf(text)).toEqual(faults);
});
