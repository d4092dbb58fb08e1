import { systemClock } from './clock.ts';
import { openText, type TextPieces } from './stream-text.ts';

/** Longer reads are handed out in parts of this many bytes. */
export const partBytes = 65_536;
/** A read costs more than its bytes, so many small ones count like a long one. */
const bytesPerRead = 256;
/** Work that goes on for longer than this without a pause would be noticed by everything else in the process. */
const longestWorkMs = 10;

type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel' | 'releaseLock'>;
type ReadResult = Awaited<ReturnType<Reader['read']>>;

/**
 * The text of a body in pieces that keep nobody busy for long. A server may send 100,000 events in one read, or have so many
 * small ones waiting that no read has to wait for the network: in both cases timers and other sockets get their turn in between.
 */
export function openPacedText(body: ReadableStream<Uint8Array>, maxStreamBytes: number): TextPieces {
  const paced = { getReader: () => inParts(startingWhole(body.getReader())) };
  // A whole stream of the platform around these reads would cost more than the reads.
  return openText(paced as unknown as ReadableStream<Uint8Array>, maxStreamBytes);
}

function inParts(reader: Reader): Reader {
  let rest: Uint8Array | undefined;
  let unbroken = 0;
  let pausedAtMs = systemClock.nowMs();
  const pauseIfLong = async (): Promise<void> => {
    unbroken = 0;
    if (systemClock.nowMs() - pausedAtMs <= longestWorkMs) return;
    await new Promise<void>((resolve) => void systemClock.schedule(0, resolve));
    pausedAtMs = systemClock.nowMs();
  };
  return {
    async read() {
      // The clock is looked at once in a while only: most streams are slow, and then this is all that it costs.
      if (unbroken >= partBytes) await pauseIfLong();
      if (rest === undefined) {
        const found = await reader.read();
        unbroken += bytesPerRead + (found.value?.byteLength ?? 0);
        if (found.value === undefined || found.value.byteLength <= partBytes) return found;
        rest = found.value;
        unbroken = 0;
      }
      const value = rest.subarray(0, partBytes);
      rest = rest.byteLength > partBytes ? rest.subarray(partBytes) : undefined;
      unbroken += partBytes;
      return { done: false, value };
    },
    cancel: (reason) => reader.cancel(reason),
    releaseLock: () => reader.releaseLock(),
  };
}

const mark: readonly number[] = [0xef, 0xbb, 0xbf];

/**
 * Of a byte order mark that the network cut, the platform's decoder takes off what follows it as well if that is another one. So the
 * bytes of a mark are handed out together.
 */
function startingWhole(reader: Reader): Reader {
  let isStart = true;
  const readStart = async (): Promise<ReadResult> => {
    isStart = false;
    let start = new Uint8Array();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return start.byteLength === 0 ? { done, value } : { done: false, value: start };
      if (start.byteLength === 0 && !isInMark(value)) return { done, value };
      start = Uint8Array.from([...start, ...value]);
      if (!isInMark(start)) return { done, value: start };
    }
  };
  return {
    read: () => (isStart ? readStart() : reader.read()),
    cancel: (reason) => reader.cancel(reason),
    releaseLock: () => reader.releaseLock(),
  };
}

/** True where only more bytes can tell whether it begins with a mark. */
function isInMark(bytes: Uint8Array): boolean {
  return bytes.byteLength < mark.length && bytes.every((value, at) => value === mark[at]);
}
