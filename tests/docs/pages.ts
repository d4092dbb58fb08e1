import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root: string = join(import.meta.dirname, '../..');

/** One page of the documentation; `path` is from the root of the repository, with forward slashes. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

export function readPage(path: string): Page {
  return { path, text: readFileSync(join(root, path), 'utf8') };
}

const patterns = ['README.md', 'docs/**/*.md', 'examples/README.md', 'examples/*/README.md'];
/** What others have written, and what the site makes of the sources when it is built. */
const notOurs = ['**/node_modules/**', '**/.vitepress/**', 'docs/reference/api/**'];

/** Every page, in the order of their paths. */
export const pages: readonly Page[] = globSync(patterns, { cwd: root, exclude: notOurs })
  .map((path) => path.replaceAll('\\', '/'))
  .toSorted()
  .map(readPage);
