import type { Readable } from 'node:stream';
import type { ByteSource, PolledSource } from './byte-source.ts';
import { connectionClosed } from './node-faults.ts';
import { nextOf, pending } from './polled.ts';

export interface ReadableSource extends ByteSource, PolledSource {
  /** All of it. */
  text(): Promise<string>;
  /** Nothing more comes, and whoever reads gets this as the reason, after what came before. */
  fail(reason: unknown): void;
}

/** One that is handed its bytes as they come. */
export interface FedSource extends ReadableSource {
  add(bytes: Uint8Array): void;
  end(): void;
}

interface Hooks {
  /** Called once, when nothing more comes. */
  leave(): void;
  /** Closes the connection. */
  close(): void;
}

/** What a source that is fed asks of whoever feeds it. */
export interface Feeder extends Hooks {
  pause(): void;
  resume(): void;
}

/** Unread bytes beyond this stay with the network. */
const mostUnread = 64 * 1024;
/**
 * Behind so many pieces others have their turn before the next one: 64 KiB in chunks of one byte are 11,000, and the system may hand over
 * 32 such reads in a row. Tokens that come one by one are about 300 to a read.
 */
const mostPieces = 1_024;

const decoder = new TextDecoder();

/** A class, because there is one for every answer. */
class StreamFeeder implements Feeder {
  readonly #readable: Readable;
  readonly #hooks: Hooks;

  constructor(readable: Readable, hooks: Hooks) {
    this.#readable = readable;
    this.#hooks = hooks;
  }

  pause(): void {
    this.#readable.pause();
  }

  resume(): void {
    this.#readable.resume();
  }

  leave(): void {
    this.#hooks.leave();
  }

  close(): void {
    this.#hooks.close();
  }
}

/** The bytes of one of Node's streams. */
export function readableSource(readable: Readable, hooks: Hooks): ReadableSource {
  const source = fedSource(new StreamFeeder(readable, hooks));
  readable.on('data', (bytes: Uint8Array) => source.add(bytes));
  readable.on('end', () => source.end());
  readable.on('error', (reason) => source.fail(reason));
  // After the others, and alone where nobody was told of a failure.
  readable.on('close', () => source.fail(undefined));
  return source;
}

/**
 * A read gives everything that one read of the network brought at once: servers that send token by token may have sent hundreds since
 * the last one.
 */
export function fedSource(feeder: Feeder): FedSource {
  return new Fed(feeder);
}

/** Nobody adds to it. */
const noBytes: Uint8Array[] = [];

type Ending = { readonly error?: unknown };

const well: Ending = Object.freeze({});

/** A class, because there is one for every answer. */
class Fed implements FedSource {
  readonly #feeder: Feeder;
  #unread: Uint8Array[] = noBytes;
  #unreadBytes = 0;
  #over: Ending | undefined;
  #wake: (() => void) | undefined;

  constructor(feeder: Feeder) {
    this.#feeder = feeder;
  }

  add(bytes: Uint8Array): void {
    // An array that grows gets room for seventeen.
    if (this.#unread.length === 0) this.#unread = [bytes];
    else this.#unread.push(bytes);
    this.#unreadBytes += bytes.byteLength;
    if (this.#unreadBytes >= mostUnread || this.#unread.length >= mostPieces) this.#feeder.pause();
    this.#wake?.();
  }

  end(): void {
    this.#end(well);
  }

  fail(reason: unknown): void {
    // An error for each stream that has ended well would cost more than the rest of its end.
    if (this.#over === undefined) this.#end({ error: connectionClosed(reason) });
  }

  poll(wake: () => void): Uint8Array | typeof pending | undefined {
    if (this.#isThere()) return this.#next();
    this.#wake = wake;
    return pending;
  }

  read(): Promise<Uint8Array | undefined> {
    return nextOf(this);
  }

  text(): Promise<string> {
    // A small answer is there already, and is not waited for.
    const isWhole = this.#over === well && this.#unread.length === 1;
    return isWhole ? Promise.resolve(decoder.decode(this.#next())) : this.#readText();
  }

  async #readText(): Promise<string> {
    const pieces: Uint8Array[] = [];
    for (;;) {
      const piece = await nextOf(this);
      if (piece === undefined) return decoder.decode(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
      pieces.push(piece);
    }
  }

  cancel(): void {
    this.#unread = noBytes;
    if (this.#over !== undefined) return;
    this.#end(well);
    this.#feeder.close();
  }

  #isThere(): boolean {
    return this.#unread.length > 0 || this.#over !== undefined;
  }

  #next(): Uint8Array | undefined {
    // What came before a failure is handed out before it.
    if (this.#unread.length > 0) return this.#take();
    if (this.#over !== undefined && 'error' in this.#over) throw this.#over.error;
    return undefined;
  }

  #take(): Uint8Array {
    const pieces = this.#unread;
    const bytes = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces, this.#unreadBytes);
    const wasFull = this.#unreadBytes >= mostUnread;
    this.#unread = noBytes;
    this.#unreadBytes = 0;
    // More may come while it is asked for.
    if (pieces.length >= mostPieces) setImmediate(() => this.#feeder.resume());
    else if (wasFull) this.#feeder.resume();
    return bytes;
  }

  #end(how: Ending): void {
    if (this.#over !== undefined) return;
    this.#over = how;
    this.#feeder.leave();
    this.#wake?.();
  }
}
