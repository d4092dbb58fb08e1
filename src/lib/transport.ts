import { ofetch } from 'ofetch';

export interface TransportRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** Called when the connection stands and the request was handed to it, by transports that can see that. */
  readonly onConnected?: () => void;
}

/** What came back, whatever its status. A transport follows no redirect, retries nothing and reads no body by itself. */
export interface TransportResponse {
  readonly status: number;
  header(name: string): string | null;
  /** The body, read piece by piece; null where there is none. Cancelling it must close the connection. */
  readonly body: ReadableStream<Uint8Array> | null;
  /** Reads the whole body at once; used only where its length is known to be within the limits. */
  text(): Promise<string>;
}

/** The only door to the network. Rejects where no response came; `connects` says whether it calls `onConnected`. */
export interface Transport {
  send(request: TransportRequest): Promise<TransportResponse>;
  readonly connects: boolean;
}

/** The default on every platform: `ofetch` over the platform's `fetch`, with everything switched off that we do ourselves. */
export function ofetchTransport(): Transport {
  return {
    // `fetch` does not tell when a connection stands, so the connect limit cannot be applied apart.
    connects: false,
    async send({ method, url, headers, body, signal }) {
      const response = await ofetch.raw(url, {
        method,
        headers,
        signal,
        // An empty string would be sent as a body, which GET does not allow.
        ...(body !== undefined && { body }),
        retry: false,
        redirect: 'manual',
        ignoreResponseError: true,
        responseType: 'stream',
      });
      return {
        status: response.status,
        header: (name) => response.headers.get(name),
        body: response.body,
        text: () => response.text(),
      };
    },
  };
}
