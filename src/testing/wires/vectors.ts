import type { Answer } from '../script.ts';
import { hashOf } from './scene.ts';

/**
 * The scripted vectors as they are, so that a script can hold too few; else one of length 1 per input, made of the words of it. Like
 * texts have like vectors, and a text has the same one in every process. The numbers are exact in 32 bits, so that they survive
 * base64. `dimensions`: the length that the request asks for, where the server heeds it.
 */
export function vectorsFor(answer: Answer, inputs: readonly string[], dimensions?: number): number[][] {
  if (answer.vectors !== undefined) return answer.vectors.map((vector) => vector.slice(0, dimensions));
  return inputs.map((input) => vectorOf(input, dimensions ?? answer.dimensions ?? defaultDimensions));
}

const defaultDimensions = 8;

/** Each word points somewhere of its own, and a text points where its words do together. */
function vectorOf(text: string, dimensions: number): number[] {
  const sum = Array.from({ length: dimensions }, () => 0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['']) {
    let state = hashOf(word);
    for (let axis = 0; axis < dimensions; axis++) {
      state = mix(state + 0x9e3779b9);
      sum[axis] = (sum[axis] ?? 0) + state / 2 ** 31 - 1;
    }
  }
  const length = Math.hypot(...sum);
  // Opposite words cancel each other out where a vector has very few numbers; a vector of length 0 has no direction.
  return sum.map((value, axis) => Math.fround(length === 0 ? Number(axis === 0) : value / length));
}

/** Murmur3's finalizer: 0 to 2³² − 1. With a step between two calls it gives numbers that follow from the first alone. */
function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
