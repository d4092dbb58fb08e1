import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isElsewhere, linksIn } from './markdown-links.ts';

// Pages link to files of the repository by their paths. On the site each of those has a page of its own below /files/, so that a link leads
// to what it leads to in the repository. Paths are from the root of the repository, with forward slashes.

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(root + path, 'utf8');
const isFolder = (path: string): boolean => statSync(root + path).isDirectory();

/** The page below `docs/` that shows a file from outside of it. */
export function filePage(path: string): string {
  return `files/${path.replaceAll(/[^\w/-]+/g, '-').replace(/\/$/, '')}.md`;
}

/** What a link of a page becomes on the site: from its root on, and with `.md`, so that the build finds dead ones. */
export function siteHref(from: string, target: string): string {
  if (isElsewhere(target) || target.startsWith('#')) return target;
  const [path, hash] = placeOf(from, target);
  // The front page of the repository is that of the site.
  if (path === 'README.md') return '/';
  const shown = readableIn(path);
  if (!shown.startsWith('docs/')) return `/${filePage(shown)}${hash}`;
  return `${shown.slice('docs'.length)}${hash}`;
}

function placeOf(from: string, target: string): readonly [path: string, hash: string] {
  const at = target.search(/#|$/);
  const folder = isFolder(from) ? from : posix.dirname(from);
  return [posix.join(folder, decodeURI(target.slice(0, at))).replace(/\/$/, ''), target.slice(at)];
}

/** Of a folder its README, or its first page; a folder of programs is shown as a list. */
function readableIn(path: string): string {
  if (!existsSync(root + path) || !isFolder(path)) return path;
  if (existsSync(`${root}${path}/README.md`)) return `${path}/README.md`;
  const [first] = globSync('*.md', { cwd: root + path }).toSorted();
  return first === undefined ? path : `${path}/${first}`;
}

/** A page of the site for a file outside of `docs/`. */
export interface OutsidePage {
  readonly path: string;
  readonly content: string;
}

/** Every file outside of `docs/` that a page leads to, and those that they lead to. */
export function outsidePages(): readonly OutsidePage[] {
  const made = new Map<string, string>();
  const open = globSync('docs/**/*.md', { cwd: root, exclude: ['**/node_modules/**', 'docs/reference/api/**'] }).toSorted();
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const isOutside = !path.startsWith('docs/');
    const content = isOutside ? contentOf(path) : read(path);
    if (isOutside) made.set(path, content);
    for (const { target } of path.endsWith('.md') || isFolder(path) ? linksIn(content) : []) {
      if (isElsewhere(target) || target.startsWith('#')) continue;
      const next = readableIn(placeOf(path, target)[0]);
      if (!next.startsWith('docs/') && next !== 'README.md' && !made.has(next) && !open.includes(next)) open.push(next);
    }
  }
  return [...made].map(([path, content]) => ({ path, content }));
}

function contentOf(path: string): string {
  if (isFolder(path)) return `# ${path}\n\n${listOf(path)}`;
  const text = read(path);
  if (path.endsWith('.md')) return text;
  // Longer than any fence in it.
  const fence = '``````';
  return `# ${posix.basename(path)}\n\n\`${path}\`\n\n${fence}${languageOf(path)}\n${text.trimEnd()}\n${fence}\n`;
}

/** Those that the site can colour under another name. */
const languages: Readonly<Record<string, string>> = { example: 'ini', service: 'ini', capnp: 'text', '': 'text' };

function languageOf(path: string): string {
  const extension = posix.extname(path).slice(1);
  return languages[extension] ?? extension;
}

function listOf(path: string): string {
  const names = globSync('*', { cwd: root + path }).filter((name) => !isFolder(`${path}/${name}`));
  const lines = names.toSorted().map((name) => `- [${name}](${name})\n`);
  return lines.join('');
}
