import type { Call } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import type { RouteAttempt } from '../core/route.ts';
import type { EmbedUsage, Usage } from '../core/types.ts';
import { type AttemptDeadline, openDeadline } from '../lib/deadline.ts';
import type { Timeouts } from '../config/config.ts';
import type { Candidate } from '../routing/plan.ts';
import { headersOf } from './attempt-headers.ts';
import { type Books, outcomeOf, shown, verdict } from './attempt-verdict.ts';
import { attemptHeader, hopsHeader } from './hops.ts';
import { type Charge, mayBill } from './charge.ts';
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
  const provider = engine.providers.get(candidate.provider);
  if (provider === undefined) return undefined;
  const startMs = clock.nowMs();
  const timeouts = withLoad(call.timeoutsFor(provider.config), provider.allowanceMs(candidate.model));
  const end = endOf(run, timeouts, isLast, startMs);
  // Asks the adapter, which may throw: before anything is taken that would have to be given back.
  noteIgnored(call, candidate.model, provider, engine);
  const leaseMs = end.endsAtMs - startMs + leaseGraceMs;
  const { intent, lane } = call;
  // What lies in its cache already takes it no time.
  const promptTokens = Math.max(0, call.promptTokens() - (candidate.seenTokens ?? 0));
  const charge = engine.metering.open(call, provider.config, candidate.model);
  if (charge === undefined) return undefined;
  const permit = provider.acquire(candidate.model, { leaseMs, early, intent, lane, promptTokens, slot });
  if (permit === undefined) return void engine.metering.cancel(call, charge);

  run.attempts += 1;
  run.waitingSinceMs.clear();
  const ids = { requestId: call.requestId, provider: candidate.provider, model: candidate.model, attempt: run.attempts };
  announceFailover(run, candidate);
  engine.announce('attempt:start', ids);
  const ownHeaders = headersOf(call, ids, engine);
  const signals = [call.signal, engine.shutdown, run.leaving?.signal];
  const deadline = openDeadline({ clock, provider: candidate.provider, signals, ...end });
  const shareEndsAtMs = isLast ? Infinity : (startMs + call.endsAtMs) / 2;
  const cut = { total: end.isCut, start: false };
  const withinShare = (limitMs: number): number => {
    const leftMs = shareEndsAtMs - clock.nowMs();
    cut.start = leftMs < limitMs;
    // After a blocked event loop nothing may be left.
    return Math.max(0, Math.min(limitMs, leftMs));
  };
  if (call.verb === 'stream') {
    deadline.enter('first-token', isLast ? Infinity : withinShare(timeouts.firstTokenMs));
    provider.state.streams.set(permit.slot, deadline);
  }
  return {
    provider,
    candidate,
    call: {
      request: call.request,
      model: candidate.model,
      signal: deadline.signal,
      requestId: call.requestId,
      connectMs: timeouts.connectMs,
      headers: { ...ownHeaders, [hopsHeader]: String(call.hops + 1), [attemptHeader]: String(run.attempts) },
    },
    deadline,
    timeouts,
    isLast,
    withinShare,
    charge,
    ...endings({ run, candidate, provider, permit, charge, ids, deadline, timeouts, cut, startMs, startWallMs: clock.wallMs() }),
  };
}

/** A model that has to be loaded first has the time for that on top. */
function withLoad(timeouts: Timeouts, allowanceMs: number): Timeouts {
  return allowanceMs === 0 ? timeouts : { ...timeouts, firstTokenMs: timeouts.firstTokenMs + allowanceMs };
}

/** The ways in which an attempt ends. Whichever comes first closes the books. */
function endings(books: Books): Pick<Attempt<unknown>, 'isOver' | 'firstContent' | 'succeed' | 'fail' | 'abandon' | 'lose'> {
  const { run, provider, permit, charge, ids, deadline, startMs } = books;
  const { announce, config } = run.engine;
  let firstContentMs: number | undefined;
  let over = false;
  const close = (error?: RouteAttempt['error']): number => {
    over = true;
    deadline.dispose();
    const ms = config.clock.nowMs() - startMs;
    run.trace.attempts.push(routeOf(books, ms, firstContentMs, error));
    return ms;
  };
  const settle = (isBilled: boolean, usage?: Usage | EmbedUsage): void =>
    run.engine.metering.settle(run.call, run.account, charge, isBilled, usage);
  const end = (isWhole: boolean, usage: Usage | EmbedUsage | undefined): void => {
    const ms = close();
    provider.settle(permit, isWhole ? { type: 'success', ms, firstContentMs } : { type: 'none' });
    announce('attempt:end', { ...ids, ms, firstContentMs });
    settle(true, usage);
  };
  return {
    isOver: () => over,
    firstContent() {
      firstContentMs = config.clock.nowMs() - startMs;
      deadline.pause();
    },
    succeed(usage) {
      if (!over) end(true, usage);
    },
    fail(given) {
      if (over) return given;
      const told = verdict(books, given);
      const { error, aborted } = told;
      const ms = close(shown(error, aborted));
      // The cause before its effects: pins, rests and breakers are announced as they are booked.
      announce('attempt:error', { ...ids, ms, error, aborted });
      provider.settle(permit, outcomeOf(books, told, ms, firstContentMs));
      settle(mayBill(charge, error));
      // Last, because aborting calls back whoever still listens: by then the attempt is over.
      deadline.abort(error);
      return error;
    },
    abandon(usage) {
      if (over) return;
      // Readers leave streams that hang as well, so this proves nothing, neither way.
      end(false, usage);
      deadline.abort(stopped(books, 'the reader left the stream'));
    },
    lose() {
      if (over) return;
      const error = stopped(books, 'another attempt of the call ended first');
      const ms = close(shown(error, false));
      announce('attempt:error', { ...ids, ms, error, aborted: true });
      provider.settle(permit, { type: 'none' });
      settle(true);
      deadline.abort(error);
    },
  };
}

function routeOf(
  { run, candidate, startMs }: Books,
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

/**
 * Half of what is left is kept for those who could take over. A whole answer tells nothing until it is there, so that bounds the attempt;
 * a stream tells by its first content, which has to come within that half, and is then bound by the deadline alone.
 */
function endOf(
  { call }: Run<unknown>,
  { totalMs }: Timeouts,
  isLast: boolean,
  nowMs: number,
): { readonly endsAtMs: number; readonly endPhase: 'total' | 'deadline'; readonly isCut: boolean } {
  const leftMs = call.endsAtMs - nowMs;
  const shareMs = isLast || call.verb === 'stream' ? leftMs : leftMs / 2;
  const limitMs = Math.min(totalMs ?? Infinity, shareMs);
  const isCut = limitMs < (totalMs ?? Infinity);
  return limitMs < leftMs
    ? { endsAtMs: nowMs + limitMs, endPhase: 'total', isCut }
    : { endsAtMs: call.endsAtMs, endPhase: 'deadline', isCut };
}

function stopped({ ids: { provider } }: Books, why: string): RouterError<'closed'> {
  return new RouterError('closed', `${provider}: ${why}.`, { provider });
}
