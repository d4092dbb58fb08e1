import type { LoadReport, ModelInfo } from '../core/adapter.ts';
import { openDeadline } from '../lib/deadline.ts';
import { type Engine, holdEngine } from './engine.ts';
import { caselessName, plainName } from './model-name.ts';
import { inventoryMs, type Provider } from './provider.ts';
import { noteLoad } from './residency.ts';

// What a provider is asked about itself, and what is remembered of the answers.

/** The provider's list of models, which routing believes for a minute. Undefined where it keeps none. */
export async function listModels(
  provider: Provider,
  engine: Engine,
  signal: AbortSignal | undefined,
): Promise<readonly ModelInfo[] | undefined> {
  const { adapter, state } = provider;
  if (adapter.models === undefined) return undefined;
  const models = await checked(engine, provider, signal, adapter.models);
  const byName = new Map(models.flatMap((model) => [caselessName(model.id), plainName(model.id)].map((name) => [name, model])));
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
  state.load = report;
  // Calls that came or went meanwhile are on neither side for sure; the fewer strangers, the better.
  noteLoad({ id, config, state, router, announce }, report, Math.max(own, state.inFlight), askedMs);
  return report;
}

/** One question to a provider about itself, within the limit for such questions. */
export async function checked<Value>(
  engine: Engine,
  { id }: Provider,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const { clock, health } = engine.config;
  const leave = holdEngine(engine);
  const deadline = openDeadline({
    clock,
    provider: id,
    signals: [signal, engine.shutdown],
    endsAtMs: clock.nowMs() + health.timeoutMs,
    endPhase: 'total',
  });
  try {
    return await deadline.waitFor(work(deadline.signal));
  } finally {
    deadline.dispose();
    leave();
  }
}
