import { type Capabilities, noCapabilities, type Parameter } from './capabilities.ts';
import { answerToChunks, collectChunks } from './collect.ts';
import { RouterError } from './errors.ts';
import type { ChatAnswer, ChatRequest, ChunkBatches, EmbedAnswer, EmbedRequest } from './types.ts';

/** One attempt, as an adapter sees it. The request is already validated; adapters neither validate nor change it. */
export interface Call<Request> {
  readonly request: Request;
  /** This provider's own name for the model. Undefined: the server's choice. */
  readonly model: string | undefined;
  /** Caller's abort, every limit and shutdown, already combined: the only clock an adapter sees. */
  readonly signal: AbortSignal;
  readonly requestId: string;
  /** Sent with the request: how many routers it has passed, and the caller's own for each attempt. `HttpClient` takes them from the call. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Until the connection stands. `HttpClient` takes it from the call. */
  readonly connectMs?: number | undefined;
  /**
   * The last message is the beginning of the answer, from another provider; what is asked for is the rest of it, without
   * repeating it. Only adapters that declare `prefill` are called so.
   */
  readonly continues?: boolean;
}

export type Chat = (call: Call<ChatRequest>) => Promise<ChatAnswer>;

/**
 * Resolves once the backend has accepted the call, never before: a lazy generator would carry the failure past the
 * attempt loop. The batches end normally only when the protocol's own terminator was seen; anything else throws.
 */
export type Stream = (call: Call<ChatRequest>) => Promise<ChunkBatches>;

export type Embed = (call: Call<EmbedRequest>) => Promise<EmbedAnswer>;

export interface ModelInfo {
  readonly id: string;
  /** Tokens of prompt and answer together, where the server says what it serves the model with; not what the model was trained for. */
  readonly contextLength?: number;
  readonly sizeBytes?: number;
  /** Parameters in billions, where the server says so. */
  readonly parametersBillions?: number;
  /** What the server says of this one model, where it says anything. */
  readonly capabilities?: Partial<Capabilities>;
}

/** A server that answers. `warming`: up, but its model is still loading. A server that does not answer rejects instead. */
export interface HealthReport {
  readonly state: 'ok' | 'warming';
  readonly version?: string;
}

export interface ResidentModel {
  readonly id: string;
  readonly sizeBytes?: number;
  /** Part of the model that lies in GPU memory; less than `sizeBytes` means it spilled. */
  readonly vramBytes?: number;
  /** Tokens of prompt and answer together that it was loaded with. */
  readonly contextLength?: number;
  /** Requests that this model serves at once. */
  readonly slots?: number;
}

/** What a backend knows about itself. Every figure is absent where the backend does not report it. */
export interface LoadReport {
  readonly running?: number;
  readonly waiting?: number;
  /** Share of the KV cache in use, 0 to 1. */
  readonly cacheUse?: number;
  /** Means since the server's start: to the first token, and from one token to the next. */
  readonly firstTokenMs?: number;
  readonly tokenMs?: number;
  /** Requests that the server takes on at once, whatever the model. */
  readonly slots?: number;
  /** Tokens of prompt and answer together that one request may have, whatever the model. */
  readonly contextLength?: number;
  /** The models that are in memory; left out where the server serves but the one that it was started with. */
  readonly resident?: readonly ResidentModel[];
}

export interface OtherVerbs {
  readonly embed?: Embed;
  /** The models this provider serves. */
  readonly models?: (signal: AbortSignal) => Promise<readonly ModelInfo[]>;
  /** Resolves when the provider answers, rejects with the reason when it does not. Never a paid completion. */
  readonly health?: (signal: AbortSignal) => Promise<HealthReport>;
  readonly load?: (signal: AbortSignal) => Promise<LoadReport>;
  /** Frees what the adapter holds. Called once. */
  readonly close?: () => Promise<void>;
}

/**
 * What the server makes of a model's name. `required`: a call without one cannot be sent. `optional`: without one the server
 * uses the model it has. `ignored`: it always answers with the model it has, whatever the name, so no list of models speaks
 * against a call.
 */
export type ModelName = 'required' | 'optional' | 'ignored';

/** What an author writes: `chat`, `stream`, or both, and the missing one is derived; neither where the server only embeds. */
export type AdapterDefinition = OtherVerbs & {
  /** The provider type this adapter serves: `ollama`, `vllm`, … */
  readonly name: string;
  readonly capabilities?: Partial<Capabilities>;
  /**
   * Parameters that this server has no place for: they are left out, or sent in vain. The router tells its user.
   * @default []
   */
  readonly ignores?: readonly Parameter[];
  /** What some of its models, or some requests, have no place for beside `ignores`. */
  readonly leavesOut?: (request: ChatRequest, model: string | undefined) => readonly Parameter[];
  /**
   * `models()` names everything that may be asked for. False where aliases and suffixes are served that no list shows; then the
   * list speaks against no call.
   * @default true
   */
  readonly listsAllModels?: boolean;
  /** @default 'required' */
  readonly modelName?: ModelName;
  /**
   * A model is loaded inside the request that names it, and may be unloaded when idle: a first answer may take minutes, and that is no
   * failure.
   * @default false
   */
  readonly loadsOnDemand?: boolean;
  /**
   * The server drops the beginning of a prompt that is too long for its window, and answers as if nothing had happened.
   * @default false
   */
  readonly cutsPrompts?: boolean;
} & (
    | { readonly chat: Chat; readonly stream?: Stream }
    | { readonly chat?: Chat; readonly stream: Stream }
    | { readonly chat?: undefined; readonly stream?: undefined; readonly embed: Embed }
  );

/** What the router works with: every gap filled once, when the adapter is defined. */
export interface Adapter extends OtherVerbs {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly ignores: readonly Parameter[];
  /** All that a request to a model goes out without, `ignores` included. */
  readonly leavesOut: (request: ChatRequest, model: string | undefined) => readonly Parameter[];
  readonly listsAllModels: boolean;
  readonly modelName: ModelName;
  readonly loadsOnDemand: boolean;
  readonly cutsPrompts: boolean;
  /** False where the server only embeds; then `chat` and `stream` throw `unsupported`. */
  readonly chats: boolean;
  readonly chat: Chat;
  readonly stream: Stream;
}

/**
 * Makes an adapter of a definition: a missing `stream` is derived from `chat` (one batch) and a missing `chat` from
 * `stream` (collected); capabilities that were not declared are false.
 */
export function defineAdapter(definition: AdapterDefinition): Adapter {
  const {
    chat,
    stream,
    capabilities,
    ignores = [],
    leavesOut,
    listsAllModels = true,
    modelName = 'required',
    loadsOnDemand = false,
    cutsPrompts = false,
  } = definition;
  return Object.freeze({
    ...definition,
    capabilities: Object.freeze({ ...noCapabilities, ...capabilities }),
    ignores: Object.freeze([...ignores]),
    leavesOut:
      leavesOut === undefined
        ? () => ignores
        : (request: ChatRequest, model: string | undefined) => [...ignores, ...leavesOut(request, model)],
    listsAllModels,
    modelName,
    loadsOnDemand,
    cutsPrompts,
    chats: chat !== undefined || stream !== undefined,
    chat: chat ?? (stream === undefined ? noChat(definition.name) : chatFrom(stream)),
    stream: stream ?? streamFrom(chat ?? noChat(definition.name)),
  });
}

function noChat(name: string): Chat {
  return async () => {
    throw new RouterError('unsupported', `A provider of type "${name}" embeds texts and does not chat.`);
  };
}

function chatFrom(stream: Stream): Chat {
  return async (call) => collectChunks(await stream(call));
}

function streamFrom(chat: Chat): Stream {
  return async (call) => {
    const answer = await chat(call);
    return (async function* () {
      yield answerToChunks(answer);
    })();
  };
}
