import { type CallOptions, hopsOf, type Router } from '../index.ts';
import { badRequest, type ErrorShape } from './failure.ts';
import type { HandlerConfig } from './handler-options.ts';
import { isRouterName, mustBeRouterName } from './router-name.ts';

/** Headers with which a caller says how a call is to be routed. */
export const callHeaders = {
  intent: 'x-inferlane-intent',
  session: 'x-inferlane-session',
  provider: 'x-inferlane-provider',
  deadlineMs: 'x-inferlane-deadline-ms',
} as const;

/** Headers with which an answer says how it was routed. */
export const answerHeaders = {
  provider: 'x-inferlane-provider',
  attempts: 'x-inferlane-attempts',
  requestId: 'x-inferlane-request-id',
  /** `true` where the answer is a stand-in and no model's. */
  degraded: 'x-inferlane-degraded',
  /** `true` where the answer was kept from an earlier call. */
  cached: 'x-inferlane-cached',
  /** Fields of the request that the provider who answered has no word for, with commas between them. */
  ignored: 'x-inferlane-ignored',
} as const;

/** Where the official clients of an API look for the id of a request. */
export const requestIdHeaders: Readonly<Partial<Record<ErrorShape, string>>> = { openai: 'x-request-id', anthropic: 'request-id' };

/**
 * What the headers ask for.
 * @throws {HttpRefusal} 400 with the header that is wrong.
 */
export function callOptionsOf(
  { headers }: Request,
  { signal, requestId }: Pick<CallOptions, 'signal' | 'requestId'>,
  router: Router,
  { mayNamePaid }: HandlerConfig,
): CallOptions {
  const intent = word(headers, callHeaders.intent);
  const provider = word(headers, callHeaders.provider);
  const session = text(headers, callHeaders.session);
  const deadlineMs = figure(headers, callHeaders.deadlineMs);
  const cache = cacheOf(headers);
  const cost = provider === undefined ? undefined : costOf(router, provider);
  // Naming a provider is consent to pay it, which is not the caller's to give.
  const refusesPay = cost === 'paid' && !mayNamePaid;
  return {
    signal,
    requestId,
    hops: hopsOf(headers),
    ...(intent !== undefined && { intent }),
    ...(provider !== undefined && { provider }),
    ...(refusesPay && { allowPaid: false }),
    ...(session !== undefined && { session }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(cache !== undefined && { cache }),
  };
}

/**
 * The router's own refusal lists the providers that there are, which is for whoever configured them.
 * @throws {HttpRefusal} 400
 */
function costOf(router: Router, id: string): string {
  const named = router.snapshot().providers.find(({ provider }) => provider === id);
  if (named === undefined) throw badRequest(`${callHeaders.provider} must name a provider that there is.`, callHeaders.provider);
  return named.cost;
}

/** HTTP's own words: `no-store` wants nothing kept, and `no-cache` nothing that was kept. */
function cacheOf(headers: Headers): CallOptions['cache'] {
  const wanted = (headers.get('cache-control') ?? '').toLowerCase().split(/[\s,]+/);
  if (wanted.includes('no-store')) return false;
  return wanted.includes('no-cache') ? 'refresh' : undefined;
}

/** The names of intents and providers. */
function word(headers: Headers, name: string): string | undefined {
  const value = headers.get(name);
  if (value === null) return undefined;
  if (!isRouterName(value)) throw badRequest(`${name} ${mustBeRouterName}.`, name);
  return value;
}

function text(headers: Headers, name: string): string | undefined {
  const value = headers.get(name);
  if (value === null) return undefined;
  if (!/^[\x21-\x7e]{1,256}$/.test(value)) throw badRequest(`${name} must be 1 to 256 visible ASCII characters.`, name);
  return value;
}

function figure(headers: Headers, name: string): number | undefined {
  const value = headers.get(name);
  if (value === null) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(value)) throw badRequest(`${name} must be a whole number of milliseconds.`, name);
  return Number(value);
}

/** An id that the caller gave, where it is one that may stand in headers and logs, else a new one. */
export function requestIdOf({ headers }: Request): string {
  const given = headers.get('x-request-id');
  return given !== null && /^[A-Za-z0-9-]{1,64}$/.test(given) ? given : crypto.randomUUID();
}
