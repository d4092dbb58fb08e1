import type { Adapter } from '../core/adapter.ts';
import type { Locality } from '../core/locality.ts';
import type { ProviderType } from '../core/provider-types.ts';
import type { RateLimit } from './limit-options.ts';

/** What kind of machine a provider is; intents order by it. */
export type Device = 'gpu' | 'cpu' | 'remote' | 'cloud';

export type Cost = 'free' | 'paid';

/** Limits in milliseconds. Each belongs to one attempt, and each can end it and move the call to the next candidate. */
export interface TimeoutOptions {
  /**
   * Until the connection stands. Needs a transport that sees connections, as the default one in Node does; elsewhere the
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

/** Options of one provider. One whose meaning begins with types, like `cpu`, is for these only, and refused for every other. */
export interface ProviderOptions {
  /** Which adapter speaks to it. `custom` needs `adapter`. */
  readonly type: ProviderType | 'custom';
  /** The server's address, with or without `/v1`; the adapter knows its own paths. Default: the type's usual address. */
  readonly url?: string | undefined;
  /** A key, or a function that is asked before each request. */
  readonly apiKey?: string | (() => string | Promise<string>) | undefined;
  /** Sent with every request to this provider and to no other. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** @default by type: see `docs/reference/config.md` */
  readonly device?: Device | undefined;
  /** @default 'paid' for cloud types, else 'free' */
  readonly cost?: Cost | undefined;
  /**
   * How far a request to it travels. Say so where the address does not tell: a proxy on this machine that passes requests on to a cloud
   * is `cloud`, a name of your own network that looks like any other is `lan`.
   * @default by type and address: see `docs/reference/config.md`; 'cloud' for a custom provider
   */
  readonly locality?: Locality | undefined;
  /**
   * Smaller goes first, before cost and intent are looked at. The stub's is 1000: it stands behind every real answer.
   * @default 0
   */
  readonly priority?: number | undefined;
  /**
   * Its share among equals, where `balance` is `weighted` or `least-busy`: one of 3 gets three requests for each that one of 1 gets.
   * @default 1
   */
  readonly weight?: number | undefined;
  /**
   * Requests that it gets at once; others wait. Left out: what the server tells (`lmstudio`: for each model), else 1 for a type that is
   * known to serve one at a time (`ollama`: for each model), else no limit. A stream whose reader has asked for nothing for a second
   * lends its slot to calls that wait.
   */
  readonly maxConcurrent?: number | undefined;
  /**
   * So many of them are kept free for calls of the fast lane. Must be below `maxConcurrent`.
   * @default 1 where it serves 5 or more at once, else 0: of fewer it would take more than a fifth from batch work
   */
  readonly reservedForFast?: number | undefined;
  /** What it may be asked for in a minute, retries and hedges included; beyond it calls go to the next one. Left out: no limit of ours. */
  readonly limits?: RateLimit | undefined;
  /** Models with more parameters than this, in billions, are not asked for there, where the size of a model is known. */
  readonly maxModelBillions?: number | undefined;
  /** The model for chats that name none. At the usual address of a cloud: the one of the table of default models. */
  readonly defaultModel?: string | undefined;
  /** The model for embeddings that name none. */
  readonly embeddingModel?: string | undefined;
  /**
   * A name for the vectors it makes: those of providers with the same name may be compared, so that one may stand in for another. Left
   * out: the name of the model decides.
   */
  readonly embeddingSpace?: string | undefined;
  /** Tokens of prompt and answer together that the server takes, where it does not tell. It changes nothing at the server. */
  readonly contextLength?: number | undefined;
  readonly timeouts?: TimeoutOptions | undefined;
  /** What is known of the server and nothing here acts upon, by name: `health()` shows it. Not for secrets. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** @default true */
  readonly enabled?: boolean | undefined;
  /**
   * The adapter of a `custom` provider, made by `defineAdapter`. The router closes it after its last call, and one that was closed cannot
   * come back.
   */
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
