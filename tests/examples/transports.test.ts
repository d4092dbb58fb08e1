import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorsIn } from './compiled-modules.ts';

const guide = readFileSync(new URL('../../docs/guides/transports.md', import.meta.url), 'utf8');

test('what stands in the guide compiles', { timeout: 60_000 }, () => {
  const blocks = Array.from(guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, code = '']) => code);
  expect(blocks).toHaveLength(3);
  const modules = [...blocks, blocks[1]?.replace('idleMs', 'idle') ?? ''].map((code, index) => [`block-${index}.ts`, code]);
  const [first, second, third, misspelt] = errorsIn(Object.fromEntries(modules), {
    inferlane: 'index.ts',
    'inferlane/node-http': 'lib/node-http.ts',
    'inferlane/undici': 'lib/undici-transport.ts',
  });
  expect([first, second, third]).toEqual([[], [], []]);
  expect(misspelt).toHaveLength(1);
});
