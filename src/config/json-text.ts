import type { Path } from './findings.ts';

/** Where something stands in a text, both from 1. A column is a UTF-16 unit. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface JsonVisitor {
  /** Each value, before those inside it, and where it begins. */
  value(path: Path, offset: number): void;
  /** A name that its object has already; the later value is the one that stays, as with every reader of JSON. */
  duplicate(path: Path, offset: number): void;
}

export type JsonText = { readonly value: unknown } | { readonly problem: string; readonly offset: number };

/** Objects and lists inside each other. */
const deepest = 32;

interface Cursor {
  readonly text: string;
  readonly path: (string | number)[];
  readonly visitor: JsonVisitor;
  at: number;
}

/**
 * Reads JSON as `JSON.parse` does, and tells where things stand: its messages quote the text, which may hold keys, and name no place
 * that one can rely on. A problem never repeats anything of the text.
 */
export function readJsonText(text: string, visitor: JsonVisitor): JsonText {
  // A byte order mark is what some editors put in front.
  const cursor: Cursor = { text, path: [], visitor, at: text.startsWith('\uFEFF') ? 1 : 0 };
  try {
    const value = readValue(cursor);
    skipBlanks(cursor);
    if (cursor.at < text.length)
      refuse(/[\]},]/.test(text.charAt(cursor.at)) ? 'one bracket or comma too many' : 'something follows the end');
    return { value };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { problem: error.message, offset: cursor.at };
  }
}

/** Where each offset of a text is. */
export function placesIn(text: string): (offset: number) => Place {
  const begins = [text.startsWith('\uFEFF') ? 1 : 0, ...Array.from(text.matchAll(/\r\n|\r|\n/g), (found) => found.index + found[0].length)];
  return (offset) => {
    let line = 0;
    // Of the lines that begin at or before the offset the last one, by halves.
    for (let step = 2 ** Math.floor(Math.log2(begins.length)); step >= 1; step /= 2) {
      if ((begins[line + step] ?? Infinity) <= offset) line += step;
    }
    return { line: line + 1, column: offset - (begins[line] ?? 0) + 1 };
  };
}

function refuse(problem: string): never {
  throw new SyntaxError(problem);
}

function skipBlanks(cursor: Cursor): void {
  const blanks = /[ \t\r\n]*/y;
  blanks.lastIndex = cursor.at;
  blanks.exec(cursor.text);
  cursor.at = blanks.lastIndex;
}

function readValue(cursor: Cursor): unknown {
  skipBlanks(cursor);
  cursor.visitor.value(cursor.path, cursor.at);
  const sign = cursor.text.charAt(cursor.at);
  if (sign === '{') return readObject(cursor);
  if (sign === '[') return readList(cursor);
  if (sign === '"') return readString(cursor);
  return readPlain(cursor);
}

function readObject(cursor: Cursor): Record<string, unknown> {
  const entries: Record<string, unknown> = {};
  readMembers(cursor, '}', () => {
    const offset = cursor.at;
    if (cursor.text.charAt(offset) !== '"') refuse(strange(cursor) ?? 'a name has to stand here, in double quotes');
    const name = readString(cursor);
    cursor.path.push(name);
    if (Object.hasOwn(entries, name)) cursor.visitor.duplicate(cursor.path, offset);
    skipBlanks(cursor);
    if (cursor.text.charAt(cursor.at) !== ':') refuse('a colon is missing between a name and its value');
    cursor.at += 1;
    // `__proto__` becomes an entry like any other, as with JSON.parse; whoever copies the options refuses it.
    Object.defineProperty(entries, name, { value: readValue(cursor), enumerable: true, configurable: true, writable: true });
    cursor.path.pop();
  });
  return entries;
}

function readList(cursor: Cursor): unknown[] {
  const list: unknown[] = [];
  readMembers(cursor, ']', () => {
    cursor.path.push(list.length);
    list.push(readValue(cursor));
    cursor.path.pop();
  });
  return list;
}

/** From the opening bracket to behind the closing one; `readMember` begins at the first sign of each member. */
function readMembers(cursor: Cursor, end: '}' | ']', readMember: () => void): void {
  if (cursor.path.length >= deepest) refuse(`nested more than ${deepest} levels deep`);
  cursor.at += 1;
  skipBlanks(cursor);
  if (cursor.text.charAt(cursor.at) === end) return void (cursor.at += 1);
  for (;;) {
    readMember();
    skipBlanks(cursor);
    const sign = cursor.text.charAt(cursor.at);
    if (sign === end) return void (cursor.at += 1);
    if (sign !== ',') refuse(strange(cursor) ?? `a comma or ${end} is missing before this`);
    const comma = cursor.at;
    cursor.at += 1;
    skipBlanks(cursor);
    if (cursor.text.charAt(cursor.at) !== end) continue;
    cursor.at = comma;
    refuse('a comma with nothing behind it; take it out');
  }
}

const quote = 0x22;
const backslash = 0x5c;

function readString(cursor: Cursor): string {
  const { text, at: start } = cursor;
  const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
  let at = start + 1;
  for (let code = text.charCodeAt(at); code !== quote; code = text.charCodeAt(at)) {
    if (at >= text.length) refuse('a text that begins here has no closing quote');
    if (code >= 0x20 && code !== backslash) {
      at += 1;
      continue;
    }
    cursor.at = at;
    if (code < 0x20) refuse('a line end, a tab or a control character inside a text; write \\n or \\t, or close the quotes');
    escape.lastIndex = at;
    if (!escape.test(text)) refuse('a backslash that means nothing here; write \\\\ for one, or / in a path');
    at = escape.lastIndex;
    cursor.at = start;
  }
  cursor.at = at + 1;
  return JSON.parse(text.slice(start, at + 1)) as string;
}

const words: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** A number, true, false or null. */
function readPlain(cursor: Cursor): unknown {
  const plain = /[^\s,:[\]{}"]+/y;
  plain.lastIndex = cursor.at;
  const [token] = plain.exec(cursor.text) ?? [''];
  const isNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(token);
  if (!isNumber && !words.has(token)) refuse(strange(cursor) ?? misread(token));
  cursor.at += token.length;
  return isNumber ? Number(token) : words.get(token);
}

/** What people write who think of another language. */
function strange({ text, at }: Cursor): string | undefined {
  if (at >= text.length) return text.trim() === '' ? 'there is nothing in it' : 'it ends too early: a bracket is not closed';
  const sign = text.charAt(at);
  if (sign === '/' || sign === '#') return 'a comment, which JSON does not have; take it out';
  if (/['`\u2018-\u201F]/.test(sign)) return 'a quote of another kind; names and texts stand in plain double quotes';
  return undefined;
}

function misread(token: string): string {
  if (token === '') return 'a value is missing here';
  if (/^[-+.]?\d/.test(token)) return 'a number in a form that JSON does not have; write it like 0.5, 10 or -3';
  return 'a word that JSON does not have; only true, false, null and numbers stand without double quotes';
}
