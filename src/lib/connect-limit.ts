import type { Clock } from './clock.ts';
import { timeoutError } from './deadline.ts';
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
  const late = new AbortController();
  const cancel = clock.schedule(connectMs, () => late.abort(timeoutError(provider, 'connect', connectMs)));
  try {
    const signal = AbortSignal.any([request.signal, late.signal]);
    return await transport.send({ ...request, signal, onConnected: cancel });
  } catch (error) {
    throw late.signal.aborted ? late.signal.reason : error;
  } finally {
    cancel();
  }
}
