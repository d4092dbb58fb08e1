import { type IntentOptions, providerTypes, type ProviderOptions, type Router, type RouterOptions } from '../index.ts';
import type { AdminProviderSettings, AdminSettings } from './admin-contract.ts';

/** What holds where the options say nothing. A test compares them with the router's own. */
export const usualSettings = {
  balance: 'priority',
  defaultIntent: 'fast',
  maxAttempts: 3,
  deadlineMs: 120_000,
} as const;

const usualIntent: IntentOptions = { order: ['gpu', 'remote', 'cpu', 'cloud'], lane: 'fast', affinity: true };

/** The intents that there are without being configured. */
export const builtInIntents: Readonly<Record<'fast' | 'heavy', IntentOptions>> = {
  fast: usualIntent,
  heavy: {
    order: ['cpu', 'gpu', 'remote', 'cloud'],
    balance: 'priority',
    lane: 'heavy',
    affinity: false,
    timeouts: { firstTokenMs: 60_000 },
    deadlineMs: 300_000,
  },
};

/** Each field is named, so that an option that is added, and may be a secret, is not shown by itself. */
export function settingsOf(options: RouterOptions, router: Router): AdminSettings {
  const names = new Set([...Object.keys(builtInIntents), ...Object.keys(options.intents ?? {})]);
  return {
    balance: options.balance ?? usualSettings.balance,
    defaultIntent: options.defaultIntent ?? usualSettings.defaultIntent,
    maxAttempts: options.maxAttempts ?? usualSettings.maxAttempts,
    deadlineMs: options.deadlineMs ?? usualSettings.deadlineMs,
    allowPaid: options.allowPaid ?? onlyPaid(router),
    intents: Object.fromEntries(Array.from(names, (name) => [name, intentOf(name, options.intents)])),
    providers: Object.fromEntries(Object.entries(options.providers).map(([id, provider]) => [id, providerOf(provider)])),
  };
}

/** Where nothing but paid providers is configured, there is nothing free to fall from; a stand-in is no such thing. */
function onlyPaid(router: Router): boolean {
  const providers = router.snapshot().providers.filter(({ type }) => type !== 'stub');
  return providers.length > 0 && providers.every(({ cost }) => cost === 'paid');
}

function intentOf(name: string, intents: RouterOptions['intents'] = {}): IntentOptions {
  const usual = Object.hasOwn(builtInIntents, name) ? builtInIntents[name as keyof typeof builtInIntents] : usualIntent;
  const own = Object.hasOwn(intents, name) ? intents[name] : undefined;
  const { order, balance, lane, affinity, maxLocality, allowPaid, maxCostUsd, deadlineMs } = { ...usual, ...withoutGaps(own ?? {}) };
  const { connectMs, firstTokenMs, idleMs, totalMs } = { ...usual.timeouts, ...withoutGaps(own?.timeouts ?? {}) };
  const timeouts = withoutGaps({ connectMs, firstTokenMs, idleMs, totalMs });
  return { order, balance, lane, affinity, maxLocality, allowPaid, maxCostUsd, timeouts, deadlineMs };
}

function providerOf(provider: ProviderOptions): AdminProviderSettings {
  const { type, url, device, enabled, priority, weight, maxConcurrent, defaultModel, embeddingModel, threads, contextSize } = provider;
  return {
    type,
    url: originOf(url ?? (type === 'custom' ? undefined : providerTypes[type].defaultUrl)),
    device,
    enabled: enabled ?? true,
    priority,
    weight,
    maxConcurrent,
    defaultModel,
    embeddingModel,
    threads,
    contextSize,
    hasKey: hasCredential(provider),
    metadata: provider.metadata,
  };
}

/** A path may be as secret as a key. */
function originOf(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url.trim())) return undefined;
  const { protocol, origin } = new URL(url.trim());
  return /^https?:$/.test(protocol) ? origin : undefined;
}

/** Headers that carry a key. */
const credentialHeaders = /^(?:authorization|x-api-key|api-key)$/i;

function hasCredential({ apiKey, headers = {}, url }: ProviderOptions): boolean {
  if (apiKey !== undefined || Object.keys(headers).some((name) => credentialHeaders.test(name))) return true;
  return url !== undefined && withoutUser(url) !== url;
}

/** Without credentials, wherever they stood: a new key would not replace them all. */
export function withoutCredentials({ apiKey: _key, headers, url, ...rest }: ProviderOptions): ProviderOptions {
  const kept = Object.entries(headers ?? {}).filter(([name]) => !credentialHeaders.test(name));
  return {
    ...rest,
    ...(headers !== undefined && { headers: Object.fromEntries(kept) }),
    ...(url !== undefined && { url: withoutUser(url) }),
  };
}

/** Without the user name and the password that an address may hold. */
function withoutUser(url: string): string {
  return url.replace(/^(\s*https?:\/\/)[^/?#]*@/i, '$1');
}

/** An option that is undefined is one that was left out. */
function withoutGaps<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}
