// Names, answers and errors come from servers. What a terminal would obey in them is taken out before it is shown.

const escape = '\u001b';
const bell = '\u0007';
/** What a text for the terminal itself may hold: titles, links, commands to the device. */
const inner = '[^\u0007\u001b\u0080-\u009f]';

/** Colours and moves of the cursor; titles, links and commands; all others. Each may begin with ESC or with a sign of its own. */
const colourOrMove = `(?:${escape}\\[|\u009b)[0-?]*[ -/]*`;
const titleOrCommand = `(?:${escape}[\\]PX^_]|[\u0090\u0098\u009d-\u009f])`;
const other = `${escape}[ -/]*`;
const sequence = new RegExp(`${colourOrMove}[@-~]|${titleOrCommand}${inner}*(?:${bell}|${escape}\\\\|\u009c)|${other}[0-~]`, 'g');

/** One that the next piece may end. Only so much is held back, or a server could silence its own answer. */
const begun = new RegExp(
  `(?:(?:${escape}\\[|\u009b)[0-?]{0,64}[ -/]{0,8}|${titleOrCommand}${inner}{0,256}${escape}?|${escape}[ -/]{0,8}|\r|[\ud800-\udbff])$`,
);

/** Control characters but for tab and line feed, and the marks that let text run backwards over its neighbours. */
const controls = /(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** A text of several lines, such as an answer. */
export function plainText(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(sequence, '').replace(controls, '');
}

/** A name or a message, on one line. */
export function plainLine(text: string): string {
  return plainText(text.replaceAll(/[\r\n\t\u2028\u2029]+/g, ' ')).trim();
}

export interface PlainPieces {
  /** What can be shown by now. */
  push(piece: string): string;
  /** What was held back. */
  end(): string;
}

/** A text that comes in pieces, which may be cut anywhere. */
export function plainPieces(): PlainPieces {
  let held = '';
  return {
    push(piece) {
      const text = held + piece;
      held = begun.exec(text)?.[0] ?? '';
      return plainText(text.slice(0, text.length - held.length));
    },
    end() {
      // Half a sign is none.
      const rest = plainText(held.replace(/[\uD800-\uDBFF]$/, ''));
      held = '';
      return rest;
    },
  };
}

/** JSON that can be shown on a terminal as well: what it would obey stands there as `\uXXXX`, which means the same to whoever parses it. */
export function toJson(value: unknown): string {
  return `${withoutControls(JSON.stringify(value, undefined, 2))}\n`;
}

/** The same on one line. */
export function toJsonLine(value: unknown): string {
  return `${withoutControls(JSON.stringify(value))}\n`;
}

function withoutControls(json: string): string {
  return json.replace(controlsInJson, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const controlsInJson = /(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;
