import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** See https://no-color.org. */
const coloured = process.stdout.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';

export function paint(style: Style, text: string): string {
  return coloured ? styleText(style, text, { validateStream: false }) : text;
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

export function indented(line: string): void {
  print(`   ${line}`);
}

/** A scene begins: what it shows, and the call that shows it. */
export function title(text: string, code = ''): void {
  print();
  print(`${paint('bold', text)}${code && `   ${paint('dim', code)}`}`);
}

/** Aligned columns, the last one as it is; `styleOf` colours a row once its cells have their width. */
export function table(
  rows: readonly (readonly string[])[],
  styleOf: (row: readonly string[]) => Style | undefined = () => undefined,
): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    const line = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 2))).join('');
    const style = styleOf(row);
    indented(style ? paint(style, line) : line);
  }
}

export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

export function minutes(ms: number): string {
  return `${Math.round(ms / 60_000)} min`;
}
