import type { RouterError } from './errors.ts';
import type { EmbedUsage, Usage } from './types.ts';

/** Chat, stream and embed calls share one life cycle. */
export type Verb = 'chat' | 'stream' | 'embed';

interface ForRequest {
  /** The same in every event of one call, and in `route`. */
  readonly requestId: string;
}

interface ForProvider<Provider> {
  /** The provider's id in the configuration. */
  readonly provider: Provider;
}

interface ForModel<Provider> extends ForProvider<Provider> {
  /** The provider's own name for the model; undefined where the server chooses, or where all models are concerned. */
  readonly model: string | undefined;
}

interface ForAttempt<Provider> extends ForRequest, ForModel<Provider> {
  /** 1 for the first attempt of the call. */
  readonly attempt: number;
}

interface ForBudget<Provider> {
  readonly scope: 'all' | 'provider' | 'caller';
  readonly provider: Provider | undefined;
  readonly caller: string | undefined;
  readonly per: 'hour' | 'day';
  readonly spentUsd: number;
  readonly limitUsd: number;
}

/** What another configuration means for the providers, by their ids. */
export interface ConfigChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** They are in both, and not the same in both. */
  readonly changed: readonly string[];
}

/**
 * Every decision of the router, one readonly object each. Times are milliseconds. No payload holds a prompt, an answer, a
 * key or a full URL. Each `request:start` has exactly one `request:end` or `request:error`, each `attempt:start` exactly
 * one `attempt:end` or `attempt:error`, each `queue:enter` exactly one `queue:leave`; streams that were left early included (`abandoned`).
 */
export interface RouterEvents<Provider extends string = string> {
  /** A call begins. `model` is the name that the caller gave, undefined where there was none. */
  'request:start': ForRequest & { readonly verb: Verb; readonly model: string | undefined; readonly intent: string };
  /** A call has its whole answer, or its stream came to an end or was left. */
  'request:end': ForRequest &
    ForModel<Provider> & {
      readonly ms: number;
      /** Calls to providers that it took. */
      readonly attempts: number;
      /** As the server reported it; embeddings have no completion tokens. */
      readonly usage: Usage | EmbedUsage | undefined;
      /** By the prices of the configuration; undefined where it costs nothing, or nobody knows. */
      readonly costUsd: number | undefined;
      /** The answer was kept from an earlier call. */
      readonly cached: boolean;
      /** The caller left the stream before its end. */
      readonly abandoned: boolean;
    };
  /** A call failed; `error` is what the caller gets. It is the caller's own abort reason where `aborted` is true. */
  'request:error': ForRequest & { readonly error: unknown; readonly ms: number; readonly attempts: number; readonly aborted: boolean };
  /** All providers that may answer are busy to their limit: the call waits for the first free slot of them. */
  'queue:enter': ForRequest & { readonly providers: readonly Provider[]; readonly lane: string };
  /** The call has a slot at `provider`; undefined where it waits no longer: its time is over, or its caller left. */
  'queue:leave': ForRequest & { readonly provider: Provider | undefined; readonly ms: number };
  /** A provider is about to be called. */
  'attempt:start': ForAttempt<Provider>;
  /** A provider answered in full, or the caller left its stream. */
  'attempt:end': ForAttempt<Provider> & {
    readonly ms: number;
    /** Streams only: from the attempt's start to its first content. */
    readonly firstContentMs: number | undefined;
  };
  /** A call to a provider failed, or was stopped by the caller (`aborted`). */
  'attempt:error': ForAttempt<Provider> & { readonly ms: number; readonly error: unknown; readonly aborted: boolean };
  /** The call moves to another candidate. `model`, `reason` and `phase` are those of the attempt that failed. */
  failover: ForRequest & {
    readonly from: Provider;
    readonly to: Provider;
    readonly model: string | undefined;
    /** The code of the error, see the errors page. */
    readonly reason: string;
    /** As in the errors: `connect`, or which limit ran out. */
    readonly phase: string | undefined;
  };
  /**
   * The same candidate is tried again after `delayMs`. With the reason `stale_socket` it is the same attempt: the kept connection was
   * dead, and the request went out over another one.
   */
  retry: ForRequest & ForModel<Provider> & { readonly reason: string; readonly delayMs: number };
  /** An attempt at `from` took longer than usual, so another one at `provider` runs beside it. */
  hedge: ForRequest & ForModel<Provider> & { readonly from: Provider; readonly delayMs: number };
  /** Nothing is sent until `untilMs`. Without a model it concerns the whole provider: no connection came about. */
  'breaker:open': ForModel<Provider> & { readonly untilMs: number; readonly reason: string };
  /** One call is let through, to see whether the provider has recovered. */
  'breaker:half-open': ForModel<Provider>;
  /** The provider has recovered. Calls are let in little by little: 1, 2, 4, 8 at once, then any number. */
  'breaker:close': ForModel<Provider>;
  /** A provider that was down answers again. */
  'provider:up': ForProvider<Provider>;
  /** A health check failed, or the credentials were refused. */
  'provider:down': ForProvider<Provider> & { readonly reason: string };
  /** The provider rests until `untilMs`: it asked for that, or its answers call for it. */
  'provider:cooldown': ForProvider<Provider> & {
    /** On the router's clock, which `snapshot().nowMs` reads. */
    readonly untilMs: number;
    readonly reason: string;
  };
  /** The model ran out of memory there, and other providers are preferred until `untilMs`. */
  'model:pinned': ForModel<Provider> & { readonly untilMs: number; readonly reason: string };
  /** The model fits again, or `unpin()` was asked to believe so. */
  'model:unpinned': ForModel<Provider>;
  /** The server keeps part of the model outside of GPU memory, which makes it slow. `vramShare`: the part that is inside, 0 to 1. */
  'model:spilled': ForModel<Provider> & { readonly vramShare: number };
  /**
   * The server counted so few tokens of the prompt that it must have dropped a part of it. `leastTokens`: what the prompt had at least, by
   * our estimate; prompts as long as that are not sent there again.
   */
  'model:truncated': ForRequest & ForModel<Provider> & { readonly promptTokens: number; readonly leastTokens: number };
  /** The provider said that it does not serve the model; it is asked again after `untilMs`. */
  'model:missing': ForModel<Provider> & { readonly untilMs: number };
  /** A stream broke after content had been delivered. What follows is up to `onStreamFailure`. */
  'stream:interrupted': ForRequest & ForModel<Provider> & { readonly error: RouterError };
  /** The broken stream begins anew at `provider`: what came before is void. */
  'stream:reset': ForRequest & ForModel<Provider> & { readonly from: Provider; readonly reason: string };
  /** The broken stream goes on at `provider` where its text stopped. */
  'stream:resumed': ForRequest & ForModel<Provider> & { readonly from: Provider; readonly reason: string };
  /** A budget is nearly used up: `warnAt` of it. Once for each hour or day. */
  'budget:warning': ForBudget<Provider>;
  /** A budget is used up: until its hour or day is over, no paid provider that it concerns gets a call. Once for each hour or day. */
  'budget:exceeded': ForBudget<Provider>;
  /** The shared store does not answer: each router decides by what it knows itself. */
  'state:degraded': { readonly reason: string };
  /** The shared store is back. `ms`: how long it was away. */
  'state:restored': { readonly ms: number };
  /** `update()` has put another configuration in the place of the one before. */
  'config:update': ConfigChanges;
  /** Something in the configuration is odd but works. Told just after `createRouter()` or `update()` returns, so that listeners hear it. */
  'config:warning': {
    /** The option, or the environment variable. */
    readonly path: string;
    readonly message: string;
  };
  /** A listener threw or rejected. Told once for each listener, which goes on being called. */
  'listener:error': {
    /** The event that it was called for. */
    readonly event: string;
    readonly error: unknown;
  };
}

export type EventName = keyof RouterEvents;

const everyName: Readonly<Record<EventName, true>> = {
  'request:start': true,
  'request:end': true,
  'request:error': true,
  'queue:enter': true,
  'queue:leave': true,
  'attempt:start': true,
  'attempt:end': true,
  'attempt:error': true,
  failover: true,
  retry: true,
  hedge: true,
  'breaker:open': true,
  'breaker:half-open': true,
  'breaker:close': true,
  'provider:up': true,
  'provider:down': true,
  'provider:cooldown': true,
  'model:pinned': true,
  'model:unpinned': true,
  'model:spilled': true,
  'model:truncated': true,
  'model:missing': true,
  'stream:interrupted': true,
  'stream:reset': true,
  'stream:resumed': true,
  'budget:warning': true,
  'budget:exceeded': true,
  'state:degraded': true,
  'state:restored': true,
  'config:update': true,
  'config:warning': true,
  'listener:error': true,
};

/** The name of every event, in the order of their pages. */
export const eventNames: readonly EventName[] = Object.freeze(Object.keys(everyName) as EventName[]);

export type Listener<Name extends EventName, Provider extends string = string> = (payload: RouterEvents<Provider>[Name]) => void;

/** How the parts of the router tell what they decided. Never throws, whatever the listeners do. */
export type Announce = <Name extends EventName>(name: Name, payload: RouterEvents[Name]) => void;
