import type { IncomingHttpHeaders } from 'node:http';
import type { ReadableSource } from './node-body.ts';
import type { TransportResponse } from './transport.ts';

/** Statuses that never have a body. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

export function responseOf(status: number, headers: IncomingHttpHeaders, source: ReadableSource): TransportResponse {
  // A record, and no class: whoever wraps a transport may spread it.
  return { status, header: (name) => headerIn(headers, name), body: bodiless.has(status) ? null : source, text: () => source.text() };
}

/** Several headers of one name are one. */
export function headerIn(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name.toLowerCase()];
  return value === undefined ? null : typeof value === 'string' ? value : value.join(', ');
}
