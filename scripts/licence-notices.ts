import { readdirSync, readFileSync } from 'node:fs';
import type { Plugin } from 'esbuild';

// What is bundled brings its licence with it, as it asks for.

/** The licence of a package, on one line. */
export function noticeOf(name: string): string {
  const home = new URL(`../node_modules/${name}/`, import.meta.url);
  const file = readdirSync(home).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`${name} has no licence that could be bundled with it.`);
  return `/*! ${name}: ${readFileSync(new URL(file, home), 'utf8').replaceAll(/\s+/g, ' ').trim()} */`;
}

/** The packages whose licences a text carries, so those that it holds. esbuild gathers them at its end, as `(*! … *)` in one comment. */
export function noticedIn(text: string): string[] {
  return [...text.matchAll(/[/(]\*! ((?:@[\w.-]+\/)?[\w.-]+): /g)].map(([, name = '']) => name);
}

/** Puts it at the end of each file with code of the package. */
export const licenceNotices: Plugin = {
  name: 'licence-notices',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]node_modules[\\/].*\.m?js$/ }, ({ path }) => {
      const name = /^.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(path)?.[1] ?? '';
      return { contents: `${noticeOf(name)}\n${readFileSync(path, 'utf8')}` };
    });
  },
};
