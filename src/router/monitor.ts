import { isRouterError } from '../core/errors.ts';
import type { Engine } from './engine.ts';
import { askLoad, listModels } from './health.ts';
import type { Provider } from './provider.ts';

/** A server that does not tell its load is not asked again for this long. */
const silentMs = 300_000;

/**
 * Asks providers for their load, in the background, where the last answer is older than `pollMs`. Called with each call and never by a
 * timer: a router that has nothing to do asks nobody and keeps no process alive.
 */
export function refreshLoads(engine: Engine): void {
  const { pollMs, clock } = engine.config;
  if (pollMs === undefined || engine.poll.dueMs > clock.nowMs()) return;
  const nowMs = clock.nowMs();
  engine.poll.dueMs = Infinity;
  for (const provider of engine.list) {
    const { poll } = provider.state;
    if (provider.adapter.load === undefined) continue;
    // One that is being asked says itself when it is due again.
    if (poll.isOut) continue;
    if (nowMs >= poll.dueMs) void refreshLoad(provider, engine, pollMs);
    else engine.poll.dueMs = Math.min(engine.poll.dueMs, poll.dueMs);
  }
}

/** Never rejects: what a server does not tell is not known. */
async function refreshLoad(provider: Provider, engine: Engine, pollMs: number): Promise<void> {
  const { poll, inventory } = provider.state;
  const { clock } = engine.config;
  poll.isOut = true;
  let waitMs = pollMs;
  try {
    await askLoad(provider, engine, undefined);
    // Windows and what is served come with the list, which is kept fresh.
    if (inventory === undefined || inventory.untilMs - clock.nowMs() < pollMs)
      await listModels(provider, engine, undefined).catch(() => undefined);
  } catch (error) {
    // One that is down is asked again like the others; one that has no such path says so for long.
    if (isRouterError(error) && error.status !== undefined && error.status < 500) waitMs = Math.max(pollMs, silentMs);
  } finally {
    poll.isOut = false;
    poll.dueMs = clock.nowMs() + waitMs;
    engine.poll.dueMs = Math.min(engine.poll.dueMs, poll.dueMs);
  }
}
