import type { EnvBackend } from './env-parsers.ts';
import type { EnvTarget } from './env-targets.ts';
import type { Trail } from './env-trail.ts';
import type { EnvValues } from './env-values.ts';
import type { Findings } from './findings.ts';
import type { Preset } from './presets.ts';

/** What variables say of who goes first and who follows. */
export interface Selection {
  readonly first: EnvTarget | undefined;
  readonly firstBy: 'INFERENCE_PROVIDER' | 'PRIMARY_BACKEND';
  readonly chain: readonly EnvTarget[] | undefined;
  readonly chainBy: 'FALLBACK_CHAIN' | 'SECONDARY_BACKEND';
}

const backends: Readonly<Record<EnvBackend, EnvTarget | undefined>> = {
  nvidia: 'nvidia',
  together_ai: 'together',
  cpu: 'gguf',
  auto: undefined,
};

/** Why a variable was not used that says who goes first. */
export const notReadByPreset = 'the preset does not read it; PROVIDER_ORDER says who goes first with any preset';

/** Two systems of variables say it; a preset reads one of them. */
export function readSelection(values: EnvValues, preset: Preset | undefined, trail: Trail, findings: Findings): Selection {
  const reads = (name: Preset['selects']): boolean => preset === undefined || preset.selects === name;
  const byName = reads('INFERENCE_PROVIDER');
  const byBackend = reads('PRIMARY_BACKEND');
  const ignored = [
    ...(byName ? [] : (['INFERENCE_PROVIDER', 'FALLBACK_CHAIN', 'LOCAL_INFERENCE_URL'] as const)),
    ...(byBackend ? [] : (['PRIMARY_BACKEND', 'SECONDARY_BACKEND', 'LOAD_BALANCING', 'LOAD_RATIO'] as const)),
  ];
  for (const name of ignored) trail.unused(name, notReadByPreset);
  const { INFERENCE_PROVIDER: named, FALLBACK_CHAIN: list, PRIMARY_BACKEND: primary, SECONDARY_BACKEND: second } = values;
  const backend = byBackend && primary !== undefined ? backends[primary] : undefined;
  const behind = byBackend && second !== undefined ? backends[second] : undefined;
  const first = byName ? named : undefined;
  const chain = byName ? list : undefined;
  if (first !== undefined && backend !== undefined)
    findings.refuse(['PRIMARY_BACKEND'], 'says who goes first, and so does INFERENCE_PROVIDER; unset one of them');
  if (chain !== undefined && behind !== undefined)
    findings.refuse(['SECONDARY_BACKEND'], 'says who stands behind the first, and so does FALLBACK_CHAIN; unset one of them');
  for (const name of ['PRIMARY_BACKEND', 'SECONDARY_BACKEND'] as const) {
    if (values[name] === 'auto') trail.unused(name, 'auto leaves it to what is there');
  }
  return {
    first: first ?? backend,
    firstBy: first === undefined ? 'PRIMARY_BACKEND' : 'INFERENCE_PROVIDER',
    chain: chain ?? (behind && [behind]),
    chainBy: chain === undefined ? 'SECONDARY_BACKEND' : 'FALLBACK_CHAIN',
  };
}
