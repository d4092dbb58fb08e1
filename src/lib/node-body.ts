import type { Readable } from 'node:stream';
import type { ByteSource } from './byte-source.ts';
import { connectionClosed } from './node-faults.ts';

export interface ReadableSource extends ByteSource {
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

/** The bytes of one of Node's streams. */
export function readableSource(readable: Readable, hooks: Hooks): ReadableSource {
  const source = fedSource({ ...hooks, pause: () => readable.pause(), resume: () => readable.resume() });
  readable.on('data', source.add);
  readable.on('end', source.end);
  readable.on('error', source.fail);
  // After the others, and alone where nobody was told of a failure.
  readable.on('close', () => source.fail(undefined));
  return source;
}

/**
 * A read gives everything that one read of the network brought at once: servers that send token by token may have sent hundreds since
 * the last one.
 */
export function fedSource({ pause, resume, leave, close }: Feeder): FedSource {
  let unread: Uint8Array[] = [];
  let unreadBytes = 0;
  let over: { readonly error?: unknown } | undefined;
  let wake: (() => void) | undefined;
  const wakeReader = (): void => {
    wake?.();
    wake = undefined;
  };
  const end = (how: { readonly error?: unknown }): void => {
    if (over !== undefined) return;
    over = how;
    leave();
    wakeReader();
  };
  const take = (): Uint8Array => {
    const pieces = unread;
    const bytes = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces, unreadBytes);
    const wasFull = unreadBytes >= mostUnread;
    unread = [];
    unreadBytes = 0;
    // More may come while it is asked for.
    if (pieces.length >= mostPieces) setImmediate(resume);
    else if (wasFull) resume();
    return bytes;
  };
  const isThere = (): boolean => unread.length > 0 || over !== undefined;
  const more = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  const next = (): Uint8Array | undefined => {
    // What came before a failure is handed out before it.
    if (unread.length > 0) return take();
    if (over !== undefined && 'error' in over) throw over.error;
    return undefined;
  };
  return {
    add(bytes) {
      unread.push(bytes);
      unreadBytes += bytes.byteLength;
      if (unreadBytes >= mostUnread || unread.length >= mostPieces) pause();
      wakeReader();
    },
    end: () => end({}),
    fail(reason) {
      // An error for each stream that has ended well would cost more than the rest of its end.
      if (over === undefined) end({ error: connectionClosed(reason) });
    },
    async read() {
      if (!isThere()) await more();
      return next();
    },
    text: () => wholeText(isThere, more, next),
    cancel() {
      unread = [];
      if (over !== undefined) return;
      end({});
      close();
    },
  };
}

/** A small answer is there already, and is not waited for. */
async function wholeText(isThere: () => boolean, more: () => Promise<void>, next: () => Uint8Array | undefined): Promise<string> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    if (!isThere()) await more();
    const piece = next();
    if (piece === undefined) return decoder.decode(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
    pieces.push(piece);
  }
}
