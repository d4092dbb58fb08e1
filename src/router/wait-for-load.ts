import { orAborted } from '../lib/abort.ts';
import { sleep } from '../lib/clock.ts';
import { check } from './checks.ts';
import type { Engine } from './engine.ts';

/** How often a provider is asked whether its model has been loaded. */
const intervalMs = 1_000;

/**
 * Waits for as long as the provider says that a model is being loaded: its health costs nothing, while each attempt would count. Ends
 * when it says something else, cannot be asked, or at `untilMs`: only then true, for a model that is still being loaded. Rejects with the
 * signal's reason.
 */
export async function whileLoading(engine: Engine, id: string, signal: AbortSignal, untilMs: number): Promise<boolean> {
  const provider = engine.providers.get(id);
  if (provider?.adapter.health === undefined) return false;
  const { clock } = engine.config;
  while (clock.nowMs() + intervalMs < untilMs) {
    await orAborted(check(provider, engine, signal), signal);
    if (provider.state.health?.status !== 'warming') return false;
    await sleep(clock, intervalMs, signal);
  }
  return true;
}
