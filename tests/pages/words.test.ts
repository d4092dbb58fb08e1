import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/internals/words.md', root), 'utf8');

interface Row {
  readonly word: string;
  readonly name: string;
  readonly file: string;
}

const rows = Array.from(
  page.matchAll(/^\| ([a-z]+) +\| `(\w+)` +\| `(src\/[\w./-]+)` +\| [^|]+ \|$/gm),
  ([, word = '', name = '', file = '']): Row => ({ word, name, file }),
);

test('the page of words has nothing but such rows, and each word once', () => {
  const lines = page.split('\n').filter((line) => /^\| (?!Word |-)/.test(line));
  expect(lines.length).toBe(rows.length);
  expect(rows.length).toBeGreaterThan(40);
  expect(rows.map(({ word }) => word).filter((word, index, all) => all.indexOf(word) !== index)).toEqual([]);
});

test.each(rows)('$word is $name in $file', ({ word, name, file }) => {
  const source = readFileSync(new URL(file, root), 'utf8');
  // Declared there, or a field there: to be used would be true of many files.
  expect(source).toMatch(new RegExp(`^(?:export )?(?:async )?(?:interface|type|class|function|const) ${name}\\b|\\b${name}\\??: `, 'm'));
  // In a comment or a name: a file that has no use for the word is the wrong one.
  expect(source.toLowerCase()).toContain(word);
});

test('no other file of the router calls something else so', () => {
  const folder = new URL('src/router/', root);
  const sources = readdirSync(folder).map((file) => [`src/router/${file}`, readFileSync(new URL(file, folder), 'utf8')] as const);
  const namesakes = rows.flatMap(({ name, file }) => {
    const declares = new RegExp(`^(?:export )?(?:interface|type|class) ${name}\\b`, 'm');
    return sources.filter(([other, source]) => other !== file && declares.test(source)).map(([other]) => `${name}: ${other}`);
  });
  expect(namesakes).toEqual([]);
});
