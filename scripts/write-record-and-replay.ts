// Runs examples/simulate/load-ratio.ts, and writes its last lines and what it prints into docs/guides/record-and-replay.md.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const pathOf = (name: string): string => fileURLToPath(new URL(name, root));
const program = 'examples/simulate/load-ratio.ts';

/** The page with the program as it is, and the table as it comes out. */
export function withReplay(page: string): string {
  const table = execFileSync(process.execPath, ['--import', pathOf('tests/examples/resolve-source.ts'), pathOf(program)], {
    encoding: 'utf8',
  });
  const source = readFileSync(pathOf(program), 'utf8');
  const shown = source.slice(source.indexOf('// Today: '));
  return page
    .replace(/```ts\n\/\/ Today: [^`]*```/, () => `\`\`\`ts\n${shown}\`\`\``)
    .replace(/(scripts\/write-record-and-replay\.ts -->\n\n)(?:\|.*\n)+/, (_, before: string) => `${before}${table}`);
}

if (import.meta.main) {
  const page = pathOf('docs/guides/record-and-replay.md');
  writeFileSync(page, withReplay(readFileSync(page, 'utf8')));
}
