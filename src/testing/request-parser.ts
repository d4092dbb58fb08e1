import type { Arrival } from './visit.ts';

/** A request that stands whole at the start of what was received. */
export interface ParsedRequest extends Arrival {
  /** The client wants the connection closed behind the answer. */
  readonly closes: boolean;
  /** Bytes it took. */
  readonly length: number;
}

/** As many as Node's own server takes, four times over: prompts do not travel in headers. */
const maxHeaderBytes = 64 * 1024;

/** The status of a request that cannot be read. */
export type ParseFailure = 400 | 431;

/** HTTP/1.1 with a body of known length or in chunks. Undefined: more bytes are needed. */
export function parseRequest(received: Buffer): ParsedRequest | ParseFailure | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if ((headEnd === -1 ? received.length : headEnd) > maxHeaderBytes) return 431;
  if (headEnd === -1) return undefined;
  const [first = '', ...lines] = received.toString('latin1', 0, headEnd).split('\r\n');
  const [method = '', path = '', version = ''] = first.split(' ');
  if (!/^HTTP\/1\.[01]$/.test(version) || !path.startsWith('/')) return 400;
  const headers = headersOf(lines);
  const body = parseBody(received, headEnd + 4, headers);
  if (body === undefined || body === 400) return body;
  const closes = version === 'HTTP/1.0' || headers.connection?.toLowerCase() === 'close';
  return { method, path, headers, bodyText: body.bytes.toString(), closes, length: body.end };
}

/** A header that comes twice has its values joined, as `fetch` gives them. */
function headersOf(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}

interface ParsedBody {
  readonly bytes: Buffer;
  /** Where it ends in what was received. */
  readonly end: number;
}

function parseBody(received: Buffer, start: number, headers: Readonly<Record<string, string>>): ParsedBody | 400 | undefined {
  if (headers['transfer-encoding']?.toLowerCase() === 'chunked') return parseChunks(received, start);
  const length = Number(headers['content-length'] ?? 0);
  if (!Number.isSafeInteger(length) || length < 0) return 400;
  const end = start + length;
  return received.length < end ? undefined : { bytes: received.subarray(start, end), end };
}

function parseChunks(received: Buffer, start: number): ParsedBody | 400 | undefined {
  const chunks: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = received.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const [size = ''] = received.toString('latin1', at, lineEnd).split(';', 1);
    if (!/^[0-9a-f]{1,8}$/i.test(size.trim())) return 400;
    const length = Number.parseInt(size, 16);
    const from = lineEnd + 2;
    at = from + length + 2;
    if (length === 0) return received.length < at ? undefined : { bytes: Buffer.concat(chunks), end: at };
    chunks.push(received.subarray(from, from + length));
  }
}
