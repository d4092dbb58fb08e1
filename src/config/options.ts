import type { Locality } from '../core/locality.ts';
import type { Logger } from '../core/logger.ts';
import type { PriceTable } from '../core/prices.ts';
import type { Clock } from '../lib/clock.ts';
import type { Transport } from '../lib/transport.ts';
import type { StateStore } from '../state/store.ts';
import type { CacheOptions } from './cache-options.ts';
import type { HealthOptions } from './health-options.ts';
import type { BudgetOptions, LimitOptions } from './limit-options.ts';
import type { ProviderOptions, TimeoutOptions } from './provider-options.ts';
import type { BreakerOptions, HedgeOptions, RetryOptions, ThroughputOptions } from './resilience-options.ts';
import type { Balance, IntentOptions, QueueOptions } from './routing-options.ts';

/** Options of `createRouter()`. An unknown key is refused, with the nearest known name. */
export interface RouterOptions {
  /** The key is the provider's id. */
  readonly providers: Readonly<Record<string, ProviderOptions>>;
  /** Alias → provider id → that provider's own name for the model. */
  readonly models?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
  /** `fast` (gpu, remote, cpu, cloud) and `heavy` (cpu, gpu, remote, cloud) are built in and can be changed. */
  readonly intents?: Readonly<Record<string, IntentOptions>> | undefined;
  /**
   * The intent of calls that name none.
   * @default 'fast'
   */
  readonly defaultIntent?: string | undefined;
  /**
   * Lets a call go to providers that cost money. Naming one with the call option `provider` or in the order of the intent is consent as
   * well, and so is configuring no other but a stub.
   * @default false
   */
  readonly allowPaid?: boolean | undefined;
  /**
   * The farthest that a request may travel: to this process, this machine, the local network, through a tunnel, into a cloud. It holds
   * for every attempt; intents and calls can only draw it nearer.
   * @default 'cloud'
   */
  readonly maxLocality?: Locality | undefined;
  /**
   * US dollars that one attempt may cost by `prices`, its longest answer included. A paid provider whose price is not known is then
   * no candidate, nor is any paid one for a chat without `max_tokens`. Left out: no limit.
   */
  readonly maxCostUsd?: number | undefined;
  /** What models cost: `await loadPrices()`, or a table of your own. */
  readonly prices?: PriceTable | undefined;
  /** How much callers may ask for in a minute; providers have `limits` of their own. */
  readonly limits?: LimitOptions | undefined;
  /** Caps for what paid providers may cost in an hour and a day; needs `prices`. */
  readonly budgets?: BudgetOptions | undefined;
  /**
   * Who goes first among candidates that stand equal: the same priority, cost and place in the intent's order.
   * @default 'priority'
   */
  readonly balance?: Balance | undefined;
  /** How calls wait for a provider that serves only so many at once. */
  readonly queue?: QueueOptions | undefined;
  /**
   * How often, while there is traffic, providers that tell their load are asked for it in the background: through a tunnel no more often
   * than each minute, a lone one after its first answer. `false`: never.
   * @default 10_000
   */
  readonly pollMs?: number | false | undefined;
  /**
   * Calls to providers in one call of the router, over all of them, 1 to 5.
   * @default 3
   */
  readonly maxAttempts?: number | undefined;
  /**
   * For a whole call, with all its attempts and pauses; a stream included, to its last piece.
   * @default 120_000
   */
  readonly deadlineMs?: number | undefined;
  readonly timeouts?: TimeoutOptions | undefined;
  /** `'classic'`: 3 consecutive failures, 5 minutes, no ratio, no doubling, no jitter. */
  readonly breaker?: BreakerOptions | 'classic' | undefined;
  /** When a provider in trouble gets no second chances. `'availability'`: 50 tokens, 0.5 for each success. */
  readonly retry?: RetryOptions | 'availability' | undefined;
  /**
   * Off: a hedge costs a whole generation. `true` takes the defaults.
   * @default false
   */
  readonly hedge?: boolean | HedgeOptions | undefined;
  /**
   * `'per-request'` is short for that `mode`. `false`: providers are asked how they are only by `health()`, and what
   * they say moves nothing.
   * @default {}
   */
  readonly health?: false | 'per-request' | HealthOptions | undefined;
  /**
   * What a call does that finds every provider behind an open breaker. `'fail'`: it fails at once and says in `retryAfterMs` when the
   * first one may be asked again. `'wait'`: it waits for that moment, where its deadline allows.
   * @default 'fail'
   */
  readonly onAllOpen?: 'fail' | 'wait' | undefined;
  /**
   * `'soonest'`: where every provider is behind an open breaker, one call at a time is sent to the one that would be asked again first.
   * @default 'off'
   */
  readonly panic?: 'off' | 'soonest' | undefined;
  /**
   * What follows when a stream breaks after content of it was handed on. `'error'`: it throws `stream_interrupted`. `'restart'`: another
   * attempt gives the whole answer anew, after a chunk with `inferlane: { type: 'reset' }`. `'continue'`: a provider that can take up a
   * begun answer gives the rest, after a chunk with `inferlane: { type: 'resumed' }`; only plain text is continued.
   * @default 'error'
   */
  readonly onStreamFailure?: 'error' | 'restart' | 'continue' | undefined;
  /** Left out: a stream is never too slow as long as it moves. */
  readonly throughput?: ThroughputOptions | undefined;
  /**
   * How long a model that ran out of memory on a provider is kept away from it; doubles with each further time, to 4 h.
   * @default 1_800_000
   */
  readonly pinMs?: number | undefined;
  /**
   * What a provider that is known not to have the model is: no candidate, or one that answers with its default model.
   * @default 'skip'
   */
  readonly onModelMissing?: 'skip' | 'substitute' | undefined;
  /**
   * What happens to a provider that has no place for a parameter of the request (`seed`, `stop`, …): the call goes there without
   * it and `config:warning` says so once, or it is no candidate.
   * @default 'warn'
   */
  readonly onIgnoredParameter?: 'warn' | 'refuse' | undefined;
  /**
   * Asks each provider once, right after the start and without holding up any call, whether it still serves the default models
   * set for it or by the dated table of default models; `config:warning` names those that it does not.
   * @default true
   */
  readonly checkModels?: boolean | undefined;
  /**
   * Right after the start, every provider of a shared embedding space embeds a few fixed texts; one whose vectors differ from the
   * others' is left out, and so is one that has not been compared with them yet. It costs one small request each, of paid ones only with
   * `allowPaid` and within `maxCostUsd`.
   * @default false
   */
  readonly checkEmbeddings?: boolean | undefined;
  /**
   * Keeps answers, and gives them again to the same request: embeddings and chats with `temperature: 0` by themselves, others where the
   * call says so. Left out: nothing is kept.
   */
  readonly cache?: CacheOptions | undefined;
  /**
   * Identical calls of one caller that are under way together share one request: those whose answers may be kept, whether or not they are.
   * @default false
   */
  readonly singleFlight?: boolean | undefined;
  /** Default: `nodeHttpTransport()` in Node, `ofetchTransport()` elsewhere; one for all routers of the process. */
  readonly transport?: Transport | undefined;
  /**
   * Shares what is found out with other processes: open breakers, rests, pins, models that are missing, limits and budgets.
   * `redisStore()` of `inferlane/redis`, or `memoryStore()` for several routers of one process. No call waits for it that somebody can
   * answer, and without it each router decides for itself. Left out: every router is alone.
   */
  readonly store?: StateStore | undefined;
  /**
   * Writes down what the router does: `pino()`, `console`, or another of that shape. No line holds a prompt, an answer, a key or a full
   * URL.
   */
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
  /**
   * Numbers from 0 (inclusive) to 1 (exclusive), for jitter and back-off.
   * @default Math.random
   */
  readonly random?: (() => number) | undefined;
}
