import { cleanKey } from './credentials.ts';
import { metadataRows } from './env-metadata-rows.ts';
import { type ProviderRow, providerRows } from './env-provider-rows.ts';
import { type EnvTarget, envTargets } from './env-targets.ts';
import type { Trail } from './env-trail.ts';
import type { EnvValues } from './env-values.ts';
import type { Findings } from './findings.ts';
import type { ProviderOptions } from './provider-options.ts';
import { parseProviderUrl, plainUrl } from './provider-url.ts';

/** Options of a provider, and the variable behind each of them: its name, and the option it set. */
export interface Settings {
  readonly options: Partial<ProviderOptions>;
  readonly from: readonly (readonly [variable: string, option: string])[];
}

/** One variable that speaks of a provider. */
interface Said {
  readonly variable: string;
  readonly option: string;
  readonly value: string | number;
  readonly rank: 1 | 2;
}

export const allRows: readonly (readonly [string, ProviderRow])[] = Object.freeze(Object.entries({ ...providerRows, ...metadataRows }));

/** What variables say of one kind of server. `first` is the address that goes to it for being named first. */
export function settingsOf(target: EnvTarget, values: EnvValues, first: string | undefined, trail: Trail, findings: Findings): Settings {
  const said = allRows.flatMap(([variable, { of, option, rank, prefix }]): Said[] => {
    const value = of.includes(target) ? values.settings.get(variable) : undefined;
    return value === undefined ? [] : [{ variable, option, value: prefix === '' ? value : `${prefix}${bare(String(value))}`, rank }];
  });
  if (first !== undefined) said.unshift({ variable: 'LOCAL_INFERENCE_URL', option: 'url', value: first, rank: 1 });
  const options = [...new Set(said.map(({ option }) => option))];
  return options.reduce<Settings>(
    (settings, option) =>
      agree(
        settings,
        said.filter((each) => each.option === option),
        envTargets[target].title,
        trail,
        findings,
      ),
    { options: {}, from: [] },
  );
}

/** Several names for one thing: they say the same, or one of them gives way, or it is an issue. */
function agree(settings: Settings, said: readonly Said[], title: string, trail: Trail, findings: Findings): Settings {
  const best = said.find(({ rank }) => rank === 1) ?? said[0];
  if (best === undefined) return settings;
  const { option, value } = best;
  const same = said.filter((each) => isSame(option, each.value, value));
  for (const other of said.filter((each) => !same.includes(each))) {
    if (other.rank > best.rank) trail.unused(other.variable, `${best.variable} stands before it`);
    else
      findings.refuse(
        [best.variable],
        `differs from ${other.variable}, and both ${says(option)} ${title}${option === 'url' ? ' is' : ''}; unset one of them`,
      );
  }
  return {
    options: withOption(settings.options, option, value),
    from: [...settings.from, ...same.map(({ variable }) => [variable, option] as const)],
  };
}

function says(option: string): string {
  if (option === 'url') return 'say where';
  return option === 'apiKey' ? 'give the key of' : `set ${option} of`;
}

/** Spelling does not count. */
function isSame(option: string, one: string | number, other: string | number): boolean {
  if (one === other || typeof one === 'number' || typeof other === 'number') return one === other;
  return option === 'url' ? addressOf(one) === addressOf(other) : bare(one) === bare(other);
}

export function addressOf(text: string): string {
  const result = parseProviderUrl(text);
  return 'parsed' in result ? `${plainUrl(result.parsed.url)} ${result.parsed.authorization ?? ''}` : text;
}

function bare(text: string): string {
  const result = cleanKey(text);
  return 'key' in result ? result.key : text;
}

function withOption(options: Partial<ProviderOptions>, option: string, value: string | number): Partial<ProviderOptions> {
  const [group = '', name] = option.split('.');
  if (name === undefined) return { ...options, [group]: value };
  return { ...options, [group]: { ...(options[group as keyof ProviderOptions] as object | undefined), [name]: value } };
}
