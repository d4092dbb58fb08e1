import type { EventEmitter } from 'eventemitter3';
import type { RouterError } from './errors.ts';
import type { EmbedUsage, Usage } from './types.ts';

/** Chat, stream and embed calls share one life cycle. */
export type Verb = 'chat' | 'stream' | 'embed';

interface ForRequest {
  readonly requestId: string;
}

interface ForAttempt extends ForRequest {
  readonly provider: string;
  /** The provider's own name for the model; undefined where the server chooses. */
  readonly model: string | undefined;
  /** 1 for the first attempt of the call. */
  readonly attempt: number;
}

interface ForProvider {
  readonly provider: string;
}

interface ForModel extends ForProvider {
  readonly model: string | undefined;
}

/**
 * Every decision of the router, one readonly object each. Times are milliseconds. No payload holds a prompt, an answer, a
 * key or a full URL. Each `request:start` has exactly one `request:end` or `request:error`, each `attempt:start` exactly
 * one `attempt:end` or `attempt:error`; streams that were left early included (`abandoned`).
 */
export interface RouterEvents {
  'request:start': ForRequest & { readonly verb: Verb; readonly model: string | undefined; readonly intent: string };
  'request:end': ForRequest & {
    readonly provider: string;
    readonly model: string | undefined;
    readonly ms: number;
    readonly attempts: number;
    /** As the server reported it; embeddings have no completion tokens. */
    readonly usage: Usage | EmbedUsage | undefined;
    /** The caller left the stream before its end. */
    readonly abandoned: boolean;
  };
  /** `error` is the caller's own abort reason where `aborted` is true. */
  'request:error': ForRequest & { readonly error: unknown; readonly ms: number; readonly attempts: number; readonly aborted: boolean };
  'attempt:start': ForAttempt;
  'attempt:end': ForAttempt & { readonly ms: number; readonly firstContentMs: number | undefined };
  'attempt:error': ForAttempt & { readonly ms: number; readonly error: unknown; readonly aborted: boolean };
  /** The call moves to another candidate. */
  failover: ForRequest & {
    readonly from: string;
    readonly to: string;
    readonly model: string | undefined;
    readonly reason: string;
    readonly phase: string | undefined;
  };
  /** The same candidate is tried again after `delayMs`. */
  retry: ForRequest & ForModel & { readonly reason: string; readonly delayMs: number };
  'breaker:open': ForModel & { readonly untilMs: number; readonly reason: string };
  'breaker:half-open': ForModel;
  'breaker:close': ForModel;
  'provider:up': ForProvider;
  'provider:down': ForProvider & { readonly reason: string };
  /** The provider rests until `untilMs` of the router's clock, which `snapshot().nowMs` reads. */
  'provider:cooldown': ForProvider & { readonly untilMs: number; readonly reason: string };
  'model:pinned': ForModel & { readonly untilMs: number; readonly reason: string };
  'model:unpinned': ForModel;
  /** The provider said that it does not serve the model. */
  'model:missing': ForModel & { readonly untilMs: number };
  'stream:interrupted': ForRequest & ForModel & { readonly error: RouterError };
  'config:warning': { readonly path: string; readonly message: string };
  'listener:error': { readonly event: string; readonly error: unknown };
}

export type EventName = keyof RouterEvents;
export type Listener<Name extends EventName> = (payload: RouterEvents[Name]) => void;

/** How the parts of the router tell what they decided. Never throws, whatever the listeners do. */
export type Announce = <Name extends EventName>(name: Name, payload: RouterEvents[Name]) => void;

export interface RouterEmitter {
  on<Name extends EventName>(name: Name, listener: Listener<Name>): void;
  once<Name extends EventName>(name: Name, listener: Listener<Name>): void;
  off<Name extends EventName>(name: Name, listener: Listener<Name>): void;
  announce: Announce;
}

type AnyListener = (payload: unknown) => unknown;

/**
 * Isolates listeners from the router and from each other: one that throws or rejects is reported once as
 * `listener:error` and goes on being called. The emitter is passed in, so that this folder needs no package at run time.
 */
export function createEmitter(emitter: EventEmitter): RouterEmitter {
  const reported = new WeakSet<AnyListener>();
  const onceNames = new Set<string>();

  const report = (name: string, listener: AnyListener, error: unknown): void => {
    if (reported.has(listener)) return;
    reported.add(listener);
    announce('listener:error', { event: name, error });
  };

  const call = (name: string, listener: AnyListener, payload: unknown): void => {
    try {
      const result = listener(payload);
      if (result instanceof Promise) result.catch((error: unknown) => report(name, listener, error));
    } catch (error) {
      report(name, listener, error);
    }
  };

  const announce: Announce = (name, payload) => {
    if (emitter.listenerCount(name) === 0) return;
    for (const listener of emitter.listeners(name) as AnyListener[]) {
      if (onceNames.has(name)) emitter.off(name, listener, undefined, true);
      call(name, listener, payload);
    }
  };

  return {
    on: (name, listener) => void emitter.on(name, listener),
    once: (name, listener) => {
      onceNames.add(name);
      emitter.once(name, listener);
    },
    off: (name, listener) => void emitter.off(name, listener),
    announce,
  };
}
