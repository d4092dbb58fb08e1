import type * as Http from 'node:http';
import { setNewest } from './newest.ts';
import { readableSource } from './node-body.ts';
import { requestFault } from './node-faults.ts';
import { openOrigin, type Origin, unpackedBody } from './node-origin.ts';
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
  readonly proxy?: Readonly<Record<string, string | undefined>> | false | undefined;
}

/** What belongs to one address. Providers ask a handful of them. */
interface Target {
  readonly origin: Origin;
  readonly path: string;
}

const mostTargets = 256;

/**
 * Node's own `http` and `https`, with connections that are kept. Costs a fraction of `fetch`, sees when a connection stands, and knows
 * whether one was kept. Tests with msw, and instrumentations, see its requests. In Node only.
 * @throws {TypeError} where there is no `node:http`
 */
export function nodeHttpTransport(options: NodeHttpOptions = {}): Transport {
  const targets = new Map<string, Target>();
  const origins = new Map<string, Origin>();
  const targetOf = (url: string): Target => {
    const known = targets.get(url);
    if (known !== undefined) return known;
    const { protocol, host, hostname, port, pathname, search } = new URL(url);
    const key = `${protocol}//${host}`;
    const origin = origins.get(key) ?? openOrigin({ protocol, hostname, port }, options);
    setNewest(origins, key, origin, mostTargets);
    const target = { origin, path: pathname + search };
    setNewest(targets, url, target, mostTargets);
    return target;
  };
  return { send: async (request) => exchange(targetOf(request.url), request) };
}

/** Statuses that never have a body. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

function exchange({ origin, path }: Target, { method, headers, body, signal, onConnecting }: TransportRequest): Promise<TransportResponse> {
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
      resolve({
        status: response.statusCode ?? 0,
        header: (name) => headerOf(response, name),
        body: bodiless.has(response.statusCode ?? 0) ? null : source,
        text: source.text,
      });
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

/** Messages before an answer ("102 Processing", "103 Early Hints") that no server has a reason for. */
const mostInformation = 1_000;
const informed = new WeakMap<Http.ClientRequest, number>();

/** One function for all requests: nearly none has any. */
function countInformation(this: Http.ClientRequest): void {
  const count = (informed.get(this) ?? 0) + 1;
  informed.set(this, count);
  if (count === mostInformation) this.destroy(new Error('The server announced an answer again and again, and gave none.'));
}

function headerOf({ headers }: Http.IncomingMessage, name: string): string | null {
  const value = headers[name.toLowerCase()];
  return value === undefined ? null : typeof value === 'string' ? value : value.join(', ');
}
