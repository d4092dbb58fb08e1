import { type Clock, systemClock } from './clock.ts';
import { usualConnectMs } from './connect-limit.ts';
import { createHttpClient, type HttpClient } from './http.ts';
import { Secret } from './secret.ts';
import { defaultTransport } from './default-transport.ts';
import type { Transport } from './transport.ts';
import { tunnelHeaders } from './tunnel.ts';

export interface HttpForOptions {
  /** Stands in front of every message. */
  readonly provider: string;
  /** The server's address, without a trailing slash and without credentials. */
  readonly url: string;
  /** A key, or a function that is asked before each request. */
  readonly apiKey?: string | (() => string | Promise<string>) | undefined;
  /**
   * The header that carries the key: `authorization` as `Bearer <key>`, any other as it is.
   * @default 'authorization'
   */
  readonly keyHeader?: string | undefined;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default: that of the router. */
  readonly transport?: Transport | undefined;
  /** Reads dates in `Retry-After`. Default: the system's. */
  readonly clock?: Clock | undefined;
}

/**
 * The network of the built-in adapters, for an adapter of your own: requests and streams whose failures are classified, whose sizes
 * are bounded, and whose messages hold no key, no prompt and no full URL.
 */
export function httpFor(options: HttpForOptions): HttpClient {
  const { provider, url, apiKey, keyHeader = 'authorization', headers = {}, transport = defaultTransport(), clock = systemClock } = options;
  return createHttpClient({
    provider,
    url,
    headers: { ...tunnelHeaders(url), ...headers },
    keyHeader,
    apiKey: typeof apiKey === 'string' ? new Secret(apiKey) : apiKey,
    transport,
    clock,
    connectMs: usualConnectMs,
  });
}
