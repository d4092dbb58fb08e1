import { indented } from './lines.ts';
import { paint, type Style } from './paint.ts';

type Row = readonly string[];

/** Aligned columns, the last one as it is; `styleOf` colours a row once its cells have their width. */
export function table(rows: readonly Row[], styleOf: (row: Row) => Style | undefined = () => undefined): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    const line = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 2))).join('');
    const style = styleOf(row);
    indented(style ? paint(style, line) : line);
  }
}
