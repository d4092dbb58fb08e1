import { defaultStreamLimits, eventTooLarge, openText, type StreamLimits } from './stream-text.ts';

/**
 * The lines of newline-delimited JSON that are not blank, one batch per network read; reads that end no line yield nothing,
 * and a last line without a newline is handed on at the end. Leaving early cancels the body, unless `isComplete` says at that
 * moment that the answer is: then what follows is discarded, and the connection can be used again. Throws `limit_exceeded`,
 * and a classified fault (`unavailable`, `timeout`) where the connection broke.
 */
export async function* readLines(
  body: ReadableStream<Uint8Array>,
  limits: StreamLimits = defaultStreamLimits,
  isComplete: () => boolean = () => false,
): AsyncGenerator<readonly string[], void, undefined> {
  // Joined only when the line ends: joining with each read would take quadratic time for a long line in small pieces.
  let pending: string[] = [];
  let pendingLength = 0;
  const text = openText(body, limits.maxStreamBytes);
  try {
    for (let piece = await text.next(); piece !== undefined; piece = await text.next()) {
      const [first = '', ...lines] = splitLines(piece);
      const rest = lines.pop();
      pending.push(first);
      pendingLength += first.length;
      if (rest !== undefined) {
        const batch = [pending.join(''), ...lines].filter(isNotBlank);
        pending = [rest];
        pendingLength = rest.length;
        if (batch.length > 0) yield batch;
      }
      if (pendingLength > limits.maxEventBytes) throw eventTooLarge('line', limits.maxEventBytes);
    }
    const last = pending.join('');
    if (isNotBlank(last)) yield [last];
  } finally {
    if (isComplete()) text.drain();
    else text.close();
  }
}

/** JSON holds no bare CR, so each one ends a line; CR LF ends two, and the blank one between them is dropped. */
function splitLines(piece: string): string[] {
  return (piece.includes('\r') ? piece.replaceAll('\r', '\n') : piece).split('\n');
}

function isNotBlank(line: string): boolean {
  return line.trim() !== '';
}
