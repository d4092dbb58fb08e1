import type { FieldSpec } from './form-fields.ts';
import type { ShownProvider } from './shown-providers.ts';

// Priorities and weights of all providers, as the fields of one form. Pure.

export const prioritySpec = (provider: string): FieldSpec => ({
  name: `${provider}/priority`,
  label: `Priority of ${provider}`,
  kind: 'number',
});
export const weightSpec = (provider: string): FieldSpec => ({ name: `${provider}/weight`, label: `Weight of ${provider}`, kind: 'number' });

/** What holds where nothing is typed. */
export function usualPriority({ health, settings }: ShownProvider): number {
  return settings?.priority ?? health?.priority ?? 0;
}

/** The smaller priority first; who stands equal stays as it is. */
export function sortedByPriority(
  providers: readonly ShownProvider[],
  priorityOf: (shown: ShownProvider) => number,
): readonly ShownProvider[] {
  return providers.toSorted((left, right) => priorityOf(left) - priorityOf(right));
}

/** The priorities after one went up or down by a place: counted from 0, so that nobody stands equal. */
export function moved(sorted: readonly ShownProvider[], provider: string, by: 1 | -1): readonly (readonly [string, number])[] {
  const from = sorted.findIndex((shown) => shown.provider === provider);
  const to = from + by;
  if (from < 0 || to < 0 || to >= sorted.length) return [];
  const names = sorted.map((shown) => shown.provider);
  names.splice(from, 1);
  names.splice(to, 0, provider);
  return names.map((name, index) => [name, index]);
}

/** The share of calls of each, by weight, among those that are switched on. */
export function shares(
  weights: readonly { readonly provider: string; readonly weight: number; readonly isOn: boolean }[],
): ReadonlyMap<string, number> {
  const total = weights.reduce((sum, { weight, isOn }) => sum + (isOn && weight > 0 ? weight : 0), 0);
  return new Map(weights.map(({ provider, weight, isOn }) => [provider, isOn && weight > 0 && total > 0 ? weight / total : 0]));
}

/** What was changed, by provider, as a patch has it. */
export function toProviderPatches(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const patches: Record<string, Record<string, unknown>> = {};
  for (const [name, value] of Object.entries(fields)) {
    const [provider = '', field = ''] = name.split('/');
    patches[provider] = { ...patches[provider], [field]: value };
  }
  return patches;
}
