import type { Socket } from 'node:net';
import { buildConnector, Client } from 'undici';
import type { TransportRequest } from './transport.ts';
import { type Connection, type Exchange, openExchange, type Settle } from './undici-exchange.ts';

/** Sends a request to one scheme, host and port. */
export type Send = (path: string, request: TransportRequest, settle: Settle) => void;

/** What undici is told of TLS. */
export interface Tls {
  readonly rejectUnauthorized: true;
  readonly ca?: string[];
}

export interface LaneOptions {
  readonly idleMs: number;
  readonly maxIdle: number;
  readonly tls: Tls;
}

/**
 * Connections of our own in the place of undici's pool: so it is known which one a request has, whether that was kept and what came on
 * it; and the next request takes the one that was used last, and none that was closed.
 */
export function openLanes(origin: string, { idleMs, maxIdle, tls }: LaneOptions): Send {
  const free: Send[] = [];
  // The limit for a connection is that of the request.
  const connect = buildConnector({ timeout: 0, allowH2: false, ...tls });
  const options: Client.Options = {
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: idleMs,
    // A server may shorten that, to a second before it closes.
    keepAliveMaxTimeout: idleMs,
    keepAliveTimeoutThreshold: 1_000,
  };
  return (path, request, settle) => (free.pop() ?? openLane(origin, options, connect, free, maxIdle))(path, request, settle);
}

/** One of undici's clients: it has one connection at a time, and opens it anew where it was closed. */
function openLane(origin: string, options: Client.Options, connect: buildConnector.connector, free: Send[], maxIdle: number): Send {
  let socket: Socket | undefined;
  let exchange: Exchange | undefined;
  let isKept = false;
  let bytesBefore: number | undefined;
  const client = new Client(origin, {
    ...options,
    connect(to, connected) {
      isKept = false;
      // Its type says that it gives nothing. It gives the socket, and nothing else ends an attempt to connect.
      const opening = connect(to, connected) as unknown as Socket;
      socket = opening;
      exchange?.connecting(() => opening.destroy(new Error('The connection was given up.')));
    },
  });
  const send: Send = (path, request, settle) => {
    isKept = socket !== undefined;
    bytesBefore = socket?.bytesRead;
    exchange = openExchange(request, settle, connection);
    const { method, headers, body = null } = request;
    client.dispatch({ path, method, headers, body }, exchange);
  };
  const connection: Connection = {
    isStale: () => isKept && socket?.bytesRead === bytesBefore,
    release() {
      exchange = undefined;
      if (free.length < maxIdle) free.push(send);
      else client.close(() => undefined);
    },
  };
  client.on('disconnect', () => {
    const index = free.indexOf(send);
    if (index >= 0) free.splice(index, 1);
  });
  return send;
}
