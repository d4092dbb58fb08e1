import type { Failure, FailureKind, Memory } from '../script.ts';
import { type Exchange, jsonExchange, textExchange, type WireCall } from '../wire.ts';
import { terminator } from './openai-chat.ts';
import type { Fields } from './openai-scene.ts';

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
  const { kind, status = 500 } = failure;
  const extra = failure.retryAfter === undefined ? headers : { ...headers, 'retry-after': String(failure.retryAfter) };
  if (kind === 'empty')
    return { ...textExchange('', 200, 'application/json'), headers: { 'content-type': 'application/json', ...headers } };
  if (kind === 'html') return withHeaders(pageExchange(failure.status ?? 502), extra, ['retry-after']);
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

function withHeaders(exchange: Exchange, headers: Readonly<Record<string, string>>, names: readonly string[]): Exchange {
  const chosen = Object.entries(headers).filter(([name]) => names.includes(name));
  return { ...exchange, headers: { ...exchange.headers, ...Object.fromEntries(chosen) } };
}

/** The page of an nginx in front of the server. */
function pageExchange(code: number): Exchange {
  const title = `${code} ${phraseOf(code)}`;
  const page = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;
  const exchange = textExchange(page, code, 'text/html');
  return { ...exchange, headers: { server: 'nginx', ...exchange.headers } };
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

/** `{"error": {message, type, param, code}}` with a word or null as the code: OpenAI and those who follow it. */
export function openaiError(
  status: number,
  message: string,
  type: string,
  code: string | null = null,
  param: string | null = null,
): FailureRow {
  return { status, body: { error: { message, type, param, code } } };
}

export function modelOf({ model }: WireCall): string {
  return model ?? 'fake-model';
}

/** An error event, then the terminator that is no proof of success. */
export function errorThenTerminator({ body }: FailureRow): string {
  return `data: ${JSON.stringify(body)}\n\n${terminator}`;
}

/** How memory runs out in the words of PyTorch (`cuda`, `rocm`) and of ggml (`vulkan`, `host`). */
export const memoryWords: Readonly<Record<Memory, string>> = {
  cuda: 'CUDA out of memory. Tried to allocate 232.00 MiB. GPU 0 has a total capacity of 23.57 GiB of which 154.25 MiB is free.',
  rocm: 'HIP out of memory. Tried to allocate 232.00 MiB. GPU 0 has a total capacity of 23.98 GiB of which 118.00 MiB is free.',
  vulkan:
    'ggml_vulkan: Device memory allocation of size 118497280 failed.\nggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory',
  host: 'ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 4571325856',
};
