import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { noticeOf } from './licence-notices.ts';

/** The admin page in the browser as two texts: its script with the libraries in it, and its styles. */
export interface AdminPage {
  readonly script: string;
  readonly style: string;
}

const root: string = fileURLToPath(new URL('../', import.meta.url));

/** Where the page lies for the handler. */
export const adminPageFile: string = fileURLToPath(new URL('../src/http/admin-page-bundle.ts', import.meta.url));

/** Libraries whose code is in the script. */
const bundled = ['preact', 'uplot'] as const;

export async function bundleAdminPage(): Promise<AdminPage> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { app: 'src/admin/main.tsx', style: 'src/admin/style/all.css' },
    outdir: 'out',
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    charset: 'utf8',
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
    tsconfig: 'src/admin/tsconfig.json',
  });
  const textOf = (end: string): string => {
    const file = outputFiles.find(({ path }) => path.endsWith(end));
    if (file === undefined) throw new Error(`esbuild wrote no ${end}.`);
    return file.text.trim();
  };
  return { script: [...bundled.map(noticeOf), textOf('.js')].join('\n'), style: textOf('.css') };
}

export function adminPageText({ script, style }: AdminPage): string {
  return [
    '// Written by scripts/write-admin-page.ts.',
    '',
    `export const adminScript: string =\n  ${literal(script)};`,
    '',
    `export const adminStyle: string =\n  ${literal(style)};`,
    '',
  ].join('\n');
}

/** A text as the formatter writes it: with the quotes that need fewer escapes. */
function literal(text: string): string {
  const count = (char: string): number => text.split(char).length;
  const quote = count("'") > count('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll(quote, `\\${quote}`)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll(/[\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
  return `${quote}${escaped}${quote}`;
}

if (import.meta.main) writeFileSync(adminPageFile, adminPageText(await bundleAdminPage()));
