import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { titleOf } from './headings.ts';

/** As VitePress takes it. */
export interface SidebarItem {
  readonly text: string;
  readonly link?: string;
  readonly items?: SidebarItem[];
  readonly collapsed?: boolean;
}

/** The folders that come first, in this order; any other comes behind them. */
const order = ['guides', 'backends', 'reference', 'internals'];
/** Pages of files that others lead to, and what is no page. */
const hidden = ['.vitepress', 'files', 'images', 'node_modules'];

/** Every page below a folder, by its first heading: those at its top, then a group for each folder. */
export function sidebarOf(docs: string): SidebarItem[] {
  const top = pagesIn(docs, '').filter(({ link }) => link !== '/index');
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  const folders = foldersIn(docs, '').toSorted((left, right) => rank(left) - rank(right));
  return [...(top.length > 0 ? [{ text: 'Start', items: top }] : []), ...folders.map((name) => groupOf(docs, name))];
}

function groupOf(docs: string, folder: string): SidebarItem {
  const inside = foldersIn(docs, folder).map((name) =>
    name === 'api' ? apiOf(docs, `${folder}/api`) : groupOf(docs, `${folder}/${name}`),
  );
  const items = [...pagesIn(docs, folder), ...inside];
  // The others open by themselves when one of their pages is read.
  return { text: wordsOf(folder), items, collapsed: folder !== 'guides' };
}

/** One page for each entry point of the package; each of them leads to its names. */
function apiOf(docs: string, folder: string): SidebarItem {
  const pages = globSync('**/index.md', { cwd: join(docs, folder) }).filter((path) => path !== 'index.md');
  const items = pages.map((path) => pageAt(docs, `${folder}/${path.replaceAll('\\', '/')}`)).toSorted(byText);
  return { text: 'Every name', items, collapsed: true };
}

function pagesIn(docs: string, folder: string): SidebarItem[] {
  const names = globSync('*.md', { cwd: join(docs, folder) });
  return names.map((name) => pageAt(docs, folder === '' ? name : `${folder}/${name}`)).toSorted(byText);
}

function pageAt(docs: string, path: string): SidebarItem {
  return { text: titleOf(readFileSync(join(docs, path), 'utf8'), path), link: `/${path.replace(/\.md$/, '')}` };
}

/** Those that hold a page. */
function foldersIn(docs: string, folder: string): readonly string[] {
  const names = globSync('*/', { cwd: join(docs, folder) }).map((name) => name.replace(/[\\/]$/, ''));
  const holds = (name: string): boolean => globSync('**/*.md', { cwd: join(docs, folder, name) }).length > 0;
  return names.filter((name) => !hidden.includes(name) && holds(name)).toSorted();
}

function wordsOf(folder: string): string {
  const name = (folder.split('/').at(-1) ?? '').replaceAll('-', ' ');
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function byText(left: SidebarItem, right: SidebarItem): number {
  return left.text.localeCompare(right.text, 'en');
}
