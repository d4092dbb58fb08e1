import type { IncomingMessage } from 'node:http';
import type { Refusal } from './failure.ts';
import { bodyConsumed } from './request-body.ts';

/** Those of which a second one would say something else than the first; Node keeps one of them and says nothing. */
const onlyOnce = new Set(['authorization', 'content-encoding', 'content-type', 'host', 'origin', 'sec-fetch-site', 'x-api-key']);

/** What a `Request` cannot have. */
const forbiddenMethods = new Set(['CONNECT', 'TRACE', 'TRACK']);

/**
 * What Node read, as the web's request, or why it cannot become one. The target is looked at before `new URL` makes something else of it.
 * `signal`: the client has gone.
 */
export function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request | Refusal {
  const { method = 'GET' } = incoming;
  if (forbiddenMethods.has(method)) {
    return {
      status: 405,
      code: 'method_not_allowed',
      message: 'There is another method at this path.',
      headers: { allow: 'GET, HEAD, POST' },
    };
  }
  const target = targetOf(incoming);
  if (!isPlainTarget(target)) return malformed('The target of the request is not a plain path.');
  const headers = headersOf(incoming);
  if (headers === undefined) return malformed('A header that counts only once came twice.');
  const { host = '', 'transfer-encoding': coding = 'chunked' } = incoming.headers;
  if (coding.toLowerCase() !== 'chunked') return malformed('The body is sent in a coding that is not read.');
  const origin = `${'encrypted' in incoming.socket ? 'https' : 'http'}://${host}`;
  if (!/^[\w.:[\]-]+$/.test(host) || !URL.canParse(origin)) return malformed('The request names no host.');
  try {
    const body = method === 'GET' || method === 'HEAD' ? null : bodyOf(incoming);
    if (body === undefined) return bodyConsumed;
    // The types of the web do not know that a body that is a stream needs the word.
    const init: RequestInit & { readonly duplex: 'half' } = { method, headers, body, signal, duplex: 'half' };
    return new Request(`${origin}${target}`, init);
  } catch {
    return malformed('The request cannot be read.');
  }
}

function malformed(message: string): Refusal {
  return { status: 400, code: 'malformed_request', message };
}

/** As it came: Express takes the path that it is mounted at away. */
function targetOf(incoming: IncomingMessage): string {
  const original: unknown = 'originalUrl' in incoming ? incoming.originalUrl : undefined;
  return typeof original === 'string' ? original : (incoming.url ?? '');
}

/**
 * A path of the characters that a path has, and a query of visible ones. No segment is a dot or two of them, spelt or encoded, and none is
 * empty: other readers of the same target make other paths of those.
 */
export function isPlainTarget(target: string): boolean {
  const [path = ''] = target.split('?', 1);
  const isPath = /^(?:\/[\w.~!$&'()*+,;=:@%-]+)*\/?$/.test(path) && !/%(?![0-9a-f]{2})/i.test(path);
  const hasDots = /\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path);
  return path !== '' && isPath && !hasDots && /^[\x21\x22\x24-\x5b\x5d-\x7e]*$/.test(target.slice(path.length));
}

/** Undefined where one came twice that must not. */
function headersOf({ rawHeaders }: IncomingMessage): [string, string][] | undefined {
  const seen = new Set<string>();
  const headers: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (onlyOnce.has(name) && seen.has(name)) return undefined;
    seen.add(name);
    headers.push([name, rawHeaders[index + 1] ?? '']);
  }
  return headers;
}

/** Null where there is none, undefined where somebody has read it and left nothing. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> | string | Uint8Array<ArrayBuffer> | null | undefined {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = incoming.headers;
  if (length === '0' && coding === undefined) return null;
  if (!incoming.readableDidRead) return incoming.readableEnded ? null : streamOf(incoming);
  // A parser that was mounted before the handler leaves what it made here.
  const parsed: unknown = 'body' in incoming ? incoming.body : undefined;
  if (parsed === undefined) return undefined;
  return typeof parsed === 'string' || parsed instanceof Uint8Array ? (parsed as string | Uint8Array<ArrayBuffer>) : JSON.stringify(parsed);
}

/** Nothing is read before it is asked for, and leaving the body leaves the connection as it is: the refusal has to go out by it. */
function streamOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  let listeners: Readonly<Record<string, (piece: Uint8Array) => void>> | undefined;
  const release = (): void => {
    incoming.pause();
    for (const [event, listener] of Object.entries(listeners ?? {})) incoming.off(event, listener);
  };
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (listeners === undefined) {
          listeners = {
            data(piece) {
              incoming.pause();
              controller.enqueue(piece);
            },
            end() {
              release();
              controller.close();
            },
            close() {
              release();
              controller.error(new DOMException('The caller has gone.', 'AbortError'));
            },
          };
          for (const [event, listener] of Object.entries(listeners)) incoming.on(event, listener);
        }
        incoming.resume();
      },
      cancel: release,
    },
    { highWaterMark: 0 },
  );
}
