/** A heading as people read it, and the end of the address that leads to it. */
export interface Heading {
  readonly level: number;
  readonly text: string;
  readonly anchor: string;
}

/** As GitHub makes it, so that a link to a heading is the same in the repository and on the site. */
export function slugOf(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');
}

/** The headings of a page; the second of two that are alike ends with `-1`. */
export function headingsOf(markdown: string): readonly Heading[] {
  const seen = new Map<string, number>();
  return Array.from(withoutCode(markdown).matchAll(/^(#{1,6}) +(.*?) *#*$/gm), ([, marks = '', raw = '']) => {
    const text = plainText(raw);
    const slug = slugOf(text);
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return { level: marks.length, text, anchor: before === 0 ? slug : `${slug}-${before}` };
  });
}

/** The first heading of a page. @throws where it has none. */
export function titleOf(markdown: string, path: string): string {
  const [title] = headingsOf(markdown);
  if (title === undefined) throw new Error(`${path} has no heading.`);
  return title.text;
}

/** Its line breaks alone. */
const empty = (text: string): string => text.replaceAll(/[^\n]/g, '');

/** Fenced blocks and comments hold no headings and no links: their lines are empty. */
export function withoutCode(markdown: string): string {
  return markdown.replaceAll(/<!--[^]*?-->/g, empty).replaceAll(/^ *(`{3,}|~{3,})[^`\n]*\n[^]*?^ *\1`* *$/gm, empty);
}

/** The same for code within lines, which ends with its paragraph or its row of a table. */
export function withoutSpans(markdown: string): string {
  const span = /(?<!`)(`+)(?!`)(?:(?!\n\s*(?:\n|\|))[^])*?(?<!`)\1(?!`)/g;
  return withoutCode(markdown).replaceAll(span, (code) => code.replaceAll(/[^\n]/g, ' '));
}

/** Without the marks of code, links and emphasis. */
function plainText(heading: string): string {
  return heading
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/`([^`]*)`/g, '$1')
    .replaceAll(/\*\*?([^*]+)\*\*?/g, '$1');
}
