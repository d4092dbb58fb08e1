import { type Clock, systemClock } from '../lib/clock.ts';
import { oddities } from './bounds.ts';
import { createListeners } from './listeners.ts';
import { memoryAllowances, type MemoryAllowances } from './memory-allowances.ts';
import { memoryConclusions, type MemoryConclusions } from './memory-conclusions.ts';
import { memoryLeases, type MemoryLeases } from './memory-leases.ts';
import type { StateStore, StoreConnection } from './store.ts';

export interface MemoryStoreOptions {
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

interface Data {
  readonly conclusions: MemoryConclusions;
  readonly leases: MemoryLeases;
  readonly allowances: MemoryAllowances;
  /** One for each open connection; called with the member that has written. */
  readonly told: Set<(writer: string) => void>;
}

/**
 * A store for several routers of one process, and for tests: all connections of one store share what it knows, and it ends with the
 * process. It keeps the same promises as `redisStore` of `inferlane/redis`.
 */
export function memoryStore({ clock = systemClock }: MemoryStoreOptions = {}): StateStore {
  const leases = memoryLeases(clock);
  const conclusions = memoryConclusions(clock, leases.newestFence);
  const data: Data = { conclusions, leases, allowances: memoryAllowances(clock), told: new Set() };
  return { connect: () => connectTo(data) };
}

function connectTo({ conclusions, leases, allowances, told }: Data): StoreConnection {
  const { onChange, onOdd, changed, odd } = createListeners();
  let isClosed = false;
  let self: string | undefined;
  const hear = (writer: string): void => {
    if (writer === self) return;
    queueMicrotask(() => void (isClosed || changed()));
  };
  told.add(hear);
  const open = async <Answer>(answer: () => Answer): Promise<Answer> => {
    if (isClosed) throw new Error('CLOSED The connection to the shared store is closed.');
    return answer();
  };
  return {
    sync: (ask) =>
      open(() => {
        self = ask.member;
        const { hasWritten, isTooLong, ...synced } = conclusions.sync(ask);
        if (isTooLong) odd(oddities.notWritten);
        if (hasWritten) for (const tell of told) tell(ask.member);
        return synced;
      }),
    lease: (ask) => open(() => leases.lease(ask)),
    release: (name, token) => open(() => leases.release(name, token)),
    take: (asks) => open(() => asks.map(allowances.take)),
    add: (asks) => open(() => asks.map(allowances.add)),
    onChange,
    onOdd,
    async close() {
      isClosed = true;
      told.delete(hear);
    },
  };
}
