import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withFiles } from '../../scripts/write-reference.ts';
import { errorsIn } from './compiled-modules.ts';

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
  const [misspelt, ...errors] = errorsInBlocks(["createInferlane(router, { intend: 'fast' });", ...blocks]);
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

function errorsInBlocks(blocks: readonly string[]): readonly (readonly string[])[] {
  const modules = blocks.map((code, index) => {
    const router = /const router\b/.test(code) ? '' : "declare const router: import('inferlane').Router;\n";
    return [`block-${index}.ts`, `${given}${router}${code}`];
  });
  return errorsIn(Object.fromEntries(modules), { inferlane: 'index.ts', 'inferlane/ai-sdk': 'ai-sdk/index.ts' });
}
