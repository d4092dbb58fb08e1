import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
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

test('what stands in the guides beside them compiles', { timeout: 60_000 }, () => {
  const blocks = guides.flatMap((guide) => Array.from(read(guide).matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, code = '']) => code));
  expect(blocks).toHaveLength(3);
  const [misspelt, ...errors] = errorsIn(["createInferlane(router, { intend: 'fast' });", ...blocks]);
  expect(errors).toEqual([[], [], []]);
  expect(misspelt).toHaveLength(1);
});

/** What a block may take for granted. */
const given = `
import { convertToModelMessages, streamText, ToolLoopAgent, type ToolSet, type UIMessage } from 'ai';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { createRouter } from 'inferlane';
import { aiSdkAdapter, createInferlane } from 'inferlane/ai-sdk';
declare const tools: ToolSet;
declare const weather: import('@langchain/core/tools').StructuredTool;
declare const schema: import('zod').ZodObject;
declare const vendor: (model: string) => import('@ai-sdk/provider').LanguageModelV4;
`;

const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  noEmit: true,
  paths: Object.fromEntries(
    Object.entries({ inferlane: 'index.ts', 'inferlane/ai-sdk': 'ai-sdk/index.ts' }).map(([name, path]) => [
      name,
      [fileURLToPath(new URL(`src/${path}`, root))],
    ]),
  ),
};

/** The compiler's errors in each of some blocks of TypeScript. */
function errorsIn(blocks: readonly string[]): readonly (readonly string[])[] {
  const files = new Map(
    blocks.map((code, index) => {
      const router = /const router\b/.test(code) ? '' : "declare const router: import('inferlane').Router;\n";
      return [fileURLToPath(new URL(`block-${index}.ts`, root)), `${given}${router}${code}`];
    }),
  );
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.getSourceFile = (path, target) => {
    const code = files.get(path);
    return code === undefined ? getSourceFile(path, target) : ts.createSourceFile(path, code, target, true);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].map((path) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(({ messageText }) =>
      ts.flattenDiagnosticMessageText(messageText, '\n'),
    );
  });
}
