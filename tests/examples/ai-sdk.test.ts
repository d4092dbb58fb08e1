import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withFiles } from '../../scripts/write-reference.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const guides = ['docs/guides/ai-sdk.md', 'docs/guides/langchain.md'];

test('the guides hold the examples as they are, and lead to the others', () => {
  const text = guides.map(read).join('');
  expect(withFiles(text)).toBe(text);
  for (const folder of ['ai-sdk', 'langchain']) {
    for (const file of readdirSync(new URL(`examples/${folder}/`, root))) expect(text).toContain(`examples/${folder}/${file}`);
  }
});
