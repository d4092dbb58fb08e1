import { connectionClosed } from './node-faults.ts';

interface UndiciError {
  readonly code?: unknown;
  readonly message?: unknown;
}

/** What undici says of a body that ended before its end, where Node's own `http` says that the connection was closed. */
const cutShort = /^UND_ERR_RES_CONTENT_LENGTH_MISMATCH$|^HPE_INVALID_EOF_STATE$|\(Invalid EOF state\)$/;
/** What it says of a request that it does not send; of headers it names the name alone. */
const notSent: ReadonlySet<unknown> = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']);

/** What is wrong with a body, in the terms of Node's own `http`. */
export function bodyFault(error: unknown): unknown {
  const { code, message } = (error ?? {}) as UndiciError;
  // From version 8 on the errors of the parser have no code.
  return connectionClosed(cutShort.test(String(code ?? message)) ? undefined : error);
}

/**
 * The failure of a request that has had no response. `isStale`: it was to go out on a kept connection, on which nothing has come since;
 * undefined where the connection is not known, and whoever asks has to go by the words of the error.
 */
export function dispatchFault(error: unknown, isStale: boolean | undefined): unknown {
  const { code, message } = (error ?? {}) as UndiciError;
  if (notSent.has(code) && /\bheader\b/.test(String(message))) {
    return Object.assign(new TypeError('Invalid header value', { cause: error }), { isKept: false });
  }
  const fault = connectionClosed(error);
  return isStale === undefined ? fault : Object.assign(fault as Error, { isKept: isStale });
}
