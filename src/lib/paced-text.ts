import { systemClock } from './clock.ts';

/** Longer reads are handed out in parts of this many bytes. */
export const partBytes = 65_536;
/** A read costs more than its bytes, so many small ones count like a long one. */
const bytesPerRead = 256;
/** Work that goes on for longer than this without a pause would be noticed by everything else in the process. */
const longestWorkMs = 10;

/**
 * Cuts what was read so that it keeps nobody busy for long. A server may send 100,000 events in one read, or have so many small ones
 * waiting that no read has to wait for the network: in both cases timers and other sockets get their turn in between. A class, because
 * there is one for every stream.
 */
export class Pace {
  #rest: Uint8Array | undefined;
  #unbroken = 0;
  #pausedAtMs: number = systemClock.nowMs();

  /** True where everything else has its turn first; `onDone` is called after it. */
  pauses(onDone: () => void): boolean {
    // The clock is looked at once in a while only, as most streams are slow.
    if (this.#unbroken < partBytes) return false;
    this.#unbroken = 0;
    if (systemClock.nowMs() - this.#pausedAtMs <= longestWorkMs) return false;
    systemClock.schedule(0, () => {
      this.#pausedAtMs = systemClock.nowMs();
      onDone();
    });
    return true;
  }

  /** What was not handed out of the last read; undefined where all of it was. */
  rest(): Uint8Array | undefined {
    const rest = this.#rest;
    this.#rest = undefined;
    return rest;
  }

  /** The first part of a read, or of what was left of one. */
  partOf(bytes: Uint8Array): Uint8Array {
    if (bytes.byteLength <= partBytes) {
      this.#unbroken += bytesPerRead + bytes.byteLength;
      return bytes;
    }
    this.#unbroken = partBytes;
    this.#rest = bytes.subarray(partBytes);
    return bytes.subarray(0, partBytes);
  }
}

const mark: readonly number[] = [0xef, 0xbb, 0xbf];

/**
 * True of the first bytes of a body where only more of them can tell whether it begins with a byte order mark. Of one that the network cut,
 * the platform's decoder takes off what follows it as well if that is another one, so the bytes of a mark are handed out together.
 */
export function isInMark(bytes: Uint8Array): boolean {
  return bytes.byteLength < mark.length && bytes.every((value, at) => value === mark[at]);
}
