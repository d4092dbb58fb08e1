/**
 * The one table of failures. The attempt loop, the breaker, HTTP handlers and `docs/reference/errors.md` all read it;
 * a test compares it with the type and with the page.
 */

/**
 * What the attempt loop does next: `stop` gives the error to the caller, `failover` moves to the next candidate,
 * `larger` moves on only to a candidate that may hold a longer prompt.
 */
export type NextStep = 'stop' | 'failover' | 'larger';

/**
 * What the breaker learns: `failure` counts, `ratio` counts among recent outcomes but never as a consecutive failure,
 * `neutral` gives the permit back without a verdict, `alive` shows that the provider answers: for a probe
 * that is a success, and any other call counts neither way.
 */
export type BreakerEffect = 'failure' | 'ratio' | 'neutral' | 'alive';

/**
 * What else happens to the provider: `cool` rests it (Retry-After, else back-off), `rest` rests it long (quota), `pin`
 * marks the model as not fitting, `missing` marks the model as not served, `disable` takes it out (credentials).
 */
export type SideEffect = 'none' | 'cool' | 'rest' | 'pin' | 'missing' | 'disable';

export interface ErrorRow {
  /** One sentence for the reference page. */
  readonly when: string;
  readonly next: NextStep;
  readonly breaker: BreakerEffect;
  readonly effect: SideEffect;
  /** Worth another try on the same provider, after a pause, when no other candidate is left. */
  readonly retry: boolean;
  /** The status that an HTTP handler answers with. */
  readonly status: number;
}

const row = (when: string, next: NextStep, breaker: BreakerEffect, effect: SideEffect, retry: boolean, status: number): ErrorRow =>
  Object.freeze({ when, next, breaker, effect, retry, status });

export type ErrorCode =
  | 'invalid_config'
  | 'invalid_request'
  | 'no_provider'
  | 'unsupported'
  | 'auth'
  | 'quota_exhausted'
  | 'rate_limited'
  | 'model_not_found'
  | 'model_loading'
  | 'context_length'
  | 'content_filtered'
  | 'bad_request'
  | 'overloaded'
  | 'out_of_memory'
  | 'driver'
  | 'unavailable'
  | 'timeout'
  | 'bad_response'
  | 'limit_exceeded'
  | 'stream_interrupted'
  | 'circuit_open'
  | 'loop_detected'
  | 'embedding_space'
  | 'saturated'
  | 'all_failed'
  | 'closed';

export const errorCodes: Readonly<Record<ErrorCode, ErrorRow>> = Object.freeze({
  invalid_config: row('The options, the environment or a file were refused.', 'stop', 'neutral', 'none', false, 500),
  invalid_request: row('The request was refused before anything was sent.', 'stop', 'neutral', 'none', false, 400),
  no_provider: row('No configured provider may serve this request now.', 'stop', 'neutral', 'none', false, 503),
  unsupported: row('The provider lacks a feature that the request needs.', 'failover', 'neutral', 'none', false, 400),
  auth: row('The provider refused the credentials.', 'failover', 'neutral', 'disable', false, 502),
  quota_exhausted: row('The account has no credit left, or a spend limit was reached.', 'failover', 'neutral', 'rest', false, 429),
  rate_limited: row('Too many requests or tokens per time.', 'failover', 'ratio', 'cool', true, 429),
  model_not_found: row('The provider does not serve this model.', 'failover', 'neutral', 'missing', false, 404),
  model_loading: row('The model is still being loaded.', 'failover', 'neutral', 'cool', true, 503),
  context_length: row('The prompt does not fit the context window of this provider.', 'larger', 'alive', 'none', false, 400),
  content_filtered: row('A content policy refused the prompt.', 'stop', 'alive', 'none', false, 400),
  bad_request: row('The provider refused the request as the caller wrote it.', 'stop', 'alive', 'none', false, 400),
  overloaded: row('The provider is up but has no room now.', 'failover', 'ratio', 'cool', true, 503),
  out_of_memory: row('The model does not fit into the memory of this provider.', 'failover', 'neutral', 'pin', false, 503),
  driver: row('The GPU or its driver failed.', 'failover', 'failure', 'none', false, 502),
  unavailable: row('Refused, reset, unreachable, or a server error.', 'failover', 'failure', 'none', true, 502),
  timeout: row('A phase limit or the deadline of the call ran out; `phase` says which.', 'failover', 'failure', 'none', false, 504),
  bad_response: row('The answer was empty, cut short, or not what the protocol says.', 'failover', 'failure', 'none', true, 502),
  limit_exceeded: row('The answer was larger than the limits allow.', 'failover', 'failure', 'none', false, 502),
  stream_interrupted: row('The stream broke after content had been delivered.', 'stop', 'failure', 'none', false, 502),
  circuit_open: row('The breaker holds this provider back.', 'failover', 'neutral', 'none', false, 503),
  loop_detected: row('The call has passed too many routers already.', 'stop', 'neutral', 'none', false, 508),
  embedding_space: row('The provider embeds into another vector space.', 'failover', 'neutral', 'none', false, 400),
  saturated: row(
    'Our own concurrency limit for this provider, or what this process may open, is used up.',
    'failover',
    'neutral',
    'none',
    true,
    429,
  ),
  all_failed: row('Every candidate was tried and failed.', 'stop', 'neutral', 'none', false, 502),
  closed: row('The router was closed.', 'stop', 'neutral', 'none', false, 503),
});
