import type { Transform } from 'node:stream';
import type * as Zlib from 'node:zlib';
import { builtin } from './node-builtin.ts';
import { type Feeder, type FedSource, readableSource } from './node-body.ts';
import { packingsOf } from './unpacked.ts';

/** Every one that platforms unpack by themselves and servers still use. A map: a server may name whatever objects have by themselves. */
const unpackers: ReadonlyMap<string, (zlib: typeof Zlib) => Transform> = new Map([
  ['gzip', (zlib) => zlib.createGunzip(flushing(zlib))],
  ['x-gzip', (zlib) => zlib.createGunzip(flushing(zlib))],
  ['deflate', (zlib) => zlib.createInflate(flushing(zlib))],
  ['br', (zlib) => zlib.createBrotliDecompress()],
]);

/** What has come is handed out before the rest is there. */
function flushing({ constants: { Z_SYNC_FLUSH } }: typeof Zlib): Zlib.ZlibOptions {
  return { flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH };
}

/** `packed`: the header `content-encoding`. Undefined for a body that was not packed, or several times, or in a way that nobody here knows. */
export function unpackerOf(packed: string | null): Transform | undefined {
  const [packing, ...others] = packingsOf({ header: () => packed });
  return packing === undefined || others.length > 0 ? undefined : unpackers.get(packing)?.(builtin<typeof Zlib>('node:zlib'));
}

/** A source that is fed what is packed, and gives what was packed. */
export function unpackingSource(unpacker: Transform, feeder: Feeder): FedSource {
  const source = readableSource(unpacker, feeder);
  unpacker.on('drain', () => feeder.resume());
  // Whoever reads is told; of what is damaged nobody needs the rest.
  unpacker.on('error', () => feeder.close());
  return {
    poll: (wake) => source.poll(wake),
    read: () => source.read(),
    text: () => source.text(),
    cancel: () => source.cancel(),
    add(bytes) {
      if (!unpacker.write(bytes)) feeder.pause();
    },
    end: () => void unpacker.end(),
    fail(reason) {
      source.fail(reason);
      unpacker.destroy();
    },
  };
}
