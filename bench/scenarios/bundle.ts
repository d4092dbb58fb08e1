import { existsSync } from 'node:fs';
import manifest from '../../package.json' with { type: 'json' };
import { bundledBytes } from '../../scripts/bundled-bytes.ts';
import { nodeHttpFile } from '../candidates/inferlane.ts';
import type { Values } from '../running/measure.ts';

// How large an application becomes.

export const bundleAbout =
  'what esbuild makes of these imports, bundled and minified for Node, after gzip; optional peers of a package that are not installed, and those of inferlane, are left out';

interface Entry {
  readonly source: string;
  /** Its dependencies are not counted. */
  readonly isAlone?: true;
}

const home = new URL('..', import.meta.url).pathname;
const root = '../dist/index.js';
const entries: Readonly<Record<string, Entry>> = {
  ofetch: { source: 'export { ofetch } from "ofetch"' },
  openai: { source: 'export { OpenAI } from "openai"' },
  langchain: { source: 'export { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai"' },
  'ai-sdk': {
    source: 'export { generateText, streamText, embedMany } from "ai"; export { createOpenAICompatible } from "@ai-sdk/openai-compatible"',
  },
  tanstack: { source: 'export { chat } from "@tanstack/ai"; export { openaiCompatible } from "@tanstack/ai-openai/compatible"' },
  'inferlane, createRouter': { source: `export { createRouter } from "${root}"` },
  'inferlane, createRouter, own code alone': { source: `export { createRouter } from "${root}"`, isAlone: true },
  'inferlane, everything': { source: `export * from "${root}"` },
  'inferlane, everything, own code alone': { source: `export * from "${root}"`, isAlone: true },
  ...(existsSync(nodeHttpFile) && {
    'inferlane, createRouter and nodeHttpTransport': {
      source: `export { createRouter } from "${root}"; export { nodeHttpTransport } from "../dist/node-http.js"`,
    },
  }),
};

export async function measureBundles(): Promise<Values[string]> {
  const atOnce: Record<string, number[]> = {};
  const inAll: Record<string, number[]> = {};
  for (const [name, { source, isAlone }] of Object.entries(entries)) {
    const bytes = await bundledBytes(home, {
      stdin: { contents: source, resolveDir: home, loader: 'js' },
      external: Object.keys(manifest.peerDependencies),
      ...(isAlone && { packages: 'external' }),
    });
    atOnce[name] = [bytes.atOnce / 1_000];
    inAll[name] = [bytes.inAll / 1_000];
  }
  return { atOnce, inAll };
}
