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
export function openExchange(request: TransportRequest, settle: Settle, connection: Connection): Exchange {
  return new OpenExchange(request, settle, connection);
}

/** A class, because there is one for every request. */
class OpenExchange implements Exchange, Feeder {
  readonly #signal: AbortSignal;
  readonly #settle: Settle;
  readonly #connection: Connection;
  readonly #onAbort = (): void => this.#giveUp(this.#signal.reason);
  /** Until a connection stands. */
  #onConnecting: TransportRequest['onConnecting'];
  #controller: DispatchController | undefined;
  #source: FedSource | undefined;
  #stands: (() => void) | undefined;
  #stopConnecting: (() => void) | undefined;
  #isOver = false;
  #announcements = 0;

  constructor(request: TransportRequest, settle: Settle, connection: Connection) {
    this.#signal = request.signal;
    this.#onConnecting = request.onConnecting;
    this.#settle = settle;
    this.#connection = connection;
    request.signal.addEventListener('abort', this.#onAbort);
  }

  connecting(stop?: () => void): void {
    if (this.#isOver) return stop?.();
    if (this.#controller !== undefined) return;
    this.#stopConnecting = stop;
    this.#stands ??= this.#onConnecting?.((reason) => this.#giveUp(reason));
  }

  onRequestStart(controller: DispatchController): void {
    this.#controller = controller;
    this.#stands?.();
    // A stream may last for hours.
    this.#stands = this.#onConnecting = this.#stopConnecting = undefined;
    // Undici has no way to take back what waits for a connection.
    if (this.#isOver) this.close();
  }

  onResponseStart(controller: DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) {
      this.#announcements += 1;
      if (this.#announcements === mostInformation) controller.abort(endlessInformation());
      return;
    }
    this.#source = bodySource(headers, this);
    this.#settle.resolve(responseOf(status, headers, this.#source));
  }

  onResponseData(_controller: DispatchController, bytes: Uint8Array): void {
    this.#source?.add(bytes);
  }

  onResponseEnd(): void {
    this.#connection.release();
    this.#source?.end();
  }

  onResponseError(_controller: DispatchController | null | undefined, error: unknown): void {
    this.#stands?.();
    this.leave();
    if (this.#source === undefined) this.#settle.reject(dispatchFault(error, this.#connection.isStale()));
    else this.#source.fail(bodyFault(error));
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  leave(): void {
    this.#isOver = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  close(): void {
    this.#controller?.abort(new Error('The request was left.'));
  }

  #giveUp(reason: unknown): void {
    this.leave();
    this.#settle.reject(reason);
    this.#source?.fail(reason);
    if (this.#controller === undefined) this.#stopConnecting?.();
    else this.close();
  }
}

function bodySource(headers: IncomingHttpHeaders, feeder: Feeder): FedSource {
  const unpacker = unpackerOf(headerIn(headers, 'content-encoding'));
  return unpacker === undefined ? fedSource(feeder) : unpackingSource(unpacker, feeder);
}
