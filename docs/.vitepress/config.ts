import { copyFileSync, globSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type MarkdownOptions, type UserConfig } from 'vitepress';
import manifest from '../../package.json' with { type: 'json' };
import { slugOf } from './headings.ts';
import { sidebarOf } from './sidebar.ts';
import { filePage, outsidePages, siteHref } from './site-links.ts';

const docs = fileURLToPath(new URL('../', import.meta.url));
const outside = new Map(outsidePages().map(({ path }) => [filePage(path), path]));

/** Where a page of the site lies in the repository. */
function sourceOf(page: string): string {
  return outside.get(page) ?? `docs/${page}`;
}

/** Two lanes, of which one ends. */
const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="#3451b2" stroke-width="2"><path d="M1 5h7a4 4 0 0 1 4 4v6"/><path d="M1 11h6"/></svg>';

type Markdown = Parameters<NonNullable<MarkdownOptions['config']>>[0];

/** After it no line ends. */
const wordJoiner = '\u2060';

/**
 * Links of a page are those of the repository; here they become those of the site. A range of figures stays on one line. Languages without
 * colours are texts.
 */
function fitToSite(md: Markdown): void {
  md.core.ruler.push('fit-to-site', ({ tokens, env }) => {
    const from = sourceOf((env as { relativePath: string }).relativePath);
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      if (href !== null) token.attrSet('href', siteHref(from, href));
      if (token.type === 'text') token.content = token.content.replaceAll(/(?<=\d)–(?=\d|p\d)/g, `–${wordJoiner}`);
    }
    for (const token of tokens) if (token.type === 'fence') token.info = token.info.replace(/^promql\b/, 'text');
  });
}

const config: UserConfig = defineConfig({
  lang: 'en-GB',
  title: manifest.name,
  description: manifest.description,
  head: [['link', { rel: 'icon', href: `data:image/svg+xml,${encodeURIComponent(icon)}` }]],
  markdown: { anchor: { slugify: slugOf }, config: fitToSite },
  // The index of the search is larger, and is loaded by who searches. Pictures keep their names, which the style sheet goes by.
  vite: { build: { chunkSizeWarningLimit: 4_000, assetsInlineLimit: 0 } },
  // Servers of the reader's own machine.
  ignoreDeadLinks: 'localhostLinks',
  themeConfig: {
    sidebar: sidebarOf(docs),
    outline: [2, 3],
    search: { provider: 'local' },
    footer: { message: manifest.license },
  },
  // Files that pages link to as they are, such as the schema of the configuration.
  buildEnd({ outDir }) {
    for (const file of globSync('reference/*.json', { cwd: docs })) {
      mkdirSync(dirname(join(outDir, file)), { recursive: true });
      copyFileSync(join(docs, file), join(outDir, file));
    }
  },
});

export default config;
