import { ConfigError, type ConfigIssue } from '../core/errors.ts';
import type { ConfigWarning } from './config.ts';
import { type Consent, isPaid, resolveConsent } from './env-consent.ts';
import { planSteps } from './env-order.ts';
import { type Draft, draftProviders } from './env-providers.ts';
import { type Placed, routerOptions } from './env-router-options.ts';
import { notReadByPreset, readSelection } from './env-selection.ts';
import { balanceOf, isShared } from './env-shares.ts';
import { familyName } from './env-table.ts';
import { createTrail, type EnvSetting, type Trail } from './env-trail.ts';
import { type Env, type EnvValues, readValues } from './env-values.ts';
import { createFindings, type Findings, pathText } from './findings.ts';
import { didYouMean } from './nearest.ts';
import type { RouterOptions } from './options.ts';
import { type Preset, type PresetName, presetNames, presets } from './presets.ts';
import type { ProviderOptions } from './provider-options.ts';

export interface FromEnvOptions {
  /**
   * How the environment is read: what is there without a variable of its own, who goes first, what the router does besides.
   * @default what INFERLANE_PRESET names, else none
   */
  readonly preset?: PresetName | undefined;
}

export interface EnvReading {
  /** Undefined where something is wrong. */
  readonly options: RouterOptions | undefined;
  /** One row for each variable that was set, in the order of `docs/reference/environment.md`. */
  readonly report: readonly EnvSetting[];
  readonly warnings: readonly ConfigWarning[];
  readonly issues: readonly ConfigIssue[];
}

export type EnvOptions = RouterOptions & { readonly report: readonly EnvSetting[] };

/**
 * The environment as plain options, which can be spread and changed before `createRouter()` gets them. `report` tells which
 * variable produced which option; it does not show up when the options are spread.
 * @throws {ConfigError} with every issue; each names its variable and shows no value.
 */
export function fromEnv(env: Env, options: FromEnvOptions = {}): EnvOptions {
  const { options: made, report } = readEnv(env, options);
  const target: RouterOptions & { readonly report?: readonly EnvSetting[] } = { ...made };
  return Object.defineProperty(target, 'report', { value: report }) as EnvOptions;
}

/** As `fromEnv`, with the report and the warnings apart. */
export function readEnv(env: Env, options: FromEnvOptions = {}): EnvReading & { readonly options: RouterOptions } {
  const reading = inspectEnv(env, options);
  if (reading.options === undefined) throw new ConfigError(reading.issues);
  return { ...reading, options: reading.options };
}

/** As `readEnv`, for people: what is wrong is part of what it gives, and never thrown. */
export function inspectEnv(env: Env, options: FromEnvOptions = {}): EnvReading {
  const findings = createFindings();
  const trail = createTrail();
  const values = readValues(env ?? {}, trail, findings);
  const preset = choosePreset(options?.preset, values, trail, findings);
  const made = toOptions(values, preset, trail, findings);
  const report = trail.report(findings);
  warnOfUnused(report, findings);
  const { issues, warnings } = findings;
  return { options: issues.length > 0 ? undefined : made, report, warnings, issues };
}

function choosePreset(given: PresetName | undefined, values: EnvValues, trail: Trail, findings: Findings): Preset | undefined {
  if (given !== undefined && !presetNames.includes(given)) {
    findings.refuse(['preset'], `must be one of ${presetNames.join(', ')}${didYouMean(given, presetNames)}`);
    return undefined;
  }
  trail.unused('INFERLANE_PRESET', 'the code names the preset');
  const name = given ?? values.INFERLANE_PRESET;
  if (name === undefined) return undefined;
  const preset = presets[name];
  const { options, intents, aliases } = preset;
  const paths = ['providers', ...Object.keys(options), ...Object.keys(intents).map((intent) => `intents.${intent}`)];
  if (given === undefined) for (const path of aliases === undefined ? paths : [...paths, 'models']) trail.sets('INFERLANE_PRESET', path);
  return preset;
}

function toOptions(values: EnvValues, preset: Preset | undefined, trail: Trail, findings: Findings): RouterOptions {
  const selection = readSelection(values, preset, trail, findings);
  const first = selection.firstBy === 'INFERENCE_PROVIDER' ? selection.first : undefined;
  refuseNameless(values, preset, findings);
  const drafts = draftProviders({ values, preset, first, trail, findings });
  const offBy = fallbackOffBy(values, preset, trail);
  const steps = planSteps({ values, preset, selection, drafts, offBy, trail, findings });
  const balance = balanceOf(steps, values, preset, trail, findings);
  const consent = resolveConsent(steps, values, trail, findings);
  const placed = placeAll(consent, values, preset, balance.weights, trail);
  if (placed.length === 0 && findings.issues.length === 0) findings.refuse(['providers'], preset === undefined ? nothingSet : nothingThere);
  const router = routerOptions(placed, values, preset, trail);
  return {
    providers: Object.fromEntries(placed.map(({ draft, options }) => [draft.id, options])),
    ...(consent.allowPaid !== undefined && { allowPaid: consent.allowPaid }),
    ...router,
    ...balance.options,
  };
}

const nothingSet =
  'no variable names a provider; set OLLAMA_BASE_URL, OLLAMA_GPU_URL and OLLAMA_CPU_URL, OPENAI_API_KEY, INFERENCE_PROVIDER (openai, ollama, vllm, llamacpp, textgen), or INFERLANE_PRESET';

/** The other presets have somebody without any variable. */
const nothingThere = `no variable names a provider that the preset has; set ${familyName}`;

function refuseNameless(values: EnvValues, preset: Preset | undefined, findings: Findings): void {
  const { LOCAL_INFERENCE_URL: url, INFERENCE_PROVIDER: named } = values;
  if (preset !== undefined || url === undefined || named !== undefined || findings.refused(['INFERENCE_PROVIDER'])) return;
  findings.refuse(['LOCAL_INFERENCE_URL'], 'does not say which server it is; set INFERENCE_PROVIDER to ollama, vllm, llamacpp or textgen');
}

/** Two switches for one thing: false in either of them counts. Where calls are shared out, both providers stay. */
function fallbackOffBy(values: EnvValues, preset: Preset | undefined, trail: Trail): string | undefined {
  const switches = ['ENABLE_FALLBACK', 'AUTO_FAILOVER'] as const;
  const off = switches.filter((name) => values[name] === false);
  const bothStay = isShared(values, preset);
  for (const name of off) trail.sets(name, bothStay ? 'maxAttempts' : 'providers');
  if (off.length === 0) for (const name of switches.filter((each) => values[each] === true)) trail.sets(name, 'providers');
  for (const name of switches) trail.unused(name, 'the other switch is false, and that counts');
  return bothStay ? undefined : off[0];
}

/** Each step is a priority, but where the intents of a preset order by id. */
function placeAll(
  { steps, allowPaid }: Consent,
  values: EnvValues,
  preset: Preset | undefined,
  weights: ReadonlyMap<string, number>,
  trail: Trail,
): readonly Placed[] {
  const byIntent = Object.keys(preset?.intents ?? {}).length > 0;
  // Those who share stand first together, and whoever else is there comes behind them, also out of the same step.
  const behind = steps.filter(({ drafts }) => drafts.some(({ id }) => !weights.has(id)));
  return steps.flatMap((step, index) =>
    step.drafts.map((draft): Placed => {
      const weight = weights.get(draft.id);
      const priority = weight === undefined ? behind.indexOf(step) + Math.min(1, weights.size) : 0;
      // The stub stands behind every real answer by itself, also behind those that are added later.
      const isLast = draft.target === 'stub' && index === steps.length - 1;
      const options: ProviderOptions = {
        ...draft.options,
        ...(!isLast && !(byIntent && draft.target !== 'stub') && { priority: byIntent ? 0 : priority }),
        ...(weight !== undefined && { weight }),
        ...modelFor(draft, index, values, trail),
      };
      for (const [variable, option] of draft.from) {
        const isOver = option === 'defaultModel' && options.defaultModel !== draft.options.defaultModel;
        if (isOver) trail.outranked(variable, 'LOCAL_MODEL_NAME stands before it');
        else trail.sets(variable, pathText(['providers', draft.id, ...option.split('.')]));
      }
      return { draft, options, mayLead: allowPaid === true || !isPaid(draft) };
    }),
  );
}

function modelFor(draft: Draft, step: number, values: EnvValues, trail: Trail): Pick<ProviderOptions, 'defaultModel'> {
  const { LOCAL_MODEL_NAME: model } = values;
  const isLocal = ['ollama', 'vllm', 'llamacpp', 'textgen'].includes(draft.target);
  if (model === undefined || step !== 0 || !isLocal) return {};
  trail.sets('LOCAL_MODEL_NAME', pathText(['providers', draft.id, 'defaultModel']));
  return { defaultModel: model };
}

/**
 * What begins with LOCAL_ sounds as if it held for every local provider, and does not; and a selection that a preset does not read is one
 * that was meant.
 */
function warnOfUnused(report: readonly EnvSetting[], findings: Findings): void {
  for (const { variable, note } of report) {
    if (note !== undefined && (variable.startsWith('LOCAL_') || note === notReadByPreset))
      findings.warn([variable], `is not used: ${note}`);
  }
}
