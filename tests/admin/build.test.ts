import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { adminPageFile, adminPageText, bundleAdminPage } from '../../scripts/write-admin-page.ts';
import { adminScript, adminStyle } from '../../src/http/admin-page-bundle.ts';
import { ambientUsesOf, escapesOf, functionsOf, importsOf, type Source, source } from '../_kit/source-rules.ts';

const root = new URL('../../src/admin/', import.meta.url);
const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'));
const sources: readonly Source[] = names
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => source(path, readFileSync(new URL(path, root), 'utf8')));
const styles = names.filter((path) => path.endsWith('.css')).map((path) => readFileSync(new URL(path, root), 'utf8'));

/** Ways to make elements or scripts of a text, and styles that the content policy refuses. */
const dangerous =
  /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|createContextualFragment|DOMParser|srcdoc|\beval\b|new Function|\bstyle=|javascript:/;

function dangersIn(files: readonly Source[]): string[] {
  if (files.length === 0) throw new Error('no source file was read');
  return files.flatMap(({ path, text }) => (dangerous.test(text) ? [path] : []));
}

test('the bundle is what the script writes', { timeout: 60_000 }, async () => {
  expect(readFileSync(adminPageFile, 'utf8')).toBe(adminPageText(await bundleAdminPage()));
});

test('the bundle names the licences of what is in it, and no map', () => {
  expect(adminScript).toMatch(/^\/\*! preact: .*Permission is hereby granted.*\*\/\n\/\*! uplot: .*Permission is hereby granted.*\*\/\n/);
  expect(adminScript + adminStyle).not.toContain('sourceMappingURL');
});

test('nothing of the page is asked for elsewhere', () => {
  expect(styles.length).toBeGreaterThan(3);
  expect(adminStyle).not.toMatch(/@import|url\(|@font-face/);
  expect(sources.flatMap(({ path, text }) => (/https?:\/\//.test(text) ? [path] : []))).toEqual([]);
});

describe('the sources', () => {
  test('make no elements of texts', () => {
    expect(dangersIn(sources)).toEqual([]);
    expect(dangersIn([source('a.tsx', 'const a = <p dangerouslySetInnerHTML={{ __html: text }} />')])).toEqual(['a.tsx']);
    expect(dangersIn([source('a.tsx', 'const a = <p style="color:red" />')])).toEqual(['a.tsx']);
  });

  test('touch time, chance, network and storage in one file', () => {
    const storage = /\b(?:sessionStorage|localStorage|indexedDB|document\.cookie|XMLHttpRequest|WebSocket|EventSource|sendBeacon)\b/;
    const used = sources.flatMap((file) => {
      const isAmbient = ambientUsesOf(file).length > 0 || storage.test(file.text);
      return isAmbient ? [file.path] : [];
    });
    expect(used).toEqual(['browser.ts']);
  });

  test('take types of the library and nothing else of it', () => {
    const imports = sources.flatMap((file) => importsOf(file).map((each) => ({ path: file.path, ...each })));
    const outer = imports.filter(({ specifier }) => specifier.startsWith('../'));
    expect(outer.length).toBeGreaterThan(0);
    expect(outer.filter(({ kind }) => kind !== 'type')).toEqual([]);
    const packages = imports.flatMap((each) => (each.package === undefined ? [] : [each.package]));
    expect(new Set(packages)).toEqual(new Set(['preact', 'uplot']));
  });

  test('are short, and silence no compiler', () => {
    expect(sources.flatMap(escapesOf)).toEqual([]);
    expect(sources.filter(({ text }) => text.split('\n').length > 251).map(({ path }) => path)).toEqual([]);
    expect(sources.flatMap(functionsOf).filter(({ lines }) => lines > 60)).toEqual([]);
  });
});
