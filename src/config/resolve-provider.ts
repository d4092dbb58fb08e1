import { defaultModelOf } from '../core/default-models.ts';
import type { Locality } from '../core/locality.ts';
import { type ProviderTypeRow, providerTypes } from '../core/provider-types.ts';
import { Secret } from '../lib/secret.ts';
import type { ProviderConfig, Timeouts } from './config.ts';
import { cleanKey, headerNameProblem, headerValueProblem, keyWasCleaned } from './credentials.ts';
import { defaults } from './defaults.ts';
import { envTable } from './env-table.ts';
import type { Findings, Path } from './findings.ts';
import { localityOf } from './locality-of.ts';
import type { ProviderOptions, TimeoutOptions } from './provider-options.ts';
import { parseProviderUrl } from './provider-url.ts';
import { resolveRate } from './resolve-limits.ts';

type Type = ProviderOptions['type'];
type Row = Omit<ProviderTypeRow, 'headers' | 'runs'>;

type OwnOption =
  | 'adapter'
  | 'modelPath'
  | 'embeddingModelPath'
  | 'threads'
  | 'contextSize'
  | 'keepAliveS'
  | 'dialect'
  | 'stripPrompt'
  | 'reply';

/** Options that mean something to these types only; elsewhere they would be dropped in silence, so they are refused. */
const onlyFor: Readonly<Record<OwnOption, readonly Type[]>> = {
  adapter: ['custom'],
  modelPath: ['cpu'],
  embeddingModelPath: ['cpu'],
  threads: ['cpu'],
  contextSize: ['cpu', 'ollama'],
  keepAliveS: ['ollama', 'lmstudio'],
  dialect: ['remote-gpu'],
  stripPrompt: ['remote-gpu'],
  reply: ['stub'],
};

const customRow: Row = { ...defaults.custom, defaultUrl: undefined, keyVariable: undefined, keyHeader: 'authorization', title: 'custom' };

const networkOnly = ['url', 'apiKey', 'headers'] as const;

/**
 * One provider with every gap filled, by its type's row. What is wrong goes to the findings; the result is then unused.
 * `isAlone`: nobody else could answer in its place.
 */
export function resolveProvider(id: string, options: ProviderOptions, isAlone: boolean, findings: Findings): ProviderConfig {
  const path: Path = ['providers', id];
  const { type } = options;
  const row: Row = type === 'custom' ? customRow : providerTypes[type];
  refuseForeign(options, path, findings);
  const { url, headers } = resolveAddress(options, row, path, findings);
  const apiKey = resolveKey(options.apiKey, [...path, 'apiKey'], findings);
  const isWanted = options.enabled ?? defaults.provider.enabled;
  const locality = options.locality ?? usualLocality(type, url);
  const isKeyless = isWanted && !findings.refused([...path, 'apiKey']) && lacksKey({ url, apiKey, headers }, row);
  // A key that is not set on this machine must not keep the others from serving.
  if (isKeyless && isAlone) findings.refuse([...path, 'apiKey'], `is missing: ${keyAdvice(row)}`);
  if (isKeyless && !isAlone) findings.warn([...path, 'apiKey'], `is missing, so this provider is switched off: ${keyAdvice(row)}`);
  const config: ProviderConfig = Object.freeze({
    id,
    type,
    url,
    apiKey,
    headers,
    device: options.device ?? row.device,
    cost: options.cost ?? row.cost,
    locality,
    priority: options.priority ?? row.priority,
    ...resolveCapacity(options, path, findings),
    limits: resolveRate(options.limits),
    // A cloud of the same type is no machine of one slot.
    usualSlots: servesMany(options, locality) ? undefined : row.slots,
    slotsPer: row.slotsPer,
    defaultModel: options.defaultModel ?? usualModel(type, 'chat', url, row),
    embeddingModel: options.embeddingModel ?? usualModel(type, 'embed', url, row),
    embeddingSpace: options.embeddingSpace,
    contextLength: options.contextLength,
    timeouts: resolveTimeouts(options.timeouts),
    metadata: Object.freeze({ ...options.metadata }),
    enabled: isWanted && !isKeyless,
    ...ownOptions(options),
  });
  // One that is switched off may be incomplete: its key is often what is missing, and the reason why it is off.
  if (config.enabled) refuseIncomplete(config, path, findings);
  return config;
}

/** What is rented serves more than a machine of one's own, and of remote GPUs only the notebook serves one at a time. */
function servesMany({ type, dialect = defaults.provider.dialect }: ProviderOptions, locality: Locality): boolean {
  return locality === 'cloud' || (type === 'remote-gpu' && dialect !== 'notebook' && dialect !== 'auto');
}

/** What concerns single types; each adapter reads its own. */
function ownOptions(options: ProviderOptions): Pick<ProviderConfig, OwnOption> {
  return {
    adapter: options.adapter,
    modelPath: options.modelPath,
    embeddingModelPath: options.embeddingModelPath,
    threads: options.threads ?? defaults.provider.threads,
    contextSize: options.contextSize,
    keepAliveS: options.keepAliveS,
    dialect: options.dialect ?? defaults.provider.dialect,
    stripPrompt: options.stripPrompt ?? defaults.provider.stripPrompt,
    reply: options.reply,
  };
}

type Capacity = 'weight' | 'maxConcurrent' | 'reservedForFast' | 'maxModelBillions';

/** How much it may be given. What the server tells is not known yet. */
function resolveCapacity(options: ProviderOptions, path: Path, findings: Findings): Pick<ProviderConfig, Capacity> {
  const { maxConcurrent, reservedForFast, maxModelBillions, weight = defaults.provider.weight } = options;
  if (maxConcurrent !== undefined && reservedForFast !== undefined && reservedForFast >= maxConcurrent) {
    const left = maxConcurrent === 1 ? 'leave it out' : `${maxConcurrent - 1} at most`;
    findings.refuse([...path, 'reservedForFast'], `must be below maxConcurrent, or no other call is ever served; ${left}`);
  }
  return { weight, maxConcurrent, reservedForFast, maxModelBillions };
}

/** Nobody knows where the adapter of a custom provider goes. */
function usualLocality(type: Type, url: string | undefined): Locality {
  if (type !== 'custom' && providerTypes[type].runs === 'process') return 'process';
  return url === undefined ? 'cloud' : localityOf(url);
}

/** At another address stands another server, of whose models nothing is known. */
function usualModel(type: Type, verb: 'chat' | 'embed', url: string | undefined, row: Row): string | undefined {
  return type === 'custom' || url === undefined || url !== row.defaultUrl ? undefined : defaultModelOf(type, verb);
}

/** Only the limits that were set: the others are the router's. */
export function resolveTimeouts(options: TimeoutOptions = {}): Partial<Timeouts> {
  return Object.freeze(Object.fromEntries(Object.entries(options).filter(([, limitMs]) => limitMs !== undefined)));
}

function refuseForeign(options: ProviderOptions, path: Path, findings: Findings): void {
  const { type } = options;
  for (const [name, owners] of Object.entries(onlyFor) as [OwnOption, readonly Type[]][]) {
    if (options[name] !== undefined && !owners.includes(type))
      findings.refuse([...path, name], `is only for providers of type ${owners.map((owner) => `"${owner}"`).join(' or ')}; leave it out`);
  }
  if (type !== 'custom' && providerTypes[type].runs === 'network') return;
  const reason =
    type === 'custom' ? 'the adapter of a custom provider does its own networking' : `a provider of type "${type}" runs in this process`;
  for (const name of networkOnly) if (options[name] !== undefined) findings.refuse([...path, name], `${reason}; leave it out`);
}

function resolveAddress(options: ProviderOptions, row: Row, path: Path, findings: Findings): Pick<ProviderConfig, 'url' | 'headers'> {
  const headers = resolveHeaders(options.headers, [...path, 'headers'], findings);
  const finish = (url: string | undefined): Pick<ProviderConfig, 'url' | 'headers'> => ({ url, headers: Object.freeze(headers) });
  if (options.apiKey !== undefined && headers[row.keyHeader] !== undefined) {
    findings.warn([...path, 'headers'], `${row.keyHeader} replaces the header made of apiKey; leave one of them out`);
  }
  const urlPath = [...path, 'url'];
  if (options.url === undefined || findings.refused(urlPath)) return finish(row.defaultUrl);
  const result = parseProviderUrl(options.url);
  if ('problems' in result) {
    for (const problem of result.problems) findings.refuse(urlPath, problem);
    return finish(undefined);
  }
  const { url, authorization, wasBindAddress } = result.parsed;
  if (wasBindAddress) findings.warn(urlPath, `names an address that servers bind to; ${new URL(url).hostname} is used`);
  if (authorization !== undefined) {
    const other = options.apiKey !== undefined ? 'apiKey' : headers['authorization'] === undefined ? undefined : 'headers';
    if (other === undefined) headers['authorization'] = authorization;
    const done = other === undefined ? 'moved to the authorization header' : `left out, because ${other} has credentials as well`;
    findings.warn(urlPath, `the user name and password in it were ${done}; give them in headers or apiKey only`);
  }
  return finish(url);
}

/** Names in lower case, so that one of them can be looked up and none is sent twice. */
function resolveHeaders(given: ProviderOptions['headers'] = {}, path: Path, findings: Findings): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    const key = name.toLowerCase();
    const nameProblem = headerNameProblem(name);
    const valueProblem = headerValueProblem(value);
    if (nameProblem !== undefined) findings.refuse(path, nameProblem);
    else if (valueProblem !== undefined) findings.refuse([...path, name], valueProblem);
    else if (Object.hasOwn(headers, key))
      findings.refuse([...path, name], 'is there twice: capitals make no difference in the names of headers');
    else headers[key] = value;
  }
  return headers;
}

function resolveKey(given: ProviderOptions['apiKey'], path: Path, findings: Findings): ProviderConfig['apiKey'] {
  if (typeof given !== 'string') return given;
  const result = cleanKey(given);
  if ('problem' in result) {
    findings.refuse(path, result.problem);
    return undefined;
  }
  if (result.cleaned) findings.warn(path, keyWasCleaned);
  const secret = new Secret(result.key);
  Object.freeze(secret);
  return secret;
}

function refuseIncomplete(config: ProviderConfig, path: Path, findings: Findings): void {
  const { type, url } = config;
  const need = (name: string, message: string): void => {
    if (!findings.refused([...path, name])) findings.refuse([...path, name], message);
  };
  if (type === 'custom' && config.adapter === undefined)
    need('adapter', 'is missing: a custom provider needs an adapter, made by defineAdapter()');
  if (type === 'cpu' && config.modelPath === undefined && config.embeddingModelPath === undefined && config.embeddingModel === undefined) {
    need('modelPath', 'is missing: a provider of type "cpu" needs modelPath, the path of a GGUF file, or an embedding model');
  }
  if (type !== 'custom' && providerTypes[type].runs === 'network' && url === undefined)
    need('url', `is missing: a provider of type "${type}" has no usual address`);
}

function keyAdvice({ title, keyVariable }: Row): string {
  const variable = Object.hasOwn(envTable, keyVariable ?? '') ? `, or ${keyVariable} where the options come from the environment` : '';
  return `${title} needs a key; set apiKey${variable}`;
}

/** At its usual address a cloud answers nobody without a key; what stands behind another address may. */
function lacksKey({ url, apiKey, headers }: Pick<ProviderConfig, 'url' | 'apiKey' | 'headers'>, row: Row): boolean {
  if (row.keyVariable === undefined || url !== row.defaultUrl || apiKey !== undefined) return false;
  return headers['authorization'] === undefined && headers[row.keyHeader] === undefined;
}
