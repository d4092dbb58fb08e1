import { badRequest } from './failure.ts';

/** Deeper than any request of the APIs is; a schema of a tool is the deepest thing there. */
const deepestJson = 64;

/** Names, objects and lists together. A long conversation has a few thousand; numbers and texts are bounded by the bytes of the body. */
const mostNames = 50_000;

const backslash = 92;

/**
 * Before parsing: what is nested too deep exhausts the stack of whoever walks it, a million fields cost more than they are worth, and a
 * name that stands twice is read one way by us and another way by whoever looked before us. Text that is no JSON is left to the parser.
 * @throws {HttpRefusal} 400
 */
export function refuseOddShape(text: string): void {
  /** The names of each object that is open; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let count = 0;
  const add = (): void => {
    count += 1;
    if (count > mostNames) throw odd(`The body holds more than ${mostNames} fields.`);
  };
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index];
    if (char === '"') {
      const end = endOfText(text, index);
      const names = open.at(-1);
      if (names !== undefined && isName(text, end)) {
        add();
        const name = nameOf(text.slice(index, end + 1));
        if (names.has(name)) throw odd('The body has two fields of one name in the same object.');
        names.add(name);
      }
      index = end;
    } else if (char === '{' || char === '[') {
      add();
      open.push(char === '{' ? new Set() : undefined);
      if (open.length > deepestJson) throw odd(`The body is nested deeper than ${deepestJson} levels.`);
    } else if (char === '}' || char === ']') open.pop();
  }
}

function odd(message: string): Error {
  return badRequest(message, undefined, 'invalid_json');
}

/** Where the closing quote stands, found in leaps: a picture is one text of megabytes. */
function endOfText(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === backslash) before -= 1;
  return (at - 1 - before) % 2 === 1;
}

function isName(text: string, end: number): boolean {
  let next = end + 1;
  while (' \t\r\n'.includes(text[next] ?? 'x')) next += 1;
  return text[next] === ':';
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
