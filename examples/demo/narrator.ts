import { isRouterError, type Router } from '../../src/index.ts';
import { indented, milliseconds, minutes, paint } from './print.ts';

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

/** Prints the router's events by their names as they happen, and counts them. */
export function narrate(router: Router): Tally {
  const tally: Tally = { calls: 0, attempts: 0, failovers: 0, pins: 0, errors: 0, asked: {} };
  router.on('request:start', () => (tally.calls += 1));
  router.on('request:error', () => (tally.errors += 1));
  router.on('attempt:start', ({ provider, model }) => {
    tally.attempts += 1;
    tally.asked[provider] = (tally.asked[provider] ?? 0) + 1;
    say('attempt:start', `→ ${provider}  ${model}`);
  });
  router.on('attempt:error', ({ provider, error, ms }) => {
    const code = isRouterError(error) ? error.code : 'a bug';
    say('attempt:error', paint('red', `✗ ${provider}  ${code} after ${milliseconds(ms)}`));
  });
  router.on('model:pinned', ({ provider, model, reason, untilMs }) => {
    tally.pins += 1;
    const forMs = untilMs - router.snapshot().nowMs;
    say('model:pinned', paint('yellow', `• ${provider}  ${reason}: ${model} is pinned for ${minutes(forMs)}, others get its calls`));
  });
  router.on('failover', ({ from, to, reason }) => {
    tally.failovers += 1;
    say('failover', paint('yellow', `↪ ${from} → ${to}  (${reason})`));
  });
  router.on('provider:down', ({ provider, reason }) => say('provider:down', paint('red', `✗ ${provider}  ${reason}`)));
  return tally;
}

export function say(event: string, text: string): void {
  indented(`${paint('dim', event.padEnd(15))}${text}`);
}
