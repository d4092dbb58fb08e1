import type { BudgetsConfig, LimitsConfig, RateConfig, SpendConfig } from './config.ts';
import { defaults } from './defaults.ts';
import type { Findings } from './findings.ts';
import { frozenMap } from './frozen-map.ts';
import type { BudgetOptions, LimitOptions, RateLimit, SpendLimit } from './limit-options.ts';
import { didYouMean } from './nearest.ts';

/** Undefined where nothing is limited. */
export function resolveRate(given: RateLimit | undefined): RateConfig | undefined {
  if (given?.rpm === undefined && given?.tpm === undefined) return undefined;
  return Object.freeze({ rpm: given.rpm, tpm: given.tpm });
}

export function resolveLimits(given: LimitOptions = {}): LimitsConfig {
  const { caller, callers = {}, processes = defaults.limits.processes } = given;
  const rates = Object.entries(callers).map(([name, rate]) => [name, resolveRate(rate)] as const);
  return Object.freeze({ caller: resolveRate(caller), callers: frozenMap(rates), processes });
}

/** Undefined where there is no cap. */
export function resolveBudgets(
  given: BudgetOptions | undefined = {},
  ids: readonly string[],
  findings: Findings,
): BudgetsConfig | undefined {
  const { warnAt = defaults.budgets.warnAt, providers = {}, caller, callers = {} } = given;
  for (const id of Object.keys(providers)) {
    if (!ids.includes(id)) findings.refuse(['budgets', 'providers', id], `there is no provider with this id${didYouMean(id, ids)}`);
  }
  const config: BudgetsConfig = {
    all: resolveSpend(given),
    warnAt,
    providers: frozenMap(Object.entries(providers).map(([id, cap]) => [id, resolveSpend(cap)])),
    caller: resolveSpend(caller),
    callers: frozenMap(Object.entries(callers).map(([name, cap]) => [name, resolveSpend(cap)])),
  };
  const caps = [config.all, config.caller, ...config.providers.values(), ...config.callers.values()];
  return caps.some((cap) => cap !== undefined) ? Object.freeze(config) : undefined;
}

function resolveSpend(given: SpendLimit | undefined): SpendConfig | undefined {
  if (given?.hourUsd === undefined && given?.dayUsd === undefined) return undefined;
  return Object.freeze({ hourUsd: given.hourUsd, dayUsd: given.dayUsd });
}
