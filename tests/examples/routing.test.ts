import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withFiles } from '../../scripts/write-reference.ts';
import { errorsIn } from './compiled-modules.ts';

const root = new URL('../../', import.meta.url);
const guide = readFileSync(new URL('docs/guides/routing.md', root), 'utf8');
const files = readdirSync(new URL('examples/routing/', root));

test('the guide holds the examples as they are', () => {
  expect(withFiles(guide)).toBe(guide);
  for (const file of files) expect(guide).toContain(`\`\`\`ts examples/routing/${file}\n`);
});

test.each(files)('%s is short', (file) => {
  expect(readFileSync(new URL(`examples/routing/${file}`, root), 'utf8').split('\n').length).toBeLessThanOrEqual(41);
});

test('what stands in the guide beside them compiles', { timeout: 60_000 }, () => {
  expect(errorsInBlocks(Array.from(guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, code = '']) => code))).toEqual([]);
});

/** What a block of the guide may take for granted; one that declares or imports a name itself does without ours. */
const given = `
declare const createRouter: typeof import('inferlane').createRouter;
declare const loadPrices: typeof import('inferlane').loadPrices;
declare const router: import('inferlane').Router;
declare const providers: Record<string, import('inferlane').ProviderOptions>;
declare const request: import('inferlane').ChatRequest;
declare const conversation: { readonly id: string };
`;

/** Each block is a module of its own. */
function errorsInBlocks(blocks: readonly string[]): readonly string[] {
  const modules = blocks.map((code, index) => [`block-${index}.ts`, `${code}export {};`]);
  return errorsIn({ 'given.d.ts': given, ...Object.fromEntries(modules) }, { inferlane: 'index.ts' }).flat();
}
