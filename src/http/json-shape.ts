import { badRequest } from './failure.ts';

/** Deeper than any request of the APIs is; a schema of a tool is the deepest thing there. */
const deepestJson = 64;

/** Fields of objects and items of lists together. A long conversation has a few thousand; texts are bounded by the bytes of the body. */
const mostParts = 50_000;

const quote = 34;
const comma = 44;
const colon = 58;
const openList = 91;
const backslash = 92;
const closeList = 93;
const openObject = 123;
const closeObject = 125;

/**
 * Before parsing: what is nested too deep exhausts the stack of whoever walks it, a million fields or items cost whoever checks them
 * seconds, and a name that stands twice is read one way by us and another way by whoever looked before us. Text that is no JSON is left
 * to the parser.
 * @throws {HttpRefusal} 400
 */
export function refuseOddShape(text: string): void {
  /** The names of each object that is open; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let count = 0;
  const add = (): void => {
    count += 1;
    if (count > mostParts) throw odd(`The body holds more than ${mostParts} fields and items.`);
  };
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charCodeAt(index);
    if (char === quote) {
      const end = endOfText(text, index);
      const names = open.at(-1);
      if (names !== undefined && isName(text, end)) addName(names, text.slice(index, end + 1));
      index = end;
    } else if (char === comma) add();
    else if (char === openObject || char === openList) {
      add();
      open.push(char === openObject ? new Set() : undefined);
      if (open.length > deepestJson) throw odd(`The body is nested deeper than ${deepestJson} levels.`);
    } else if (char === closeObject || char === closeList) open.pop();
  }
}

function odd(message: string): Error {
  return badRequest(message, undefined, 'invalid_json');
}

function addName(names: Set<string>, quoted: string): void {
  const name = nameOf(quoted);
  if (names.has(name)) throw odd('The body has two fields of one name in the same object.');
  names.add(name);
}

/** Where the closing quote stands. */
function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === quote) return at;
    if (char === backslash) at += 1;
  }
  return text.length;
}

function isName(text: string, end: number): boolean {
  let next = end + 1;
  while (isBlank(text.charCodeAt(next))) next += 1;
  return text.charCodeAt(next) === colon;
}

function isBlank(char: number): boolean {
  return char === 32 || char === 9 || char === 10 || char === 13;
}

/** Two spellings of one name are the same name to the parser. */
function nameOf(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}
