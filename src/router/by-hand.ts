import { type BreakerState, toClosed } from '../breaker/breaker.ts';
import { plainName } from './model-name.ts';
import { nameOf } from './model-state.ts';
import type { ProviderBooks } from './provider-facts.ts';

// What an operator does with `unpin()` and `closeCircuit()`.

/** Closes what is open or half-open of a provider, or of one model there alone. Gives how many there were. */
export function closeCircuits({ id, state, router, announce, sharing }: ProviderBooks, only: string | undefined): number {
  const nowMs = router.clock.nowMs();
  const isMeant = (name: string): boolean => only === undefined || name === plainName(only);
  let count = 0;
  const close = (from: BreakerState, model: string | undefined): BreakerState => {
    if (from.is === 'closed') return from;
    count += 1;
    announce('breaker:close', { provider: id, model });
    return toClosed(from, nowMs, router.breaker);
  };
  if (only === undefined) state.connection = close(state.connection, undefined);
  for (const [name, model] of state.models.entries()) {
    if (isMeant(name)) model.breaker = close(model.breaker, nameOf(name));
  }
  sharing?.noteAll(id);
  return count;
}

/** Forgets the pin of one model, or all pins. Gives how many there were. */
export function unpin({ id, state, announce, sharing }: ProviderBooks, only: string | undefined): number {
  let count = 0;
  for (const [name, model] of state.models.entries()) {
    if (model.pin === undefined || (only !== undefined && name !== plainName(only))) continue;
    model.pin = undefined;
    count += 1;
    announce('model:unpinned', { provider: id, model: nameOf(name) });
  }
  if (count > 0) sharing?.noteAll(id);
  return count;
}
