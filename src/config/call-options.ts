import type { Locality } from '../core/locality.ts';
import type { TimeoutOptions } from './provider-options.ts';

/** Which attempt headers are for. */
export interface AttemptAbout {
  readonly requestId: string;
  readonly provider: string;
  /** The provider's own name for it. */
  readonly model: string | undefined;
  /** 1 for the first attempt of the call. */
  readonly attempt: number;
}

/** How one call is routed. What is asked stands in the request. */
export interface CallOptions<Provider extends string = string, Intent extends string = string> {
  /** @default the router's `defaultIntent` */
  readonly intent?: Intent | undefined;
  /** Only this provider; naming a paid one is consent to pay, unless the call or the intent says `allowPaid: false`. */
  readonly provider?: Provider | undefined;
  /** Ids of providers that this call does not go to. */
  readonly without?: readonly Provider[] | undefined;
  /** Aborting it rejects with its own reason, untouched. */
  readonly signal?: AbortSignal | undefined;
  readonly deadlineMs?: number | undefined;
  readonly maxAttempts?: number | undefined;
  readonly allowPaid?: boolean | undefined;
  /** The nearest of the router's, the intent's and this one holds: a call cannot go farther than those allow. */
  readonly maxLocality?: Locality | undefined;
  /** The smallest of the router's, the intent's and this one holds. */
  readonly maxCostUsd?: number | undefined;
  /** A conversation, or whatever else belongs together: calls of one session go to one provider while it is not overloaded. */
  readonly session?: string | undefined;
  /**
   * On whose behalf it is: what is kept, limited and counted for each caller goes by this name. Calls without one are the application's own.
   */
  readonly caller?: string | undefined;
  /**
   * Headers for each attempt of it, such as those of a trace. They cannot replace what the adapter itself sends, credentials least of all.
   */
  readonly headersFor?: ((attempt: AttemptAbout) => Readonly<Record<string, string>>) | undefined;
  /**
   * The name of the call in events and in `route`; one that an application has for it already makes its logs and these one.
   * @default a new UUID
   */
  readonly requestId?: string | undefined;
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
  /**
   * `true`: its answer may be kept, come from the kept ones and be shared, also where the request leaves something to chance. `false`: none
   * of it. `'refresh'`: it is asked anew, and its answer kept. Left out: what the router's `cache` and `singleFlight` say.
   */
  readonly cache?: boolean | 'refresh' | undefined;
}
