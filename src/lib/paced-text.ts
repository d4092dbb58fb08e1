import type { ByteSource } from './byte-source.ts';
import { systemClock } from './clock.ts';

/** Longer reads are handed out in parts of this many bytes. */
export const partBytes = 65_536;
/** A read costs more than its bytes, so many small ones count like a long one. */
const bytesPerRead = 256;
/** Work that goes on for longer than this without a pause would be noticed by everything else in the process. */
const longestWorkMs = 10;

/**
 * Cuts what was read so that it keeps nobody busy for long. A server may send 100,000 events in one read, or have so many small ones
 * waiting that no read has to wait for the network: in both cases timers and other sockets get their turn in between.
 */
export interface Pace {
  /** So much was handed out without a pause that the clock has to be looked at. */
  isDue(): boolean;
  pause(): Promise<void>;
  /** The next part of the last read; undefined where that was handed out. */
  rest(): Uint8Array | undefined;
  /** The first part of a read. */
  partOf(bytes: Uint8Array): Uint8Array;
}

export function createPace(): Pace {
  let rest: Uint8Array | undefined;
  let unbroken = 0;
  let pausedAtMs = systemClock.nowMs();
  const next = (bytes: Uint8Array): Uint8Array => {
    rest = bytes.byteLength > partBytes ? bytes.subarray(partBytes) : undefined;
    unbroken += partBytes;
    return bytes.subarray(0, partBytes);
  };
  return {
    // The clock is looked at once in a while only: most streams are slow, and then this is all that it costs.
    isDue: () => unbroken >= partBytes,
    async pause() {
      unbroken = 0;
      if (systemClock.nowMs() - pausedAtMs <= longestWorkMs) return;
      await new Promise<void>((resolve) => void systemClock.schedule(0, resolve));
      pausedAtMs = systemClock.nowMs();
    },
    rest: () => rest && next(rest),
    partOf(bytes) {
      unbroken += bytesPerRead + bytes.byteLength;
      if (bytes.byteLength <= partBytes) return bytes;
      unbroken = 0;
      return next(bytes);
    },
  };
}

const mark: readonly number[] = [0xef, 0xbb, 0xbf];

/**
 * Of a byte order mark that the network cut, the platform's decoder takes off what follows it as well if that is another one. So the
 * bytes of a mark are handed out together.
 */
export function startingWhole(source: ByteSource): ByteSource {
  let isStart = true;
  const readStart = async (): Promise<Uint8Array | undefined> => {
    isStart = false;
    let start = new Uint8Array();
    for (;;) {
      const bytes = await source.read();
      if (bytes === undefined) return start.byteLength === 0 ? undefined : start;
      if (start.byteLength === 0 && !isInMark(bytes)) return bytes;
      start = Uint8Array.from([...start, ...bytes]);
      if (!isInMark(start)) return start;
    }
  };
  return { read: () => (isStart ? readStart() : source.read()), cancel: () => source.cancel() };
}

/** True where only more bytes can tell whether it begins with a mark. */
function isInMark(bytes: Uint8Array): boolean {
  return bytes.byteLength < mark.length && bytes.every((value, at) => value === mark[at]);
}
