/** Upper ends of what is counted together, in milliseconds. */
export const bounds: readonly number[] = [1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** How many values are up to each bound and above the one before; the last number counts the rest. */
export function histogramOf(values: readonly number[]): number[] {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  for (const value of values) {
    const place = bounds.findIndex((bound) => value <= bound);
    const at = place === -1 ? bounds.length : place;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}
