import type { $Fetch } from 'ofetch';
import type { Body } from './byte-source.ts';
import { isNode } from './node-builtin.ts';

export interface TransportRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /**
   * Called by transports that can see it when no kept connection was free and a new one is being opened; the result is called when that
   * stands. `giveUp` may be called in between: the request is then dropped, and `send` rejects with its reason.
   */
  readonly onConnecting?: (giveUp: (reason: unknown) => void) => () => void;
}

/** What came back, whatever its status. A transport follows no redirect, retries nothing and reads no body by itself. */
export interface TransportResponse {
  readonly status: number;
  /** Several headers of one name are one, joined by ", ". */
  header(name: string): string | null;
  /** The body, unpacked where it was packed once; null where there is none. Cancelling it must close the connection. */
  readonly body: Body | null;
  /** Reads the whole body at once; used only where its length is known to be within the limits. */
  text(): Promise<string>;
}

/** The only door to the network. Rejects where no response came, and may where it is a redirect. */
export interface Transport {
  send(request: TransportRequest): Promise<TransportResponse>;
}

/**
 * `ofetch.native`, which is the platform's `fetch`, on every platform. What `ofetch` adds to it would all be switched off, which costs a
 * twentieth of a call all the same, and its errors name the address. In Node it rejects where a server redirects.
 */
export function ofetchTransport(): Transport {
  // Late: it touches the platform's `Headers`, which takes longer to load than all of ours. Once: to ask for a module again is not free.
  let ofetch: $Fetch | undefined;
  // Of a request that may be redirected undici makes a copy, with a body of two streams, which takes a quarter of all its time. Workers
  // know no such word.
  const redirect = isNode() ? 'error' : 'manual';
  return {
    async send({ method, url, headers, body, signal }) {
      ofetch ??= (await import('ofetch')).ofetch;
      // An empty string would be sent as a body, which GET does not allow.
      const response = await ofetch.native(url, { method, headers, signal, redirect, ...(body !== undefined && { body }) });
      return {
        status: response.status,
        header: (name) => response.headers.get(name),
        body: response.body,
        text: () => response.text(),
      };
    },
  };
}
