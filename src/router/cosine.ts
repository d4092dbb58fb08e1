type Vectors = readonly (readonly number[])[];

/** Of the pair that is farthest apart; undefined where the lengths differ. */
export function leastCosine(vectors: Vectors, others: Vectors): number | undefined {
  if (vectors[0]?.length !== others[0]?.length) return undefined;
  return Math.min(...vectors.map((vector, index) => cosineOf(vector, others[index] ?? [])));
}

function cosineOf(left: readonly number[], right: readonly number[]): number {
  const [lengths, dot] = [Math.hypot(...left) * Math.hypot(...right), left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0)];
  // A model that knows no word of a text may make nothing of it; two that do so agree.
  if (lengths === 0) return left.every((value, at) => value === right[at]) ? 1 : 0;
  return dot / lengths;
}
