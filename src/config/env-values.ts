import { cleanKey } from './credentials.ts';
import { type EnvVariable, envTable } from './env-table.ts';
import type { Findings } from './findings.ts';
import { nearestName } from './nearest.ts';
import { parseProviderUrl } from './provider-url.ts';

/** What INFERENCE_PROVIDER and FALLBACK_CHAIN may name. */
export type EnvProvider = 'openai' | 'ollama' | 'vllm' | 'llamacpp';

export const envProviders: readonly EnvProvider[] = Object.freeze(['openai', 'ollama', 'vllm', 'llamacpp'] as const);

type ParsedVariable = 'INFERENCE_PROVIDER' | 'FALLBACK_CHAIN' | 'ENABLE_FALLBACK' | 'ENABLE_PAID_API' | 'OLLAMA_NUM_PARALLEL';
type TextVariable = Exclude<EnvVariable, ParsedVariable>;

/** The variables as they were understood; undefined where one is not set. */
export interface EnvValues extends Readonly<Record<TextVariable, string | undefined>> {
  readonly INFERENCE_PROVIDER: EnvProvider | undefined;
  readonly FALLBACK_CHAIN: readonly EnvProvider[] | undefined;
  readonly ENABLE_FALLBACK: boolean | undefined;
  readonly ENABLE_PAID_API: boolean | undefined;
  readonly OLLAMA_NUM_PARALLEL: number | undefined;
}

export type Env = Readonly<Record<string, string | undefined>>;

type Read<Value> = { readonly value: Value } | { readonly problem: string };

/** Reads every variable of the table once. What cannot be understood is refused: a default in its place would surprise. */
export function readValues(env: Env, findings: Findings): EnvValues {
  const texts = readTexts(env, findings);
  const read = <Value>(variable: EnvVariable, parse: (text: string) => Read<Value>): Value | undefined => {
    const text = texts.get(variable);
    if (text === undefined) return undefined;
    const result: Read<Value> =
      text.trim() === '' ? { problem: `is empty; give it ${envTable[variable].reads}, or unset it` } : parse(text);
    if ('value' in result) return result.value;
    findings.refuse([variable], result.problem);
    return undefined;
  };
  return {
    INFERENCE_PROVIDER: read('INFERENCE_PROVIDER', parseProvider),
    LOCAL_INFERENCE_URL: read('LOCAL_INFERENCE_URL', parseUrl),
    LOCAL_MODEL_NAME: read('LOCAL_MODEL_NAME', parseName),
    // Empty is an answer here: there is no fallback.
    FALLBACK_CHAIN: texts.get('FALLBACK_CHAIN')?.trim() === '' ? [] : read('FALLBACK_CHAIN', parseChain),
    ENABLE_FALLBACK: read('ENABLE_FALLBACK', parseFlag),
    ENABLE_PAID_API: read('ENABLE_PAID_API', parseFlag),
    OLLAMA_GPU_URL: read('OLLAMA_GPU_URL', parseUrl),
    OLLAMA_CPU_URL: read('OLLAMA_CPU_URL', parseUrl),
    OLLAMA_BASE_URL: read('OLLAMA_BASE_URL', parseUrl),
    OLLAMA_HOST: read('OLLAMA_HOST', parseHost),
    OLLAMA_NUM_PARALLEL: read('OLLAMA_NUM_PARALLEL', parseParallel),
    OPENAI_API_KEY: read('OPENAI_API_KEY', parseKey),
    OPENAI_BASE_URL: read('OPENAI_BASE_URL', parseUrl),
    OPENAI_API_BASE: read('OPENAI_API_BASE', parseUrl),
  };
}

/** Some platforms keep other things than text among their variables. */
function readTexts(env: Env, findings: Findings): ReadonlyMap<EnvVariable, string> {
  const texts = new Map<EnvVariable, string>();
  for (const variable of Object.keys(envTable) as EnvVariable[]) {
    try {
      const value: unknown = env[variable];
      if (typeof value === 'string') texts.set(variable, value);
      else if (value !== undefined) findings.refuse([variable], 'must be text');
    } catch {
      findings.refuse([variable], 'could not be read: reading it threw an error');
    }
  }
  return texts;
}

function parseUrl(text: string): Read<string> {
  const result = parseProviderUrl(text);
  return 'parsed' in result ? { value: text.trim() } : { problem: result.problems.join(', and ') };
}

function parseName(text: string): Read<string> {
  return { value: text.trim() };
}

/** The key stays as it is: the resolver cleans it, and warns. */
function parseKey(text: string): Read<string> {
  const result = cleanKey(text);
  return 'key' in result ? { value: text } : { problem: result.problem };
}

const words: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', '0', 'no', 'off'].map((word) => [word, false] as const),
]);

function parseFlag(text: string): Read<boolean> {
  const value = words.get(text.trim().toLowerCase());
  return value === undefined ? { problem: 'must be true, 1, yes or on, or false, 0, no or off' } : { value };
}

/** 0 leaves the choice to Ollama's server. */
function parseParallel(text: string): Read<number> {
  const value = /^\d{1,6}$/.test(text.trim()) ? Number(text) : undefined;
  return value === undefined ? { problem: 'must be a whole number from 0 to 999999' } : { value };
}

function parseProvider(text: string): Read<EnvProvider> {
  const name = text.trim().toLowerCase();
  const value = envProviders.find((provider) => provider === name);
  if (value !== undefined) return { value };
  const allowed = `must be one of ${envProviders.join(', ')}`;
  if (name === 'textgen') return { problem: `names textgen, which is not supported yet; it ${allowed}` };
  const nearest = nearestName(name, envProviders);
  return { problem: `${allowed}${nearest === undefined ? '' : `; did you mean ${nearest}?`}` };
}

function parseChain(text: string): Read<readonly EnvProvider[]> {
  const members: EnvProvider[] = [];
  for (const [index, part] of text.split(',').entries()) {
    const result = parseProvider(part);
    if ('problem' in result) return { problem: `entry ${index + 1} ${result.problem}` };
    if (members.includes(result.value)) return { problem: `names ${result.value} twice; each provider belongs there once` };
    members.push(result.value);
  }
  return { value: members };
}

/**
 * OLLAMA_HOST as Ollama reads it (`envconfig/config.go`): a host, `host:port`, `:port` or an address; port 11434 unless a
 * scheme stands in front, which brings its own; bare `ollama.com` means the cloud. It tells the server where to listen, so
 * an address that stands for all of them becomes the loopback one here. A bad port is refused, where Ollama would ignore it.
 */
function parseHost(text: string): Read<string> {
  // Ollama takes quotes and blanks off first.
  const host = text
    .trim()
    .replace(/^["']|["']$/g, '')
    .trim();
  const problem = 'must be a host, host:port or http://host:port';
  if (host === '') return { problem };
  if (host.toLowerCase() === 'ollama.com') return { value: 'https://ollama.com' };
  const result = parseProviderUrl(host.includes('://') ? host : `http://${withPort(host)}`);
  return 'parsed' in result && result.parsed.authorization === undefined ? { value: result.parsed.url } : { problem };
}

function withPort(text: string): string {
  const slash = text.indexOf('/');
  const [authority, path] = slash === -1 ? [text, ''] : [text.slice(0, slash), text.slice(slash)];
  // A bare IPv6 address has several colons and no brackets.
  const host = authority.split(':').length > 2 && !authority.startsWith('[') ? `[${authority}]` : authority;
  const named = host.startsWith(':') ? `127.0.0.1${host}` : host === '' ? '127.0.0.1' : host;
  return `${/:\d+$/.test(named.replace(/^\[.*\]/, '')) ? named : `${named}:11434`}${path}`;
}
