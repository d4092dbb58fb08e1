import type { Call } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import type { RouteAttempt } from '../core/route.ts';
import type { EmbedUsage, Usage } from '../core/types.ts';
import { type AttemptDeadline, openDeadline } from '../lib/deadline.ts';
import type { Timeouts } from '../config/config.ts';
import type { Candidate } from '../routing/plan.ts';
import { headersOf } from './attempt-headers.ts';
import { endOf, withLoad } from './attempt-limits.ts';
import { type AttemptBooks, noOutcome, outcomeOf, shown, verdict } from './attempt-verdict.ts';
import { attemptHeader, hopsHeader } from './own-headers.ts';
import { type Charge, mayBill } from './charge.ts';
import { providerOf } from './engine.ts';
import { noteIgnored } from './ignored-parameters.ts';
import type { Provider } from './provider.ts';
import type { Run } from './run.ts';
import type { HeldSlot } from './slots.ts';

/** One call to one candidate. Exactly one of `succeed`, `fail`, `abandon` and `lose` ends it; the others then do nothing. */
export interface Attempt<Request> {
  readonly provider: Provider;
  readonly candidate: Candidate;
  readonly call: Call<Request>;
  readonly deadline: AttemptDeadline;
  readonly timeouts: Timeouts;
  /** No other candidate would get a turn after it. */
  readonly isLast: boolean;
  /** A limit before the first content, in milliseconds from now, cut so that half of the deadline is left for the others. */
  withinShare(limitMs: number): number;
  isOver(): boolean;
  /** What it is charged with; who reads its stream counts the pieces there. */
  readonly charge: Charge;
  /** Streams: the first content is in hand. */
  firstContent(): void;
  /** `usage`: as the server told it. */
  succeed(usage: Usage | EmbedUsage | undefined): void;
  /** Books the failure and gives back the error in its final form: the caller's own reason, a limit's, or the provider's. */
  fail(error: unknown): unknown;
  /** The reader left, which is held neither for nor against the provider; whatever still works for the attempt is told to stop. */
  abandon(usage: Usage | EmbedUsage | undefined): void;
  /** Another attempt of the same call ended it first: this one is stopped, and nothing is held against anyone. */
  lose(): void;
}

/** How an attempt is begun. */
export interface AttemptOptions {
  /** No other candidate would get a turn after it. */
  readonly isLast: boolean;
  /** An open breaker may be probed before its time. */
  readonly early?: boolean;
  /** The slot that was waited for. */
  readonly slot?: HeldSlot | undefined;
}

/** A probe that has not answered this long after the end of its attempt never will. */
const leaseGraceMs = 1_000;

/** Undefined where a breaker closed the way since the plan was made, or another call took the last slot. */
export function beginAttempt<Request>(
  run: Run<Request>,
  candidate: Candidate,
  { isLast, early = false, slot }: AttemptOptions,
): Attempt<Request> | undefined {
  const { call, engine } = run;
  const { clock } = engine.config;
  const provider = providerOf(engine, candidate.provider);
  const startMs = clock.nowMs();
  const timeouts = withLoad(call.timeoutsFor(provider.config), provider.allowanceMs(candidate.model, startMs));
  const end = endOf(run, timeouts, isLast, startMs);
  // Asks the adapter, which may throw: before anything is taken that would have to be given back.
  noteIgnored(call, candidate.model, provider, engine);
  const leaseMs = end.endsAtMs - startMs + leaseGraceMs;
  const { intent, lane } = call;
  // What lies in its cache already takes it no time.
  const promptTokens = Math.max(0, call.estimates.promptTokens() - (candidate.seenTokens ?? 0));
  const charge = engine.metering.open(call, provider.config, candidate.model);
  if (charge === undefined) return undefined;
  const permit = provider.acquire(candidate.model, { nowMs: startMs, leaseMs, early, intent, lane, promptTokens, slot });
  if (permit === undefined) return void engine.metering.cancel(call, charge);

  run.attempts += 1;
  run.waitingSinceMs = undefined;
  const ids = { requestId: call.requestId, provider: candidate.provider, model: candidate.model, attempt: run.attempts };
  announceFailover(run, candidate);
  engine.announce('attempt:start', ids);
  const ownHeaders = headersOf(call, ids, engine);
  const signals = [call.signal, engine.shutdown, run.leaving];
  const deadline = openDeadline({ clock, provider: candidate.provider, signals, nowMs: startMs, ...end });
  const cut = { total: end.isCut, start: false };
  const books = { run, candidate, provider, permit, charge, ids, deadline, timeouts, cut, startMs, startWallMs: clock.wallMs() };
  const attempt = new OpenAttempt<Request>(books, callFor(run, books, ownHeaders), isLast);
  if (call.verb === 'stream') {
    deadline.enter('first-token', isLast ? Infinity : attempt.withinShare(timeouts.firstTokenMs));
    permit.slot.readBy(deadline, provider.state.streams);
  }
  return attempt;
}

/** What the adapter is given. */
function callFor<Request>(
  { call }: Run<Request>,
  { deadline, timeouts, ids: { requestId, model, attempt } }: AttemptBooks,
  ownHeaders: Readonly<Record<string, string>>,
): Call<Request> {
  const headers: Record<string, string> = { ...ownHeaders };
  headers[hopsHeader] = String(call.hops + 1);
  headers[attemptHeader] = String(attempt);
  return { request: call.request, model, signal: deadline.signal, requestId, connectMs: timeouts.connectMs, headers };
}

/** Whichever of its ends comes first closes the books. A class, because there is one for every attempt: closures took several times as much. */
class OpenAttempt<Request> implements Attempt<Request> {
  readonly provider: Provider;
  readonly candidate: Candidate;
  readonly call: Call<Request>;
  readonly deadline: AttemptDeadline;
  readonly timeouts: Timeouts;
  readonly isLast: boolean;
  readonly charge: Charge;
  readonly #books: AttemptBooks;
  #firstContentMs: number | undefined;
  #over = false;

  constructor(books: AttemptBooks, call: Call<Request>, isLast: boolean) {
    const { provider, candidate, deadline, timeouts, charge } = books;
    this.provider = provider;
    this.candidate = candidate;
    this.call = call;
    this.deadline = deadline;
    this.timeouts = timeouts;
    this.isLast = isLast;
    this.charge = charge;
    this.#books = books;
  }

  withinShare(limitMs: number): number {
    const { run, cut, startMs } = this.#books;
    const shareEndsAtMs = this.isLast ? Infinity : (startMs + run.call.endsAtMs) / 2;
    const leftMs = shareEndsAtMs - run.engine.config.clock.nowMs();
    cut.start = leftMs < limitMs;
    // After a blocked event loop nothing may be left.
    return Math.max(0, Math.min(limitMs, leftMs));
  }

  isOver(): boolean {
    return this.#over;
  }

  firstContent(): void {
    this.#firstContentMs = this.deadline.pause() - this.#books.startMs;
  }

  succeed(usage: Usage | EmbedUsage | undefined): void {
    if (!this.#over) this.#end(true, usage);
  }

  fail(given: unknown): unknown {
    if (this.#over) return given;
    const { run, ids, permit } = this.#books;
    const told = verdict(this.#books, given);
    const { error, aborted } = told;
    const nowMs = this.#close(shown(error, aborted));
    const ms = nowMs - this.#books.startMs;
    // The cause before its effects: pins, rests and breakers are announced as they are booked.
    run.engine.announce('attempt:error', { ...ids, ms, error, aborted });
    this.provider.settle(permit, outcomeOf(this.#books, told, ms, this.#firstContentMs), nowMs);
    this.#settle(mayBill(this.charge, error), undefined);
    // Last, because aborting calls back whoever still listens: by then the attempt is over.
    this.deadline.abort(error);
    return error;
  }

  abandon(usage: Usage | EmbedUsage | undefined): void {
    if (this.#over) return;
    // Readers leave streams that hang as well, so this proves nothing, neither way.
    this.#end(false, usage);
    this.deadline.abort(stopped(this.#books, 'the reader left the stream'));
  }

  lose(): void {
    if (this.#over) return;
    const { run, ids, permit } = this.#books;
    const error = stopped(this.#books, 'another attempt of the call ended first');
    const nowMs = this.#close(shown(error, false));
    run.engine.announce('attempt:error', { ...ids, ms: nowMs - this.#books.startMs, error, aborted: true });
    this.provider.settle(permit, noOutcome, nowMs);
    this.#settle(true, undefined);
    this.deadline.abort(error);
  }

  #end(isWhole: boolean, usage: Usage | EmbedUsage | undefined): void {
    const { run, ids, permit } = this.#books;
    const nowMs = this.#close(undefined);
    const ms = nowMs - this.#books.startMs;
    const firstContentMs = this.#firstContentMs;
    this.provider.settle(permit, isWhole ? { type: 'success', ms, firstContentMs } : noOutcome, nowMs);
    run.engine.announce('attempt:end', { ...ids, ms, firstContentMs });
    this.#settle(true, usage);
  }

  /** Gives the time on the clock. */
  #close(error: RouteAttempt['error']): number {
    const { run, startMs } = this.#books;
    this.#over = true;
    this.deadline.dispose();
    const nowMs = run.engine.config.clock.nowMs();
    run.trace.attempts.push(routeOf(this.#books, nowMs - startMs, this.#firstContentMs, error));
    return nowMs;
  }

  #settle(isBilled: boolean, usage: Usage | EmbedUsage | undefined): void {
    const { run } = this.#books;
    run.engine.metering.settle(run.call, run.account, this.charge, isBilled, usage);
  }
}

function routeOf(
  { run, candidate, startMs }: AttemptBooks,
  ms: number,
  firstContentMs: number | undefined,
  error: RouteAttempt['error'],
): RouteAttempt {
  const { provider, model, score } = candidate;
  const startedMs = startMs - run.call.startedAtMs;
  return {
    provider,
    model,
    startedMs,
    ms,
    ...(firstContentMs !== undefined && { firstContentMs }),
    ...(score && { expectedMs: Math.round(score.totalMs) }),
    ...(error && { error }),
  };
}

function announceFailover({ call, failed, engine }: Run<unknown>, candidate: Candidate): void {
  const last = failed.at(-1);
  if (last === undefined || last.provider === candidate.provider) return;
  const { code: reason, phase } = last.error;
  engine.announce('failover', { requestId: call.requestId, from: last.provider, to: candidate.provider, model: last.model, reason, phase });
}

function stopped({ ids: { provider } }: AttemptBooks, why: string): RouterError<'closed'> {
  return new RouterError('closed', `${provider}: ${why}.`, { provider });
}
