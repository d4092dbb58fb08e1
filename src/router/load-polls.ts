import { isRouterError } from '../core/errors.ts';
import { isWithin, type Locality } from '../core/locality.ts';
import { askable, type Engine } from './engine.ts';
import { askLoad, listModels } from './questions.ts';
import type { Provider } from './provider.ts';

/** A server that does not tell its load is not asked again for this long. */
const silentMs = 300_000;

/** A server behind a tunnel is asked no more often. */
const tunnelMs = 60_000;

/**
 * Asks providers for their load, in the background, where the last answer is older than `pollMs`. Called with each call and never by a
 * timer: a router that has nothing to do asks nobody and keeps no process alive. Nobody is asked that lies beyond `maxLocality`.
 */
export function refreshLoads(engine: Engine, maxLocality: Locality): void {
  const { pollMs, clock } = engine.config;
  if (pollMs === undefined || engine.poll.dueMs > clock.nowMs()) return;
  // With one provider there is nothing to choose, so there is no hurry: a test or a script that asks once meets with no other question.
  if (engine.list.length < 2 && engine.list[0]?.state.successes === 0) return;
  const nowMs = clock.nowMs();
  engine.poll.dueMs = Infinity;
  for (const provider of askable(engine, engine.config.maxLocality)) {
    const { poll } = provider.state;
    if (provider.adapter.load === undefined) continue;
    // One that is being asked says itself when it is due again.
    if (poll.isOut) continue;
    if (nowMs >= poll.dueMs && isWithin(provider.config.locality, maxLocality)) void refreshLoad(provider, engine, pollMs);
    else engine.poll.dueMs = Math.min(engine.poll.dueMs, poll.dueMs);
  }
}

/** Never rejects: what a server does not tell is not known. */
async function refreshLoad(provider: Provider, engine: Engine, pollMs: number): Promise<void> {
  const { poll } = provider.state;
  const { clock, random } = engine.config;
  poll.isOut = true;
  // Free tunnels count requests.
  let waitMs = provider.config.locality === 'tunnel' ? Math.max(pollMs, tunnelMs) : pollMs;
  try {
    const report = await askLoad(provider, engine, undefined);
    if (report === undefined || Object.keys(report).length === 0) waitMs = Math.max(waitMs, silentMs);
    // Windows and what is served come with the list, which is kept fresh.
    const { inventory } = provider.state;
    if (inventory === undefined || inventory.untilMs - clock.nowMs() < pollMs)
      await listModels(provider, engine, undefined).catch(() => undefined);
  } catch (error) {
    // One that is down is asked again like the others; one that has no such path says so for long.
    if (isRouterError(error) && error.status !== undefined && error.status < 500) waitMs = Math.max(waitMs, silentMs);
  } finally {
    poll.isOut = false;
    // Spread, so that a fleet is not asked all at once.
    poll.dueMs = clock.nowMs() + waitMs * (0.85 + 0.3 * random());
    engine.poll.dueMs = Math.min(engine.poll.dueMs, poll.dueMs);
  }
}
