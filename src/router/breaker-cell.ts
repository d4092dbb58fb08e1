import { type BreakerState, withHeld } from '../breaker/breaker.ts';

/** One breaker, wherever it is kept. */
export interface Cell {
  get(): BreakerState;
  set(state: BreakerState): void;
}

export function setHeld(cell: Cell, isHeld: boolean): void {
  const before = cell.get();
  const state = withHeld(before, isHeld);
  // Setting one makes books for a model that has none.
  if (state !== before) cell.set(state);
}
