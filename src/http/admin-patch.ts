import type { ProviderOptions, RouterOptions } from '../index.ts';
import type { AdminIntentPatch, AdminProviderPatch, AdminSettingsPatch } from './admin-contract.ts';
import { withoutCredentials } from './admin-settings.ts';

export interface Patched {
  readonly options: RouterOptions;
  /** Dotted paths of what the patch names. */
  readonly keys: readonly string[];
}

/** The options with a patch over them. Whether they are any good is up to the router. */
export function patched(options: RouterOptions, { providers = {}, intents = {}, ...plain }: AdminSettingsPatch): Patched {
  const next: RouterOptions = {
    ...overlaid(options, plain),
    providers: { ...options.providers, ...eachOverlaid(options.providers, providers, overlaidProvider) },
    ...(Object.keys(intents).length > 0 && {
      intents: { ...options.intents, ...eachOverlaid(options.intents ?? {}, intents, overlaid) },
    }),
  };
  const keys = [...namesIn(plain), ...namesInEach('intents', intents), ...namesInEach('providers', providers)];
  return { options: next, keys };
}

type Patch = Pick<AdminSettingsPatch, 'balance'> | AdminIntentPatch | AdminProviderPatch;

/** Null takes a value away. Names and kinds of values are those of the schema. */
function overlaid<Base extends object>(base: Base, patch: Patch): Base {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined);
  return Object.fromEntries(Object.entries({ ...base, ...Object.fromEntries(given) }).filter(([, value]) => value !== null)) as Base;
}

function overlaidProvider(provider: ProviderOptions, patch: AdminProviderPatch): ProviderOptions {
  return overlaid(patch.apiKey === undefined ? provider : withoutCredentials(provider), patch);
}

function eachOverlaid<Base extends object, Part extends Patch>(
  bases: Readonly<Record<string, Base>>,
  patches: Readonly<Record<string, Part>>,
  over: (base: Base, patch: Part) => Base,
): Record<string, Base> {
  const baseOf = (name: string): Base => (Object.hasOwn(bases, name) ? bases[name] : {}) as Base;
  return Object.fromEntries(Object.entries(patches).map(([name, patch]) => [name, over(baseOf(name), patch)]));
}

function namesIn(patch: object): string[] {
  return Object.entries(patch).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

function namesInEach(group: string, patches: Readonly<Record<string, object>>): string[] {
  return Object.entries(patches).flatMap(([name, patch]) => namesIn(patch).map((field) => `${group}.${name}.${field}`));
}
