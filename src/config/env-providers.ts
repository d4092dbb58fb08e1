import { draftOllama } from './env-ollama.ts';
import { type Settings, settingsOf } from './env-settings.ts';
import { type EnvTarget, envTargets } from './env-targets.ts';
import type { Trail } from './env-trail.ts';
import type { EnvValues } from './env-values.ts';
import type { Findings } from './findings.ts';
import { localityOf } from './locality-of.ts';
import type { Preset } from './presets.ts';
import type { ProviderOptions } from './provider-options.ts';

/** A provider as the environment describes it, and the variable behind each of its options. */
export interface Draft {
  readonly id: string;
  readonly target: EnvTarget;
  readonly options: ProviderOptions;
  readonly from: readonly (readonly [variable: string, option: string])[];
}

export type Drafts = Readonly<Record<EnvTarget, readonly Draft[]>>;

export interface DraftInput {
  readonly values: EnvValues;
  readonly preset: Preset | undefined;
  /** What INFERENCE_PROVIDER names, where it counts. */
  readonly first: EnvTarget | undefined;
  readonly trail: Trail;
  readonly findings: Findings;
}

/** What each provider would be if it were used. `ollama` and `tgi` may be several servers, side by side. */
export function draftProviders(input: DraftInput): Drafts {
  const { values, trail, findings } = input;
  const belongs = 'it belongs to a local provider that goes first, and none does';
  trail.unused('LOCAL_INFERENCE_URL', `${belongs}; OLLAMA_BASE_URL says where Ollama is`);
  trail.unused('LOCAL_MODEL_NAME', belongs);
  if (values.settings.has('ANTHROPIC_API_KEY')) trail.unused('ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_API_KEY stands before it');
  const ollama = draftOllama(input);
  const all = Object.keys(envTargets) as EnvTarget[];
  const drafts = Object.fromEntries(all.map((target) => [target, [draft(target, input)]])) as unknown as Record<
    EnvTarget,
    readonly Draft[]
  >;
  const gguf = drafts.gguf.map((each) => (ollama.some(({ id }) => id === each.id) ? { ...each, id: 'gguf' } : each));
  warnOfPlainTunnel(values, findings);
  return { ...drafts, ollama, gguf, tgi: values.endpoints.size === 0 ? drafts.tgi : draftEndpoints(input) };
}

function draft(target: EnvTarget, { values, preset, first, trail, findings }: DraftInput): Draft {
  const { type, id } = envTargets[target];
  const isLocal = target === first && target !== 'openai' && target !== 'ollama';
  const said = settingsOf(target, values, isLocal ? values.LOCAL_INFERENCE_URL : undefined, trail, findings);
  const { options, from } = target === 'anthropic' && said.options.apiKey !== undefined ? withoutToken(said) : said;
  // The options may be changed, and the preset must not be.
  const usual = structuredClone(preset?.providers[target]);
  return { id: preset?.ids[target] ?? id, target, options: { type, ...usual, ...options }, from };
}

/** With both, the service would look at one of them only. */
function withoutToken({ options, from }: Settings): Settings {
  return { options: { ...options, headers: undefined }, from: from.filter(([variable]) => variable !== 'ANTHROPIC_AUTH_TOKEN') };
}

/** Names under which models are known elsewhere: as an id, for people, and at the hub. */
const knownModels: Readonly<Record<string, { readonly id: string; readonly name: string; readonly hub?: string }>> = {
  GPT2: { id: 'gpt-2', name: 'GPT-2', hub: 'gpt2' },
  TINYLLAMA: { id: 'tinyllama', name: 'TinyLlama' },
  MISTRAL: { id: 'mistral', name: 'Mistral' },
};

/** The provider's id is the name in lower case. */
function draftEndpoints({ values, trail, findings }: DraftInput): readonly Draft[] {
  const drafts = new Map<string, Draft>();
  const taken = new Set(['gpu', 'gguf', ...Object.values(envTargets).flatMap(({ names }) => names)]);
  for (const [variable, url] of values.endpoints) {
    const name = variable.slice('TGI_'.length, -'_ENDPOINT'.length);
    const known = Object.hasOwn(knownModels, name) ? knownModels[name] : undefined;
    const usual = known?.id ?? name.toLowerCase().replaceAll('_', '-');
    const id = taken.has(usual) ? `tgi-${usual}` : usual;
    if (drafts.has(id)) {
      findings.refuse([variable], `makes the provider "${id}", and so does another variable; rename one of them`);
      continue;
    }
    const metadata = { name: known?.name ?? name, ...(known?.hub !== undefined && { hf_name: known.hub }) };
    const said = settingsOf('tgi', values, undefined, trail, findings);
    drafts.set(id, {
      id,
      target: 'tgi',
      options: { type: 'tgi', url, ...said.options, metadata },
      from: [[variable, 'url'], ...said.from],
    });
  }
  return [...drafts.values()];
}

/** Prompts through a tunnel or into a cloud, for everybody on the way to read. */
function warnOfPlainTunnel({ settings }: EnvValues, findings: Findings): void {
  const url = settings.get('GPU_REMOTE_URL');
  if (typeof url !== 'string' || !/^http:/i.test(url)) return;
  if (['tunnel', 'cloud'].includes(localityOf(url)))
    findings.warn(['GPU_REMOTE_URL'], 'is not https, so others can read what is sent there');
}
