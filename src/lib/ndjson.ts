import { type Batches, looped } from './batches.ts';
import type { Body } from './byte-source.ts';
import type { pending } from './polled.ts';
import { defaultStreamLimits, eventTooLarge, openText, type StreamLimits, type TextBody } from './stream-text.ts';
import { createWholeParts, wholeLines, type WholeParts } from './whole-parts.ts';

/**
 * The lines of newline-delimited JSON that are not blank, one batch per network read, or several for a large one; reads that end
 * no line yield nothing, and a last line without a newline is handed on at the end. Leaving early cancels the body, unless
 * `isComplete` says at that moment that the answer is: then what follows is discarded, and the connection can be used again.
 * Throws `limit_exceeded` for a line above the limit, and a classified fault (`unavailable`, `timeout`) where the connection broke.
 */
export function readLines(
  body: Body,
  limits: StreamLimits = defaultStreamLimits,
  isComplete?: () => boolean,
): AsyncGenerator<readonly string[], void, undefined> {
  return looped(openLines(body, limits, isComplete));
}

/** What `readLines` gives, for whoever asks for each batch. */
export function openLines(body: Body, limits: StreamLimits, isComplete: (() => boolean) | undefined): Batches<string> {
  return new Lines(body, limits, isComplete);
}

class Lines implements Batches<string> {
  readonly #text: TextBody;
  readonly #lines: WholeParts;
  readonly #isComplete: (() => boolean) | undefined;
  #isClosed = false;

  constructor(body: Body, { maxEventBytes, maxStreamBytes }: StreamLimits, isComplete: (() => boolean) | undefined) {
    this.#text = openText(body, maxStreamBytes);
    this.#lines = createWholeParts(wholeLines, maxEventBytes);
    this.#isComplete = isComplete;
  }

  poll(wake: () => void): Uint8Array | typeof pending | undefined {
    // What came before one that is too long was handed out before it.
    if (this.#lines.isTooLong()) throw eventTooLarge('line', this.#lines.maxChars);
    return this.#text.poll(wake);
  }

  take(bytes: Uint8Array | undefined): readonly string[] {
    const ended = splitLines(this.#lines.add(this.#text.decode(bytes)));
    if (bytes === undefined) ended.push(this.#lines.rest());
    const batch = ended.filter(isNotBlank);
    if (batch.length === 0 && this.#lines.isTooLong()) throw eventTooLarge('line', this.#lines.maxChars);
    return batch;
  }

  isTerminated(): boolean {
    return false;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isComplete?.() === true) this.#text.drain();
    else this.#text.close();
  }
}

/** JSON holds no bare CR, so each one ends a line; CR LF ends two, and the blank one between them is dropped. */
function splitLines(text: string): string[] {
  return text.replaceAll('\r', '\n').split('\n');
}

function isNotBlank(line: string): boolean {
  return line.trim() !== '';
}
