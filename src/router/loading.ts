import { sleep } from '../lib/clock.ts';
import type { Engine } from './engine.ts';
import { checked } from './health.ts';

/** How often a provider is asked whether its model has been loaded. */
const intervalMs = 1_000;

/**
 * Waits for as long as the provider says that a model is being loaded: its health costs nothing, while each attempt would count. Ends
 * when it says something else, cannot be asked, or at `untilMs`: only then true, for a model that is still being loaded. Rejects with the
 * signal's reason.
 */
export async function whileLoading(engine: Engine, id: string, signal: AbortSignal, untilMs: number): Promise<boolean> {
  const provider = engine.providers.get(id);
  const health = provider?.adapter.health;
  if (provider === undefined || health === undefined) return false;
  const { clock } = engine.config;
  while (clock.nowMs() + intervalMs < untilMs) {
    const state = await checked(engine, provider, signal, health).then(
      (report) => report.state,
      () => undefined,
    );
    signal.throwIfAborted();
    if (state !== 'warming') return false;
    await sleep(clock, intervalMs, signal);
  }
  return true;
}
