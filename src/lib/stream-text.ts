import { RouterError } from '../core/errors.ts';
import { type Body, type ByteSource, sourceOf } from './byte-source.ts';
import { classifyFault } from './classify.ts';
import { systemClock } from './clock.ts';
import { Pace, readStart } from './paced-text.ts';

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

/**
 * A body as text: UTF-8 that is decoded across the borders of reads, in pieces that keep nobody busy for long. What is no UTF-8 becomes
 * U+FFFD, and a byte order mark is dropped at the start. Reading and decoding are apart, so that there is one promise for each read.
 */
export interface TextBody {
  /** The next bytes; undefined at the end. Rejects with a classified fault where the body broke. */
  read(): Promise<Uint8Array | undefined>;
  /** The text that ends with what was read, or is left at the end; it may be empty. @throws {RouterError} `limit_exceeded` */
  decode(bytes: Uint8Array | undefined): string;
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

export function openText(body: Body, maxStreamBytes: number): TextBody {
  return new PacedText(body, maxStreamBytes);
}

/** One decoder per stream: web-stream pipes would cost more per event than everything else here. */
class PacedText implements TextBody {
  readonly #source: ByteSource;
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder();
  readonly #pace = new Pace();
  #bytes = 0;
  #isStart = true;

  constructor(body: Body, maxBytes: number) {
    this.#source = sourceOf(body);
    this.#maxBytes = maxBytes;
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#pace.isDue() ? this.#pace.pause().then(() => this.#next()) : this.#next();
  }

  decode(bytes: Uint8Array | undefined): string {
    if (bytes === undefined) return this.#decoder.decode();
    const part = this.#pace.partOf(bytes);
    this.#bytes += part.byteLength;
    if (this.#bytes > this.#maxBytes)
      throw new RouterError('limit_exceeded', `The stream is larger than ${this.#maxBytes} bytes.`, { phase: 'total' });
    return this.#decoder.decode(part, streaming);
  }

  close(): void {
    this.#source.cancel();
  }

  drain(): void {
    const source = this.#source;
    const stopTimer = systemClock.schedule(drainLimits.ms, () => source.cancel(), true);
    void discard(source).finally(() => {
      stopTimer();
      source.cancel();
    });
  }

  #next(): Promise<Uint8Array | undefined> {
    const rest = this.#pace.rest();
    if (rest !== undefined) return Promise.resolve(rest);
    const isStart = this.#isStart;
    this.#isStart = false;
    return (isStart ? readStart(this.#source) : this.#source.read()).catch(refuseBroken);
  }
}

const streaming = Object.freeze({ stream: true });

function refuseBroken(error: unknown): never {
  throw broken(error);
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
