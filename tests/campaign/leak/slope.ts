/** A line through points, by least squares, with the 95% interval of its slope. */
export interface Slope {
  readonly perStep: number;
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95% points of Student's distribution for 1, 2, 3 … degrees of freedom. */
const students = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131];
const beyond = 2.12;

/** At least three points, whose `x` differ. */
export function slopeOf(points: readonly { readonly x: number; readonly y: number }[]): Slope {
  const count = points.length;
  const mean = (of: 'x' | 'y'): number => points.reduce((sum, point) => sum + point[of], 0) / count;
  const [meanX, meanY] = [mean('x'), mean('y')];
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const perStep = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const rest = points.reduce((sum, { x, y }) => sum + (y - meanY - perStep * (x - meanX)) ** 2, 0);
  const half = (students[count - 3] ?? beyond) * Math.sqrt(rest / (count - 2) / spread);
  return { perStep, low: perStep - half, high: perStep + half };
}
