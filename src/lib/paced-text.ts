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
 * waiting that no read has to wait for the network: in both cases timers and other sockets get their turn in between. A class, because
 * there is one for every stream.
 */
export class Pace {
  #rest: Uint8Array | undefined;
  #unbroken = 0;
  #pausedAtMs: number = systemClock.nowMs();

  /** So much was handed out without a pause that the clock has to be looked at: once in a while only, as most streams are slow. */
  isDue(): boolean {
    return this.#unbroken >= partBytes;
  }

  async pause(): Promise<void> {
    this.#unbroken = 0;
    if (systemClock.nowMs() - this.#pausedAtMs <= longestWorkMs) return;
    await new Promise<void>((resolve) => void systemClock.schedule(0, resolve));
    this.#pausedAtMs = systemClock.nowMs();
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
 * The first bytes of a body. Of a byte order mark that the network cut, the platform's decoder takes off what follows it as well if that is
 * another one. So the bytes of a mark are handed out together.
 */
export async function readStart(source: ByteSource): Promise<Uint8Array | undefined> {
  let start = new Uint8Array();
  for (;;) {
    const bytes = await source.read();
    if (bytes === undefined) return start.byteLength === 0 ? undefined : start;
    if (start.byteLength === 0 && !isInMark(bytes)) return bytes;
    start = Uint8Array.from([...start, ...bytes]);
    if (!isInMark(start)) return start;
  }
}

/** True where only more bytes can tell whether it begins with a mark. */
function isInMark(bytes: Uint8Array): boolean {
  return bytes.byteLength < mark.length && bytes.every((value, at) => value === mark[at]);
}
