/** Ends a text before the stop sequence that is complete first; pieces may be cut anywhere. */
export interface StopCutter {
  /** What is certain by now; a piece that may be the beginning of a stop sequence is held back. */
  push(text: string): string;
  /** What was held back. */
  end(): string;
}

/**
 * `stop` where the server does not know it, or leaves it at the end of its text, as TGI does. Once a sequence was met, nothing
 * follows.
 */
export function createStopCutter(stops: readonly string[]): StopCutter {
  let held = '';
  let isStopped = false;
  return {
    push(text) {
      if (isStopped) return '';
      held += text;
      const at = firstStop(held, stops);
      isStopped = at !== undefined;
      const known = held.slice(0, at ?? held.length - openTail(held, stops));
      held = isStopped ? '' : held.slice(known.length);
      return known;
    },
    end() {
      const rest = held;
      held = '';
      return rest;
    },
  };
}

/** The same for a whole text. */
export function cutAtStop(text: string, stops: readonly string[]): string {
  return text.slice(0, firstStop(text, stops));
}

/** Where the stop sequence begins that ends first, so that pieces and the whole text are cut alike. */
function firstStop(text: string, stops: readonly string[]): number | undefined {
  let found: { readonly start: number; readonly end: number } | undefined;
  for (const stop of stops) {
    const start = text.indexOf(stop);
    const end = start + stop.length;
    if (start === -1 || (found !== undefined && (end > found.end || (end === found.end && start > found.start)))) continue;
    found = { start, end };
  }
  return found?.start;
}

/** How many characters at the end may be the beginning of a stop sequence. */
function openTail(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(stop.slice(0, length))) longest = length;
    }
  }
  return longest;
}
