import type { Clock } from '../lib/clock.ts';
import type { Router } from './router.ts';

/** The routes of the APIs come with the first call: who never makes one does not load them. */
export function createOwnFetch(router: () => Router, clock: Clock): Router['fetch'] {
  let made: Router['fetch'] | undefined;
  return async (input, init) => {
    made ??= (await import('../http/own-fetch.ts')).createFetch(router(), clock);
    return made(input, init);
  };
}
