import { existsSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { headingsOf, withoutSpans } from '../../docs/.vitepress/headings.ts';
import { isElsewhere, linksIn } from '../../docs/.vitepress/markdown-links.ts';
import { type Page, readPage, root } from './pages.ts';

// What is wrong with a page as people read it, in the repository and on the site: `line: what`.

/** Links and pictures that lead nowhere. */
export function deadLinks(page: Page): readonly string[] {
  return linksIn(page.text).flatMap(({ target, line }) => {
    const fault = faultOf(page, target);
    return fault === undefined ? [] : [`${page.path}:${line} ${target}: ${fault}`];
  });
}

function faultOf(page: Page, target: string): string | undefined {
  if (isElsewhere(target)) return URL.canParse(target) ? undefined : 'is no address';
  if (target.startsWith('/')) return 'begins at the root of a site; pages are read in the repository too';
  const [path = '', anchor] = target.split('#');
  if (path === '') return lacks(page, anchor);
  const place = posix.join(posix.dirname(page.path), decodeURI(path));
  if (!existsSync(join(root, place))) return 'is not there';
  if (isMadeAnew(place)) return 'is made by a build, and not in the repository';
  if (anchor === undefined) return undefined;
  const isPage = place.endsWith('.md') && !statSync(join(root, place)).isDirectory();
  return isPage ? lacks(readPage(place), anchor) : 'only pages have headings';
}

function lacks({ text }: Page, anchor: string | undefined): string | undefined {
  return headingsOf(text).some((heading) => heading.anchor === anchor) ? undefined : 'has no such heading';
}

function isMadeAnew(path: string): boolean {
  return /^(?:dist|docs\/reference\/api|docs\/\.vitepress\/dist)(?:\/|$)/.test(path) || path.split('/').includes('node_modules');
}

/** Those that both GitHub and the site take as they are. */
const known = /^<\/?(?:br|img|picture|source|p|a|details|summary|sub|sup|kbd)\b[^>]*>$/;

/** `<name>` outside of code is swallowed on GitHub and stops the build of the site, and `{{ }}` is a program there. */
export function swallowedTexts({ path, text }: Page): readonly string[] {
  const lines = withoutSpans(text).split('\n');
  return lines.flatMap((line, index) => {
    const tags = [...line.matchAll(/<(?![a-z][a-z0-9+.-]*:)\/?[a-z][^>]*>?|\{\{/gi)].map(([tag]) => tag);
    return tags.filter((tag) => !known.test(tag)).map((tag) => `${path}:${index + 1} ${tag}`);
  });
}
