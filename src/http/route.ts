import type { CallOptions, Router } from '../index.ts';
import type { CallFacts } from './call-outcome.ts';
import type { Ending } from './ending.ts';
import type { HandlerConfig } from './handler-options.ts';
import type { ErrorShape } from './failure.ts';

/**
 * Who may ask: `public` anybody whom the checks of host and origin let in, `caller` with a token of `tokens` (or from this machine where
 * there are none), `admin` with the token of the admin page only.
 */
export type Access = 'public' | 'caller' | 'admin';

/** One row of the route table. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** Compared as it stands; `{id}` takes one part, which may hold encoded slashes. */
  readonly path: string;
  readonly access: Access;
  /** Of the request: `json` is read, bounded and parsed before `answer` runs. */
  readonly body: 'json' | 'none';
  /** In which shape refusals and failures are told. */
  readonly errors: ErrorShape;
  /** Calls of models count against the limits; looking does not. */
  readonly isLimited: boolean;
  readonly answer: (exchange: Exchange) => Promise<Response>;
}

/** What a route works with: everything here has passed the guard. */
export interface Exchange {
  readonly router: Router;
  readonly config: HandlerConfig;
  readonly request: Request;
  /** The route's parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Parsed JSON, without fields that would choose a destination or credentials; undefined where the route reads none. */
  readonly body: unknown;
  /** From the headers: intent, session, provider, deadline, hops; and the signal, which the caller's leaving aborts. */
  readonly call: CallOptions;
  readonly requestId: string;
  /** Detail may be shown: a token was given, or none is needed. */
  readonly isTrusted: boolean;
  /** `streamResponse()` tells it. */
  readonly ending: Ending;
  /** Keeps what the access log tells of the call when it has ended. */
  readonly note: (facts: CallFacts) => void;
}
