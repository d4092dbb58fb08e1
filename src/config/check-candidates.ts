import { isWithin, nearest } from '../core/locality.ts';
import type { IntentConfig, ProviderConfig, RouterConfig } from './config.ts';
import { deviceOrder } from './defaults.ts';
import { type Findings, type Path, pathText, quoteName } from './findings.ts';
import type { RouterOptions } from './options.ts';

/**
 * Refuses limits under which nobody could ever answer: they would show at the first call, or, worse, be loosened in a hurry. Intents that
 * fail by one and the same option are one issue.
 */
export function checkCandidates(config: RouterConfig, given: RouterOptions['providers'], findings: Findings): void {
  const barred = new Map<string, { readonly at: Barrier; readonly intents: string[] }>();
  for (const [name, intent] of config.intents) {
    refuseContradiction(name, intent, config, findings);
    const at = barrierOf(name, intent, config);
    if (at === undefined) continue;
    const key = pathText(at.path);
    barred.set(key, { at, intents: [...(barred.get(key)?.intents ?? []), name] });
  }
  for (const { at, intents } of barred.values()) {
    const calls = `calls with the intent ${intents.map(quoteName).join(' or ')}`;
    findings.refuse(at.path, `leaves no provider for ${calls}: ${at.reasons.join(', ')}; ${at.advice}`);
  }
  checkPrices(config, findings);
  // What leaves nobody for any call leaves nobody for an alias either.
  if (findings.issues.length === 0) checkAliases(config, given, findings);
}

/**
 * An alias under which nobody could ever answer, where nobody may answer with another model. A provider that only lacks its key is switched
 * off on this machine alone, so what stands in `given` decides.
 */
function checkAliases(config: RouterConfig, given: RouterOptions['providers'], findings: Findings): void {
  const { models, maxLocality, onModelMissing } = config;
  if (onModelMissing === 'substitute') return;
  for (const [alias, names] of models) {
    const named = config.providers.filter(({ id }) => names.has(id));
    const isFar = ({ locality }: ProviderConfig): boolean => !isWithin(locality, maxLocality);
    if (!named.every((provider) => given[provider.id]?.enabled === false || isFar(provider))) continue;
    const reasons = named.map((provider) => `"${provider.id}" ${whyOut(provider, provider.enabled && isFar(provider))}`).join(', ');
    findings.refuse(['models', alias], `leaves no provider: ${reasons}; name another one as well, or leave the alias out`);
  }
}

function refuseContradiction(name: string, intent: IntentConfig, { providers }: RouterConfig, findings: Findings): void {
  const paid = providers.find((provider) => provider.cost === 'paid' && isNamed(provider, intent));
  if (intent.allowPaid !== false || paid === undefined) return;
  findings.refuse(['intents', name, 'allowPaid'], `is false, but order names "${paid.id}", which costs money; change one of the two`);
}

/** The option that leaves nobody, and why nobody is left. */
interface Barrier {
  readonly path: Path;
  readonly reasons: readonly string[];
  readonly advice: string;
}

function barrierOf(name: string, intent: IntentConfig, config: RouterConfig): Barrier | undefined {
  const { providers } = config;
  const isFar = (provider: ProviderConfig): boolean => !isWithin(provider.locality, nearest(config.maxLocality, intent.maxLocality));
  const isOut = (provider: ProviderConfig): boolean => !provider.enabled || isFar(provider) || !mayBePaid(provider, intent, config);
  if (!providers.every(isOut)) return undefined;
  const far = providers.filter((provider) => provider.enabled && isFar(provider));
  const reasons = providers.map((provider) => `"${provider.id}" ${whyOut(provider, far.includes(provider))}`);
  const owner: Path = ['intents', name];
  if (far.length === 0) {
    const path = intent.allowPaid === false ? [...owner, 'allowPaid'] : ['allowPaid'];
    return { path, reasons, advice: 'set it to true, or add a provider that costs nothing' };
  }
  // Where both limits are the same the router's would leave nobody alone.
  const isOwn = intent.maxLocality !== undefined && !isWithin(config.maxLocality, intent.maxLocality);
  const isCustom = far.some(({ type }) => type === 'custom');
  const advice = `allow a farther one, add a provider that is nearer, or set locality where ${isCustom ? 'nobody can know it' : 'the address does not tell'}`;
  return { path: isOwn ? [...owner, 'maxLocality'] : ['maxLocality'], reasons, advice };
}

function whyOut({ enabled, locality }: ProviderConfig, isFar: boolean): string {
  if (!enabled) return 'is switched off';
  return isFar ? `lies in "${locality}"` : 'costs money, which nothing allows';
}

/** Naming a paid provider in the order is consent to pay for it. */
function mayBePaid(provider: ProviderConfig, intent: IntentConfig, config: RouterConfig): boolean {
  return provider.cost === 'free' || (intent.allowPaid ?? config.allowPaid) || isNamed(provider, intent);
}

/** The name of a device stands in every order, and means the device, also where a provider has it as its id. */
function isNamed({ id }: ProviderConfig, { order }: IntentConfig): boolean {
  return order.flat().includes(id) && !deviceOrder.some((device) => device === id);
}

/** Where a limit of cost holds, a paid provider without a price is none. */
function checkPrices(config: RouterConfig, findings: Findings): void {
  if (config.prices !== undefined) return;
  const isCapped = config.budgets !== undefined;
  const limited = [...config.intents.values()].filter(({ maxCostUsd }) => isCapped || (maxCostUsd ?? config.maxCostUsd) !== undefined);
  const paid = config.providers.filter(
    (provider) => provider.enabled && provider.cost === 'paid' && limited.some((intent) => mayBePaid(provider, intent, config)),
  );
  if (paid.length === 0) return;
  const names = paid.map(({ id }) => `"${id}"`).join(' and ');
  findings.refuse(
    ['prices'],
    `is missing: ${isCapped ? 'budgets have' : 'maxCostUsd has'} to know what ${names} would cost; set prices: await loadPrices()`,
  );
}
