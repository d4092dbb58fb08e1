import { providerTypes } from '../core/provider-types.ts';
import type { Findings, Path } from './findings.ts';
import type { RouterOptions } from './options.ts';
import type { ProviderOptions } from './provider-options.ts';

type OnlyInCode = Extract<keyof RouterOptions, 'transport' | 'logger' | 'clock' | 'random' | 'prices' | 'store' | 'cache'>;

/** Options that are objects with functions, and how code adds them to what a file says. */
const onlyInCode: Readonly<Record<OnlyInCode, string>> = {
  transport: 'createRouter({ ...options, transport })',
  logger: 'createRouter({ ...options, logger })',
  clock: 'createRouter({ ...options, clock })',
  store: "createRouter({ ...options, store: redisStore({ url, prefix: 'app' }) })",
  random: 'createRouter({ ...options, random })',
  prices: 'createRouter({ ...options, prices: await loadPrices() })',
  cache: 'createRouter({ ...options, cache: { store: new Keyv() } })',
};

/** Takes out of a copied document what only code can say, and refuses it. The rest is the resolver's to check. */
export function refuseCode(document: Readonly<Record<string, unknown>>, findings: Findings): void {
  for (const [name, example] of Object.entries(onlyInCode)) {
    if (!(name in document)) continue;
    findings.refuse([name], `cannot stand in JSON, because it is made of functions; give it in code: ${example}`);
    Reflect.deleteProperty(document, name);
  }
  for (const [id, provider] of entriesOf(document['providers'])) {
    const { type, adapter } = (provider ?? {}) as { type?: unknown; adapter?: unknown };
    if (type !== 'custom' && adapter === undefined) continue;
    findings.refuse(['providers', id], 'needs an adapter, which is code and cannot stand in JSON; add this provider in code');
    Reflect.deleteProperty(provider as object, 'adapter');
  }
  for (const name of ['priority', 'nvidia', 'together_ai']) {
    if ('providers' in document && name in document)
      findings.refuse(
        [name],
        'belongs to the format of priority, nvidia, together_ai and cpu, which has no providers; keep one of the two formats',
      );
  }
  refuseFunctions(document, [], findings);
}

/** A value that did not come out of JSON may hold anything. */
function refuseFunctions(value: unknown, path: Path, findings: Findings): void {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') {
    findings.refuse(path, `is a ${typeof value}, which JSON does not have; give it in code`);
  }
  for (const [name, entry] of entriesOf(value)) refuseFunctions(entry, [...path, name], findings);
}

/** Files are shared, copied and committed, and a key in them with them. `written`: the document before variables were put in. */
export function warnOfPlainKeys(written: Readonly<Record<string, unknown>>, findings: Findings): void {
  const { providers, together_ai } = written;
  for (const [name, value] of entriesOf(together_ai)) {
    if (name === 'api_key') warnOfPlainKey(value, ['together_ai', name], 'TOGETHER_API_KEY', findings);
  }
  for (const [id, provider] of entriesOf(providers)) {
    const { type, url, apiKey, headers } = (provider ?? {}) as { type?: unknown; url?: unknown; apiKey?: unknown; headers?: unknown };
    warnOfPlainPassword(url, ['providers', id, 'url'], findings);
    warnOfPlainKey(apiKey, ['providers', id, 'apiKey'], variableOf(type), findings);
    for (const [name, value] of entriesOf(headers)) {
      if (secretHeader.test(name)) warnOfPlainKey(value, ['providers', id, 'headers', name], variableOf(type), findings);
    }
  }
}

/** Gateways have names of their own; a `key` alone may be one of a cache. */
const secretHeader =
  /(?:auth|authori[sz]ation|token|secret|passw(?:or)?d|credentials?|cookie|jwt|(?:api|access|auth|secret|subscription|functions)[-_]?key)$/i;

/** What examples have in the place of a key. */
export function isPlaceholder(key: string): boolean {
  return /^(?:<?your[-_ ](?:together[-_ ])?api[-_ ]?key(?:[-_ ]here)?>?)?$/i.test(key.trim());
}

function warnOfPlainKey(value: unknown, path: Path, variable: string, findings: Findings): void {
  if (typeof value !== 'string' || isPlaceholder(value) || /(?:^|[^$])\$\{/.test(value)) return;
  findings.warn(path, `is written out; write \${${variable}} for it and set that variable, so that the file holds no secret`);
}

/** A reference stands for whatever it holds. */
function warnOfPlainPassword(url: unknown, path: Path, findings: Findings): void {
  if (typeof url !== 'string') return;
  const written = url.replace(/(?<!\$)\$\{[^{}]*\}/g, '\0');
  const [, user = '', password = user] = /^\s*https?:\/\/([^/?#@:]*)(?::([^/?#]*))?@/i.exec(written) ?? [];
  if (password === '' || password.includes('\0')) return;
  findings.warn(path, 'holds a password that is written out; write ${NAME} for it and set that variable, so that the file holds no secret');
}

function variableOf(type: unknown): string {
  const isKnown = typeof type === 'string' && Object.hasOwn(providerTypes, type);
  return (isKnown ? providerTypes[type as Exclude<ProviderOptions['type'], 'custom'>].keyVariable : undefined) ?? 'NAME';
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
