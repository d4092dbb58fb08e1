import { isPolled, nextOf, pending, type Polled, PolledPromises } from './polled.ts';

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
  return 'getReader' in body ? new StreamSource(body) : body;
}

/** A source that is polled. */
export interface PolledSource extends Polled<Uint8Array> {
  cancel(): void;
}

/** A body to be polled, which what our own transports give can be as it is. */
export function polledSourceOf(body: Body): PolledSource {
  const source = sourceOf(body);
  return isPolled<Uint8Array>(source) ? source : new PolledReads(source);
}

class PolledReads extends PolledPromises<Uint8Array, Uint8Array | undefined> implements PolledSource {
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    super(
      () => source.read(),
      (bytes) => bytes,
    );
    this.#source = source;
  }

  cancel(): void {
    this.#source.cancel();
  }
}

type StreamRead = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>>;

/** One of the platform's streams. A class, because there is one for every stream over `fetch`. */
class StreamSource extends PolledPromises<Uint8Array, StreamRead> implements ByteSource, PolledSource {
  readonly #body: ReadableStream<Uint8Array>;
  // Taken when it is needed: whoever has read all of the body at once has taken it already.
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(body: ReadableStream<Uint8Array>) {
    super(
      () => (this.#reader ??= body.getReader()).read(),
      ({ done, value }) => (done ? undefined : value),
    );
    this.#body = body;
  }

  override poll(wake: () => void): Uint8Array | typeof pending | undefined {
    for (;;) {
      const bytes = super.poll(wake);
      if (bytes === undefined || bytes === pending || bytes.byteLength > 0) return bytes;
    }
  }

  read(): Promise<Uint8Array | undefined> {
    return nextOf(this);
  }

  cancel(): void {
    // Not awaited: a body that is slow to stop must not hold up the caller, one that broke has nothing to add, and one that has ended
    // takes it for nothing.
    (this.#reader ?? this.#body).cancel().catch(() => undefined);
    this.#reader?.releaseLock();
  }
}
