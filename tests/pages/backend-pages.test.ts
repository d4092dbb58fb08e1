import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { backendPageAt, backendTypes, withFacts } from '../../scripts/write-backend-pages.ts';

const read = (type: (typeof backendTypes)[number]): string => readFileSync(backendPageAt(type), 'utf8');

test.each(backendTypes)('the facts on the page of %s are those that scripts/write-backend-pages.ts writes', (type) => {
  expect(withFacts(read(type), type)).toBe(read(type));
});

test('every type has a page, and no page is of another one', () => {
  const files = readdirSync(new URL('../../docs/backends/', import.meta.url));
  expect(files.toSorted()).toEqual(backendTypes.map((type) => `${type}.md`).toSorted());
});

test('a page without its marks cannot be written', () => {
  expect(() => withFacts(read('ollama').replace('<!-- until here -->', ''), 'ollama')).toThrow('docs/backends/ollama.md');
});
