import type { StoreConnection } from './store.ts';

/** Whom a connection tells, and what it has told already. */
export interface Listeners extends Pick<StoreConnection, 'onChange' | 'onOdd'> {
  changed(): void;
  /** Says it, and never again. */
  odd(message: string): void;
}

export function createListeners(): Listeners {
  const forChanges: (() => void)[] = [];
  const forOddities: ((message: string) => void)[] = [];
  const told = new Set<string>();
  return {
    onChange: (listener) => void forChanges.push(listener),
    onOdd: (listener) => void forOddities.push(listener),
    changed() {
      for (const listener of forChanges) listener();
    },
    odd(message) {
      if (told.has(message)) return;
      told.add(message);
      for (const listener of forOddities) listener(message);
    },
  };
}
