import pTimeout from 'p-timeout';
import type { ErrorCode } from '../core/error-codes.ts';
import { RouterError } from '../core/errors.ts';
import { type Classified, classifyBody, classifyFault, classifyResponse, isWebPage } from './classify.ts';
import type { Clock } from './clock.ts';
import { safeText } from './redact.ts';
import type { Secret } from './secret.ts';
import type { Transport, TransportResponse } from './transport.ts';

/** The network, bound to one provider: its address, its headers, its limits, its errors. Adapters get it ready-made. */
export interface HttpClient {
  /** Posts JSON and gives the parsed answer. Rejects with a classified error for everything that is not an answer. */
  postJson(path: string, body: unknown, signal: AbortSignal): Promise<unknown>;
  getJson(path: string, signal: AbortSignal): Promise<unknown>;
  /** For `/metrics` and its kind. */
  getText(path: string, signal: AbortSignal): Promise<string>;
  /** Posts JSON and resolves with the body once the server accepted the call (2xx and no web page). */
  openStream(path: string, body: unknown, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
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
  readonly apiKey: Secret | (() => string | Promise<string>) | undefined;
  readonly transport: Transport;
  readonly clock: Clock;
}

/** Sizes in bytes, counted while reading; above them the connection is closed. */
export const bodyLimits: Readonly<{ answerBytes: number; errorBytes: number }> = Object.freeze({
  answerBytes: 32 * 1024 * 1024,
  errorBytes: 64 * 1024,
});

/** A key provider is the application's own function: it may hang, so it is bounded. */
const keyProviderMs = 5_000;

/** What the user should do, where the code alone does not tell. */
const advice: Partial<Record<ErrorCode, (provider: string) => string>> = {
  auth: (provider) => ` Check the apiKey of provider "${provider}".`,
  quota_exhausted: () => ' Check the plan and billing of this account.',
  out_of_memory: () => ' Free memory there, or use a smaller model or context.',
};

export function createHttpClient(options: HttpOptions): HttpClient {
  const { provider, url, transport, clock } = options;

  const toError = (found: Classified, status: number | undefined, request: unknown): RouterError => {
    const said = safeText(found.text, { secrets: knownSecrets(options), request });
    const where = status === undefined || status < 400 ? '' : ` (HTTP ${status})`;
    const message = `${provider}: ${phrase(found.code, found.reason)}${where}${said === '' ? '.' : `: ${said}`}${advice[found.code]?.(provider) ?? ''}`;
    const { phase, reason, retryAfterMs } = found;
    return new RouterError(found.code, message, { provider, status, phase, reason, retryAfterMs });
  };
  const badResponse = (text: string): RouterError<'bad_response'> =>
    new RouterError('bad_response', `${provider}: ${text}`, { provider });

  const send = async (method: 'GET' | 'POST', path: string, body: string | undefined, signal: AbortSignal, accept: string) => {
    const headers = await requestHeaders(options, accept, body !== undefined);
    const request = { method, url: url + path, headers, ...(body !== undefined && { body }), signal };
    try {
      return await transport.send(request);
    } catch (error) {
      if (!signal.aborted && isStaleSocket(error)) return await transport.send(request);
      throw error;
    }
  };
  /** Sends, and gives back only what may be an answer; everything else is thrown, classified. */
  const exchange = async (method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal, accept: string) => {
    try {
      const response = await send(method, path, body === undefined ? undefined : JSON.stringify(body), signal, accept);
      if (response.status >= 200 && response.status < 300 && response.status !== 204 && !isWebPage(response)) return response;
      const bodyText = await readText(response, bodyLimits.errorBytes, 'cut');
      const failed = { status: response.status, header: response.header, bodyText };
      throw toError(classifyResponse(failed, clock.wallMs()), response.status, body);
    } catch (error) {
      throw wrapFault(error, signal, toError);
    }
  };
  const readAnswer = async (response: TransportResponse, signal: AbortSignal): Promise<string> => {
    try {
      return await readText(response, bodyLimits.answerBytes, 'refuse');
    } catch (error) {
      throw wrapFault(error, signal, toError);
    }
  };
  const json = async (method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal): Promise<unknown> => {
    const response = await exchange(method, path, body, signal, 'application/json');
    const value = parseJson(await readAnswer(response, signal));
    if (value === undefined) throw badResponse('the answer is not JSON, or was cut short.');
    const found = classifyBody(value, response.status);
    if (found) throw toError(found, response.status, body);
    return value;
  };

  return {
    postJson: (path, body, signal) => json('POST', path, body, signal),
    getJson: (path, signal) => json('GET', path, undefined, signal),
    getText: async (path, signal) => readAnswer(await exchange('GET', path, undefined, signal, '*/*'), signal),
    async openStream(path, body, signal) {
      const response = await exchange('POST', path, body, signal, 'text/event-stream, application/x-ndjson');
      if (response.body === null) throw badResponse('the stream has no body.');
      return response.body;
    },
    errorIn(value, request) {
      const found = classifyBody(value, undefined);
      return found && toError(found, undefined, request);
    },
    badResponse,
  };
}

/** What our own messages say for a code; the server's words follow. */
function phrase(code: ErrorCode, reason: string | undefined): string {
  const words: Partial<Record<ErrorCode, string>> = {
    auth: 'the credentials were refused',
    out_of_memory: 'out of memory',
    model_not_found: 'the model is not served here',
    unavailable: 'not available',
    timeout: 'timed out',
    bad_response: 'not an answer',
  };
  return `${words[code] ?? code.replaceAll('_', ' ')}${reason === undefined ? '' : ` [${reason}]`}`;
}

/** The caller's reason and our own errors stay as they are; what the platform threw is classified and dropped. */
function wrapFault(
  error: unknown,
  signal: AbortSignal,
  toError: (found: Classified, status: number | undefined, request: unknown) => RouterError,
): unknown {
  if (signal.aborted) return signal.reason;
  return error instanceof RouterError ? error : toError(classifyFault(error), undefined, undefined);
}

async function requestHeaders(options: HttpOptions, accept: string, hasBody: boolean): Promise<Record<string, string>> {
  const { apiKey } = options;
  const headers: Record<string, string> = { accept, 'accept-encoding': 'identity', 'user-agent': 'inferlane' };
  if (hasBody) headers['content-type'] = 'application/json';
  if (apiKey !== undefined) headers['authorization'] = `Bearer ${typeof apiKey === 'function' ? await askForKey(options, apiKey) : apiKey.reveal()}`;
  return Object.assign(headers, options.headers);
}

async function askForKey({ provider }: HttpOptions, apiKey: () => string | Promise<string>): Promise<string> {
  const advice = `The apiKey function of provider "${provider}"`;
  let key: unknown;
  try {
    key = await pTimeout(Promise.resolve(apiKey()), { milliseconds: keyProviderMs });
  } catch {
    // What it threw may hold the key, so it is not repeated.
    throw new RouterError('auth', `${advice} failed or took longer than ${keyProviderMs} ms.`, { provider });
  }
  if (typeof key === 'string' && /^[\x21-\x7e]+$/.test(key)) return key;
  throw new RouterError('auth', `${advice} must give a string that can stand in a header.`, { provider });
}

function knownSecrets({ apiKey, headers }: HttpOptions): readonly string[] {
  const values = Object.values(headers);
  return typeof apiKey === 'object' ? [apiKey.reveal(), ...values] : values;
}

/**
 * A server may close a kept connection at the moment we reuse it; llama-server does so after each stream. The request was
 * then never read, and one more try on a fresh connection is no retry in the sense of the attempt budget. The platform tells
 * by the bytes that the dead socket had read before.
 */
function isStaleSocket(error: unknown): boolean {
  for (let cause = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 5; depth++) {
    const { code, socket, cause: next } = cause as { code?: unknown; socket?: { bytesRead?: unknown }; cause?: unknown };
    if (code === 'UND_ERR_SOCKET' && typeof socket?.bytesRead === 'number') return socket.bytesRead > 0;
    cause = next;
  }
  return false;
}

/** Reads a body up to a limit. Past it the connection is closed; `cut` gives what was read, `refuse` throws. */
async function readText(response: TransportResponse, limitBytes: number, past: 'cut' | 'refuse'): Promise<string> {
  const length = Number(response.header('content-length') ?? NaN);
  // The length is the platform's promise only while nothing is unpacked on the way.
  if (length <= limitBytes && response.header('content-encoding') === null) return response.text();
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let bytes = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > limitBytes) {
      await reader.cancel().catch(() => undefined);
      if (past === 'cut') return text;
      throw new RouterError('limit_exceeded', `The answer is larger than ${limitBytes} bytes.`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** Undefined where the text is no JSON. The parser's own message quotes the body, so it goes nowhere. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
