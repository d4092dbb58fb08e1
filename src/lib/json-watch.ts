import { jsonLimits, tooDeep, tooMuch } from './json.ts';

/** Looks at the bytes of a JSON text while they come, so that one that holds too much is given up before it is all there. */
export interface JsonWatch {
  /** What is too much in all that came so far; undefined where nothing is. */
  look(piece: Uint8Array): string | undefined;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
/** `[` and `{`, `]` and `}` differ in this bit only, and no other sign of JSON outside of texts becomes one of them with it. */
const curly = 0x20;
const opening = 0x7b;
const closing = 0x7d;

/** The same limits as those of `parseJson`. */
export function createJsonWatch(): JsonWatch {
  let depth = 0;
  let parts = 0;
  let values = 0;
  let isInText = false;
  let isEscaped = false;

  /** The position behind the text that goes on at `from`, or the end of the piece where it goes on in the next one. */
  const pastText = (piece: Uint8Array, from: number): number => {
    let start = from;
    for (;;) {
      if (isEscaped && start < piece.length) start += 1;
      const end = piece.indexOf(quote, start);
      const last = end === -1 ? piece.length : end;
      let before = last;
      while (before > start && piece[before - 1] === backslash) before -= 1;
      isEscaped = (last - before) % 2 === 1;
      if (end === -1) return piece.length;
      if (!isEscaped) {
        isInText = false;
        return end + 1;
      }
      start = end;
    }
  };
  return {
    look(piece) {
      if (piece.length === 0) return undefined;
      for (let at = isInText ? pastText(piece, 0) : 0; at < piece.length; at++) {
        const sign = piece[at] as number;
        if (sign === comma) values += 1;
        else if (sign === quote) {
          parts += 1;
          isInText = true;
          at = pastText(piece, at + 1) - 1;
        } else if ((sign | curly) === opening) {
          parts += 1;
          depth += 1;
          if (depth > jsonLimits.depth) return tooDeep;
        } else if ((sign | curly) === closing) depth -= 1;
      }
      return parts > jsonLimits.parts || values > jsonLimits.values ? tooMuch : undefined;
    },
  };
}
