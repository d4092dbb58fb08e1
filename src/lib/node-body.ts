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

const wholly = (): { readonly error?: unknown } => ({});

/** Unread bytes beyond this stay with the network. */
const mostUnread = 64 * 1024;

const byteOrderMark = 0xfeff;

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
  const end = (how: () => { readonly error?: unknown }): void => {
    if (over !== undefined) return;
    over = how();
    leave();
    wakeReader();
  };
  const fail = (reason: unknown): void => end(() => ({ error: connectionClosed(reason) }));
  readable.on('data', (bytes: Uint8Array) => {
    unread.push(bytes);
    unreadBytes += bytes.byteLength;
    if (unreadBytes >= mostUnread) readable.pause();
    wakeReader();
  });
  readable.on('end', () => end(wholly));
  readable.on('error', fail);
  // After the others, and alone where nobody was told of a failure.
  readable.on('close', () => fail(undefined));
  const take = (): Uint8Array => {
    const bytes = unread.length === 1 ? (unread[0] as Uint8Array) : Buffer.concat(unread, unreadBytes);
    if (unreadBytes >= mostUnread) readable.resume();
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
      const text = Buffer.concat(pieces).toString('utf8');
      return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
    },
    fail,
    cancel() {
      unread = [];
      if (over === undefined) close();
      end(wholly);
    },
  };
  return source;
}
