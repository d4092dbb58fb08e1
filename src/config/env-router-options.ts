import { defaultModelOf } from '../core/default-models.ts';
import { providerTypes } from '../core/provider-types.ts';
import { maxTimerMs } from '../lib/clock.ts';
import { defaults } from './defaults.ts';
import type { Draft } from './env-providers.ts';
import type { Trail } from './env-trail.ts';
import type { EnvValues } from './env-values.ts';
import type { HealthOptions } from './health-options.ts';
import type { RouterOptions } from './options.ts';
import type { Preset } from './presets.ts';
import type { ProviderOptions } from './provider-options.ts';

/** A provider as it goes into the options, and where it came from. */
export interface Placed {
  readonly draft: Draft;
  readonly options: ProviderOptions;
  /** A call may go there without naming it: it costs nothing, or it may be paid. */
  readonly mayLead: boolean;
}

/** What holds for the whole router, but for balance and consent. */
export function routerOptions(
  placed: readonly Placed[],
  values: EnvValues,
  preset: Preset | undefined,
  trail: Trail,
): Omit<RouterOptions, 'providers'> {
  return {
    // The options may be changed, and the preset must not be.
    ...structuredClone(preset?.options),
    ...timeoutsOf(values, preset, trail),
    ...healthOf(values, preset, trail),
    ...deadlineOf(placed, trail),
    ...intentsOf(placed, preset),
    ...modelsOf(placed, values, preset),
  };
}

function timeoutsOf(
  { LLM_TIMEOUT_SECONDS: firstTokenMs }: EnvValues,
  preset: Preset | undefined,
  trail: Trail,
): Pick<RouterOptions, 'timeouts'> {
  if (firstTokenMs === undefined) return {};
  trail.sets('LLM_TIMEOUT_SECONDS', 'timeouts.firstTokenMs');
  return { timeouts: { ...preset?.options.timeouts, firstTokenMs } };
}

function healthOf(values: EnvValues, preset: Preset | undefined, trail: Trail): Pick<RouterOptions, 'health'> {
  const { HEALTH_CHECK_INTERVAL: intervalMs, HEALTH_CHECK_TIMEOUT: timeoutMs } = values;
  if (intervalMs === undefined && timeoutMs === undefined) return {};
  if (intervalMs !== undefined) trail.sets('HEALTH_CHECK_INTERVAL', 'health.intervalMs');
  if (timeoutMs !== undefined) trail.sets('HEALTH_CHECK_TIMEOUT', 'health.timeoutMs');
  const usual: HealthOptions = typeof preset?.options.health === 'object' ? preset.options.health : {};
  return { health: { ...usual, ...(intervalMs !== undefined && { intervalMs }), ...(timeoutMs !== undefined && { timeoutMs }) } };
}

/** A limit of an attempt means nothing where the call ends sooner: each attempt is to have its own. */
function deadlineOf(placed: readonly Placed[], trail: Trail): Pick<RouterOptions, 'deadlineMs'> {
  const totals = placed.map(({ options }) => options.timeouts?.totalMs ?? 0).sort((left, right) => right - left);
  const neededMs = totals.slice(0, defaults.maxAttempts).reduce((sumMs, totalMs) => sumMs + totalMs, 0);
  if (neededMs <= defaults.deadlineMs) return {};
  const variables = placed.flatMap(({ draft }) => draft.from).filter(([, option]) => option === 'timeouts.totalMs');
  for (const [variable] of variables) trail.sets(variable, 'deadlineMs');
  return { deadlineMs: Math.min(neededMs, maxTimerMs) };
}

/** Naming a paid provider in an order is consent to pay for it, so only those who may be paid are named. */
function intentsOf(placed: readonly Placed[], preset: Preset | undefined): Pick<RouterOptions, 'intents'> {
  const intents = Object.entries(preset?.intents ?? {});
  if (intents.length === 0) return {};
  const named = placed.filter(({ draft, mayLead }) => mayLead && draft.target !== 'stub');
  const made = intents.map(([name, leader]) => {
    const leads = ({ draft }: Placed): boolean => draft.target === leader;
    return [name, { order: [...named.filter(leads), ...named.filter((each) => !leads(each))].map(({ draft }) => draft.id) }] as const;
  });
  return { intents: Object.fromEntries(made) };
}

function modelsOf(placed: readonly Placed[], values: EnvValues, preset: Preset | undefined): Pick<RouterOptions, 'models'> {
  const names =
    preset?.aliases === 'endpoints' ? endpointNames(placed) : preset?.aliases === 'defaults' ? defaultNames(placed, values) : {};
  return Object.keys(names).length === 0 ? {} : { models: names };
}

type Names = Record<string, Record<string, string>>;

/** The id of a server is the name of its model, and so is its name at the hub. */
function endpointNames(placed: readonly Placed[]): Names {
  const endpoints = placed.filter(({ draft }) => draft.target === 'tgi');
  const names = endpoints.flatMap(({ draft: { id }, options }) => {
    const hub = options.metadata?.['hf_name'] ?? id;
    return [...new Set([id, hub])].map((alias) => [alias, { [id]: hub }] as const);
  });
  return Object.fromEntries(names);
}

/**
 * The model of the first one stands for those of the others: what is asked for by one
 * provider's name would be unknown to all who may stand in for it.
 */
function defaultNames(placed: readonly Placed[], { LOCAL_MODEL_NAME: local }: EnvValues): Names {
  const known = placed.flatMap(({ draft: { id }, options }) => {
    const model = modelOf(options);
    return model === undefined ? [] : [[id, model] as const];
  });
  if (known.length === 0) return {};
  const [first] = placed;
  const leading = known.find(([id]) => id === first?.draft.id)?.[1];
  const isShared = leading !== undefined && leading === local && placed.length > 1;
  const others = placed.filter(({ options }) => modelOf(options) === undefined).map(({ draft }) => [draft.id, leading ?? ''] as const);
  return isShared ? { [leading]: Object.fromEntries([...known, ...others]) } : {};
}

function modelOf({ type, url, defaultModel }: ProviderOptions): string | undefined {
  if (defaultModel !== undefined || type === 'custom') return defaultModel;
  const isUsual = url === undefined || url.replace(/\/+(?:v1\/*)?$/, '') === providerTypes[type].defaultUrl;
  return isUsual ? defaultModelOf(type, 'chat') : undefined;
}
