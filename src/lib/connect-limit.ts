import type { Clock } from './clock.ts';
import { openDeadline } from './deadline.ts';
import type { TransportRequest } from './transport.ts';

/** Until a connection stands, where nobody says otherwise. */
export const usualConnectMs = 3_000;

/** The limit for the connection of one request. */
export interface ConnectLimit {
  /** For the transport. One that cannot see connections does not call it, and has its own limit. */
  readonly onConnecting: NonNullable<TransportRequest['onConnecting']>;
  /** To be called when the request is settled. */
  dispose(): void;
}

/** Gives a request up where its connection does not stand in time. Costs nothing where a kept one is used. */
export function limitConnecting(provider: string, connectMs: number, clock: Clock): ConnectLimit {
  let stands: (() => void) | undefined;
  return {
    onConnecting(giveUp) {
      const limit = openDeadline({ clock, provider, signals: [], endsAtMs: Infinity, endPhase: 'total' });
      limit.signal.addEventListener('abort', () => giveUp(limit.signal.reason), { once: true });
      limit.enter('connect', connectMs);
      stands = () => limit.dispose();
      return stands;
    },
    dispose() {
      stands?.();
    },
  };
}
