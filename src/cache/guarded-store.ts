import type { KeyValueStore } from '../core/key-value-store.ts';
import { bounded } from '../lib/bounded.ts';
import type { Clock } from '../lib/clock.ts';

/** A store that never fails and never takes long: what it cannot do in time was not there. */
export interface GuardedStore {
  /** Whatever lies there; undefined where nothing does, or the store is in trouble. */
  read(key: string): Promise<unknown>;
  write(key: string, value: string): Promise<void>;
}

export interface GuardOptions {
  readonly store: KeyValueStore;
  readonly ttlMs: number;
  /** For one answer of the store. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Called for the first failure. */
  readonly onTrouble: () => void;
}

/** After so many failures in a row the store is left alone. */
const mostFailures = 3;
const restMs = 10_000;

export function guardStore({ store, ttlMs, timeoutMs, clock, onTrouble }: GuardOptions): GuardedStore {
  let failures = 0;
  let restsUntilMs = -Infinity;
  let isTold = false;
  const fail = (): void => {
    failures += 1;
    if (failures >= mostFailures) restsUntilMs = clock.nowMs() + restMs;
    if (isTold) return;
    isTold = true;
    onTrouble();
  };
  const ask = async (question: () => unknown): Promise<unknown> => {
    const nowMs = clock.nowMs();
    if (nowMs < restsUntilMs) return undefined;
    // After a rest one goes first, and the others as soon as it is well again.
    if (failures >= mostFailures) restsUntilMs = nowMs + restMs;
    try {
      const answer = await bounded((async () => question())(), timeoutMs, new Error('The store did not answer in time.'), clock);
      failures = 0;
      restsUntilMs = -Infinity;
      return answer;
    } catch {
      // What was thrown is the store's own and may hold an address with a password in it.
      fail();
      return undefined;
    }
  };
  return {
    read: (key) => ask(() => store.get(key)),
    write: async (key, value) => void (await ask(() => store.set(key, value, ttlMs))),
  };
}
