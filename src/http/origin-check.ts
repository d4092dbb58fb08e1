import { HttpRefusal } from './failure.ts';
import { type HandlerConfig, loopbackHosts } from './handler-options.ts';

/** A host as it was asked for, in lower case and without its port; undefined where it is none. */
export function hostOf(request: Request): string | undefined {
  // Servers of Node hand on the header; those of the web put it into the URL only.
  const host = (request.headers.get('host') ?? new URL(request.url).host).toLowerCase();
  return /^(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::\d{1,5})?$/.exec(host)?.[1];
}

export function isLoopback(host: string | undefined): boolean {
  return host !== undefined && (loopbackHosts as readonly string[]).includes(host);
}

/** A page of a foreign name that resolves to this machine sends its own name here. */
export function isKnownHost(request: Request, { hosts }: HandlerConfig): boolean {
  const host = hostOf(request);
  return host !== undefined && (hosts === undefined || hosts.has(host));
}

/**
 * Browsers say where a page comes from, and what is no browser says nothing: a program may call without an origin, a page only from the
 * server's own or one of `origins`.
 */
export function isKnownOrigin(request: Request, origins: ReadonlySet<string>): boolean {
  const origin = request.headers.get('origin');
  if (origin !== null) return origins.has(origin) || isOwnOrigin(origin, request);
  const site = request.headers.get('sec-fetch-site');
  return site === null || site === 'same-origin' || site === 'none';
}

/** Of the scheme only the page's own is known: what ends TLS before us does not tell. */
function isOwnOrigin(origin: string, request: Request): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  const own = (request.headers.get('host') ?? new URL(request.url).host).toLowerCase();
  return /^https?:$/.test(protocol) && host === own && new URL(origin).origin === origin;
}

/** What a page of a foreign origin is told, by a call and by its browser's question before one. */
export function foreignOrigin(): HttpRefusal {
  return new HttpRefusal({ status: 403, code: 'origin_not_allowed', message: 'Pages of this origin may not call this server.' });
}
