import type { Clock } from '../lib/clock.ts';
import { between, longestKeepMs, longestLeaseMs } from './bounds.ts';
import { expiringMap } from './expiring-map.ts';
import type { LeaseAnswer, LeaseAsk } from './store.ts';

export interface MemoryLeases {
  lease(ask: LeaseAsk): LeaseAnswer;
  release(name: string, token: string): void;
  /** 0 where the name has had no lease, or none for a day. */
  newestFence(name: string): number;
}

interface Lease {
  readonly token: string;
  readonly endsMs: number;
  readonly fence: number;
}

export function memoryLeases(clock: Clock): MemoryLeases {
  // A lease outlives its end by a day, for its fence.
  const leases = expiringMap<Lease>();
  const keep = (name: string, lease: Lease, nowMs: number): void => leases.set(name, lease, nowMs + longestLeaseMs + longestKeepMs, nowMs);
  return {
    lease({ name, token, forMs }) {
      const nowMs = clock.nowMs();
      const last = leases.get(name, nowMs);
      const held = last !== undefined && last.endsMs > nowMs ? last : undefined;
      if (held !== undefined && held.token !== token) return { isMine: false, leftMs: held.endsMs - nowMs };
      const fence = held?.fence ?? Math.max((last?.fence ?? 0) + 1, Math.floor(clock.wallMs() * 1_000));
      keep(name, { token, endsMs: nowMs + between(forMs, 0, longestLeaseMs), fence }, nowMs);
      return { isMine: true, fence };
    },
    release(name, token) {
      const nowMs = clock.nowMs();
      const held = leases.get(name, nowMs);
      if (held?.token === token) keep(name, { ...held, endsMs: nowMs }, nowMs);
    },
    newestFence: (name) => leases.get(name, clock.nowMs())?.fence ?? 0,
  };
}
