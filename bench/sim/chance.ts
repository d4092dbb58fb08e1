import { createRandom } from '../../tests/campaign/_kit/numbers.ts';

/** Everything random of one source. The same seed gives the same numbers. */
export interface Chance {
  /** From 0 (inclusive) to 1 (exclusive). */
  next(): number;
  below(count: number): number;
  exponential(mean: number): number;
  /** `spread` is the standard deviation of the logarithm. */
  logNormal(median: number, spread: number): number;
  /** An index, where the weight of the n-th is 1 / n^exponent. */
  zipf(weights: readonly number[]): number;
}

export function createChance(seed: number): Chance {
  const next = createRandom(seed);
  return {
    next,
    below: (count) => Math.floor(next() * count),
    exponential: (mean) => -mean * Math.log(1 - next()),
    logNormal: (median, spread) => median * Math.exp(spread * normal(next)),
    zipf(weights) {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      let rest = next() * total;
      for (const [index, weight] of weights.entries()) {
        rest -= weight;
        if (rest < 0) return index;
      }
      return weights.length - 1;
    },
  };
}

/** Weights of Zipf's law for `count` things. */
export function zipfWeights(count: number, exponent: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => 1 / (index + 1) ** exponent);
}

function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}
