/** How a line of words looks. The colour is `fill`, or the class that a style sheet of the picture gives one. */
interface Style {
  readonly size: number;
  readonly fill?: string;
  readonly look?: string;
  readonly weight?: number;
  readonly anchor?: 'middle' | 'end';
}

/** One line of words in a picture. */
export function svgText(x: number, y: number, words: string, { size, fill, look, weight = 400, anchor }: Style): string {
  const colour = `${look === undefined ? '' : ` class="${look}"`}${fill === undefined ? '' : ` fill="${fill}"`}`;
  const place = anchor === undefined ? '' : ` text-anchor="${anchor}"`;
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${fixed(x)}" y="${y}" font-size="${size}" font-weight="${weight}"${colour}${place}>${safe}</text>`;
}

/** As short as it is exact enough. */
export function fixed(value: number): string {
  return value.toFixed(1);
}

export const sansSerif = "ui-sans-serif, system-ui, 'DejaVu Sans', sans-serif";
