import { RouterError } from '../core/errors.ts';
import { classifyBody, classifyFault, classifyResponse } from './classify.ts';
import type { Clock } from './clock.ts';
import { createErrorMaker, type ErrorMaker } from './http-error.ts';
import type { Body } from './byte-source.ts';
import { limitConnecting } from './connect-limit.ts';
import { createHeaders, type HeaderSource, type KeySource } from './http-headers.ts';
import { parseJson } from './json.ts';
import { setNewest } from './newest.ts';
import { readBody } from './read-body.ts';
import type { Transport, TransportResponse } from './transport.ts';
import { unpacked } from './unpacked.ts';
import { isWebPage } from './web-page.ts';

/** What one request carries beside its body. An adapter passes on the call that it was given. */
export interface HttpCall {
  readonly signal: AbortSignal;
  /** Sent with this request alone. What the provider sends itself they cannot replace, but for our own (`x-inferlane-…`). No secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly requestId?: string | undefined;
  /** Named in errors. */
  readonly model?: string | undefined;
  /** In place of the provider's own. */
  readonly connectMs?: number | undefined;
}

/** The network, bound to one provider: its address, its headers, its limits, its errors. Adapters get it ready-made. */
export interface HttpClient {
  /** Posts JSON and gives the parsed answer. Rejects with a classified error for everything that is not an answer. */
  postJson(path: string, body: unknown, call: HttpCall): Promise<unknown>;
  getJson(path: string, signal: AbortSignal): Promise<unknown>;
  /** For `/metrics` and its kind. */
  getText(path: string, signal: AbortSignal): Promise<string>;
  /** Posts JSON and resolves with the body once the server accepted the call (200 to 203, and no web page). */
  openStream(path: string, body: unknown, call: HttpCall): Promise<Body>;
  /**
   * The classified error in a body that came with status 200 or inside a stream (`{"error": …}`, `{"object": "error"}`),
   * or undefined where it holds none. `request` is the body that was sent: texts of it are masked in the message.
   */
  errorIn(value: unknown, request: unknown): RouterError | undefined;
  /** A `bad_response` error of this provider. The text must not quote the body. */
  badResponse(text: string): RouterError<'bad_response'>;
}

export interface HttpOptions {
  readonly provider: string;
  /** Without trailing slash. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Which header carries the key: `authorization` as `Bearer <key>`, another as it is. */
  readonly keyHeader: string;
  readonly apiKey: KeySource | undefined;
  readonly transport: Transport;
  readonly clock: Clock;
  /** Until the connection stands, in milliseconds; applied where the transport can see that. */
  readonly connectMs: number;
  /** Called when a request goes out once more because the kept connection that it was given was dead. */
  readonly onReplaced?: ((requestId: string) => void) | undefined;
}

/** Sizes in bytes, counted while reading; above them the connection is closed. */
export const bodyLimits: Readonly<{ answerBytes: number; errorBytes: number }> = Object.freeze({
  answerBytes: 32 * 1024 * 1024,
  errorBytes: 64 * 1024,
});

type Method = 'GET' | 'POST';

const jsonType = 'application/json';

export function createHttpClient(options: HttpOptions): HttpClient {
  const { provider } = options;
  const headers = createHeaders(options);
  const errors = createErrorMaker(provider, options.url, headers.secrets);
  const exchange = createExchange(options, headers.of, errors);
  const badResponse = (text: string): RouterError<'bad_response'> => new RouterError('bad_response', `${provider}: ${text}`, { provider });

  const getText = async (path: string, signal: AbortSignal): Promise<string> => {
    const call = { signal };
    const response = await exchange('GET', path, undefined, call, '*/*');
    try {
      return await readBody(response, bodyLimits.answerBytes, 'text');
    } catch (error) {
      throw wrapFault(error, call, errors);
    }
  };
  const getJson = async (method: Method, path: string, body: unknown, call: HttpCall): Promise<unknown> => {
    const response = await exchange(method, path, body, call, jsonType);
    let text: string;
    try {
      text = await readBody(response, bodyLimits.answerBytes, 'json');
    } catch (error) {
      throw wrapFault(error, call, errors);
    }
    const value = parseJson(text);
    if (value === undefined) throw badResponse('the answer is not JSON, or was cut short.');
    const found = classifyBody(value, response.status, body);
    if (found) throw errors.of(found, response.status, body, call.model);
    return value;
  };

  return {
    postJson: (path, body, call) => getJson('POST', path, body, call),
    getJson: (path, signal) => getJson('GET', path, undefined, { signal }),
    getText,
    async openStream(path, body, call) {
      const response = await exchange('POST', path, body, call, 'text/event-stream, application/x-ndjson');
      if (response.body === null) throw badResponse('the stream has no body.');
      return response.body;
    },
    errorIn(value, request) {
      const found = classifyBody(value, undefined, request);
      return found && errors.of(found, undefined, request);
    },
    badResponse,
  };
}

/** Most protocols have a handful of routes; some have one for each model. */
const mostUrls = 64;

type Exchange = (method: Method, path: string, body: unknown, call: HttpCall, accept: string) => Promise<TransportResponse>;
type HeadersOf = HeaderSource['of'];

/** Sends, and gives back only what may be an answer; everything else is thrown, classified. */
function createExchange(options: HttpOptions, headersOf: HeadersOf, errors: ErrorMaker): Exchange {
  const { url, clock, transport, provider } = options;
  let hasAnswered = false;
  // A text that is put together anew is a new one for every map on its way.
  const urls = new Map<string, string>();
  const urlOf = (path: string): string => {
    const known = urls.get(path);
    if (known === undefined) setNewest(urls, path, url + path, mostUrls);
    return known ?? url + path;
  };
  /** Whether a request that failed goes out once more. */
  const isReplaced = (error: unknown, replaced: number, { requestId }: HttpCall): boolean => {
    // Our own, before anything was sent.
    if (error instanceof RouterError) return false;
    if (replaced >= timesToReplace(error, hasAnswered)) {
      // Until it answers again, a reset is no kept connection that died but a server that did.
      hasAnswered = false;
      return false;
    }
    if (requestId !== undefined) options.onReplaced?.(requestId);
    return true;
  };
  const refusal = async (response: TransportResponse, body: unknown, { model }: HttpCall): Promise<RouterError> => {
    const bodyText = await readBody(response, bodyLimits.errorBytes, 'cut');
    const failed = { status: response.status, header: (name: string) => response.header(name), bodyText };
    return errors.of(classifyResponse(failed, clock.wallMs(), body), response.status, body, model);
  };
  return async (method, path, body, call, accept) => {
    const { signal, connectMs = options.connectMs } = call;
    const text = body === undefined ? undefined : toText(body, provider);
    // Once for all times that it goes out: the application's own function may be asked for the key.
    let headers: Record<string, string> | undefined;
    let answered = false;
    for (let replaced = 0; ; replaced++) {
      const limit = limitConnecting(provider, connectMs, clock);
      try {
        if (headers === undefined) {
          const own = headersOf(accept, body !== undefined);
          headers = addHeaders(own instanceof Promise ? await own : own, call.headers);
        }
        const request = { method, url: urlOf(path), headers, signal, onConnecting: limit.onConnecting };
        const response = await transport.send(text === undefined ? request : { ...request, body: text });
        answered = hasAnswered = true;
        const plain = unpacked(response);
        if (isWhole(plain.status) && !isWebPage(plain)) return plain;
        throw await refusal(plain, body, call);
      } catch (error) {
        if (answered || signal.aborted || !isReplaced(error, replaced, call)) throw wrapFault(error, call, errors);
      } finally {
        limit.dispose();
      }
    }
  };
}

/** Written once, and before anything is sent: what cannot be written is the caller's fault, and no server is to be blamed for it. */
function toText(body: unknown, provider: string): string {
  try {
    return JSON.stringify(body);
  } catch {
    const message = `${provider}: the request cannot be written as JSON: it holds a cycle, a bigint, or too much.`;
    throw new RouterError('invalid_request', message, { provider });
  }
}

/** No trace of a caller may take the place of a credential, and no configured header that of the hops, which end calls in circles. */
function addHeaders(own: Record<string, string>, added: HttpCall['headers'] = {}): Record<string, string> {
  for (const given of Object.keys(added)) {
    const name = given.toLowerCase();
    if (!Object.hasOwn(own, name) || name.startsWith('x-inferlane-')) own[name] = added[given] as string;
  }
  return own;
}

/** Of the good statuses 204 and 205 have no body, 206 has a piece of one, and the others say something that nobody here knows. */
function isWhole(status: number): boolean {
  return status >= 200 && status <= 203;
}

/** The caller's reason and our own errors stay as they are; what the platform threw is classified and dropped. */
function wrapFault(error: unknown, { signal, model }: HttpCall, errors: ErrorMaker): unknown {
  if (signal.aborted) return signal.reason;
  return error instanceof RouterError ? error : errors.of(classifyFault(error), undefined, undefined, model);
}

/** Of kept connections that a server has closed, the platform may hold several, and it hands them out one by one. */
const mostKept = 4;

interface SystemFault {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly socket?: { readonly bytesRead?: unknown };
  /** Our own transport knows whether it used a kept connection, on which nothing has come since. */
  readonly isKept?: unknown;
  readonly cause?: unknown;
}

/**
 * A server may close a kept connection at the moment we reuse it; llama-server does so after each stream. The request was
 * then never read, and another try on another connection is no retry in the sense of the attempt budget. The platform tells
 * by the bytes that the dead socket had read before, and a fresh one ends the matter. Of a reset it tells nothing: there it
 * counts that the server has answered before and a connection may have been kept, and once must do.
 */
function timesToReplace(error: unknown, hasAnswered: boolean): number {
  for (let cause = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 5; depth++) {
    const { code, message, socket, isKept, cause: next } = cause as SystemFault;
    if (typeof isKept === 'boolean') return isKept ? (code === 'ECONNRESET' || code === 'EPIPE' ? 1 : mostKept) : 0;
    if (code === 'UND_ERR_SOCKET' && typeof socket?.bytesRead === 'number') {
      // A fresh socket has read something, too, where the server closed it in the middle of its status line.
      return socket.bytesRead > 0 && message === 'other side closed' ? mostKept : 0;
    }
    if (code === 'ECONNRESET' || code === 'EPIPE') return hasAnswered ? 1 : 0;
    cause = next;
  }
  return 0;
}
