import type * as Http from 'node:http';
import { readableSource, type ReadableSource } from './node-body.ts';
import { endlessInformation, mostInformation, requestFault } from './node-faults.ts';
import { openOrigin, type Origin, unpackedBody } from './node-origin.ts';
import type { ProxyEnvironment } from './node-proxy.ts';
import { responseOf } from './node-response.ts';
import { createTargets, type Target } from './node-targets.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';

export type { ProxyEnvironment } from './node-proxy.ts';
export type { Transport, TransportRequest, TransportResponse } from './transport.ts';

export interface NodeHttpOptions {
  /**
   * A connection that nobody uses is closed after so many milliseconds, or a second before the server said that it would. Servers close
   * theirs without a word after 5 s (uvicorn, so vLLM) and more; a request that meets with that goes out once more.
   * @default 4000
   */
  readonly idleMs?: number | undefined;
  /**
   * So many unused connections are kept for each origin.
   * @default 256
   */
  readonly maxIdle?: number | undefined;
  /**
   * Certificates to trust in the place of those that Node does, in PEM: for servers of your own. Beside those, `NODE_EXTRA_CA_CERTS`
   * holds here as it does everywhere in Node. Certificates are always verified, whatever `NODE_TLS_REJECT_UNAUTHORIZED` says.
   */
  readonly ca?: string | readonly string[] | undefined;
  /**
   * Where `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are read; false: nowhere. Needs Node 22.21 or 24.5.
   * @default the environment, where `NODE_USE_ENV_PROXY=1` says so, as for Node's own `fetch`
   */
  readonly proxy?: ProxyEnvironment | false | undefined;
}

/**
 * Node's own `http` and `https`, with connections that are kept. Costs a fraction of `fetch`, sees when a connection stands, and knows
 * whether one was kept. Tests with msw, and instrumentations, see its requests. In Node only.
 * @throws {TypeError} where there is no `node:http`
 */
export function nodeHttpTransport(options: NodeHttpOptions = {}): Transport {
  const targetOf = createTargets((address) => openOrigin(address, options));
  return { send: async (request) => exchange(targetOf(request.url), request) };
}

function exchange(target: Target<Origin>, request: TransportRequest): Promise<TransportResponse> {
  return new Promise((resolve, reject) => {
    if (request.signal.aborted) reject(request.signal.reason as Error);
    else new Exchange(target, request, resolve, reject).send(request.body);
  });
}

/** One request, to the end of its answer. A class, because there is one for every request. */
class Exchange {
  readonly #sent: Http.ClientRequest;
  readonly #signal: AbortSignal;
  readonly #resolve: (response: TransportResponse) => void;
  readonly #reject: (reason: Error) => void;
  readonly #onAbort = (): void => this.#giveUp(this.#signal.reason);
  /** Until there is an answer. */
  #stands: (() => void) | undefined;
  #answer: Http.IncomingMessage | undefined;
  #source: ReadableSource | undefined;

  constructor(
    { place: origin, path }: Target<Origin>,
    { method, headers, signal, onConnecting }: TransportRequest,
    resolve: (response: TransportResponse) => void,
    reject: (reason: Error) => void,
  ) {
    const sent = origin.request({ ...origin.options, method, path, headers });
    this.#sent = sent;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    signal.addEventListener('abort', this.#onAbort);
    this.#stands = sent.reusedSocket ? undefined : onConnecting?.((reason) => this.#giveUp(reason));
    if (this.#stands !== undefined) noteConnection(sent, this.#stands);
    sent.on('error', (error) => this.#onError(error));
    sent.on('information', countInformation);
    sent.on('response', (response) => this.#onResponse(response));
  }

  send(body: string | undefined): void {
    this.#sent.end(body);
  }

  /** Nothing more comes. */
  leave(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  close(): void {
    this.#sent.destroy();
  }

  #onResponse(response: Http.IncomingMessage): void {
    this.#answer = response;
    // A stream may last for hours.
    this.#stands = undefined;
    // An agent's connections keep the timer of unused ones, and put it off with every read. It comes back with the end of the answer.
    if (!('content-length' in response.headers)) response.socket.setTimeout(0);
    this.#source = readableSource(unpackedBody(response), this);
    this.#resolve(responseOf(response.statusCode ?? 0, response.headers, this.#source));
  }

  #onError(error: Error): void {
    this.#stands?.();
    this.leave();
    this.#reject(requestFault(error, this.#sent));
    // What is wrong with a body is told here, and there only that it has ended. What follows a whole one harms its connection alone.
    if (this.#answer?.complete !== true) this.#source?.fail(error);
  }

  #giveUp(reason: unknown): void {
    this.#reject(reason as Error);
    this.#source?.fail(reason);
    this.#sent.destroy();
  }
}

/** `stands` is called when the connection does, or when there will be none. */
function noteConnection(sent: Http.ClientRequest, stands: () => void): void {
  sent.once('socket', (socket) => {
    // A TLS socket is of use after its handshake.
    const isSecure = 'encrypted' in socket;
    if (!socket.connecting && !isSecure) return stands();
    socket.once(isSecure ? 'secureConnect' : 'connect', stands);
  });
  sent.once('response', stands);
}

const informed = new WeakMap<Http.ClientRequest, number>();

/** One function for all requests: nearly none has any. */
function countInformation(this: Http.ClientRequest): void {
  const count = (informed.get(this) ?? 0) + 1;
  informed.set(this, count);
  if (count === mostInformation) this.destroy(endlessInformation());
}
