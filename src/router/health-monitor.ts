import type { Locality } from '../core/locality.ts';
import { check, healthAgeMs } from './checks.ts';
import { askable, type Engine } from './engine.ts';
import type { Provider } from './provider.ts';
import { modelSituationOf, situationOf } from './situation.ts';

/** Nobody is asked in the background for so many intervals without a call, where requests are counted by somebody else. */
const restlessIntervals = 5;

/** Intervals are cut by up to this share, so that many processes do not ask together; never stretched, for a recovery is waited for. */
const spread = 0.15;

/**
 * Asks the providers how they are, in the background: one that is well each `intervalMs`, unless a call has shown it in the meantime, one
 * that is not each `unhealthyIntervalMs`. The timers keep no process alive. Ends with the router, or with the function that it gives.
 */
export function watchHealth(engine: Engine): () => void {
  const { health, clock, random } = engine.config;
  const watched = askable(engine, engine.config.maxLocality).filter(tellsHealth);
  if (health.mode !== 'background' || watched.length === 0) return () => undefined;
  let cancel: (() => void) | undefined;
  const look = (): void => {
    for (const provider of watched) if (isDue(provider, engine)) void check(provider, engine);
    cancel = clock.schedule(shortestMs(health) * (1 - spread * random()), look, true);
  };
  const stop = (): void => cancel?.();
  look();
  const listening = engine.shutdown.listen(stop);
  return () => {
    listening.remove();
    stop();
  };
}

function shortestMs({ intervalMs, unhealthyIntervalMs }: Engine['config']['health']): number {
  return Math.min(intervalMs, unhealthyIntervalMs);
}

/** What runs in this process is known to be there. */
function tellsHealth({ adapter, config }: Provider): boolean {
  return adapter.health !== undefined && config.locality !== 'process';
}

function isDue({ state, config }: Provider, { config: { health, clock }, list, calls }: Engine): boolean {
  const nowMs = clock.nowMs();
  // With one provider there is nothing to choose: a test or a script that asks once meets with no other question.
  if (list.length === 1 && state.successes + state.failures === 0) return false;
  const isCounted = config.locality === 'tunnel' || config.locality === 'cloud';
  if (isCounted && state.health !== undefined && nowMs - calls.lastAtMs > restlessIntervals * health.intervalMs) return false;
  // From when it was asked: one that took its time to fail is not left alone for longer.
  const askedMs = state.health === undefined ? -Infinity : state.health.nowMs - state.health.latencyMs;
  // Of a call that succeeded while the provider is not well, the breakers know already.
  const isCalm = !mayRecover(state, nowMs);
  const leastMs = isCalm ? health.intervalMs * (1 - spread) : shortestMs(health) * leastShare;
  return nowMs - Math.max(askedMs, isCalm ? state.successAtMs : -Infinity) >= leastMs;
}

/** Timers may come a little early. */
const leastShare = 0.8;

/** Is it to be expected, or hoped, that it says something else soon? One that refuses, or asks for a pause, is not asked more often for it. */
function mayRecover(state: Provider['state'], nowMs: number): boolean {
  const { health, models } = state;
  if (health?.status === 'down' || health?.status === 'warming' || health?.status === 'saturated') return true;
  if (situationOf(state, nowMs) === 'open') return true;
  for (const [, model] of models.entries()) {
    const situation = modelSituationOf(model, nowMs);
    if (situation === 'open' || situation === 'warming') return true;
  }
  return false;
}

/** Asks those that a call may go to, where their last word is older than `maxAgeMs`. Never rejects; undefined where there is nobody to ask. */
export function checkBefore(
  engine: Engine,
  {
    only,
    without,
    maxLocality,
  }: { readonly only: string | undefined; readonly without: readonly string[]; readonly maxLocality: Locality },
): Promise<unknown> | undefined {
  const { health, clock } = engine.config;
  const nowMs = clock.nowMs();
  const isMeant = (provider: Provider): boolean =>
    (only === undefined || provider.id === only) && !without.includes(provider.id) && tellsHealth(provider);
  const isOld = ({ state }: Provider): boolean => healthAgeMs(state, nowMs) > health.maxAgeMs;
  const meant = askable(engine, maxLocality).filter((provider) => isMeant(provider) && isOld(provider));
  return meant.length === 0 ? undefined : Promise.all(meant.map((provider) => check(provider, engine)));
}
