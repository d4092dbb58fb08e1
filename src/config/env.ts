import { ConfigError } from '../core/errors.ts';
import type { ConfigWarning } from './config.ts';
import type { EnvVariable } from './env-table.ts';
import { type Draft, draftProviders } from './env-providers.ts';
import { createTrail, type EnvSetting, type Trail } from './env-trail.ts';
import { type Env, type EnvProvider, type EnvValues, readValues } from './env-values.ts';
import { createFindings, type Findings } from './findings.ts';
import type { RouterOptions } from './options.ts';
import type { ProviderOptions } from './provider-options.ts';

export interface EnvReading {
  readonly options: RouterOptions;
  /** One row for each variable that was set, in the order of the table in `docs/reference/config.md`. */
  readonly report: readonly EnvSetting[];
  readonly warnings: readonly ConfigWarning[];
}

/**
 * The environment as plain options, which can be spread and changed before `createRouter()` gets them. `report` tells which
 * variable produced which option; it does not show up when the options are spread.
 * @throws {ConfigError} with every issue; each names its variable and shows no value.
 */
export function fromEnv(env: Env): RouterOptions & { readonly report: readonly EnvSetting[] } {
  const { options, report } = readEnv(env);
  const target: RouterOptions & { readonly report?: readonly EnvSetting[] } = { ...options };
  return Object.defineProperty(target, 'report', { value: report }) as RouterOptions & { readonly report: readonly EnvSetting[] };
}

/** As `fromEnv`, with the report and the warnings apart. */
export function readEnv(env: Env): EnvReading {
  const findings = createFindings();
  const values = readValues(env ?? {}, findings);
  const trail = createTrail();
  const steps = planSteps(values, draftProviders(values, trail, findings), trail, findings);
  const providers = toProviders(steps, values, trail);
  const allowPaid = resolveConsent(values, trail, findings);
  if (Object.keys(providers).length === 0 && findings.issues.length === 0) findings.refuse(['providers'], nothingSet);
  if (findings.issues.length > 0) throw new ConfigError(findings.issues);
  const report = trail.report(values);
  warnOfUnused(report, findings);
  return { options: { providers, ...(allowPaid !== undefined && { allowPaid }) }, report, warnings: findings.warnings };
}

const nothingSet =
  'no variable names a provider; set OLLAMA_BASE_URL, OLLAMA_GPU_URL and OLLAMA_CPU_URL, OPENAI_API_KEY, or INFERENCE_PROVIDER (openai, ollama, vllm, llamacpp)';

type Drafts = Readonly<Record<EnvProvider, readonly Draft[]>>;

/** Who goes first, who second: each step is a priority. */
function planSteps(values: EnvValues, drafts: Drafts, trail: Trail, findings: Findings): readonly (readonly Draft[])[] {
  const { FALLBACK_CHAIN: chain, ENABLE_FALLBACK: enabled } = values;
  const configured = configuredBy(values);
  const named = values.INFERENCE_PROVIDER;
  const first = named ?? (chain === undefined ? configured[0] : configured.find((provider) => provider === 'ollama'));
  if (first === undefined) {
    if (chain !== undefined && !findings.refused(['INFERENCE_PROVIDER']))
      findings.refuse(['FALLBACK_CHAIN'], 'says who stands behind the first provider; say in INFERENCE_PROVIDER who that is');
    return [];
  }
  if (named !== undefined) trail.sets('INFERENCE_PROVIDER', `providers.${drafts[named][0]?.id}.priority`);
  if (enabled === false) {
    trail.sets('ENABLE_FALLBACK', 'providers');
    for (const variable of ownVariables) trail.unused(variable, 'ENABLE_FALLBACK is false, so only the first provider is used');
    return [drafts[first].slice(0, 1)];
  }
  if (enabled === true) trail.sets('ENABLE_FALLBACK', 'providers');
  const rest = (chain ?? configured).filter((provider) => provider !== first);
  if (chain?.includes(first)) findings.warn(['FALLBACK_CHAIN'], `names ${first}, which goes first; it is tried once`);
  if (chain !== undefined) {
    trail.sets('FALLBACK_CHAIN', 'providers');
    for (const variable of ownVariables) trail.unused(variable, 'FALLBACK_CHAIN does not name its provider');
  }
  return [first, ...rest].map((provider) => drafts[provider]);
}

/** Variables that describe one provider: unused where that provider is. */
const ownVariables: readonly EnvVariable[] = [
  'FALLBACK_CHAIN',
  'OLLAMA_GPU_URL',
  'OLLAMA_CPU_URL',
  'OLLAMA_BASE_URL',
  'OLLAMA_HOST',
  'OLLAMA_NUM_PARALLEL',
  'OPENAI_API_KEY',
  'OPENAI_BASE_URL',
  'OPENAI_API_BASE',
];

/** Providers that a variable of their own speaks of, what costs money last. */
function configuredBy(values: EnvValues): readonly EnvProvider[] {
  const { OLLAMA_GPU_URL, OLLAMA_CPU_URL, OLLAMA_BASE_URL, OLLAMA_HOST, OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_API_BASE } = values;
  const configured: EnvProvider[] = [];
  if ((OLLAMA_GPU_URL ?? OLLAMA_CPU_URL ?? OLLAMA_BASE_URL ?? OLLAMA_HOST) !== undefined) configured.push('ollama');
  if ((OPENAI_API_KEY ?? OPENAI_BASE_URL ?? OPENAI_API_BASE) !== undefined) configured.push('openai');
  return configured;
}

function toProviders(steps: readonly (readonly Draft[])[], values: EnvValues, trail: Trail): Record<string, ProviderOptions> {
  const providers: Record<string, ProviderOptions> = {};
  for (const [priority, drafts] of steps.entries()) {
    for (const { id, options, from } of drafts) {
      const model = priority === 0 && options.type !== 'openai' ? values.LOCAL_MODEL_NAME : undefined;
      if (model !== undefined) trail.sets('LOCAL_MODEL_NAME', `providers.${id}.defaultModel`);
      for (const [variable, path] of from) trail.sets(variable, path);
      providers[id] = { ...options, priority, ...(model !== undefined && { defaultModel: model }) };
    }
  }
  return providers;
}

/** Money is spent only where somebody said so: the switch, or a list that names the provider. A list against the switch is an issue. */
function resolveConsent(values: EnvValues, trail: Trail, findings: Findings): boolean | undefined {
  const { ENABLE_PAID_API: asked, ENABLE_FALLBACK: fallback, FALLBACK_CHAIN: chain } = values;
  const naming =
    values.INFERENCE_PROVIDER === 'openai'
      ? 'INFERENCE_PROVIDER'
      : fallback !== false && chain?.includes('openai')
        ? 'FALLBACK_CHAIN'
        : undefined;
  if (asked === false && naming !== undefined) {
    findings.refuse(['ENABLE_PAID_API'], `is false, but ${naming} names openai, which costs money; change one of the two`);
  }
  if (asked !== undefined) trail.sets('ENABLE_PAID_API', 'allowPaid');
  else if (naming !== undefined) trail.sets(naming, 'allowPaid');
  return asked ?? (naming === undefined ? undefined : true);
}

/** These two sound as if they held for every local provider, and do not. */
function warnOfUnused(report: readonly EnvSetting[], findings: Findings): void {
  for (const { variable, note } of report) {
    if (note !== undefined && variable.startsWith('LOCAL_')) findings.warn([variable], `is not used: ${note}`);
  }
}
