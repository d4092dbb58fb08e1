/**
 * Puts pieces of text together so that they end where a line or an event ends: whoever reads them then gets the same ones, and
 * meets the same limit, however the network cut the text.
 */
export interface WholeParts {
  readonly maxChars: number;
  /** The parts that this piece ended, each with its end; empty where it ended none. Nothing from a part that is too long on. */
  add(piece: string): string;
  /** A part is longer than the limit, whether it has ended or not. */
  isTooLong(): boolean;
  /** What has come of a part that has not ended. */
  rest(): string;
}

/** What a part is. */
export interface PartRule {
  /**
   * The position after the end of the last part; 0 where none ends here. `before`: the character before the text; `isNew`: that
   * one ended a part.
   */
  endOfLast(text: string, before: string, isNew: boolean): number;
  /** The position of the first part of whole ones that is longer than the limit without its end, or the end of the text. */
  fitting(text: string, maxChars: number): number;
  /** So many characters of a part that has not ended may belong to its end. */
  readonly endChars: number;
}

/** `maxChars`: of one part without its end. */
export function createWholeParts(rule: PartRule, maxChars: number): WholeParts {
  return new Parts(rule, maxChars);
}

/** A class, because there is one for every stream. */
class Parts implements WholeParts {
  readonly maxChars: number;
  readonly #rule: PartRule;
  /** Joined only when the part ends: joining with each piece would take quadratic time for a long part in small pieces. */
  #pending: string[] = [];
  #pendingChars = 0;
  #before = '\n';
  #isTooLong = false;

  constructor(rule: PartRule, maxChars: number) {
    this.#rule = rule;
    this.maxChars = maxChars;
  }

  add(piece: string): string {
    if (piece === '') return '';
    const end = this.#rule.endOfLast(piece, this.#before, this.#pendingChars === 0);
    this.#before = piece.charAt(piece.length - 1);
    if (end === 0) {
      this.#keep(piece);
      return '';
    }
    const ended = end === piece.length ? piece : piece.slice(0, end);
    const parts = this.#pending.length === 0 ? ended : this.#pending.join('') + ended;
    if (this.#pending.length > 0) this.#pending = [];
    this.#pendingChars = 0;
    const fit = parts.length > this.maxChars ? this.#rule.fitting(parts, this.maxChars) : parts.length;
    this.#isTooLong = fit < parts.length;
    if (this.#isTooLong) return parts.slice(0, fit);
    this.#keep(piece.slice(end));
    return parts;
  }

  isTooLong(): boolean {
    return this.#isTooLong;
  }

  rest(): string {
    return this.#pending.join('');
  }

  #keep(piece: string): void {
    if (piece !== '') this.#pending.push(piece);
    this.#pendingChars += piece.length;
    this.#isTooLong ||= this.#pendingChars > this.maxChars + this.#rule.endChars;
  }
}

/** LF and CR each end a line, so CR LF ends two, of which one is empty. */
export const wholeLines: PartRule = {
  endChars: 0,
  endOfLast(text) {
    const end = text.lastIndexOf('\n') + 1;
    return text.includes('\r', end) ? text.lastIndexOf('\r') + 1 : end;
  },
  fitting(text, maxChars) {
    let start = 0;
    for (const { index } of text.matchAll(/[\r\n]/g)) {
      if (index - start > maxChars) return start;
      start = index + 1;
    }
    return text.length;
  },
};

/** A blank line ends an event; LF, CR and CR LF end a line. The comments and the names of an event are part of it. */
export const wholeEvents: PartRule = {
  endChars: 2,
  endOfLast(text, before, isNew) {
    // The second half of CR LF belongs to what was handed out with the first.
    const isHalf = before === '\r' && text.startsWith('\n');
    const isEnd = isHalf ? isNew : isLineEnd(before) && isLineEnd(text.charAt(0));
    let end = Math.max(isEnd ? 1 : 0, endOf(text, '\n\n'));
    if (text.includes('\r', end)) end = Math.max(end, endOf(text, '\r\r'), endOf(text, '\n\r'));
    return text[end] === '\n' && text[end - 1] === '\r' ? end + 1 : end;
  },
  fitting(text, maxChars) {
    let start = 0;
    let lineStart = 0;
    for (const { 0: lineEnd, index } of text.matchAll(/\r\n|\r|\n/g)) {
      const isBlank = index === lineStart;
      if (!isBlank && index - start > maxChars) return start;
      lineStart = index + lineEnd.length;
      if (isBlank) start = lineStart;
    }
    return text.length;
  },
};

function isLineEnd(character: string): boolean {
  return character === '\n' || character === '\r';
}

/** The position after the last occurrence; 0 where there is none. */
function endOf(text: string, pair: string): number {
  const at = text.lastIndexOf(pair);
  return at === -1 ? 0 : at + pair.length;
}
