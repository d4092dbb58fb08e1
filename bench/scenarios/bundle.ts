import { existsSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import manifest from '../../package.json' with { type: 'json' };
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
  for (const [name, entry] of Object.entries(entries)) {
    const files = await bundled(entry);
    atOnce[name] = [kilobytesOf(files.filter(({ isLater }) => !isLater))];
    inAll[name] = [kilobytesOf(files)];
  }
  return { atOnce, inAll };
}

interface File {
  readonly bytes: Uint8Array;
  /** By `import()`. */
  readonly isLater: boolean;
}

const kilobytesOf = (files: readonly File[]): number =>
  files.reduce((sum, { bytes }) => sum + gzipSync(bytes, { level: 9 }).length, 0) / 1_000;

async function bundled({ source, isAlone }: Entry): Promise<File[]> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: home, loader: 'js' },
    absWorkingDir: home,
    bundle: true,
    minify: true,
    splitting: true,
    write: false,
    outdir: 'bundled',
    metafile: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    external: Object.keys(manifest.peerDependencies),
    ...(isAlone && { packages: 'external' as const }),
  });
  const entry = Object.keys(metafile.outputs).find((path) => metafile.outputs[path]?.entryPoint !== undefined) ?? '';
  const loaded = [...loadedWith(entry, metafile)];
  return outputFiles.map(({ path, contents: bytes }) => ({ bytes, isLater: !loaded.some((name) => path.endsWith(name)) }));
}

function loadedWith(path: string, metafile: Metafile, known: Set<string> = new Set()): ReadonlySet<string> {
  if (known.has(path)) return known;
  known.add(path);
  for (const { path: next, kind, external } of metafile.outputs[path]?.imports ?? []) {
    if (kind === 'import-statement' && external !== true) loadedWith(next, metafile, known);
  }
  return known;
}
