import type * as Http from 'node:http';
import { readableSource } from './node-body.ts';
import { endlessInformation, mostInformation, requestFault } from './node-faults.ts';
import { openOrigin, type Origin, unpackedBody } from './node-origin.ts';
import type { ProxyEnvironment } from './node-proxy.ts';
import { responseOf } from './node-response.ts';
import { createTargets, type Target } from './node-targets.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';

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

function exchange(
  { origin, path }: Target<Origin>,
  { method, headers, body, signal, onConnecting }: TransportRequest,
): Promise<TransportResponse> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const sent = origin.request({ ...origin.options, method, path, headers: headers as Record<string, string> });
    let answer: Http.IncomingMessage | undefined;
    let failBody: ((reason: unknown) => void) | undefined;
    const giveUp = (reason: unknown): void => {
      reject(reason as Error);
      failBody?.(reason);
      sent.destroy();
    };
    const onAbort = (): void => giveUp(signal.reason);
    const leave = (): void => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort);
    const stands = sent.reusedSocket ? undefined : onConnecting?.(giveUp);
    if (stands !== undefined) noteConnection(sent, stands);
    sent.on('error', (error) => {
      stands?.();
      leave();
      reject(requestFault(error, sent));
      // What is wrong with a body is told here, and there only that it has ended. What follows a whole one harms its connection alone.
      if (answer?.complete !== true) failBody?.(error);
    });
    sent.on('information', countInformation);
    sent.on('response', (response) => {
      const source = readableSource(unpackedBody(response), { leave, close: () => sent.destroy() });
      answer = response;
      failBody = source.fail;
      resolve(responseOf(response.statusCode ?? 0, response.headers, source));
    });
    sent.end(body);
  });
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
