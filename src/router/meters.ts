import type { Sum, SumAsk, TakeAsk, Taken } from '../state/store.ts';

/** What counts across processes, where there is a store. Undefined answers: it does not answer now. Nothing of it is waited for by a call. */
export interface Meters {
  /** Routers at the store, this one included, as it last said; undefined before it has said anything. */
  readonly members: number | undefined;
  take(asks: readonly TakeAsk[]): Promise<readonly Taken[] | undefined>;
  add(asks: readonly SumAsk[]): Promise<readonly Sum[] | undefined>;
}
