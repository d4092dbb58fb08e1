import { RouterError } from '../core/errors.ts';

/** How many routers a call has passed, this one included. A router that finds itself behind others refuses what goes in circles. */
export const hopsHeader = 'x-inferlane-hops';
/** Which attempt of its call a request is, from 1: a router behind this one can tell retries from new calls. */
export const attemptHeader = 'x-inferlane-attempt';

/** A call that has passed so many routers goes in circles. */
const mostHops = 3;

/**
 * The routers that a request has passed, for the call option `hops`: from the headers of a `Request`, or from Node's plain object.
 * The largest number where the header came more than once; 0 where there is none, or where it holds no count.
 */
export function hopsOf(headers: { get(name: string): string | null } | Readonly<Record<string, unknown>>): number {
  const value: unknown = typeof headers.get === 'function' ? headers.get(hopsHeader) : (headers as Record<string, unknown>)[hopsHeader];
  const counts = typeof value === 'string' ? value.split(',', 10).map((count) => count.trim()) : [];
  return Math.max(0, ...counts.filter((count) => /^\d{1,3}$/.test(count)).map(Number));
}

/** @throws {RouterError} `loop_detected` */
export function refuseLoop(hops: number): void {
  if (hops < mostHops) return;
  throw new RouterError('loop_detected', `The call has passed ${hops} routers already; one of them probably leads back to another.`);
}
