import type { Body } from './byte-source.ts';
import { defaultStreamLimits, eventTooLarge, openText, type StreamLimits } from './stream-text.ts';
import { createWholeParts, wholeLines } from './whole-parts.ts';

/**
 * The lines of newline-delimited JSON that are not blank, one batch per network read, or several for a large one; reads that end
 * no line yield nothing, and a last line without a newline is handed on at the end. Leaving early cancels the body, unless
 * `isComplete` says at that moment that the answer is: then what follows is discarded, and the connection can be used again.
 * Throws `limit_exceeded` for a line above the limit, and a classified fault (`unavailable`, `timeout`) where the connection broke.
 */
export async function* readLines(
  body: Body,
  limits: StreamLimits = defaultStreamLimits,
  isComplete?: () => boolean,
): AsyncGenerator<readonly string[], void, undefined> {
  const lines = createWholeParts(wholeLines, limits.maxEventBytes);
  const text = openText(body, limits.maxStreamBytes);
  try {
    for (let piece = await text.next(); piece !== undefined; piece = await text.next()) {
      const batch = splitLines(lines.add(piece)).filter(isNotBlank);
      if (batch.length > 0) yield batch;
      if (lines.isTooLong()) throw eventTooLarge('line', limits.maxEventBytes);
    }
    const last = lines.rest();
    if (isNotBlank(last)) yield [last];
  } finally {
    if (isComplete?.() === true) text.drain();
    else text.close();
  }
}

/** JSON holds no bare CR, so each one ends a line; CR LF ends two, and the blank one between them is dropped. */
function splitLines(text: string): string[] {
  return text.replaceAll('\r', '\n').split('\n');
}

function isNotBlank(line: string): boolean {
  return line.trim() !== '';
}
