import { isRouterError, type RouteTrace } from '../index.ts';
import type { AccessEntry } from './handler-options.ts';

/** What became of a call. */
export interface CallFacts {
  /** It grows while a stream goes on. */
  readonly route?: RouteTrace;
  /** What ended the call, or broke its stream. */
  readonly failure?: unknown;
}

/** Who answered and how many attempts it took, in the end: a stream that broke may have gone on elsewhere. */
export function outcomeOf({ route, failure }: CallFacts): Pick<AccessEntry, 'provider' | 'attempts'> {
  if (route !== undefined) return { provider: route.provider, attempts: route.attempts.length };
  // A failure that ended the call at once names who failed, and not who had been asked before.
  const isCounted = isRouterError(failure) && (failure.attempts.length > 0 || failure.provider === undefined);
  return { provider: undefined, attempts: isCounted ? failure.attempts.length : undefined };
}
