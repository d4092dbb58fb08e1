import type { Readable } from 'node:stream';
import type { ByteSource } from './byte-source.ts';
import { connectionClosed } from './node-faults.ts';

export interface ReadableSource extends ByteSource {
  /** All of it. */
  text(): Promise<string>;
  /** Nothing more comes, and whoever reads gets this as the reason, after what came before. */
  fail(reason: unknown): void;
}

interface Hooks {
  /** Called once, when nothing more comes. */
  leave(): void;
  /** Closes the connection. */
  close(): void;
}

/** Unread bytes beyond this stay with the network. */
const mostUnread = 64 * 1024;
/**
 * Behind so many pieces others have their turn before the next one: 64 KiB in chunks of one byte are 11,000, and the system may hand over
 * 32 such reads in a row. Tokens that come one by one are about 300 to a read.
 */
const mostPieces = 1_024;

const decoder = new TextDecoder();

/**
 * The bytes of one of Node's streams, everything that one read of the network brought at once: servers that send token by token may
 * have sent hundreds since the last one.
 */
export function readableSource(readable: Readable, { leave, close }: Hooks): ReadableSource {
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
  const fail = (reason: unknown): void => {
    // An error for each stream that has ended well would cost more than the rest of its end.
    if (over === undefined) end({ error: connectionClosed(reason) });
  };
  readable.on('data', (bytes: Uint8Array) => {
    unread.push(bytes);
    unreadBytes += bytes.byteLength;
    if (unreadBytes >= mostUnread || unread.length >= mostPieces) readable.pause();
    wakeReader();
  });
  readable.on('end', () => end({}));
  readable.on('error', fail);
  // After the others, and alone where nobody was told of a failure.
  readable.on('close', () => fail(undefined));
  const take = (): Uint8Array => {
    const bytes = unread.length === 1 ? (unread[0] as Uint8Array) : Buffer.concat(unread, unreadBytes);
    if (unread.length >= mostPieces) setImmediate(() => readable.resume());
    else if (unreadBytes >= mostUnread) readable.resume();
    unread = [];
    unreadBytes = 0;
    return bytes;
  };
  const source: ReadableSource = {
    async read() {
      // What came before a failure is handed out before it.
      if (unread.length === 0 && over === undefined) await new Promise<void>((resolve) => (wake = resolve));
      if (unread.length > 0) return take();
      if (over !== undefined && 'error' in over) throw over.error;
      return undefined;
    },
    async text() {
      const pieces: Uint8Array[] = [];
      for (let piece = await source.read(); piece !== undefined; piece = await source.read()) pieces.push(piece);
      return decoder.decode(Buffer.concat(pieces));
    },
    fail,
    cancel() {
      unread = [];
      if (over === undefined) close();
      end({});
    },
  };
  return source;
}
