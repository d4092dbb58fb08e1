import type { IncomingHttpHeaders } from 'node:http';
import { type FedSource, type Feeder, fedSource } from './node-body.ts';
import { endlessInformation, mostInformation } from './node-faults.ts';
import { headerIn, responseOf } from './node-response.ts';
import { unpackerOf, unpackingSource } from './node-unpack.ts';
import type { TransportRequest, TransportResponse } from './transport.ts';
import { bodyFault, dispatchFault } from './undici-faults.ts';

/** By which undici lets a request be steered. */
export interface DispatchController {
  pause(): void;
  resume(): void;
  abort(reason: Error): void;
}

/** What undici tells of a request, in the versions 7 and 8. */
export interface DispatchHandler {
  onRequestStart(controller: DispatchController): void;
  onResponseStart(controller: DispatchController, status: number, headers: IncomingHttpHeaders): void;
  onResponseData(controller: DispatchController, bytes: Uint8Array): void;
  onResponseEnd(): void;
  onResponseError(controller: DispatchController | null | undefined, error: unknown): void;
}

export interface Exchange extends DispatchHandler {
  /** To be called when a connection is being opened for it; `stop` ends that, where it can be ended. */
  connecting(stop?: () => void): void;
}

/** What is known of the connection that a request is given. */
export interface Connection {
  /** Whether the connection was kept, and nothing has come on it since the request was given to it; undefined where nobody knows. */
  isStale(): boolean | undefined;
  /** The answer is whole. */
  release(): void;
}

export interface Settle {
  resolve(response: TransportResponse): void;
  reject(reason: unknown): void;
}

/** One request, from its dispatch to the end of its answer. */
export function openExchange({ signal, onConnecting }: TransportRequest, { resolve, reject }: Settle, connection: Connection): Exchange {
  let controller: DispatchController | undefined;
  let source: FedSource | undefined;
  let stands: (() => void) | undefined;
  let stopConnecting: (() => void) | undefined;
  let isOver = false;
  let announcements = 0;
  const leave = (): void => {
    isOver = true;
    signal.removeEventListener('abort', onAbort);
  };
  const close = (): void => controller?.abort(new Error('The request was left.'));
  const giveUp = (reason: unknown): void => {
    leave();
    reject(reason);
    source?.fail(reason);
    if (controller === undefined) stopConnecting?.();
    else close();
  };
  const onAbort = (): void => giveUp(signal.reason);
  signal.addEventListener('abort', onAbort);
  return {
    connecting(stop) {
      if (isOver) return stop?.();
      if (controller !== undefined) return;
      stopConnecting = stop;
      stands ??= onConnecting?.(giveUp);
    },
    onRequestStart(started) {
      controller = started;
      stands?.();
      // Undici has no way to take back what waits for a connection.
      if (isOver) close();
    },
    onResponseStart(started, status, headers) {
      if (status < 200) {
        announcements += 1;
        if (announcements === mostInformation) started.abort(endlessInformation());
        return;
      }
      source = sourceOf(headers, { pause: () => started.pause(), resume: () => started.resume(), leave, close });
      resolve(responseOf(status, headers, source));
    },
    onResponseData: (_, bytes) => source?.add(bytes),
    onResponseEnd() {
      connection.release();
      source?.end();
    },
    onResponseError(_, error) {
      stands?.();
      leave();
      if (source === undefined) reject(dispatchFault(error, connection.isStale()));
      else source.fail(bodyFault(error));
    },
  };
}

function sourceOf(headers: IncomingHttpHeaders, feeder: Feeder): FedSource {
  const unpacker = unpackerOf(headerIn(headers, 'content-encoding'));
  return unpacker === undefined ? fedSource(feeder) : unpackingSource(unpacker, feeder);
}
