// What the server writes into each token, and its clients read: known to both sides, so that no stream can lose one unseen.

/** One clock for all processes of a machine, in milliseconds. */
export function nowMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}

/** `sequence` counts the tokens of one stream, from 0. */
export const tokenText = (sequence: number, sentAtMs: number): string => `${sequence} ${sentAtMs.toFixed(3)}`;

export interface Token {
  readonly sequence: number;
  /** NaN for the last one, whose sequence is the number of those before it. */
  readonly sentAtMs: number;
}

export const lastText = (sequence: number): string => `${sequence} last`;

export function readToken(text: string): Token {
  const space = text.indexOf(' ');
  return { sequence: Number(text.slice(0, space)), sentAtMs: Number(text.slice(space + 1)) };
}
