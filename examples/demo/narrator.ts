import { isRouterError, type Router } from '../../src/index.ts';
import { say } from './print/lines.ts';
import { paint } from './print/paint.ts';
import { milliseconds, minutes } from './print/units.ts';

/** Prints the router's events by their names as they happen. */
export function narrate(router: Router): void {
  router.on('attempt:start', ({ provider, model }) => say('attempt:start', `→ ${provider}  ${model}`));
  router.on('attempt:error', ({ provider, error, ms }) => {
    const code = isRouterError(error) ? error.code : 'a bug';
    say('attempt:error', paint('red', `✗ ${provider}  ${code} after ${milliseconds(ms)}`));
  });
  router.on('model:pinned', ({ provider, model, reason, untilMs }) => {
    const forMs = untilMs - router.snapshot().nowMs;
    say('model:pinned', paint('yellow', `• ${provider}  ${reason}: ${model} is pinned for ${minutes(forMs)}, others get its calls`));
  });
  router.on('failover', ({ from, to, reason }) => say('failover', paint('yellow', `↪ ${from} → ${to}  (${reason})`)));
  router.on('provider:down', ({ provider, reason }) => say('provider:down', paint('red', `✗ ${provider}  ${reason}`)));
}
