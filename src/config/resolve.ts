import { ConfigError } from '../core/errors.ts';
import { systemClock } from '../lib/clock.ts';
import { defaultTransport } from '../lib/default-transport.ts';
import { checkCandidates } from './check-candidates.ts';
import type { BreakerConfig, ConfigWarning, ProviderConfig, RouterConfig } from './config.ts';
import { copyOptions } from './copy-options.ts';
import { availableRetry, classicBreaker, defaults, mostAttempts } from './defaults.ts';
import { createFindings, type Findings, quoteName } from './findings.ts';
import { frozenMap } from './frozen-map.ts';
import { localityOf } from './locality-of.ts';
import { didYouMean } from './nearest.ts';
import type { RouterOptions } from './options.ts';
import { plainUrl } from './provider-url.ts';
import { resolveIntents } from './resolve-intents.ts';
import { resolveBudgets, resolveLimits } from './resolve-limits.ts';
import { resolveProvider, resolveTimeouts } from './resolve-provider.ts';
import { checkShape } from './schema.ts';

export interface Resolved {
  readonly config: RouterConfig;
  readonly warnings: readonly ConfigWarning[];
}

/**
 * Options with every gap filled, frozen; the options themselves are read once and not kept.
 * @throws {ConfigError} with every issue there is, none of which shows a value.
 */
export function resolveConfig(options: RouterOptions): Resolved {
  const findings = createFindings();
  const copy = copyOptions(options, findings);
  const ids = providerIdsOf(copy);
  const usable = findings.refused([]) ? undefined : checkShape(copy, findings);
  const config = usable && resolveRouter(usable, ids, findings);
  // Who was refused may be the one who could answer.
  if (usable !== undefined && config !== undefined && findings.issues.length === 0) checkCandidates(config, usable.providers, findings);
  if (config === undefined || findings.issues.length > 0) throw new ConfigError(findings.issues);
  return { config, warnings: findings.warnings };
}

/** The ids as they were written, those of refused providers too: a reference to one of them is no second mistake. */
function providerIdsOf(copy: unknown): readonly string[] {
  const providers = typeof copy === 'object' && copy !== null && 'providers' in copy ? copy.providers : undefined;
  return typeof providers === 'object' && providers !== null ? Object.keys(providers) : [];
}

function resolveRouter(options: RouterOptions, ids: readonly string[], findings: Findings): RouterConfig {
  const intents = resolveIntents(options.intents, ids, findings);
  const providers = resolveProviders(options, ids, findings);
  return Object.freeze({
    providers,
    models: resolveModels(options.models, ids, findings),
    intents,
    defaultIntent: resolveDefaultIntent(options.defaultIntent, intents, findings),
    // Who configures nothing but paid providers has named them as the primary ones: there is nothing free to fall from.
    allowPaid: options.allowPaid ?? (onlyPaid(providers) || defaults.allowPaid),
    maxLocality: options.maxLocality ?? defaults.maxLocality,
    maxCostUsd: options.maxCostUsd,
    prices: options.prices,
    limits: resolveLimits(options.limits),
    budgets: resolveBudgets(options.budgets, ids, findings),
    balance: options.balance ?? defaults.balance,
    queue: over(defaults.queue, options.queue),
    pollMs: options.pollMs === false ? undefined : (options.pollMs ?? defaults.pollMs),
    maxAttempts: resolveAttempts(options.maxAttempts, findings),
    deadlineMs: options.deadlineMs ?? defaults.deadlineMs,
    timeouts: Object.freeze({ ...defaults.timeouts, ...resolveTimeouts(options.timeouts) }),
    breaker: resolveBreaker(options.breaker, findings),
    retry: options.retry === 'availability' ? availableRetry : over(defaults.retry, options.retry),
    hedge:
      options.hedge === undefined || options.hedge === false
        ? undefined
        : over(defaults.hedge, options.hedge === true ? {} : options.hedge),
    health: resolveHealth(options.health),
    onAllOpen: options.onAllOpen ?? defaults.onAllOpen,
    panic: options.panic ?? defaults.panic,
    onStreamFailure: options.onStreamFailure ?? defaults.onStreamFailure,
    throughput: resolveThroughput(options.throughput),
    pinMs: options.pinMs ?? defaults.pinMs,
    onModelMissing: options.onModelMissing ?? defaults.onModelMissing,
    onIgnoredParameter: options.onIgnoredParameter ?? defaults.onIgnoredParameter,
    checkModels: options.checkModels ?? defaults.checkModels,
    checkEmbeddings: options.checkEmbeddings ?? defaults.checkEmbeddings,
    cache: options.cache && Object.freeze({ store: options.cache.store, ...over(defaults.cache, options.cache) }),
    singleFlight: options.singleFlight ?? defaults.singleFlight,
    transport: options.transport ?? defaultTransport(),
    store: options.store,
    logger: options.logger,
    clock: options.clock ?? systemClock,
    random: options.random ?? defaults.random,
  });
}

function resolveProviders(options: RouterOptions, ids: readonly string[], findings: Findings): readonly ProviderConfig[] {
  if (ids.length === 0 && !findings.refused(['providers'])) {
    findings.refuse(['providers'], 'is missing or empty: name at least one provider, like { gpu: { type: "ollama" } }');
  }
  for (const id of ids) refuseBadId(id, findings);
  const entries = Object.entries(options.providers);
  const isAlone = entries.filter(([, { enabled }]) => enabled !== false).length === 1;
  const providers = entries.map(([id, provider]) => resolveProvider(id, provider, isAlone, findings));
  const enabled = providers.filter((provider) => provider.enabled);
  if (enabled.length === 0 && providers.length > 0 && providers.length === ids.length && !findings.refused(['providers'])) {
    findings.refuse(['providers'], 'every provider is switched off; leave at least one enabled');
  }
  warnOfTwins(enabled, findings);
  return Object.freeze(providers);
}

function onlyPaid(providers: readonly ProviderConfig[]): boolean {
  // A stand-in is nothing to fall from either.
  const enabled = providers.filter(({ enabled, type }) => enabled && type !== 'stub');
  return enabled.length > 0 && enabled.every(({ cost }) => cost === 'paid');
}

function refuseBadId(id: string, findings: Findings): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(id)) return;
  findings.refuse(
    ['providers'],
    `${quoteName(id)} is no id: letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first`,
  );
}

/** Two names for one server look like a choice and are none. */
function warnOfTwins(providers: readonly ProviderConfig[], findings: Findings): void {
  const first = new Map<string, string>();
  for (const { id, url } of providers) {
    if (url === undefined) continue;
    const server = serverOf(url);
    const twin = first.get(server);
    if (twin === undefined) first.set(server, id);
    else findings.warn(['providers', id, 'url'], `leads to the same server as provider "${twin}": ${twinsMean}`);
  }
}

const twinsMean = 'both fail together, and what it takes at once is counted twice';

/** A host of a cloud may be a gateway with another service under each path; on a machine nearby one port is one server. */
function serverOf(url: string): string {
  const plain = plainUrl(url);
  return localityOf(plain) === 'cloud' ? plain : new URL(plain).origin;
}

function resolveModels(models: RouterOptions['models'] = {}, ids: readonly string[], findings: Findings): RouterConfig['models'] {
  return frozenMap(
    Object.entries(models).map(([alias, names]) => {
      if (alias.trim() === '') findings.refuse(['models'], 'an alias must not be empty');
      if (Object.keys(names).length === 0 && !findings.refused(['models', alias])) {
        findings.refuse(['models', alias], 'names no provider; write { providerId: "its name for the model" }');
      }
      for (const id of Object.keys(names)) {
        if (!ids.includes(id)) findings.refuse(['models', alias, id], `there is no provider with this id${didYouMean(id, ids)}`);
      }
      return [alias, frozenMap(Object.entries(names))];
    }),
  );
}

function resolveDefaultIntent(given: string | undefined, intents: RouterConfig['intents'], findings: Findings): string {
  const name = given ?? defaults.defaultIntent;
  if (!intents.has(name) && !findings.refused(['intents', name])) {
    const known = [...intents.keys()];
    findings.refuse(['defaultIntent'], `must be one of ${known.map(quoteName).join(', ')}${didYouMean(name, known)}`);
  }
  return name;
}

function resolveAttempts(given: number = defaults.maxAttempts, findings: Findings): number {
  if (given > mostAttempts)
    findings.warn(['maxAttempts'], `is lowered to ${mostAttempts}: more attempts multiply the load on servers in trouble`);
  return Math.min(given, mostAttempts);
}

function resolveBreaker(given: RouterOptions['breaker'] = {}, findings: Findings): BreakerConfig {
  if (given === 'classic') return classicBreaker;
  const rules: BreakerConfig = over(defaults.breaker, given);
  if (rules.openMs > rules.maxOpenMs) {
    const shown = (name: 'openMs' | 'maxOpenMs'): string => `${name} (${rules[name]}${given[name] === undefined ? ', the default' : ''})`;
    findings.refuse(['breaker', 'openMs'], `must not be above maxOpenMs: ${shown('openMs')} is above ${shown('maxOpenMs')}; set both`);
  }
  return rules;
}

function resolveThroughput(given: RouterOptions['throughput']): RouterConfig['throughput'] {
  if (given === undefined) return undefined;
  const { minCharsPerSecond, sampleChars = defaults.throughput.sampleChars } = given;
  return Object.freeze({ minCharsPerSecond, sampleChars });
}

function resolveHealth(given: RouterOptions['health'] = {}): RouterConfig['health'] {
  if (given === false) return Object.freeze({ ...defaults.health, mode: undefined });
  return over(defaults.health, given === 'per-request' ? { mode: given } : given);
}

/** The defaults with what was set in their place. */
function over<Config extends object>(usual: Config, given: { readonly [Name in keyof Config]?: Config[Name] | undefined } = {}): Config {
  return Object.freeze({ ...usual, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) });
}
