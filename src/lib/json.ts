import { RouterError } from '../core/errors.ts';

/** What arrived as an object, before anything is known of its fields. */
export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a JSON text may hold. Texts within these limits stay small when they are parsed, and can be walked by recursion. */
export const jsonLimits: Readonly<{ depth: number; parts: number; values: number }> = Object.freeze({
  /** Objects and lists inside each other. */
  depth: 64,
  /** Objects, lists, keys and texts, together. Each takes tens of bytes, however few it has in the text. */
  parts: 500_000,
  /** Values in lists and objects; mostly numbers of embeddings. */
  values: 4_000_000,
});

/**
 * Undefined where the text is no JSON. The parser's own message quotes the text, so it goes nowhere.
 * @throws {RouterError} `limit_exceeded` for what nests too deep or holds too much, before it is parsed.
 */
export function parseJson(text: string): unknown {
  const excess = excessOf(text);
  if (excess !== undefined) throw new RouterError('limit_exceeded', excess);
  return parsed(text);
}

/** Undefined also for what holds too much: for texts inside texts, which may be JSON and need not. */
export function parseJsonWithin(text: string): unknown {
  return excessOf(text) === undefined ? parsed(text) : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A whole number from 0 on that is exact. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What servers tell of sizes, windows and slots; of these 0 says that they do not know. */
export function isPositive(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) > 0;
}

export const tooDeep: string = `The JSON nests deeper than ${jsonLimits.depth} levels.`;
export const tooMuch = 'The JSON holds too many values.';

/** What is too much in a text; undefined where nothing is. Looks only for what a text of this length can hold. */
function excessOf(text: string): string | undefined {
  const mayHoldParts = text.length > 2 * jsonLimits.parts;
  if (!mayHoldParts && !opensMoreThan(jsonLimits.depth, text)) return undefined;
  const excess = excessOfStructure(text);
  if (excess !== undefined || text.length <= 2 * jsonLimits.values) return excess;
  return countUpTo(jsonLimits.values + 1, ',', text) > jsonLimits.values ? tooMuch : undefined;
}

/** True for few texts: those of many brackets. Their depth is worth the price of a look at their structure. */
function opensMoreThan(limit: number, text: string): boolean {
  const objects = countUpTo(limit + 1, '{', text);
  return objects + countUpTo(limit + 1 - objects, '[', text) > limit;
}

/** Stops counting at `most`. */
function countUpTo(most: number, character: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at !== -1 && count < most; at = text.indexOf(character, at + 1)) count += 1;
  return count;
}

/** Goes from bracket to bracket and over the texts between them. A text that is no JSON gets some result: the parser refuses it. */
function excessOfStructure(text: string): string | undefined {
  const mark = /["[\]{}]/g;
  let depth = 0;
  let parts = 0;
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    const [character] = found;
    if (character === '}' || character === ']') {
      depth -= 1;
      continue;
    }
    if (++parts > jsonLimits.parts) return tooMuch;
    if (character === '"') mark.lastIndex = endOfText(text, mark.lastIndex);
    else if (++depth > jsonLimits.depth) return tooDeep;
  }
  return undefined;
}

const backslash = 0x5c;

/** The position behind the closing quote; that of the end where there is none. */
function endOfText(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at;
    while (text.charCodeAt(before - 1) === backslash) before -= 1;
    if ((at - before) % 2 === 0) return at + 1;
  }
  return text.length;
}
