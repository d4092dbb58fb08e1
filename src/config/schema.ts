import * as z from 'zod';
import type { Adapter } from '../core/adapter.ts';
import { localities } from '../core/locality.ts';
import type { Logger } from '../core/logger.ts';
import type { PriceTable } from '../core/prices.ts';
import { type ProviderType, providerTypes } from '../core/provider-types.ts';
import { type Clock, maxTimerMs } from '../lib/clock.ts';
import type { Transport } from '../lib/transport.ts';
import type { StateStore } from '../state/store.ts';
import { cache } from './cache-schema.ts';
import type { Findings } from './findings.ts';
import type { HealthOptions } from './health-options.ts';
import { budgets, limits, rateLimit } from './limit-schema.ts';
import type { RouterOptions } from './options.ts';
import type { ProviderOptions, TimeoutOptions } from './provider-options.ts';
import { breaker, hedge, retry, throughput } from './resilience-schema.ts';
import type { Balance, IntentOptions, QueueOptions } from './routing-options.ts';
import {
  type Fields,
  flag,
  made,
  milliseconds,
  number,
  object,
  oneOf,
  positive,
  record,
  strict,
  type Takes,
  text,
  whole,
} from './schema-parts.ts';

const timeouts = strict({
  connectMs: milliseconds().optional(),
  firstTokenMs: milliseconds().optional(),
  idleMs: milliseconds().optional(),
  totalMs: milliseconds().optional(),
} satisfies Fields<TimeoutOptions>);

const devices = ['gpu', 'cpu', 'remote', 'cloud'] as const;
const types: readonly (ProviderType | 'custom')[] = [...(Object.keys(providerTypes) as ProviderType[]), 'custom'];

const provider = strict({
  type: oneOf(types),
  url: text().optional(),
  apiKey: z
    .custom<string | (() => string | Promise<string>)>(
      (value) => typeof value === 'string' || typeof value === 'function',
      'must be text, or a function that gives it',
    )
    .optional(),
  headers: record(z.string('must be text')).optional(),
  device: oneOf(devices).optional(),
  cost: oneOf(['free', 'paid']).optional(),
  locality: oneOf(localities).optional(),
  priority: whole(-1_000_000, 1_000_000).optional(),
  weight: positive().optional(),
  maxConcurrent: whole(1, 1_000_000).optional(),
  limits: rateLimit.optional(),
  reservedForFast: whole(0, 1_000_000).optional(),
  maxModelBillions: positive().optional(),
  defaultModel: text().optional(),
  embeddingModel: text().optional(),
  embeddingSpace: text().optional(),
  contextLength: whole(1, 100_000_000).optional(),
  timeouts: timeouts.optional(),
  metadata: record(z.string('must be text')).optional(),
  enabled: flag().optional(),
  adapter: made<Adapter>(
    { name: 'string', chat: 'function', stream: 'function', capabilities: 'object' },
    'must be an adapter made by defineAdapter()',
  ).optional(),
  modelPath: text().optional(),
  embeddingModelPath: text().optional(),
  threads: whole(0, 1_024).optional(),
  contextSize: whole(1, 100_000_000).optional(),
  keepAliveS: whole(-1, 31_536_000).optional(),
  dialect: oneOf(['auto', 'notebook', 'proxy', 'tgi']).optional(),
  stripPrompt: flag().optional(),
  reply: z.string('must be text').optional(),
} satisfies Fields<ProviderOptions>);

const balance = (): Takes<Balance> => oneOf(['priority', 'weighted', 'least-busy', 'expected-ttft']);
const place = 'must be a device, the id of a provider, or a list of them';

const intent = strict({
  order: z
    .array(z.union([text(), z.array(text()).readonly()], place), 'must be a list of devices and ids of providers')
    .readonly()
    .optional(),
  balance: balance().optional(),
  lane: oneOf(['fast', 'heavy']).optional(),
  affinity: flag().optional(),
  maxLocality: oneOf(localities).optional(),
  allowPaid: flag().optional(),
  maxCostUsd: positive().optional(),
  timeouts: timeouts.optional(),
  deadlineMs: milliseconds().optional(),
} satisfies Fields<IntentOptions>);

const queue = strict({
  limit: whole(0, 1_000_000).optional(),
  timeoutMs: milliseconds().optional(),
  agingMs: milliseconds().optional(),
} satisfies Fields<QueueOptions>);

const health = strict({
  mode: oneOf(['background', 'per-request']).optional(),
  intervalMs: milliseconds().optional(),
  unhealthyIntervalMs: milliseconds().optional(),
  timeoutMs: milliseconds().optional(),
  maxAgeMs: milliseconds().optional(),
} satisfies Fields<HealthOptions>);

const router = strict({
  providers: record(provider),
  models: record(record(text())).optional(),
  intents: record(intent).optional(),
  defaultIntent: text().optional(),
  allowPaid: flag().optional(),
  maxLocality: oneOf(localities).optional(),
  maxCostUsd: positive().optional(),
  prices: made<PriceTable>(
    { date: 'string', source: 'string', priceOf: 'function' },
    'must have date, source and priceOf(): await loadPrices(), or a table of your own',
  ).optional(),
  limits: limits.optional(),
  budgets: budgets.optional(),
  balance: balance().optional(),
  queue: queue.optional(),
  pollMs: z
    .custom<number | false>(
      (value) => value === false || milliseconds().safeParse(value).success,
      `must be false, or a number of milliseconds above 0 and at most ${maxTimerMs}`,
    )
    .optional(),
  // Above the limit it is lowered with a warning, by the resolver.
  maxAttempts: number('a whole number from 1 to 5', (value) => Number.isSafeInteger(value) && value >= 1).optional(),
  deadlineMs: milliseconds().optional(),
  timeouts: timeouts.optional(),
  breaker: z.union([z.literal('classic'), breaker], `${object} or 'classic'`).optional(),
  retry: z.union([z.literal('availability'), retry], `${object} or 'availability'`).optional(),
  hedge: z.union([z.boolean(), hedge], `must be true or false, or an object`).optional(),
  health: z.union([z.literal(false), z.literal('per-request'), health], `must be false, 'per-request', or an object`).optional(),
  onAllOpen: oneOf(['fail', 'wait']).optional(),
  panic: oneOf(['off', 'soonest']).optional(),
  onStreamFailure: oneOf(['error', 'restart', 'continue']).optional(),
  throughput: throughput.optional(),
  pinMs: milliseconds().optional(),
  onModelMissing: oneOf(['skip', 'substitute']).optional(),
  onIgnoredParameter: oneOf(['warn', 'refuse']).optional(),
  checkModels: flag().optional(),
  checkEmbeddings: flag().optional(),
  cache: cache.optional(),
  singleFlight: flag().optional(),
  store: made<StateStore>({ connect: 'function' }, 'must be a store, such as redisStore() of inferlane/redis makes').optional(),
  transport: made<Transport>(
    { send: 'function', connects: 'boolean' },
    'must have send(), and say in connects whether it sees connections',
  ).optional(),
  logger: made<Logger>(
    { debug: 'function', info: 'function', warn: 'function', error: 'function' },
    'must have debug(), info(), warn() and error(), like a logger of pino',
  ).optional(),
  clock: made<Clock>(
    { nowMs: 'function', wallMs: 'function', schedule: 'function' },
    'must have nowMs(), wallMs() and schedule()',
  ).optional(),
  random: z.custom<() => number>((value) => typeof value === 'function', 'must be a function that gives a number from 0 to 1').optional(),
} satisfies Fields<RouterOptions>);

/** The other direction of `Fields`: whatever the interfaces allow, the schema takes; otherwise this does not compile. */
const parse = (copy: unknown): RouterOptions extends z.input<typeof router> ? z.ZodSafeParseResult<RouterOptions> : never =>
  router.safeParse(copy);

/**
 * The parts of a copy of the options that have the right shape. What is refused goes to the findings and is taken out of
 * the copy, so that the rest can still be looked at. Undefined where nothing is left to look at.
 */
export function checkShape(copy: unknown, findings: Findings): RouterOptions | undefined {
  ensureProviders(copy);
  const first = parse(copy);
  if (first.success) return first.data;
  for (const issue of first.error.issues) report(issue, [], findings);
  // Taking out a part may leave something incomplete, which goes in the next round.
  let issues = first.error.issues;
  for (let round = 0; round < 5; round++) {
    for (const issue of issues) remove(copy, issue);
    ensureProviders(copy);
    const next = parse(copy);
    if (next.success) return next.data;
    issues = next.error.issues;
  }
  return undefined;
}

type Issue = z.core.$ZodIssue;

function report(issue: Issue, base: readonly PropertyKey[], findings: Findings): void {
  const path = [...base, ...issue.path].map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    const sentences = issue.message.split('\n');
    issue.keys.forEach((key, index) => findings.refuse([...path, key], sentences[index] ?? 'unknown option'));
    return;
  }
  const inside = issue.code === 'invalid_union' ? issue.errors.find(fits) : undefined;
  if (inside === undefined) findings.refuse(path, issue.message);
  else for (const part of inside) report(part, path, findings);
}

/** The branch of a union that was meant: the one whose own kind of value was given, with something wrong inside. */
function fits(branch: readonly Issue[]): boolean {
  return branch.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys');
}

/** None at all is the resolver's business, which has a better sentence for it. */
function ensureProviders(copy: unknown): void {
  if (typeof copy === 'object' && copy !== null && !Array.isArray(copy) && !('providers' in copy)) Object.assign(copy, { providers: {} });
}

function remove(copy: unknown, issue: Issue): void {
  const path = issue.code === 'unrecognized_keys' ? issue.path : issue.path.slice(0, -1);
  const names = issue.code === 'unrecognized_keys' ? issue.keys : issue.path.slice(-1);
  const parent = valueAt(copy, path);
  if (typeof parent !== 'object' || parent === null) return;
  // A list with a bad entry goes as a whole, and so does an object that lacks what it must have.
  const isPart = names.every((name) => Object.hasOwn(parent, name)) && !Array.isArray(parent);
  if (isPart) for (const name of names) Reflect.deleteProperty(parent, name);
  else if (path.length > 0) Reflect.deleteProperty(valueAt(copy, path.slice(0, -1)) as object, path.at(-1) as PropertyKey);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, name) => (inner as Record<PropertyKey, unknown> | undefined)?.[name], value);
}
