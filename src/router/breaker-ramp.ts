/**
 * Calls under way that a breaker let in since it last changed. Those of an older generation may go on for minutes and tell
 * nothing of a recovery, so they take no place in its ramp.
 */
export interface LetIn {
  readonly generation: number;
  readonly count: number;
}

export const noneLetIn: LetIn = Object.freeze({ generation: 0, count: 0 });

export function countOf(letIn: LetIn, generation: number): number {
  return letIn.generation === generation ? letIn.count : 0;
}

/** With one more, or one less, of that generation. */
export function counted(letIn: LetIn, generation: number, by: 1 | -1): LetIn {
  return { generation, count: countOf(letIn, generation) + by };
}
