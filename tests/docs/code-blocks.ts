import type { Page } from './pages.ts';

/** A fenced block: ```language name */
export interface CodeBlock {
  /** The path of its page. */
  readonly page: string;
  /** Where its fence opens, counted from 1. */
  readonly line: number;
  /** Empty where the fence names none. */
  readonly language: string;
  /** What stands behind the language; empty where nothing does. */
  readonly name: string;
  /** Without the fences and their indentation, with a line break at its end. */
  readonly code: string;
}

const fence = /^( *)(`{3,}|~{3,}) *([^\s`]*) *([^`]*?) *$/;

/** Every fenced block of a page, in lists as well. @throws for a fence that is never closed. */
export function blocksOf({ path, text }: Page): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const opening = fence.exec(lines[at] ?? '');
    if (opening === null) continue;
    const [, indent = '', marks = '', language = '', name = ''] = opening;
    const end = lines.findIndex((line, index) => index > at && closes(line, marks));
    if (end === -1) throw new Error(`${path}:${at + 1}: this block is never closed.`);
    const inside = lines.slice(at + 1, end).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line.trimStart()));
    blocks.push({ page: path, line: at + 1, language, name, code: inside.map((line) => `${line}\n`).join('') });
    at = end;
  }
  return blocks;
}

function closes(line: string, marks: string): boolean {
  const trimmed = line.trim();
  return trimmed.startsWith(marks) && trimmed === marks.charAt(0).repeat(trimmed.length);
}

/** As an editor opens it. */
export function placeOf({ page, line }: CodeBlock): string {
  return `${page}:${line}`;
}
