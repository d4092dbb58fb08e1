/** Numbers from 0 to 1, always the same ones for a seed (mulberry32). */
export type Random = () => number;

export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** F32 values around 0 with the standard deviation `scale` (Box and Muller's cosine branch, a rounded circle). */
export function normal(random: Random, count: number, scale: number): Uint8Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    values[i] = scale * Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(6.283185307 * random());
  }
  return bytesOf(values);
}

export function ones(count: number): Uint8Array {
  return bytesOf(new Float32Array(count).fill(1));
}

export function zeros(count: number): Uint8Array {
  return bytesOf(new Float32Array(count));
}

export function zerosF16(count: number): Uint8Array {
  return new Uint8Array(count * 2);
}

/** An F16 table that is 0 but for the cells given as [index, value]. */
export function sparseF16(count: number, cells: readonly (readonly [number, number])[]): Uint8Array {
  const bytes = Buffer.alloc(count * 2);
  for (const [index, value] of cells) bytes.writeUInt16LE(halfBits(value), index * 2);
  return bytes;
}

/** The bits of a half-precision number, rounded. Good for the normal range, which is all that is used here. */
function halfBits(value: number): number {
  const [bits = 0] = new Uint32Array(Float32Array.of(value).buffer);
  if ((bits & 0x7fffffff) === 0) return 0;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 255) - 112;
  const mantissa = (bits & 0x7fffff) + 0x1000;
  if (exponent <= 0) return sign;
  if (exponent >= 31) return sign | 0x7bff;
  return sign | ((exponent << 10) + (mantissa >>> 13));
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
