import { isRouterError, RouterError } from '../core/errors.ts';
import type { AttemptDeadline } from '../lib/deadline.ts';
import type { Timeouts } from '../config/config.ts';
import type { Candidate } from '../routing/plan.ts';
import type { Charge } from './charge.ts';
import type { Provider } from './provider.ts';
import type { Outcome, Permit } from './provider-state.ts';
import type { Run } from './run.ts';
import { type ShownError, shownError } from './shown-error.ts';

/** What an attempt is judged by. */
export interface AttemptBooks {
  readonly run: Run<unknown>;
  readonly candidate: Candidate;
  readonly provider: Provider;
  readonly permit: Permit;
  readonly charge: Charge;
  readonly ids: { readonly requestId: string; readonly provider: string; readonly model: string | undefined; readonly attempt: number };
  readonly deadline: AttemptDeadline;
  readonly timeouts: Timeouts;
  /** Limits that were cut, so that half of the deadline is left for the others. */
  readonly cut: { readonly total: boolean; start: boolean };
  readonly startMs: number;
  readonly startWallMs: number;
}

export interface Verdict {
  readonly error: unknown;
  /** It is held against the provider. */
  readonly isFault: boolean;
  readonly aborted: boolean;
}

/** What really ended the attempt. What an adapter throws after an abort is only its way of stopping. */
export function verdict(books: AttemptBooks, error: unknown): Verdict {
  const { call, engine, leaving } = books.run;
  const { signal } = books.deadline;
  if (call.signal?.aborted === true) return { error: call.signal.reason as unknown, isFault: false, aborted: true };
  if (engine.shutdown.aborted) return { error: engine.shutdown.reason as unknown, isFault: false, aborted: false };
  if (leaving?.aborted === true) return { error: leaving.reason, isFault: false, aborted: true };
  const cause: unknown = signal.aborted ? signal.reason : error;
  if (isRouterError(cause))
    return { error: withProvider(cause, books.candidate), isFault: !(isSilence(cause) && hasSlept(books)), aborted: false };
  return { error: cause, isFault: false, aborted: false };
}

/** Nothing was heard, which is all that a suspended process can hold against a server. */
function isSilence({ code, status }: RouterError): boolean {
  return status === undefined && (code === 'unavailable' || code === 'timeout');
}

/** More of the wall clock than of ours has passed: connections do not survive that, and it is nobody's fault. */
const sleepMs = 10_000;

/** Was the process suspended while the attempt ran? */
function hasSlept({ run, startMs, startWallMs }: AttemptBooks): boolean {
  const { clock } = run.engine.config;
  return clock.wallMs() - startWallMs - (clock.nowMs() - startMs) > sleepMs;
}

/** Nothing is held against anyone. */
export const noOutcome: Outcome = Object.freeze({ type: 'none' });

/** What the provider's own books get to know of a failure. */
export function outcomeOf(
  { run, cut, timeouts, permit }: AttemptBooks,
  { error, isFault }: Verdict,
  ms: number,
  firstContentMs: number | undefined,
): Outcome {
  if (!isFault || !isRouterError(error)) return noOutcome;
  const { phase } = error;
  // Our own limit for a stream that goes on for ever: it did answer, and nobody can say that it would not have ended well.
  if (error.code === 'limit_exceeded' && phase === 'total' && firstContentMs !== undefined) return noOutcome;
  const isCut =
    phase === 'deadline' || (phase === 'total' && cut.total) || ((phase === 'first-token' || phase === 'throughput') && cut.start);
  // The caller's deadline says little about the provider, unless the provider had its full time to begin and did not.
  // Where every call has a short deadline, that is a third of it: the first of several has half.
  const fullMs = Math.min(timeouts.firstTokenMs, run.call.usualMs / 3);
  const hurried = error.code === 'timeout' && isCut && (firstContentMs !== undefined || ms < fullMs);
  // Nothing comes of a model that is being loaded, and how long that takes is no fault.
  const loading = permit.isCold && error.code === 'timeout' && firstContentMs === undefined;
  return { type: 'failure', error, ms, firstContentMs, hurried, loading };
}

/** Foreign errors and reasons may say anything, so the trace names them only. */
export function shown(error: unknown, aborted: boolean): ShownError {
  if (aborted && !isRouterError(error)) return { code: 'aborted', message: 'The caller aborted.' };
  return shownError(error, 'The adapter failed with a foreign error.');
}

/** Puts a name to an error that was made where the provider's is not known. */
function withProvider(error: RouterError, { provider, model }: Candidate): RouterError {
  if (error.provider !== undefined && (error.model !== undefined || model === undefined)) return error;
  const { code, phase, status, retryAfterMs, reason } = error;
  const message =
    error.provider === undefined && !error.message.startsWith(`${provider}: `) ? `${provider}: ${error.message}` : error.message;
  const cause = isRouterError(error.cause) ? error.cause : undefined;
  return new RouterError(code, message, { provider, model: error.model ?? model, phase, status, retryAfterMs, reason, cause });
}
