import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { titleOf } from '../../docs/.vitepress/headings.ts';
import { isElsewhere, linksIn } from '../../docs/.vitepress/markdown-links.ts';
import { type SidebarItem, sidebarOf } from '../../docs/.vitepress/sidebar.ts';
import { filePage, outsidePages, siteHref } from '../../docs/.vitepress/site-links.ts';
import { pages, readPage, root } from './pages.ts';

// What the site makes of the pages, without building it.

const outside = outsidePages();

function linksOf({ link, items = [] }: SidebarItem): readonly string[] {
  return [...(link === undefined ? [] : [link]), ...items.flatMap(linksOf)];
}

describe('the sidebar', () => {
  const sidebar = sidebarOf(join(root, 'docs'));
  test('has every page once, but the front page and files', () => {
    const expected = pages.map(({ path }) => path).filter((path) => /^docs\/(?!index\.md|files\/)/.test(path));
    const links = sidebar.flatMap(linksOf).filter((link) => !link.startsWith('/reference/api/'));
    expect(links.toSorted()).toEqual(expected.map((path) => path.slice('docs'.length, -'.md'.length)).toSorted());
    expect(links.length).toBeGreaterThan(40);
  });

  test('calls each page as its first heading does', () => {
    const guides = sidebar.find(({ text }) => text === 'Guides')?.items ?? [];
    expect(guides.find(({ link }) => link === '/guides/routing')?.text).toBe(titleOf(readPage('docs/guides/routing.md').text, ''));
  });

  test('begins with what people read first', () => {
    expect(sidebar.map(({ text }) => text)).toEqual(['Start', 'Guides', 'Backends', 'Reference', 'Internals']);
  });
});

describe('a link', () => {
  test.each([
    ['docs/guides/http.md', '../../examples/express/README.md', '/files/examples/express/README-md.md'],
    ['docs/guides/http.md', '../../examples/telemetry/prometheus.ts', '/files/examples/telemetry/prometheus-ts.md'],
    ['docs/guides/http.md', 'routing.md#memory', '/guides/routing.md#memory'],
    ['docs/guides/configuration.md', '../reference/config.schema.json', '/reference/config.schema.json'],
    ['docs/guides/http.md', '../backends', '/backends/anthropic.md'],
    ['docs/start.md', '../README.md', '/'],
    ['examples/express/README.md', '../../docs/guides/http.md#the-admin-page', '/guides/http.md#the-admin-page'],
    ['examples/README.md', 'routing', '/files/examples/routing.md'],
    ['examples/README.md', 'telemetry', '/files/examples/telemetry/README-md.md'],
    ['examples/routing', 'batch-leaves-room.test.ts', '/files/examples/routing/batch-leaves-room-test-ts.md'],
    ['docs/guides/http.md', 'https://example.com/a.md', 'https://example.com/a.md'],
    ['docs/guides/http.md', '#top', '#top'],
  ])('of %s to %s', (from, target, href) => {
    expect(siteHref(from, target)).toBe(href);
  });

  test('always leads to a page of the site, or to a file that it has', () => {
    const made = new Set(outside.map(({ path }) => `/${filePage(path)}`));
    const files = new Set(globSync('**/*.{md,json}', { cwd: join(root, 'docs'), exclude: ['node_modules/**'] }).map((path) => `/${path}`));
    const shown = [...pages.filter(({ path }) => path.startsWith('docs/')).map(({ path, text }) => ({ path, content: text })), ...outside];
    const lost = shown.flatMap(({ path, content }) =>
      linksIn(content)
        .filter(({ target }) => !isElsewhere(target) && !/\.(?:png|svg)$/.test(target))
        .map(({ target }) => siteHref(path, target).replace(/#.*/, ''))
        .filter((href) => href !== '' && href !== '/' && !made.has(href) && !files.has(href))
        .map((href) => `${path} → ${href}`),
    );
    expect(lost).toEqual([]);
  });
});

describe('files that pages lead to', () => {
  const contentOf = (name: string): string | undefined => outside.find(({ path }) => path === name)?.content;

  test('are pages with their text', () => {
    expect(contentOf('examples/simulate/load-ratio.ts')).toMatch(
      /^# load-ratio\.ts\n\n`examples\/simulate\/load-ratio\.ts`\n\n`{6}ts\nimport /,
    );
    expect(contentOf('examples/express/README.md')).toBe(readPage('examples/express/README.md').text);
    expect(contentOf('examples/routing')).toContain('- [batch-leaves-room.test.ts](batch-leaves-room.test.ts)\n');
  });

  test('have names that no two share', () => {
    const names = outside.map(({ path }) => filePage(path));
    expect(new Set(names).size).toBe(names.length);
  });
});
