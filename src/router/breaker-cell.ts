import type { BreakerState } from '../breaker/breaker.ts';

/** One breaker, wherever it is kept. */
export interface Cell {
  get(): BreakerState;
  set(state: BreakerState): void;
}

/** While it is held, it lets no probe through. */
export function setHeld(cell: Cell, isHeld: boolean): void {
  const state = cell.get();
  if (state.is === 'closed' || (state.held === true) === isHeld) return;
  const { held: _held, ...rest } = state;
  cell.set(isHeld ? { ...rest, held: true } : rest);
}
