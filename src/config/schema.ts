import * as z from 'zod/mini';
import type { Adapter } from '../core/adapter.ts';
import { localities } from '../core/locality.ts';
import type { Logger } from '../core/logger.ts';
import type { PriceTable } from '../core/prices.ts';
import { type ProviderType, providerTypes } from '../core/provider-types.ts';
import { type Clock, maxTimerMs } from '../lib/clock.ts';
import { once } from '../lib/once.ts';
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
import { refuseIssues } from './schema-issues.ts';
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

const timeouts = () =>
  strict({
    connectMs: z.optional(milliseconds()),
    firstTokenMs: z.optional(milliseconds()),
    idleMs: z.optional(milliseconds()),
    totalMs: z.optional(milliseconds()),
  } satisfies Fields<TimeoutOptions>);

const devices = ['gpu', 'cpu', 'remote', 'cloud'] as const;
const types: readonly (ProviderType | 'custom')[] = [...(Object.keys(providerTypes) as ProviderType[]), 'custom'];

const provider = () =>
  strict({
    type: oneOf(types),
    url: z.optional(text()),
    apiKey: z.optional(
      z.custom<string | (() => string | Promise<string>)>(
        (value) => typeof value === 'string' || typeof value === 'function',
        'must be text, or a function that gives it',
      ),
    ),
    headers: z.optional(record(z.string('must be text'))),
    device: z.optional(oneOf(devices)),
    cost: z.optional(oneOf(['free', 'paid'])),
    locality: z.optional(oneOf(localities)),
    priority: z.optional(whole(-1_000_000, 1_000_000)),
    weight: z.optional(positive()),
    maxConcurrent: z.optional(whole(1, 1_000_000)),
    limits: z.optional(rateLimit()),
    reservedForFast: z.optional(whole(0, 1_000_000)),
    maxModelBillions: z.optional(positive()),
    defaultModel: z.optional(text()),
    embeddingModel: z.optional(text()),
    embeddingSpace: z.optional(text()),
    contextLength: z.optional(whole(1, 100_000_000)),
    timeouts: z.optional(timeouts()),
    metadata: z.optional(record(z.string('must be text'))),
    enabled: z.optional(flag()),
    adapter: z.optional(
      made<Adapter>(
        { name: 'string', chat: 'function', stream: 'function', capabilities: 'object' },
        'must be an adapter made by defineAdapter()',
      ),
    ),
    modelPath: z.optional(text()),
    embeddingModelPath: z.optional(text()),
    threads: z.optional(whole(0, 1_024)),
    contextSize: z.optional(whole(1, 100_000_000)),
    keepAliveS: z.optional(whole(-1, 31_536_000)),
    dialect: z.optional(oneOf(['auto', 'notebook', 'proxy', 'tgi'])),
    stripPrompt: z.optional(flag()),
    reply: z.optional(z.string('must be text')),
  } satisfies Fields<ProviderOptions>);

const balance = (): Takes<Balance> => oneOf(['priority', 'weighted', 'least-busy', 'expected-ttft']);
const place = 'must be a device, the id of a provider, or a list of them';

const intent = () =>
  strict({
    order: z.optional(
      z.readonly(z.array(z.union([text(), z.readonly(z.array(text()))], place), 'must be a list of devices and ids of providers')),
    ),
    balance: z.optional(balance()),
    lane: z.optional(oneOf(['fast', 'heavy'])),
    affinity: z.optional(flag()),
    maxLocality: z.optional(oneOf(localities)),
    allowPaid: z.optional(flag()),
    maxCostUsd: z.optional(positive()),
    timeouts: z.optional(timeouts()),
    deadlineMs: z.optional(milliseconds()),
  } satisfies Fields<IntentOptions>);

const queue = () =>
  strict({
    limit: z.optional(whole(0, 1_000_000)),
    timeoutMs: z.optional(milliseconds()),
    agingMs: z.optional(milliseconds()),
  } satisfies Fields<QueueOptions>);

const health = () =>
  strict({
    mode: z.optional(oneOf(['background', 'per-request'])),
    intervalMs: z.optional(milliseconds()),
    unhealthyIntervalMs: z.optional(milliseconds()),
    timeoutMs: z.optional(milliseconds()),
    maxAgeMs: z.optional(milliseconds()),
  } satisfies Fields<HealthOptions>);

/** Where calls go. */
const routing = () => ({
  providers: record(provider()),
  models: z.optional(record(record(text()))),
  intents: z.optional(record(intent())),
  defaultIntent: z.optional(text()),
  allowPaid: z.optional(flag()),
  maxLocality: z.optional(oneOf(localities)),
  maxCostUsd: z.optional(positive()),
  prices: z.optional(
    made<PriceTable>(
      { date: 'string', source: 'string', priceOf: 'function' },
      'must have date, source and priceOf(): await loadPrices(), or a table of your own',
    ),
  ),
  limits: z.optional(limits()),
  budgets: z.optional(budgets()),
  balance: z.optional(balance()),
  queue: z.optional(queue()),
  pollMs: z.optional(
    z.custom<number | false>(
      (value) => value === false || milliseconds().safeParse(value).success,
      `must be false, or a number of milliseconds above 0 and at most ${maxTimerMs}`,
    ),
  ),
});

/** How they are made. */
const conduct = () => ({
  // Above the limit it is lowered with a warning, by the resolver.
  maxAttempts: z.optional(number('a whole number from 1 to 5', (value) => Number.isSafeInteger(value) && value >= 1)),
  deadlineMs: z.optional(milliseconds()),
  timeouts: z.optional(timeouts()),
  breaker: z.optional(z.union([z.literal('classic'), breaker()], `${object} or 'classic'`)),
  retry: z.optional(z.union([z.literal('availability'), retry()], `${object} or 'availability'`)),
  hedge: z.optional(z.union([z.boolean(), hedge()], `must be true or false, or an object`)),
  health: z.optional(z.union([z.literal(false), z.literal('per-request'), health()], `must be false, 'per-request', or an object`)),
  onAllOpen: z.optional(oneOf(['fail', 'wait'])),
  panic: z.optional(oneOf(['off', 'soonest'])),
  onStreamFailure: z.optional(oneOf(['error', 'restart', 'continue'])),
  throughput: z.optional(throughput()),
  pinMs: z.optional(milliseconds()),
  onModelMissing: z.optional(oneOf(['skip', 'substitute'])),
  onIgnoredParameter: z.optional(oneOf(['warn', 'refuse'])),
  checkModels: z.optional(flag()),
  checkEmbeddings: z.optional(flag()),
  cache: z.optional(cache()),
  singleFlight: z.optional(flag()),
  store: z.optional(made<StateStore>({ connect: 'function' }, 'must be a store, such as redisStore() of inferlane/redis makes')),
  transport: z.optional(made<Transport>({ send: 'function' }, 'must have send(), as ofetchTransport() has')),
  logger: z.optional(
    made<Logger>(
      { debug: 'function', info: 'function', warn: 'function', error: 'function' },
      'must have debug(), info(), warn() and error(), like a logger of pino',
    ),
  ),
  clock: z.optional(
    made<Clock>({ nowMs: 'function', wallMs: 'function', schedule: 'function' }, 'must have nowMs(), wallMs() and schedule()'),
  ),
  random: z.optional(z.custom<() => number>((value) => typeof value === 'function', 'must be a function that gives a number from 0 to 1')),
});

/** Made for the first router: whoever only imports the library needs none of it. */
const router = once(() => strict({ ...routing(), ...conduct() } satisfies Fields<RouterOptions>));

/** The other direction of `Fields`: whatever the interfaces allow, the schema takes; otherwise this does not compile. */
const parse = (copy: unknown): RouterOptions extends z.input<ReturnType<typeof router>> ? z.util.SafeParseResult<RouterOptions> : never =>
  router().safeParse(copy);

/**
 * The parts of a copy of the options that have the right shape. What is refused goes to the findings and is taken out of
 * the copy, so that the rest can still be looked at. Undefined where nothing is left to look at.
 */
export function checkShape(copy: unknown, findings: Findings): RouterOptions | undefined {
  ensureProviders(copy);
  const first = parse(copy);
  if (first.success) return first.data;
  refuseIssues(first.error.issues, findings);
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
