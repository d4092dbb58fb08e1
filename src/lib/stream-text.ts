import { RouterError } from '../core/errors.ts';
import { type Body, type PolledSource, polledSourceOf } from './byte-source.ts';
import { classifyFault } from './classify.ts';
import { systemClock } from './clock.ts';
import { isInMark, Pace } from './paced-text.ts';
import { nextOf, type Polled, pending } from './polled.ts';

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
 * U+FFFD, and a byte order mark is dropped at the start. What is polled are the next bytes; a classified fault is thrown where the body
 * broke.
 */
export interface TextBody extends Polled<Uint8Array> {
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

/** Web-stream pipes would cost more per event than everything else here. */
class PacedText implements TextBody {
  readonly #source: PolledSource;
  readonly #maxBytes: number;
  /** Of a character that the network cut; undefined between whole ones. */
  #decoder: InstanceType<typeof TextDecoder> | undefined;
  /** For pieces that end with a whole character. */
  #plain = ofStart;
  readonly #pace = new Pace();
  #bytes = 0;
  /** What came of a byte order mark; undefined from the first other bytes on. */
  #start: Uint8Array | undefined = new Uint8Array();

  constructor(body: Body, maxBytes: number) {
    this.#source = polledSourceOf(body);
    this.#maxBytes = maxBytes;
  }

  poll(wake: () => void): Uint8Array | typeof pending | undefined {
    if (this.#pace.pauses(wake)) return pending;
    const rest = this.#pace.rest();
    if (rest !== undefined) return rest;
    try {
      return this.#start === undefined ? this.#source.poll(wake) : this.#pollStart(this.#start, wake);
    } catch (error) {
      throw broken(error);
    }
  }

  decode(bytes: Uint8Array | undefined): string {
    if (bytes === undefined) return this.#decoder?.decode() ?? '';
    const part = this.#pace.partOf(bytes);
    this.#bytes += part.byteLength;
    if (this.#bytes > this.#maxBytes)
      throw new RouterError('limit_exceeded', `The stream is larger than ${this.#maxBytes} bytes.`, { phase: 'total' });
    const plain = this.#plain;
    this.#plain = ofRest;
    // All that comes of most servers.
    if (this.#decoder === undefined && (part.at(-1) as number) < 0x80) return plain.decode(part);
    this.#decoder ??= new TextDecoder('utf-8', { ignoreBOM: plain.ignoreBOM });
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

  #pollStart(begun: Uint8Array, wake: () => void): Uint8Array | typeof pending | undefined {
    let start = begun;
    for (;;) {
      const bytes = this.#source.poll(wake);
      if (bytes === pending) return pending;
      if (bytes !== undefined) start = start.byteLength === 0 ? bytes : Uint8Array.from([...start, ...bytes]);
      const isWhole = bytes === undefined || !isInMark(start);
      this.#start = isWhole ? undefined : start;
      if (isWhole) return start.byteLength === 0 ? undefined : start;
    }
  }
}

/** They keep nothing between two pieces, so all streams share them. Only at the start of one is a byte order mark no text. */
const ofStart = new TextDecoder();
const ofRest = new TextDecoder('utf-8', { ignoreBOM: true });

const streaming = Object.freeze({ stream: true });

/** Resolves at the end of the body, past the limit, or when the body breaks. */
async function discard(source: PolledSource): Promise<void> {
  try {
    for (let bytes = 0; bytes <= drainLimits.bytes;) {
      const read = await nextOf(source);
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
