import type { Router } from '../../src/index.ts';

/** What the router announced, counted. */
export interface Tally {
  calls: number;
  attempts: number;
  failovers: number;
  pins: number;
  /** Calls that ended with an error: what the application would have seen. */
  errors: number;
  /** Attempts by provider. */
  readonly asked: Record<string, number>;
}

export function countEvents(router: Router): Tally {
  const tally: Tally = { calls: 0, attempts: 0, failovers: 0, pins: 0, errors: 0, asked: {} };
  router.on('request:start', () => (tally.calls += 1));
  router.on('request:error', () => (tally.errors += 1));
  router.on('attempt:start', ({ provider }) => {
    tally.attempts += 1;
    tally.asked[provider] = (tally.asked[provider] ?? 0) + 1;
  });
  router.on('model:pinned', () => (tally.pins += 1));
  router.on('failover', () => (tally.failovers += 1));
  return tally;
}
