import type { Announce } from '../core/events.ts';
import type { RouterConfig } from '../config/config.ts';
import { setNewest } from '../lib/newest.ts';
import { encodeFact, type SharedFact } from '../state/facts.ts';
import type { StoreLink } from '../state/link.ts';
import { type Change, mostConclusions } from '../state/store.ts';
import type { SharedProbes } from './shared-probes.ts';
import type { Place } from './shared-places.ts';

/** What those who tell a store of breakers and of times have in common. */
export interface SharedDesk {
  readonly link: StoreLink;
  readonly probes: SharedProbes;
  readonly announce: Announce;
  /** The configuration of now. */
  config(): RouterConfig;
  /** What the store was last told of a name, or told us: the generation of a breaker, or the end of a time. */
  readonly told: Told;
}

export interface Told {
  get(name: string): number | undefined;
  set(name: string, value: number): void;
}

/** Names come from callers, so their number is bounded: as many as a store keeps. */
export function createTold(): Told {
  const told = new Map<string, number>();
  return {
    get: (name) => told.get(name),
    set: (name, value) => setNewest(told, name, value, mostConclusions),
  };
}

type Said = Pick<SharedFact, 'is' | 'forMs' | 'times' | 'reason'> & { readonly keepMs: number };

/** `say` is asked for how things stand when it is written. */
export function tell({ link, probes }: SharedDesk, name: string, { id: provider, model }: Place, say: () => Said): void {
  const fence = probes.fenceOf(name);
  link.put(name, (): Omit<Change, 'name'> | undefined => {
    const { keepMs, ...is } = say();
    const value = encodeFact({ provider, ...(model !== undefined && { model }), ...is });
    return value === undefined ? undefined : { value, keepMs, fence };
  });
}
