import { orAborted } from '../lib/abort.ts';
import type { ModelInfo } from '../core/adapter.ts';
import { check, healthAgeMs } from './checks.ts';
import type { Engine } from './engine.ts';
import { type HealthAsk, type HealthSummary, type ProviderHealth, type ProviderStatus, serves } from './health-report.ts';
import type { Provider } from './provider.ts';
import { askLoad, listModels } from './questions.ts';
import { situationOf } from './situation.ts';
import { slotFigures } from './snapshot.ts';

/** Asks every provider how it is, side by side. Never rejects for a provider; rejects with the signal's reason. */
export async function checkHealth(engine: Engine, { signal, maxAgeMs = 0 }: HealthAsk): Promise<HealthSummary> {
  const nowMs = engine.config.clock.nowMs();
  const isOld = ({ state }: Provider): boolean => healthAgeMs(state, nowMs) >= maxAgeMs;
  const asked = Promise.all(engine.list.filter(isOld).map((provider) => examine(provider, engine, signal)));
  await orAborted(asked, signal);
  return summary(engine);
}

/** Asks one provider how it is. Never rejects for it; rejects with the signal's reason. */
export async function checkOne(provider: Provider, engine: Engine, signal: AbortSignal | undefined): Promise<ProviderHealth> {
  const asked = examine(provider, engine, signal);
  await orAborted(asked, signal);
  return healthOf(provider, engine);
}

/** Lists and figures are extras: a server that tells neither is no less healthy. */
async function examine(provider: Provider, engine: Engine, signal: AbortSignal | undefined): Promise<void> {
  await check(provider, engine, signal);
  if (provider.state.health?.status === 'down' || signal?.aborted === true) return;
  await Promise.allSettled([listModels(provider, engine, signal), askLoad(provider, engine, signal)]);
}

/** What is known now. */
function summary(engine: Engine): HealthSummary {
  const { config, standings, list } = engine;
  const providers = (standings.get(config.defaultIntent)?.places ?? []).map(({ index }) => healthOf(list[index] as Provider, engine));
  const answers = providers.map(serves);
  return {
    // Who cannot be asked may as well be there.
    status: answers.every((yes) => yes === true) ? 'ok' : answers.every((yes) => yes === false) ? 'down' : 'degraded',
    atMs: config.clock.wallMs(),
    balance: config.balance,
    failsOver: config.maxAttempts > 1 && list.length > 1,
    providers,
  };
}

function healthOf({ id, config, state }: Provider, { config: { clock } }: Engine): ProviderHealth {
  const nowMs = clock.nowMs();
  const toWall = (atMs: number): number => Math.round(clock.wallMs() + atMs - nowMs);
  const { type, device, cost, locality, priority, weight, defaultModel, embeddingModel, metadata } = config;
  const { successes, failures, failuresInRow, lastError, health, inventory, load, inFlight } = state;
  const untilMs = worstOpenMs(state);
  return {
    provider: id,
    type,
    device,
    cost,
    locality,
    url: shownUrl(config.url),
    priority,
    weight,
    defaultModel,
    embeddingModel,
    metadata,
    status: statusOf(state, nowMs),
    checkedAtMs: health?.wallMs,
    latencyMs: health?.latencyMs,
    version: health?.version,
    error: health?.error,
    successes,
    failures,
    consecutiveFailures: failuresInRow,
    lastError: lastError && { code: lastError.code, atMs: toWall(lastError.atMs) },
    circuit: untilMs !== undefined ? 'open' : isProbed(state) ? 'half-open' : 'closed',
    circuitOpenUntilMs: untilMs === undefined ? undefined : toWall(untilMs),
    pins: pinsOf(state, nowMs).map((pin) => ({ ...pin, untilMs: toWall(pin.untilMs) })),
    inFlight,
    ...slotFigures(state),
    models: inventory && distinct(inventory.models),
    load,
  };
}

function statusOf(state: Provider['state'], nowMs: number): ProviderStatus {
  const situation = situationOf(state, nowMs);
  if (situation !== 'ok') return situation;
  const { health, successAtMs } = state;
  // A call has found otherwise since.
  return health?.status === 'down' && successAtMs >= health.nowMs ? 'ok' : (health?.status ?? 'unknown');
}

/** When the breaker that stays open longest lets a probe through; undefined where none is open. */
function worstOpenMs({ connection, models }: Provider['state']): number | undefined {
  const breakers = [connection, ...Array.from(models.entries(), ([, { breaker }]) => breaker)];
  const open = breakers.flatMap((breaker) => (breaker.is === 'open' ? [breaker.untilMs] : []));
  return open.length === 0 ? undefined : Math.max(...open);
}

function isProbed({ connection, models }: Provider['state']): boolean {
  return connection.is === 'half-open' || [...models.entries()].some(([, { breaker }]) => breaker.is === 'half-open');
}

function pinsOf({ models }: Provider['state'], nowMs: number): { readonly model: string; readonly untilMs: number }[] {
  return [...models.entries()].flatMap(([model, { pin }]) =>
    pin !== undefined && pin.untilMs > nowMs ? [{ model, untilMs: pin.untilMs }] : [],
  );
}

/** A path may be a secret, as those of some tunnels and proxies are. */
function shownUrl(url: string | undefined): string | undefined {
  if (url === undefined) return undefined;
  const { origin, pathname } = new URL(url);
  return pathname === '/' ? origin : `${origin}/…`;
}

/** A list is kept under several spellings of each name. */
function distinct(models: ReadonlyMap<string, ModelInfo>): readonly ModelInfo[] {
  return [...new Set(models.values())];
}
