import { Agent, EnvHttpProxyAgent } from 'undici';
import { usualProxy, type ProxyEnvironment } from './node-proxy.ts';
import { createTargets } from './node-targets.ts';
import type { Transport, TransportRequest } from './transport.ts';
import { type Connection, type DispatchHandler, openExchange } from './undici-exchange.ts';
import { openLanes, type Send, type Tls } from './undici-lanes.ts';

export type { ProxyEnvironment } from './node-proxy.ts';
export type { Transport, TransportRequest, TransportResponse } from './transport.ts';
export type { DispatchController, DispatchHandler } from './undici-exchange.ts';

/** What a request is for undici. */
export interface DispatchOptions {
  origin: string;
  path: string;
  method: TransportRequest['method'];
  headers: Record<string, string>;
  body: string | null;
  headersTimeout: number;
  bodyTimeout: number;
}

/** An `Agent`, a `Pool`, a `ProxyAgent`, a `MockAgent`, or what `compose()` makes of one, of undici 7 or 8. */
export interface UndiciDispatcher {
  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean;
}

export interface UndiciOptions {
  /**
   * A connection that nobody uses is closed after so many milliseconds, or a second before the server said that it would.
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
   * Where `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are read; false: nowhere.
   * @default the environment, where `NODE_USE_ENV_PROXY=1` says so, as for Node's own `fetch`
   */
  readonly proxy?: ProxyEnvironment | false | undefined;
  /**
   * Speaks HTTP/2 with servers that offer it in the TLS handshake: many requests then share a connection.
   * @default false
   */
  readonly allowH2?: boolean | undefined;
  /** Sends everything through this one. Connections, certificates, proxies and HTTP/2 are then its own affair, and no other option counts. */
  readonly dispatcher?: UndiciDispatcher | undefined;
}

/**
 * The dispatcher of the package `undici`, without the streams above it: the cheapest of the transports. Everything that
 * `nodeHttpTransport()` promises holds for it, too. What tests and instrumentations put into Node's `http` it does not pass; they have
 * `MockAgent`, and undici's diagnostics channel. In Node only.
 */
export function undiciTransport(options: UndiciOptions = {}): Transport {
  const { idleMs = 4_000, maxIdle = 256, ca, proxy = usualProxy(), allowH2 = false } = options;
  const tls: Tls = { rejectUnauthorized: true, ...(ca !== undefined && { ca: [ca].flat() }) };
  const usual = { allowH2, keepAliveTimeout: idleMs, keepAliveMaxTimeout: idleMs, keepAliveTimeoutThreshold: 1_000, connect: tls };
  const isOurs = options.dispatcher === undefined;
  // For proxies, and for connections that requests share, undici has what is needed.
  const dispatcher = options.dispatcher ?? (proxy ? proxyAgent(proxy, usual, tls) : allowH2 ? new Agent(usual) : undefined);
  const targetOf = createTargets(({ protocol, origin }): Send => {
    if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError('unknown scheme');
    return dispatcher === undefined ? openLanes(origin, { idleMs, maxIdle, tls }) : over(dispatcher, origin, isOurs);
  });
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        const { place: send, path } = targetOf(request.url);
        if (request.signal.aborted) return reject(request.signal.reason as Error);
        send(path, request, { resolve, reject });
      }),
  };
}

function proxyAgent(proxy: ProxyEnvironment, usual: Agent.Options, tls: Tls): EnvHttpProxyAgent {
  const named = (name: string): string => proxy[name.toLowerCase()] ?? proxy[name] ?? '';
  const [httpProxy, httpsProxy, noProxy] = [named('HTTP_PROXY'), named('HTTPS_PROXY'), named('NO_PROXY')];
  return new EnvHttpProxyAgent({ ...usual, httpProxy, httpsProxy, noProxy, requestTls: tls, proxyTls: tls });
}

const unknown: Connection = { isStale: () => undefined, release: () => undefined };

/** `isOurs`: it has as many connections as it needs, so that whoever waits waits for one to be opened. */
function over(dispatcher: UndiciDispatcher, origin: string, isOurs: boolean): Send {
  return (path, request, settle) => {
    const exchange = openExchange(request, settle, unknown);
    const { method, headers, body = null } = request;
    try {
      dispatcher.dispatch({ origin, path, method, headers: { ...headers }, body, headersTimeout: 0, bodyTimeout: 0 }, exchange);
    } catch (error) {
      exchange.onResponseError(undefined, error);
    }
    // Undici looks for as long after a kept connection whether it is still alive.
    if (isOurs) setImmediate(() => exchange.connecting());
  };
}
