import { isPolled, type Polled, PolledPromises } from './polled.ts';

/** The body of an answer. One read at a time; nothing is read ahead beyond what the network has brought. */
export interface ByteSource {
  /** The next bytes, never none; undefined at the end. Rejects where the connection broke, or the request was aborted. */
  read(): Promise<Uint8Array | undefined>;
  /** Wants no more, and closes the connection where the body has not ended. Never throws, may be called at any time. */
  cancel(): void;
}

/** What a transport may give: the platform's stream, or something cheaper. */
export type Body = ByteSource | ReadableStream<Uint8Array>;

export function sourceOf(body: Body): ByteSource {
  return 'getReader' in body ? fromStream(body) : body;
}

/** A source that is polled. */
export interface PolledSource extends Polled<Uint8Array> {
  cancel(): void;
}

/** A body to be polled, which those of our own transports can be as they are. */
export function polledSourceOf(body: Body): PolledSource {
  const source = sourceOf(body);
  return isPolled<Uint8Array>(source) ? source : new PolledReads(source);
}

class PolledReads extends PolledPromises<Uint8Array> implements PolledSource {
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    super(() => source.read());
    this.#source = source;
  }

  cancel(): void {
    this.#source.cancel();
  }
}

function fromStream(body: ReadableStream<Uint8Array>): ByteSource {
  // Taken when it is needed: whoever has read all of the body at once has taken it already.
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return {
    async read() {
      reader ??= body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return undefined;
        if (value.byteLength > 0) return value;
      }
    },
    cancel() {
      // Not awaited: a body that is slow to stop must not hold up the caller, one that broke has nothing to add, and one that has ended
      // takes it for nothing.
      (reader ?? body).cancel().catch(() => undefined);
      reader?.releaseLock();
    },
  };
}
