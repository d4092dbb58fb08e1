import { cleanKey, headerValueProblem } from './credentials.ts';
import { parseHost } from './env-host.ts';
import { orderNames } from './env-targets.ts';
import { nearestName } from './nearest.ts';
import { type PresetName, presetNames } from './presets.ts';
import { parseProviderUrl } from './provider-url.ts';

/** What INFERENCE_PROVIDER and FALLBACK_CHAIN may name. */
type EnvProvider = (typeof envProviders)[number];

export const envProviders = ['openai', 'ollama', 'vllm', 'llamacpp', 'textgen'] as const;

/** What PRIMARY_BACKEND and SECONDARY_BACKEND may name. */
export type EnvBackend = (typeof envBackends)[number];

const envBackends = ['nvidia', 'together_ai', 'cpu', 'auto'] as const;

/** What each kind of variable is read as. */
export interface EnvKinds {
  readonly 'a URL': string;
  readonly 'a host': string;
  readonly 'a key': string;
  readonly 'a list of keys': string;
  readonly 'a name': string;
  readonly 'a header': string;
  readonly text: string;
  readonly 'true or false': boolean;
  readonly 'a whole number': number;
  readonly 'a number of threads': number;
  /** As milliseconds. */
  readonly 'a number of seconds': number;
  /** As seconds; -1: for ever. */
  readonly 'a duration': number;
  readonly 'a share': number;
  readonly 'a provider': EnvProvider;
  readonly 'a list of providers': readonly EnvProvider[];
  readonly 'a backend': EnvBackend;
  readonly 'a list of names': readonly string[];
  readonly 'a preset': PresetName;
}

export type EnvKind = keyof EnvKinds;

export type Read<Value> = { readonly value: Value } | { readonly problem: string };

/** Of each kind. The problems say what is allowed, and never repeat what was there. */
export const parsers: { readonly [Kind in EnvKind]: (text: string) => Read<EnvKinds[Kind]> } = {
  'a URL': parseUrl,
  'a host': parseHost,
  'a key': parseKey,
  'a list of keys': (text) => parseKey(text.split(',')[0] ?? ''),
  'a name': (text) => ({ value: text.trim() }),
  'a header': parseHeader,
  text: parseText,
  'true or false': parseFlag,
  // For Ollama 0 leaves the choice to its server.
  'a whole number': (text) => parseWhole(text, 999_999),
  'a number of threads': (text) => parseWhole(text, 1_024),
  'a number of seconds': parseSeconds,
  'a duration': parseDuration,
  'a share': parseShare,
  'a provider': (text) => parseOne(text, envProviders),
  'a list of providers': (text) => parseList(text, envProviders),
  'a backend': (text) => parseOne(text, envBackends),
  'a list of names': parseOrder,
  'a preset': (text) => parseOne(text, presetNames),
};

function parseUrl(text: string): Read<string> {
  const result = parseProviderUrl(text);
  return 'parsed' in result ? { value: text.trim() } : { problem: result.problems.join(', and ') };
}

/** The key stays as it is: the resolver cleans it, and warns. */
function parseKey(text: string): Read<string> {
  const result = cleanKey(text);
  return 'key' in result ? { value: text } : { problem: result.problem };
}

function parseHeader(text: string): Read<string> {
  const problem = headerValueProblem(text.trim());
  return problem === undefined ? { value: text.trim() } : { problem };
}

/** Flags of a command may hold a key, and the text is shown. */
const keyFlags = /(-[\w-]*(?:key|token|auth|pass|secret|credential)[\w-]*["']?[ =:]+)(?:"[^"]*"?|'[^']*'?|\S+)/gi;
/** What else may hold one: credentials of an address, a header, a variable of its own. */
const otherSecrets = /:\/\/[^\s/@]+@|bearer|authorization|(?:^|\s)-k\s|(?:key|token|auth|pass|secret|credential)\w*=/i;

function parseText(text: string): Read<string> {
  if (text.length > 500 || /\p{Cc}/u.test(text.trim()))
    return { problem: 'it is longer than 500 characters or a line, so it is not shown' };
  const shown = text.trim().replaceAll(keyFlags, '$1[secret]');
  return { value: otherSecrets.test(shown.replaceAll('[secret]', '').replaceAll(/--[\w-]+/g, '')) ? '[secret]' : shown };
}

const words: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', '0', 'no', 'off'].map((word) => [word, false] as const),
]);

function parseFlag(text: string): Read<boolean> {
  const value = words.get(text.trim().toLowerCase());
  return value === undefined ? { problem: 'must be true, 1, yes or on, or false, 0, no or off' } : { value };
}

function parseWhole(text: string, most: number): Read<number> {
  const value = /^\d{1,6}$/.test(text.trim()) ? Number(text) : undefined;
  return value === undefined || value > most ? { problem: `must be a whole number from 0 to ${most}` } : { value };
}

const longestS = 86_400;

function parseSeconds(text: string): Read<number> {
  const valueS = /^\d{1,5}(?:\.\d{1,3})?$/.test(text.trim()) ? Number(text) : 0;
  if (valueS > 0 && valueS <= longestS) return { value: Math.round(valueS * 1_000) };
  return { problem: `must be a number of seconds above 0 and at most ${longestS}, without a unit` };
}

const unitS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600 };

/** A year: what the option takes at most. */
const mostKeptS = 31_536_000;

/** As Ollama reads it: `30m`, `1h30m`, or seconds without a unit; below 0 means for ever. What is shorter than a second becomes one. */
function parseDuration(text: string): Read<number> {
  const [, sign, rest = ''] = /^(-?)(.*)$/.exec(text.trim()) ?? [];
  const parts = [...rest.matchAll(/(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)/g)];
  const isNumber = /^\d{1,9}$/.test(rest);
  if (!isNumber && (parts.length === 0 || parts.map(([part]) => part).join('') !== rest)) return { problem: durationProblem };
  if (sign === '-') return { value: -1 };
  const valueS = Math.ceil(
    isNumber ? Number(rest) : parts.reduce((sumS, [, amount, unit]) => sumS + Number(amount) * unitSeconds(unit), 0),
  );
  return valueS <= mostKeptS ? { value: valueS } : { problem: durationProblem };
}

const durationProblem = 'must be a duration like 30m, 1h30m or 90s, seconds without a unit, or -1 for ever; a year at most';

function unitSeconds(unit: string | undefined): number {
  return unitS[unit ?? ''] ?? 0;
}

/** Neither 0 nor 1: one of two that gets nothing is no balance. */
function parseShare(text: string): Read<number> {
  const value = /^0?\.\d{1,6}$/.test(text.trim()) ? Number(text) : 0;
  if (value > 0 && value < 1) return { value };
  return {
    problem: 'must be a share above 0 and below 1, with six decimals at most, like 0.8; for all or nothing set LOAD_BALANCING=false',
  };
}

function parseOne<Name extends string>(text: string, names: readonly Name[]): Read<Name> {
  const name = text.trim().toLowerCase();
  const value = names.find((each) => each === name);
  if (value !== undefined) return { value };
  const nearest = nearestName(name, names);
  return { problem: `must be one of ${names.join(', ')}${nearest === undefined ? '' : `; did you mean ${nearest}?`}` };
}

function parseList<Name extends string>(text: string, names: readonly Name[]): Read<readonly Name[]> {
  const members: Name[] = [];
  for (const [index, part] of text.split(',').entries()) {
    const result = parseOne(part, names);
    if ('problem' in result) return { problem: `entry ${index + 1} ${result.problem}` };
    if (members.includes(result.value)) return { problem: `names ${result.value} twice; each provider belongs there once` };
    members.push(result.value);
  }
  return { value: members };
}

/** Names that are not in the list may be models of `TGI_<NAME>_ENDPOINT`, which are known only later. */
function parseOrder(text: string): Read<readonly string[]> {
  const members = text.split(',').map((part) => part.trim().toLowerCase());
  const odd = members.findIndex((name) => !/^[a-z\d][a-z\d._-]{0,63}$/.test(name));
  if (odd >= 0) return { problem: `entry ${odd + 1} is no name of a provider; known are ${orderNames.join(', ')}` };
  return { value: members };
}
