import { gzipSync } from 'node:zlib';
import { build, type BuildOptions, type Metafile } from 'esbuild';

/** What an application bundles: a text that imports it, or files. */
export type Input = Pick<BuildOptions, 'stdin' | 'entryPoints' | 'external' | 'packages'>;

export interface BundledBytes {
  /** Loaded before anything is called. */
  readonly atOnce: number;
  /** What comes later, by `import()`, is in files of its own. */
  readonly inAll: number;
}

/** Bundled for Node, minified, and after gzip. `home`: the folder that paths are seen from. */
export async function bundledBytes(home: string, input: Input): Promise<BundledBytes> {
  const { outputFiles, metafile } = await build({
    ...input,
    absWorkingDir: home,
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    metafile: true,
    write: false,
    outdir: 'bundled',
    logLevel: 'error',
  });
  const entry = Object.keys(metafile.outputs).find((path) => metafile.outputs[path]?.entryPoint !== undefined) ?? '';
  const loaded = [...loadedWith(entry, metafile)];
  const files = outputFiles.map(({ path, contents }) => ({ path, bytes: gzipSync(contents, { level: 9 }).length }));
  return {
    atOnce: sum(files.filter(({ path }) => loaded.some((name) => path.endsWith(name)))),
    inAll: sum(files),
  };
}

function sum(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}

function loadedWith(path: string, metafile: Metafile, known: Set<string> = new Set()): ReadonlySet<string> {
  if (known.has(path)) return known;
  known.add(path);
  for (const { path: next, kind, external } of metafile.outputs[path]?.imports ?? []) {
    if (kind === 'import-statement' && external !== true) loadedWith(next, metafile, known);
  }
  return known;
}
