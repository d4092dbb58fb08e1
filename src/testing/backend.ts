import type { Clock, ProviderType } from '../index.ts';
import type { RequestHandler } from 'msw';
import type { Step } from './script.ts';
import type { FakeModel, FakeResident, Wire, WireCall, WireVerb } from './wire.ts';

/** A call that arrived at a fake backend. */
export interface FakeCall extends WireCall {
  /** The client went away before the answer's end. It changes when that happens. */
  readonly aborted: boolean;
}

/** Any request that arrived; `verb` is undefined where the server has no such path. */
export type FakeRequest = Omit<FakeCall, 'verb'> & { readonly verb: WireVerb | undefined };

/** Which calls a rule is for; every field that is there must fit. */
export interface Matcher {
  readonly verb?: 'chat' | 'stream' | 'embed' | undefined;
  readonly model?: string | undefined;
  readonly where?: ((call: WireCall) => boolean) | undefined;
}

/** Steps for the calls that fit; made by `when()`. */
export interface Rule {
  readonly when: Matcher;
  readonly steps: readonly Step[];
}

/** What the server knows beside its answers; made by `models()` and `resident()`. */
export type StateItem = { readonly models: readonly FakeModel[] } | { readonly resident: readonly FakeResident[] };

export type ScriptItem = Step | Rule | StateItem;

/**
 * One step, or a list: rules are asked first, in order, then the plain steps. Steps are used one per call, the last one again and
 * again. No step at all answers with `reply()`.
 */
export type Script = ScriptItem | readonly ScriptItem[];

export interface BackendOptions {
  /** For pauses and loading times. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** The address that the msw handlers answer at. Default: the type's usual one, or `http://<name>.test`. */
  readonly url?: string | undefined;
}

export interface FakeBackend {
  readonly name: string;
  /** msw handlers for the address that the backend was made with. They need the package `msw`; `listen()` does not. */
  readonly handlers: readonly RequestHandler[];
  /** The address of the handlers; of the server, where `listen()` made it. */
  readonly url: string;
  /** The same backend as a real server on a free port of the loopback. */
  listen(): Promise<ListeningBackend>;
  /**
   * From now on this script, from its start. Calls under way go on with the old one; models and resident models stay where the
   * new one names none.
   */
  play(script: Script): void;
  /** Calls for answers (`chat`, `stream`, `embed`), in the order of arrival. */
  readonly calls: readonly FakeCall[];
  /** Every request, those for models, health and load and those for unknown paths as well. */
  readonly requests: readonly FakeRequest[];
  /** Calls whose client went away before the end. */
  readonly aborted: number;
  /** Connections that stand now, of every server that was made by `listen()`. */
  openSockets(): number;
}

export interface ListeningBackend extends FakeBackend, AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Stops listening and closes every connection: from then on the port refuses. */
  close(): Promise<void>;
}

/** Built in by type; or the wire of your own backend. */
export type BackendKind = Exclude<ProviderType, 'cpu' | 'stub'> | Wire;
