import { RouterError } from '../core/errors.ts';
import { classifyFault } from './classify.ts';
import { systemClock } from './clock.ts';

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
 * Decodes UTF-8 across the borders of reads. One decoder and one reader per stream: web-stream pipes would cost more per
 * event than everything else here. What is no UTF-8 becomes U+FFFD, and a byte order mark is dropped at the start.
 */
export function openText(body: ReadableStream<Uint8Array>, maxStreamBytes: number): TextPieces {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let bytes = 0;
  const cancel = (): void => {
    // Not awaited: a body that is slow to stop must not hold up the caller, one that broke has nothing to add, and one that has ended
    // takes it for nothing.
    reader.cancel().catch(() => undefined);
  };
  const close = (): void => {
    cancel();
    reader.releaseLock();
  };
  return {
    async next() {
      for (;;) {
        const { done, value } = await reader.read().catch(throwBroken);
        if (done) return decoder.decode() || undefined;
        bytes += value.byteLength;
        if (bytes > maxStreamBytes)
          throw new RouterError('limit_exceeded', `The stream is larger than ${maxStreamBytes} bytes.`, { phase: 'total' });
        const piece = decoder.decode(value, { stream: true });
        if (piece !== '') return piece;
      }
    },
    close,
    drain() {
      const stopTimer = systemClock.schedule(drainLimits.ms, cancel, true);
      void discard(reader).finally(() => {
        stopTimer();
        close();
      });
    },
  };
}

/** Resolves at the end of the body, past the limit, or when the body breaks. */
async function discard(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    for (let bytes = 0; bytes <= drainLimits.bytes;) {
      const { done, value } = await reader.read();
      if (done) return;
      bytes += value.byteLength;
    }
  } catch {
    // The answer is complete; how its connection ended concerns nobody.
  }
}

/** An abort looks like any other break here: whoever holds the signal must ask it first. */
function throwBroken(error: unknown): never {
  if (error instanceof RouterError) throw error;
  const { code, text, reason, phase } = classifyFault(error);
  throw new RouterError(code, text === '' ? 'The connection broke before the stream ended.' : text, { reason, phase });
}

export function eventTooLarge(what: 'event' | 'line', maxEventBytes: number): RouterError<'limit_exceeded'> {
  return new RouterError('limit_exceeded', `The stream holds one ${what} larger than ${maxEventBytes} bytes.`);
}
