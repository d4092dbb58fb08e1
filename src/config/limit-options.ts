/**
 * How much there may be in a minute. An allowance that nobody has used is full: a whole minute's worth may come at once, and it refills
 * evenly.
 */
export interface RateLimit {
  /** Requests. */
  readonly rpm?: number | undefined;
  /** Tokens of prompts and answers together: estimated when a call begins, put right by what the server counted. */
  readonly tpm?: number | undefined;
}

/** Limits for those on whose behalf calls are made (`CallOptions.caller`); calls without a caller are not limited by them. */
export interface LimitOptions {
  /** For each caller that is not named in `callers`. */
  readonly caller?: RateLimit | undefined;
  /** For these callers, in the place of `caller`. */
  readonly callers?: Readonly<Record<string, RateLimit>> | undefined;
  /**
   * How many processes share the limits through the store, as long as it has not said so itself: while it does not answer each keeps to
   * its part. Without a store it means nothing.
   * @default 4
   */
  readonly processes?: number | undefined;
}

/** What may be spent, in US dollars by `prices`, in a whole hour and a whole day of UTC. */
export interface SpendLimit {
  /** From one full hour to the next. */
  readonly hourUsd?: number | undefined;
  /** From midnight to midnight, UTC. */
  readonly dayUsd?: number | undefined;
}

/**
 * Caps for paid providers. One that is reached takes them out of the calls that it concerns until its hour or day is over; what free
 * providers can serve goes on, and calls under way end. A paid provider whose price is not known is then no candidate.
 */
export interface BudgetOptions extends SpendLimit {
  /**
   * The part of a cap at which `budget:warning` tells of it, 0 to 1.
   * @default 0.8
   */
  readonly warnAt?: number | undefined;
  /** Beside the cap for all, by the id of the provider. */
  readonly providers?: Readonly<Record<string, SpendLimit>> | undefined;
  /** For each caller that is not named in `callers`. */
  readonly caller?: SpendLimit | undefined;
  /** For these callers, in the place of `caller`. */
  readonly callers?: Readonly<Record<string, SpendLimit>> | undefined;
}
