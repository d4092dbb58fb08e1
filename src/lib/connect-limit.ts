import type { Clock } from './clock.ts';
import { openDeadline } from './deadline.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';

export interface ConnectOptions {
  readonly provider: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly connectMs: number;
}

/** Sends, and gives up where the connection does not stand in time. A transport that cannot see connections has its own limit. */
export async function sendWithin(options: ConnectOptions, request: TransportRequest): Promise<TransportResponse> {
  const { transport, clock, provider, connectMs } = options;
  if (!transport.connects) return transport.send(request);
  const limit = openDeadline({ clock, provider, signals: [], endsAtMs: Infinity, endPhase: 'total' });
  limit.enter('connect', connectMs);
  try {
    const signal = AbortSignal.any([request.signal, limit.signal]);
    return await transport.send({ ...request, signal, onConnected: limit.dispose });
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error;
  } finally {
    limit.dispose();
  }
}
