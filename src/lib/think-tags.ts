/** A piece of an answer, in its two parts; '' where a part got nothing. */
export interface ThoughtParts {
  readonly content: string;
  readonly reasoning: string;
}

export interface ThinkSplitter {
  /** The parts that are certain by now; the rest is held back until more is known. */
  push(text: string): ThoughtParts;
  /** What was held back. A block that was never closed is reasoning. Called once. */
  end(): ThoughtParts;
  /** From now on every text is content and nothing is held back: the splitter may be let go. */
  readonly isSettled: boolean;
}

const openTag = '<think>';
const closeTag = '</think>';
/** Most blanks that are held back at the start of an answer, in UTF-16 units: an endless run of them is no way to begin a block. */
const maxBlanks = 64;

/** `open` and `closed`: right behind a tag, where newlines are dropped. */
type Place = 'start' | 'open' | 'inside' | 'closed' | 'settled';

/** What a text was worth. `held`: the end of it, which may be the beginning of a tag. */
interface Step extends ThoughtParts {
  readonly place: Place;
  readonly held: string;
}

/**
 * Takes the block `<think>…</think>` off the START of one choice's text and makes it reasoning: a server without a reasoning
 * parser leaves it in the answer. Blanks before the block go, and so do the newlines at the start of both parts. Tags further in
 * are the model's own words. A template that writes the opening tag into the prompt leaves a lone `</think>` in the
 * answer, which stays: whether one comes is not known until the end. Pieces may be cut anywhere.
 */
export function createThinkSplitter(): ThinkSplitter {
  return new Splitter();
}

/** A class, because there is one for every stream. */
class Splitter implements ThinkSplitter {
  #place: Place = 'start';
  #held = '';

  get isSettled(): boolean {
    return this.#place === 'settled';
  }

  push(text: string): ThoughtParts {
    if (this.#place === 'settled') return { content: text, reasoning: '' };
    const { place, held, content, reasoning } = read(this.#place, this.#held + text);
    this.#place = place;
    this.#held = held;
    return { content, reasoning };
  }

  end(): ThoughtParts {
    const held = this.#held;
    const parts = this.#place === 'inside' ? { content: '', reasoning: held } : { content: held, reasoning: '' };
    this.#place = 'settled';
    this.#held = '';
    return parts;
  }
}

function read(place: Place, text: string): Step {
  switch (place) {
    case 'start':
      return readStart(text);
    case 'open':
    case 'closed': {
      const rest = text.replace(/^[\r\n]+/, '');
      if (rest === '') return { place, held: '', content: '', reasoning: '' };
      return place === 'open' ? readInside(rest) : { place: 'settled', held: '', content: rest, reasoning: '' };
    }
    case 'inside':
      return readInside(text);
    case 'settled':
      return { place, held: '', content: text, reasoning: '' };
  }
}

function readStart(text: string): Step {
  const rest = text.trimStart();
  const blanks = text.length - rest.length;
  if (blanks <= maxBlanks && rest.startsWith(openTag)) return read('open', rest.slice(openTag.length));
  if (blanks <= maxBlanks && openTag.startsWith(rest)) return { place: 'start', held: text, content: '', reasoning: '' };
  return { place: 'settled', held: '', content: text, reasoning: '' };
}

function readInside(text: string): Step {
  const closeAt = text.indexOf(closeTag);
  if (closeAt === -1) {
    const known = text.length - partialTag(text);
    return { place: 'inside', held: text.slice(known), content: '', reasoning: text.slice(0, known) };
  }
  const behind = read('closed', text.slice(closeAt + closeTag.length));
  return { ...behind, reasoning: text.slice(0, closeAt) };
}

/** The same for a whole text. */
export function splitThink(text: string): ThoughtParts {
  // Nearly every answer begins with something else.
  if (!text.trimStart().startsWith('<')) return { content: text, reasoning: '' };
  const splitter = createThinkSplitter();
  const first = splitter.push(text);
  const last = splitter.end();
  return { content: first.content + last.content, reasoning: first.reasoning + last.reasoning };
}

/** How many characters at the end of a text may be the beginning of the closing tag. */
function partialTag(text: string): number {
  const start = text.lastIndexOf('<');
  return start !== -1 && closeTag.startsWith(text.slice(start)) ? text.length - start : 0;
}
