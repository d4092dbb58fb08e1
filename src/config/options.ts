import type { Adapter } from '../core/adapter.ts';
import type { ProviderType } from '../core/provider-types.ts';
import type { Clock } from '../lib/clock.ts';
import type { Transport } from '../lib/transport.ts';
import type { BreakerOptions, HedgeOptions, RetryOptions, ThroughputOptions } from './resilience-options.ts';

/** What kind of machine a provider is; intents order by it. */
export type Device = 'gpu' | 'cpu' | 'remote' | 'cloud';

export type Cost = 'free' | 'paid';

/** Limits in milliseconds. Each belongs to one attempt, and each can end it and move the call to the next candidate. */
export interface TimeoutOptions {
  /**
   * Until the connection stands. Needs a transport that can see connections; the default one cannot, and there the
   * platform's own limit holds.
   * @default 3_000
   */
  readonly connectMs?: number | undefined;
  /**
   * Streams: until the first content. Applied while another candidate is left; the last one gets the rest of the deadline,
   * because a cold model may take minutes to load.
   * @default 10_000
   */
  readonly firstTokenMs?: number | undefined;
  /**
   * Streams: longest silence between two pieces of content.
   * @default 15_000
   */
  readonly idleMs?: number | undefined;
  /**
   * Whole attempt. Left out: an attempt that is not a stream gets half of what is left of the deadline while another
   * candidate is left, then all of it; a stream is bound by the deadline alone.
   */
  readonly totalMs?: number | undefined;
}

/** Fields of every provider, whatever its type. */
export interface ProviderOptions {
  /** Which adapter speaks to it. `custom` needs `adapter`. */
  readonly type: ProviderType | 'custom';
  /** The server's address, with or without `/v1`; the adapter knows its own paths. Default: the type's usual address. */
  readonly url?: string | undefined;
  /** A key, or a function that is asked before each request. */
  readonly apiKey?: string | (() => string | Promise<string>) | undefined;
  /** Sent with every request to this provider and to no other. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** @default by type and address: see `docs/reference/config.md` */
  readonly device?: Device | undefined;
  /** @default 'paid' for cloud types, else 'free' */
  readonly cost?: Cost | undefined;
  /**
   * Smaller goes first, before cost and intent are looked at. The stub's is 1000: it stands behind every real answer.
   * @default 0
   */
  readonly priority?: number | undefined;
  /** The model for chats that name none. At the usual address of a cloud: the one of the table of default models. */
  readonly defaultModel?: string | undefined;
  /** The model for embeddings that name none. */
  readonly embeddingModel?: string | undefined;
  readonly timeouts?: TimeoutOptions | undefined;
  /** @default true */
  readonly enabled?: boolean | undefined;
  /** The adapter of a `custom` provider, made by `defineAdapter`. */
  readonly adapter?: Adapter | undefined;
  /** `cpu`: path of the GGUF file for chats. */
  readonly modelPath?: string | undefined;
  /**
   * `cpu`: the encoder for embeddings. Path of a GGUF file, or of a folder that `@huggingface/transformers` reads. Left out with
   * `embeddingModel` set: that name is loaded from the library's own hub.
   */
  readonly embeddingModelPath?: string | undefined;
  /**
   * `cpu`: threads of one inference; 0 means the library's own choice.
   * @default 0
   */
  readonly threads?: number | undefined;
  /**
   * `cpu`, `ollama`: context window in tokens. Left out: the model's own as far as memory allows, or the server's setting. Ollama
   * gets the same number with every call, because a different one would load the model anew.
   */
  readonly contextSize?: number | undefined;
  /**
   * `ollama`, `lmstudio`: how long an idle model stays loaded, in seconds; negative (`ollama` only) for ever. Left out: the
   * server's setting.
   */
  readonly keepAliveS?: number | undefined;
  /**
   * `remote-gpu`: what its `/generate` speaks. `notebook`: `{ prompt }` → `{ content }`; `proxy`: `{ model_id, prompt, … }` →
   * `{ generated_text }`; `tgi`: `{ inputs, parameters }` → `{ generated_text }`. `auto` asks the server once.
   * @default 'auto'
   */
  readonly dialect?: 'auto' | 'notebook' | 'proxy' | 'tgi' | undefined;
  /**
   * `remote-gpu`: takes the prompt off the front of an answer that repeats it.
   * @default true
   */
  readonly stripPrompt?: boolean | undefined;
  /** `stub`: the text it answers with. */
  readonly reply?: string | undefined;
}

export interface IntentOptions {
  /** Devices in the order they are tried. Devices left out come last, in the order gpu, remote, cpu, cloud. */
  readonly order?: readonly Device[] | undefined;
  /** Over the router's, under a provider's own. `heavy` allows 60_000 ms until the first token. */
  readonly timeouts?: TimeoutOptions | undefined;
  /** For a whole call with this intent. Left out: the router's; `heavy` allows 300_000 ms. */
  readonly deadlineMs?: number | undefined;
}

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
   * Lets a call go to providers that cost money. Naming one with the call option `provider` is consent as well, and so is
   * configuring no other.
   * @default false
   */
  readonly allowPaid?: boolean | undefined;
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
  /** Default: `ofetch` over the platform's `fetch`. */
  readonly transport?: Transport | undefined;
  readonly clock?: Clock | undefined;
  /**
   * Numbers from 0 (inclusive) to 1 (exclusive), for jitter and back-off.
   * @default Math.random
   */
  readonly random?: (() => number) | undefined;
}

/** How one call is routed. What is asked stands in the request. */
export interface CallOptions {
  /** @default the router's `defaultIntent` */
  readonly intent?: string | undefined;
  /** Only this provider; naming a paid one is consent to pay. */
  readonly provider?: string | undefined;
  /** Aborting it rejects with its own reason, untouched. */
  readonly signal?: AbortSignal | undefined;
  readonly deadlineMs?: number | undefined;
  readonly maxAttempts?: number | undefined;
  readonly allowPaid?: boolean | undefined;
  /** @default the router's */
  readonly onStreamFailure?: 'error' | 'restart' | 'continue' | undefined;
  /** `false`: this call is not hedged. */
  readonly hedge?: boolean | undefined;
  /**
   * Routers that the call has passed already, where this one stands behind another: `hopsOf(request.headers)`. From 3 on it is
   * refused as `loop_detected`.
   * @default 0
   */
  readonly hops?: number | undefined;
  /**
   * With a schema as `response_format`: an answer that does not fit is sent back once, with what is wrong, within the same
   * deadline.
   * @default false
   */
  readonly repair?: boolean | undefined;
  readonly timeouts?: TimeoutOptions | undefined;
}
