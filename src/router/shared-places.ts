import { type BreakerState, withHeld } from '../breaker/breaker.ts';
import type { Engine } from './engine.ts';
import { keyOf, type ModelState, nameOf } from './model-state.ts';
import type { ProviderState } from './provider-state.ts';

// Whose books a shared fact is of, and what stands in them.

/** Whose books: `model` is undefined where the whole provider is meant, else the name that the books have for it. */
export interface Place {
  readonly id: string;
  readonly state: ProviderState;
  readonly model: string | undefined;
}

/** All of a provider: the whole of it, and each model that it has books of. */
export function placesOf(engine: Engine, id: string): Place[] {
  const state = engine.providers.get(id)?.state;
  if (state === undefined) return [];
  return [undefined, ...Array.from(state.models.entries(), ([name]) => name)].map((model) => ({ id, state, model }));
}

/** The whole provider, and one model there. */
export function bothOf(engine: Engine, id: string, model: string | undefined): readonly Place[] {
  const state = engine.providers.get(id)?.state;
  if (state === undefined) return [];
  return [
    { id, state, model: undefined },
    { id, state, model: keyOf(model) },
  ];
}

export function modelOf({ state, model }: Place): ModelState | undefined {
  return model === undefined ? undefined : state.models.of(nameOf(model));
}

/** Who rests: the model, or the provider. */
export function holderOf(place: Place): Pick<ModelState, 'rest'> {
  return modelOf(place) ?? place.state;
}

/** As events call it. */
export function asEvent({ id, model }: Place): { readonly provider: string; readonly model: string | undefined } {
  return { provider: id, model: nameOf(model) };
}

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

export function cellOf({ state, model }: Place): Cell {
  if (model === undefined) return { get: () => state.connection, set: (to) => void (state.connection = to) };
  const name = nameOf(model);
  return { get: () => state.models.peek(name).breaker, set: (to) => void (state.models.of(name).breaker = to) };
}
