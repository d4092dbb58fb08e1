import type { Clock } from './clock.ts';
import { openDeadline } from './deadline.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';

export interface ConnectOptions {
  readonly provider: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly connectMs: number;
}

/**
 * Sends, and gives up where the connection does not stand in time. Costs nothing where a kept one is used; a transport that cannot see
 * connections has its own limit.
 */
export async function sendWithin(options: ConnectOptions, request: TransportRequest): Promise<TransportResponse> {
  const { transport, clock, provider, connectMs } = options;
  let dispose: (() => void) | undefined;
  const onConnecting: TransportRequest['onConnecting'] = (giveUp) => {
    const limit = openDeadline({ clock, provider, signals: [], endsAtMs: Infinity, endPhase: 'total' });
    limit.signal.addEventListener('abort', () => giveUp(limit.signal.reason), { once: true });
    limit.enter('connect', connectMs);
    dispose = limit.dispose;
    return limit.dispose;
  };
  try {
    return await transport.send({ ...request, onConnecting });
  } finally {
    dispose?.();
  }
}
