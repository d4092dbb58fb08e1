import { mostAttempts } from './defaults.ts';
import type { Findings, Path } from './findings.ts';
import { type Backend, type BackendsFile, backends, readBackendsFile } from './json-backends-schema.ts';
import { isPlaceholder } from './json-checks.ts';
import type { References } from './json-references.ts';
import type { RouterOptions } from './options.ts';
import type { ProviderOptions } from './provider-options.ts';
import { shareCalls, type SharedCalls } from './share-calls.ts';

/** By option: what it was made of in such a file. */
export const backendsOrigins: Readonly<Record<string, string>> = Object.freeze({
  'providers.nvidia': 'nvidia',
  'providers.together_ai': 'together_ai',
  'providers.together_ai.apiKey': 'together_ai.api_key',
  'providers.together_ai.defaultModel': 'together_ai.default_model',
  'providers.together_ai.embeddingModel': 'together_ai.default_embedding_model',
  'providers.cpu': 'cpu',
  'providers.cpu.modelPath': 'cpu.default_model',
  'providers.cpu.embeddingModel': 'cpu.default_embedding_model',
  'providers.cpu.embeddingModelPath': 'cpu.default_embedding_model',
  maxAttempts: 'priority.failover_attempts',
});

/**
 * A file with `priority`, `nvidia`, `together_ai` and `cpu` as our options; undefined where it is refused. What only a server can act on
 * becomes `metadata` of its provider. The file has no place for NVIDIA's address, key and model, which variables give.
 */
export function fromBackendsFile(value: unknown, references: References, findings: Findings): RouterOptions | undefined {
  const file = readBackendsFile(value, findings);
  if (file === undefined) return undefined;
  const ranks = rank(file, findings);
  const { priority } = file;
  const { all, used, shared } = ranks;
  if (used.length === 0 && findings.issues.length === 0) findings.refuse([], 'every backend is switched off; leave one of them enabled');
  const describe = { nvidia, together_ai, cpu } satisfies Record<Backend, Describe>;
  const provider = (backend: Backend): ProviderOptions => withRank(describe[backend](file, { used, references, findings }), backend, ranks);
  const attempts = attemptsOf(file, used, shared !== undefined);
  const isPaid = used.includes('together_ai') && isNamed('together_ai', file);
  if (used.includes('together_ai') && !isPaid && used.length > 1) findings.warn(['together_ai'], unpaid);
  return {
    providers: Object.fromEntries(all.map((backend) => [backend, provider(backend)])),
    // Money is spent only where somebody said so, and naming who gets it says so.
    ...(isPaid && { allowPaid: true }),
    ...(attempts !== undefined && { maxAttempts: attempts }),
    ...(priority.failover_timeout !== undefined && { timeouts: { firstTokenMs: priority.failover_timeout * 1_000 } }),
    ...shared?.options,
  };
}

const unpaid =
  'is switched on, but costs money and is named in neither priority.primary nor priority.secondary, so it gets no calls; name it there to allow it';

interface Ranks {
  /** Every backend that the file describes, first to last. */
  readonly all: readonly Backend[];
  /** Those that get calls. */
  readonly used: readonly Backend[];
  /** Two that share the calls; undefined where one goes before the other. */
  readonly shared: SharedCalls | undefined;
}

/** Who goes first, second and last. */
function rank(file: BackendsFile, findings: Findings): Ranks {
  const { auto_failover, load_balancing, load_ratio } = file.priority;
  const described = backends.filter((backend) => file[backend] !== undefined);
  const enabled = described.filter((backend) => file[backend]?.enabled);
  const primary = choose('primary', enabled, [], file, findings);
  const secondary = choose('secondary', enabled, primary === undefined ? [] : [primary], file, findings);
  const pair = [primary, secondary].filter((backend) => backend !== undefined);
  const [first, second] = pair;
  const isShared = load_balancing && first !== undefined && second !== undefined && load_ratio > 0 && load_ratio < 1;
  if (load_balancing && pair.length < 2) findings.warn(['priority', 'load_balancing'], alone);
  // All of them to the second one.
  if (load_balancing && load_ratio === 0) pair.reverse();
  const order = [...pair, ...enabled.filter((backend) => !pair.includes(backend))];
  const shared = isShared ? shareCalls(first, second, load_ratio) : undefined;
  const used = auto_failover ? order : order.slice(0, shared === undefined ? 1 : 2);
  return { all: [...order, ...described.filter((backend) => !order.includes(backend))], used, shared };
}

const alone = 'has no second backend to share the calls with; switch one on, and name it in priority.secondary';

/** The one that was named, or for `auto` the first that costs nothing; what costs money only where nothing else is there. */
function choose(
  name: 'primary' | 'secondary',
  enabled: readonly Backend[],
  taken: readonly Backend[],
  file: BackendsFile,
  findings: Findings,
): Backend | undefined {
  const wanted = file.priority[name];
  const path: Path = ['priority', name];
  if (wanted === 'auto') {
    const other = name === 'primary' ? file.priority.secondary : undefined;
    const free = enabled.filter((backend) => !taken.includes(backend) && backend !== other && backend !== 'together_ai');
    return free[0] ?? (enabled.length === 1 ? enabled.find((backend) => !taken.includes(backend)) : undefined);
  }
  if (taken.includes(wanted)) {
    findings.warn(path, `names ${wanted}, which goes first already; it is tried once`);
    return undefined;
  }
  if (file[wanted] === undefined) findings.refuse(path, `names ${wanted}, and the file has no section "${wanted}"; add one`);
  else if (!enabled.includes(wanted)) findings.refuse(path, `names ${wanted}, but ${wanted}.enabled is false; change one of the two`);
  return enabled.find((backend) => backend === wanted);
}

function isNamed(backend: Backend, { priority }: BackendsFile): boolean {
  return priority.primary === backend || priority.secondary === backend;
}

/** The attempts of a call, over all backends. */
function attemptsOf({ priority, together_ai }: BackendsFile, used: readonly Backend[], isBalanced: boolean): number | undefined {
  if (priority.auto_failover) return priority.failover_attempts;
  // Shared, and with nobody to fall over to: each call has the one that its turn gave it.
  if (isBalanced) return 1;
  return used[0] === 'together_ai' && together_ai?.max_retries !== undefined
    ? Math.min(1 + together_ai.max_retries, mostAttempts)
    : undefined;
}

function withRank(options: ProviderOptions, backend: Backend, { all, used, shared }: Ranks): ProviderOptions {
  const weight = shared?.weights.get(backend);
  return {
    ...options,
    priority: weight === undefined ? all.indexOf(backend) : 0,
    ...(weight !== undefined && { weight }),
    ...(!used.includes(backend) && { enabled: false }),
  };
}

interface DescribeContext {
  /** The backends that get calls. */
  readonly used: readonly Backend[];
  readonly references: References;
  readonly findings: Findings;
}

type Describe = (file: BackendsFile, context: DescribeContext) => ProviderOptions;

const nvidia: Describe = ({ nvidia: section }, { used, references, findings }) => {
  const { enabled: _, ...settings } = section ?? {};
  const url = references.read('NVIDIA_BASE_URL', ['providers', 'nvidia', 'url']);
  const apiKey = references.read('NVIDIA_API_KEY', ['providers', 'nvidia', 'apiKey']);
  const defaultModel = references.read('NVIDIA_DEFAULT_MODEL', ['providers', 'nvidia', 'defaultModel']);
  if (url === undefined && used.includes('nvidia')) findings.warn(['nvidia'], noAddress);
  return {
    type: 'nvidia',
    ...(url !== undefined && { url }),
    ...(apiKey !== undefined && { apiKey }),
    ...(defaultModel !== undefined && { defaultModel }),
    metadata: toTexts(settings),
  };
};

const together_ai: Describe = ({ together_ai: section }, { used, references, findings }) => {
  const { api_key, default_model, default_embedding_model, timeout, max_retries } = section ?? {};
  const isGiven = api_key !== undefined && !isPlaceholder(api_key);
  const apiKey = isGiven ? api_key : references.read('TOGETHER_API_KEY', ['together_ai', 'api_key']);
  if (apiKey === undefined && used.includes('together_ai')) {
    const found = api_key === undefined ? 'is missing' : 'is a placeholder';
    if (used.length === 1) findings.refuse(['together_ai', 'api_key'], `${found}; ${keyAdvice}`);
    else findings.warn(['together_ai', 'api_key'], `${found}, so this backend gets no calls; ${keyAdvice}`);
  }
  return {
    type: 'together',
    ...(apiKey !== undefined && { apiKey }),
    ...(default_model !== undefined && { defaultModel: default_model }),
    ...(default_embedding_model !== undefined && { embeddingModel: default_embedding_model }),
    ...(timeout !== undefined && { timeouts: { totalMs: timeout * 1_000 } }),
    metadata: toTexts({ max_retries }),
  };
};

const keyAdvice = 'write "${TOGETHER_API_KEY}" there and set that variable';

const cpu: Describe = ({ cpu: section }, { used, findings }) => {
  const { default_model, default_embedding_model: embedding, num_threads, context_size } = section ?? {};
  if (used.includes('cpu') && default_model === undefined && embedding === undefined) findings.refuse(['cpu', 'default_model'], noModel);
  return {
    type: 'cpu',
    ...(default_model !== undefined && { modelPath: default_model }),
    ...(embedding !== undefined && (/\.gguf$/i.test(embedding) ? { embeddingModelPath: embedding } : { embeddingModel: embedding })),
    ...(num_threads !== undefined && { threads: num_threads }),
    ...(context_size !== undefined && { contextSize: context_size }),
  };
};

const noAddress =
  'has no address in this format, so http://127.0.0.1:8000 is used; set the variable NVIDIA_BASE_URL to the address of the server';

const noModel = 'is missing: give the path of a GGUF file, or an encoder in default_embedding_model';

function toTexts(settings: Readonly<Record<string, unknown>>): Record<string, string> {
  const known = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, String(value)]));
}
