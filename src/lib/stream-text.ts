import { RouterError } from '../core/errors.ts';
import { type Body, type ByteSource, sourceOf } from './byte-source.ts';
import { classifyFault } from './classify.ts';
import { systemClock } from './clock.ts';
import { createPace, startingWhole } from './paced-text.ts';

/** Sizes above which a stream is given up; they bound memory and time whatever a server sends. */
export interface StreamLimits {
  /** One event or line that has not ended yet, in characters of decoded text: at most this many bytes of ASCII. */
  readonly maxEventBytes: number;
  /** Everything that one stream sends. */
  readonly maxStreamBytes: number;
}

export const defaultStreamLimits: StreamLimits = Object.freeze({
  maxEventBytes: 1024 * 1024,
  maxStreamBytes: 64 * 1024 * 1024,
});

/** A body as text, one piece per network read. */
export interface TextPieces {
  /** The next piece, never empty; undefined at the end. Rejects with `limit_exceeded`, or a classified fault where the body broke. */
  next(): Promise<string | undefined>;
  /** Lets the body go, and cancels it where it was not read to its end. */
  close(): void;
  /**
   * For a stream whose answer is complete: reads the rest in the background, so that the connection can be used again. A cancel
   * would close it, and servers often send the end of the body a moment after their terminator. Gives up, and cancels,
   * after 64 KiB or one second.
   */
  drain(): void;
}

const drainLimits = { bytes: 64 * 1024, ms: 1_000 } as const;

/**
 * Decodes UTF-8 across the borders of reads, in pieces that keep nobody busy for long. One decoder per stream: web-stream pipes would
 * cost more per event than everything else here. What is no UTF-8 becomes U+FFFD, and a byte order mark is dropped at the start.
 */
export function openText(body: Body, maxStreamBytes: number): TextPieces {
  const source = startingWhole(sourceOf(body));
  const decoder = new TextDecoder();
  const pace = createPace();
  let bytes = 0;
  const read = async (): Promise<Uint8Array | undefined> => {
    try {
      return await source.read();
    } catch (error) {
      throw broken(error);
    }
  };
  return {
    async next() {
      for (;;) {
        if (pace.isDue()) await pace.pause();
        let part = pace.rest();
        if (part === undefined) {
          const whole = await read();
          if (whole === undefined) return decoder.decode() || undefined;
          part = pace.partOf(whole);
        }
        bytes += part.byteLength;
        if (bytes > maxStreamBytes)
          throw new RouterError('limit_exceeded', `The stream is larger than ${maxStreamBytes} bytes.`, { phase: 'total' });
        const piece = decoder.decode(part, { stream: true });
        if (piece !== '') return piece;
      }
    },
    close: () => source.cancel(),
    drain() {
      const stopTimer = systemClock.schedule(drainLimits.ms, source.cancel, true);
      void discard(source).finally(() => {
        stopTimer();
        source.cancel();
      });
    },
  };
}

/** Resolves at the end of the body, past the limit, or when the body breaks. */
async function discard(source: ByteSource): Promise<void> {
  try {
    for (let bytes = 0; bytes <= drainLimits.bytes;) {
      const read = await source.read();
      if (read === undefined) return;
      bytes += read.byteLength;
    }
  } catch {
    // The answer is complete; how its connection ended concerns nobody.
  }
}

/** An abort looks like any other break here: whoever holds the signal must ask it first. */
function broken(error: unknown): RouterError {
  if (error instanceof RouterError) return error;
  const { code, text, reason, phase } = classifyFault(error);
  return new RouterError(code, text === '' ? 'The connection broke before the stream ended.' : text, { reason, phase });
}

export function eventTooLarge(what: 'event' | 'line', maxEventBytes: number): RouterError<'limit_exceeded'> {
  return new RouterError('limit_exceeded', `The stream holds one ${what} larger than ${maxEventBytes} bytes.`);
}
