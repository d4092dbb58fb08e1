import type { HealthReport, LoadReport, ModelInfo } from '../core/adapter.ts';
import { isRouterError } from '../core/errors.ts';
import { openDeadline } from '../lib/deadline.ts';
import type { Engine } from './engine.ts';
import { plainName } from './model-name.ts';
import { inventoryMs, type Provider } from './provider.ts';
import { noteLoad } from './residency.ts';
import { type Situation, situationOf } from './situation.ts';

/** What the router knows of it (see `Situation`); beyond that `down` does not answer and `unknown` cannot be asked. */
export type ProviderStatus = Situation | 'down' | 'unknown';

export interface ProviderHealth {
  readonly provider: string;
  readonly type: string;
  readonly device: string;
  readonly status: ProviderStatus;
  /** Of the health check itself. */
  readonly latencyMs: number;
  readonly version?: string;
  readonly models?: readonly ModelInfo[];
  readonly load?: LoadReport;
  /** Why it is not `ok`: a code, and a message that holds no key and no full URL. */
  readonly error?: { readonly code: string; readonly message: string };
}

export interface HealthSummary {
  /** `ok`: all providers are; `degraded`: some are; `down`: none is. */
  readonly status: 'ok' | 'degraded' | 'down';
  readonly providers: readonly ProviderHealth[];
}

/** A provider that takes longer than this to say how it is, is down (5 s). */
const healthMs = 5_000;

/** Asks every provider how it is, side by side. Never rejects for a provider; rejects with the signal's reason. */
export async function checkHealth(engine: Engine, signal: AbortSignal | undefined): Promise<HealthSummary> {
  const providers = await Promise.all([...engine.providers.values()].map((provider) => checkProvider(provider, engine, signal)));
  const usable = providers.filter(({ status }) => status === 'ok' || status === 'warming').length;
  return { status: usable === providers.length ? 'ok' : usable > 0 ? 'degraded' : 'down', providers };
}

async function checkProvider(provider: Provider, engine: Engine, signal: AbortSignal | undefined): Promise<ProviderHealth> {
  const { adapter, config } = provider;
  const { clock } = engine.config;
  const startMs = clock.nowMs();
  const base = { provider: provider.id, type: config.type, device: config.device };
  if (adapter.health === undefined) return { ...base, status: 'unknown', latencyMs: 0 };
  try {
    const report = await checked(engine, provider, signal, adapter.health);
    const latencyMs = clock.nowMs() - startMs;
    const [models, load] = await Promise.all([
      orNothing(listModels(provider, engine, signal)),
      orNothing(askLoad(provider, engine, signal)),
    ]);
    signal?.throwIfAborted();
    const { version } = report;
    const status = statusOf(provider, report, clock.nowMs());
    // That it answers this says nothing of the credentials that it has refused.
    if (status !== 'misconfigured') noteUp(provider, engine, undefined);
    return { ...base, status, latencyMs, ...(version && { version }), ...(models && { models }), ...(load && { load }) };
  } catch (error) {
    signal?.throwIfAborted();
    const { code, message } = isRouterError(error) ? error : { code: 'bug', message: 'The health check failed with a foreign error.' };
    noteUp(provider, engine, code);
    const status = code === 'auth' || code === 'unsupported' ? 'misconfigured' : 'down';
    return { ...base, status, latencyMs: clock.nowMs() - startMs, error: { code, message } };
  }
}

/** The provider's list of models, which routing believes for a minute. Undefined where it keeps none. */
export async function listModels(
  provider: Provider,
  engine: Engine,
  signal: AbortSignal | undefined,
): Promise<readonly ModelInfo[] | undefined> {
  const { adapter, state } = provider;
  if (adapter.models === undefined) return undefined;
  const models = await checked(engine, provider, signal, adapter.models);
  const byName = new Map(models.flatMap((model) => [plainName(model.id).toLowerCase(), plainName(model.id)].map((name) => [name, model])));
  state.inventory = { models: byName, untilMs: engine.config.clock.nowMs() + inventoryMs };
  return models;
}

/** What the provider tells of its load, which routing takes in. Undefined where it tells none. */
export async function askLoad(provider: Provider, engine: Engine, signal: AbortSignal | undefined): Promise<LoadReport | undefined> {
  const { id, config, state, adapter } = provider;
  if (adapter.load === undefined) return undefined;
  const own = state.inFlight;
  const askedMs = engine.config.clock.nowMs();
  const report = await checked(engine, provider, signal, adapter.load);
  const { announce, config: router } = engine;
  // Calls that came or went meanwhile are on neither side for sure; the fewer strangers, the better.
  noteLoad({ id, config, state, router, announce }, report, Math.max(own, state.inFlight), askedMs);
  return report;
}

/** One question to a provider about itself, within the limit for such questions. */
export async function checked<Value>(
  { config: { clock }, shutdown }: Engine,
  { id }: Provider,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const deadline = openDeadline({
    clock,
    provider: id,
    signals: [signal, shutdown],
    endsAtMs: clock.nowMs() + healthMs,
    endPhase: 'total',
  });
  try {
    return await deadline.waitFor(work(deadline.signal));
  } finally {
    deadline.dispose();
  }
}

/** Lists and figures are extras: a server that tells neither is no less healthy. */
async function orNothing<Value>(extra: Promise<Value> | undefined): Promise<Value | undefined> {
  try {
    return await extra;
  } catch {
    return undefined;
  }
}

function statusOf({ state }: Provider, report: HealthReport, nowMs: number): ProviderStatus {
  const situation = situationOf(state, nowMs);
  return situation === 'ok' ? report.state : situation;
}

function noteUp({ id, state }: Provider, { announce }: Engine, reason: string | undefined): void {
  const up = reason === undefined;
  if (state.up === up) return;
  // The first word of a provider that is up is no news.
  if (!up) announce('provider:down', { provider: id, reason });
  else if (state.up === false) announce('provider:up', { provider: id });
  state.up = up;
}
