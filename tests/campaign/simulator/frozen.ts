import type { Router, RouterEvents } from '../../../src/index.ts';
import type { Complain } from './violations.ts';

/** What follows a call that was turned away by full queues, and cannot be the first word of an attempt's end. */
const told: ReadonlySet<string> = new Set(['request:start', 'request:error', 'queue:enter', 'queue:leave', 'attempt:start']);

/**
 * Between the moment in which a call finds no slot and the next thing that happens nothing is held against anybody: no breaker moves, and
 * no token is taken. `isWorth`: queues are so short that calls are turned away at once.
 */
export function watchFrozen(router: Router, isWorth: boolean, complain: Complain): (name: string, payload: unknown) => void {
  let before: string | undefined;
  return (name, payload) => {
    const { provider } = payload as Partial<RouterEvents['queue:leave']>;
    if (before !== undefined && told.has(name)) {
      const books = booksOf(router);
      if (books !== before) complain('saturated is no failure', `${before} became ${books}`);
    }
    const isTurnedAway = (name === 'queue:leave' && provider === undefined) || (name === 'request:start' && isWorth);
    before = isTurnedAway ? booksOf(router) : undefined;
  };
}

function booksOf(router: Router): string {
  return router
    .snapshot()
    .providers.map(({ provider, successes, failures, breaker, retryTokens, models }) => {
      const states = models.flatMap((model) => (model.breaker === 'closed' ? [] : [`${model.model} ${model.breaker}`])).join(', ');
      return `${provider}: ${successes}+${failures}, ${retryTokens} tokens, ${breaker}, ${states}`;
    })
    .join('; ');
}
