import type { Paint, Style } from './paint.ts';
import { plainLine } from './plain-text.ts';

export type Cell = string | { readonly text: string; readonly style: Style };

/** Columns as wide as their widest cell; the last one is left as it is. Columns that hold nothing are left out. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[], paint: Paint): string {
  const texts = rows.map((row) => row.map((cell) => plainLine(typeof cell === 'string' ? cell : cell.text)));
  const shown = head.map((_, column) => column).filter((column) => texts.some((row) => (row[column] ?? '') !== ''));
  const widths = new Map(shown.map((column) => [column, Math.max(...[head, ...texts].map((row) => widthOf(row[column])))]));
  const line = (row: readonly string[], styleAt: (column: number) => Style | undefined): string =>
    shown
      .map((column, index) => {
        const text = row[column] ?? '';
        const style = styleAt(column);
        const gap = index === shown.length - 1 ? '' : ' '.repeat((widths.get(column) ?? 0) - widthOf(text) + 2);
        return (style === undefined ? text : paint(style, text)) + gap;
      })
      .join('')
      .trimEnd();
  const body = texts.map((row, index) => line(row, (column) => styleOf(rows[index]?.[column])));
  return [line(head, () => 'dim'), ...body].map((each) => `${each}\n`).join('');
}

function widthOf(text: string | undefined): number {
  return Array.from(text ?? '').length;
}

function styleOf(cell: Cell | undefined): Style | undefined {
  return typeof cell === 'object' ? cell.style : undefined;
}
