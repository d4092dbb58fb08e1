import { withoutSpans } from './headings.ts';

/** A link or a picture of a page. */
export interface MarkdownLink {
  /** As it is written. */
  readonly target: string;
  /** Counted from 1. */
  readonly line: number;
}

/** `[words](target)`, `![words](target)`, `[name]: target`, and `href`, `src` and `srcset` of HTML. */
const forms = [/\]\(<?([^)\s>]+)>?(?: +"[^"]*")?\)/g, /^ {0,3}\[[^\]]+\]: +(\S+)/gm, /<[a-z]+ [^>]*?(?:href|src|srcset)="([^"]+)"/g];

export function linksIn(markdown: string): readonly MarkdownLink[] {
  const text = withoutSpans(markdown);
  const found = forms.flatMap((form) => [...text.matchAll(form)]);
  return found.map((match) => ({ target: match[1] ?? '', line: text.slice(0, match.index).split('\n').length }));
}

/** Leads elsewhere, by its protocol. */
export function isElsewhere(target: string): boolean {
  return /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(target);
}
