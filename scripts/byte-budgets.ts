import { fileURLToPath } from 'node:url';
import manifest from '../package.json' with { type: 'json' };
import { bundledBytes, type Input } from './bundled-bytes.ts';

// How many bytes the build is for those who bundle it: `node scripts/byte-budgets.ts`, after the build. Counted is what is loaded before
// anything is called, minified and after gzip, without optional peers.

export interface Bytes {
  /** Without dependencies. */
  readonly own: number;
  /** With all that npm installs for a user. */
  readonly whole: number;
}

/**
 * The most there may be; about a twentieth above what there was when it was last set. One row for each entry point and command, and one
 * for a program that takes nothing of the root but `createRouter`. Nobody has another entry point without the root, so theirs is what
 * they add to it.
 */
export const budgets: Readonly<Record<string, Bytes>> = {
  '.': { own: 172_500, whole: 172_800 },
  'createRouter of .': { own: 156_200, whole: 156_500 },
  './http': { own: 88_800, whole: 88_800 },
  './prometheus': { own: 4_500, whole: 4_500 },
  './otel': { own: 5_300, whole: 5_300 },
  './node-http': { own: 2_700, whole: 2_700 },
  './undici': { own: 3_250, whole: 3_250 },
  './redis': { own: 7_900, whole: 7_900 },
  './testing': { own: 47_700, whole: 47_700 },
  './ai-sdk': { own: 9_100, whole: 9_100 },
  inferlane: { own: 292_600, whole: 292_800 },
};

/** How many there are now, by the rows of the table. */
export async function measure(): Promise<Readonly<Record<string, Bytes>>> {
  const root = await sizeOf(code("export * from 'inferlane';"));
  const sizes: Record<string, Bytes> = { '.': root, 'createRouter of .': await sizeOf(code("export { createRouter } from 'inferlane';")) };
  for (const [name, target] of Object.entries(manifest.exports)) {
    if (name === '.' || typeof target === 'string') continue;
    const { own, whole } = await sizeOf(code(`export * from 'inferlane'; export * as more from 'inferlane${name.slice(1)}';`));
    sizes[name] = { own: own - root.own, whole: whole - root.whole };
  }
  for (const [name, path] of Object.entries(manifest.bin)) sizes[name] = await sizeOf({ entryPoints: [path] });
  return sizes;
}

const home = fileURLToPath(new URL('..', import.meta.url));
const code = (contents: string): Input => ({ stdin: { contents, resolveDir: home } });

async function sizeOf(input: Input): Promise<Bytes> {
  const peers = Object.keys(manifest.peerDependencies);
  return { own: await bytesOf(input, [...peers, ...Object.keys(manifest.dependencies)]), whole: await bytesOf(input, peers) };
}

async function bytesOf(input: Input, external: string[]): Promise<number> {
  return (await bundledBytes(home, { ...input, external })).atOnce;
}

/** What is above its budget, or has none, a sentence each. */
export function overruns(sizes: Readonly<Record<string, Bytes>>, allowed: Readonly<Record<string, Bytes>> = budgets): string[] {
  return Object.entries(sizes).flatMap(([name, size]) => {
    const budget = allowed[name];
    if (budget === undefined) return [`${name} has no budget; give it a row in scripts/byte-budgets.ts`];
    return (['own', 'whole'] as const)
      .filter((kind) => size[kind] > budget[kind])
      .map((kind) => {
        const what = kind === 'own' ? 'without dependencies' : 'with dependencies';
        return `${name} has ${size[kind]} bytes ${what}, ${size[kind] - budget[kind]} above its budget of ${budget[kind]}`;
      });
  });
}

async function report(): Promise<void> {
  const sizes = await measure();
  for (const [name, { own, whole }] of Object.entries(sizes)) {
    console.log(`${name.padEnd(18)} ${own} bytes after gzip, with dependencies ${whole}`);
  }
  const over = overruns(sizes);
  for (const sentence of over) console.error(sentence);
  if (over.length > 0) process.exitCode = 1;
}

if (import.meta.main) await report();
