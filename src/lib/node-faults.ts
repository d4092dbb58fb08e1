import type { ClientRequest } from 'node:http';

/** The code of a connection that the other side has closed in the middle of an exchange. */
const closedCode = 'ConnectionClosed';

interface SystemError {
  readonly code?: unknown;
  readonly syscall?: unknown;
}

/** Node gives a connection that was closed the code of one that was reset, but only a reset comes of a call to the system. */
export function connectionClosed(error: unknown): unknown {
  const { code, syscall } = (error ?? {}) as SystemError;
  const isClosed = error === undefined || (code === 'ECONNRESET' && syscall === undefined);
  return isClosed ? Object.assign(new Error('The connection was closed.', { cause: error }), { code: closedCode }) : error;
}

/** Messages before an answer ("102 Processing", "103 Early Hints") that no server has a reason for. */
export const mostInformation = 1_000;

export function endlessInformation(): Error {
  return new Error('The server announced an answer again and again, and gave none.');
}

/** Bytes that a kept connection had read before it was given to a request. */
const bytesBefore: unique symbol = Symbol('bytes before');

interface Reusing extends ClientRequest {
  [bytesBefore]?: number;
}

export function noteReuse(request: ClientRequest, bytesRead: number): void {
  (request as Reusing)[bytesBefore] = bytesRead;
}

/**
 * The failure of a request that has had no response. `isKept`: it was sent on a kept connection, on which nothing has come since, so that
 * the connection may have been dead before.
 */
export function requestFault(error: Error, request: Reusing): Error & { readonly isKept: boolean } {
  const isKept = request.reusedSocket && request.socket?.bytesRead === request[bytesBefore];
  return Object.assign(connectionClosed(error) as Error, { isKept });
}
