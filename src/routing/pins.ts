/** "This model does not fit on this provider." Made by an out-of-memory error; ends by itself, because memory changes. */
export interface Pin {
  readonly untilMs: number;
  /** Times in a row that the model did not fit: the exponent of the next pin. */
  readonly times: number;
}

/** A pin never lasts longer, however often the model failed to fit (4 h). */
export const longestPinMs = 14_400_000;

/** The pin after one more out-of-memory error: `pinMs`, doubling each time in a row. */
export function nextPin(current: Pin | undefined, pinMs: number, nowMs: number): Pin {
  const times = (current?.times ?? 0) + 1;
  return { untilMs: nowMs + Math.min(pinMs * 2 ** (times - 1), longestPinMs), times };
}
