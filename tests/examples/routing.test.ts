import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { withFiles } from '../../scripts/write-reference.ts';

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
  expect(errorsIn(Array.from(guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, code = '']) => code))).toEqual([]);
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

const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: true,
  paths: { inferlane: [fileURLToPath(new URL('src/index.ts', root))] },
};

/** What the compiler says of blocks of code, each of them a module of its own. */
function errorsIn(blocks: readonly string[]): string[] {
  const pathOf = (name: string): string => fileURLToPath(new URL(name, root));
  const modules = new Map([
    [pathOf('given.d.ts'), given],
    ...blocks.map((code, index) => [pathOf(`block-${index}.ts`), `${code}export {};`] as const),
  ]);
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (path) => modules.has(path) || fileExists(path);
  host.getSourceFile = (path, target, ...rest) => {
    const code = modules.get(path);
    return code === undefined ? getSourceFile(path, target, ...rest) : ts.createSourceFile(path, code, target);
  };
  const program = ts.createProgram([...modules.keys()], options, host);
  return [...modules.keys()].flatMap((path) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(path))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
  );
}
