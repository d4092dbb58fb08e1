import type { Failure, FailureKind } from '../script.ts';
import { type Exchange, jsonExchange, textExchange, type WireCall } from '../wire.ts';
import type { Fields } from './fields.ts';

/** One failure as it stands on the wire: an object is sent as JSON, a text as it is. */
export interface FailureRow {
  readonly status: number;
  readonly body: Fields | string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Undefined: this server cannot say it of this call. */
export type Tell = (failure: Failure, call: WireCall) => FailureRow | undefined;

/** The failures one server knows, in its own words. */
export interface Failures {
  readonly rows: Readonly<Partial<Record<Exclude<FailureKind, 'status' | 'empty' | 'html'>, FailureRow | Tell>>>;
  /** An error of any status in this server's shape. */
  readonly shape: (code: number, message: string) => Fields | string;
  /** The bytes of an error in a stream that runs, terminator included. */
  readonly inStream: (row: FailureRow, failure: Failure) => string;
  /** Failures of which the process dies: its streams just end. */
  readonly deadly: readonly FailureKind[];
  /** Failures that this server tells in a stream of status 200 where the call asks for a stream. */
  readonly inOpenedStream: readonly FailureKind[];
}

/** The HTTP answer of a failure; undefined where the server knows no such failure. */
export function failureExchange(
  failures: Failures,
  headers: Readonly<Record<string, string>>,
  failure: Failure,
  call: WireCall,
): Exchange | undefined {
  const { kind, status = 500, retryAfter } = failure;
  const retry = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  const extra = { ...headers, ...retry };
  if (kind === 'empty') return { ...textExchange(''), headers: { 'content-type': 'application/json', ...headers } };
  if (kind === 'html') return pageExchange(failure.status ?? 502, retry);
  if (kind === 'status') return exchangeOf({ status, body: failures.shape(status, failure.message ?? phraseOf(status)) }, extra);
  const row = rowOf(failures, failure, call);
  if (row === undefined) return undefined;
  if (call.verb !== 'stream' || !failures.inOpenedStream.includes(kind)) return exchangeOf(row, extra);
  const events = { ...extra, 'content-type': 'text/event-stream' };
  return { status: 200, headers: events, opening: '', pieces: [], closing: failures.inStream(row, failure) };
}

/** What the server cannot say is told as a fault of its own. */
export function failureInStream(failures: Failures, failure: Failure, call: WireCall): string {
  if (failures.deadly.includes(failure.kind)) return '';
  const { status = 500, message = phraseOf(status) } = failure;
  if (failure.kind === 'status') return failures.inStream({ status, body: failures.shape(status, message) }, failure);
  const row = rowOf(failures, failure, call) ?? rowOf(failures, { kind: 'server' }, call);
  return row === undefined ? '' : failures.inStream(row, failure);
}

function rowOf({ rows }: Failures, failure: Failure, call: WireCall): FailureRow | undefined {
  const { kind } = failure;
  const row = kind === 'status' || kind === 'empty' || kind === 'html' ? undefined : rows[kind];
  return typeof row === 'function' ? row(failure, call) : row;
}

function exchangeOf({ status, body, headers = {} }: FailureRow, extra: Readonly<Record<string, string>>): Exchange {
  if (typeof body !== 'string') return jsonExchange(body, status, { ...extra, ...headers });
  const plain = textExchange(body, status);
  return { ...plain, headers: { ...extra, ...plain.headers, ...headers } };
}

/** The page of an nginx in front of the server. */
function pageExchange(code: number, headers: Readonly<Record<string, string>>): Exchange {
  const title = `${code} ${phraseOf(code)}`;
  const page = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;
  const exchange = textExchange(page, code, 'text/html');
  return { ...exchange, headers: { server: 'nginx', ...exchange.headers, ...headers } };
}

const phrases: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  413: 'Request Entity Too Large',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
  529: 'Site is overloaded',
};

export function phraseOf(code: number): string {
  return phrases[code] ?? 'Error';
}

/** What no JSON parser reads, wherever in a body it stands: a control character is an error even inside a text. */
export const unreadable = '\u0001{"garbage":';

export function modelOf({ model }: WireCall): string {
  return model ?? 'fake-model';
}
