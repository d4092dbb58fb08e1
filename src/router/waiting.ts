import pRetry from 'p-retry';
import type { ErrorCode } from '../core/error-codes.ts';
import { errorCodes } from '../core/error-codes.ts';
import type { FailedAttempt } from '../core/errors.ts';
import { sleep } from '../lib/clock.ts';
import { openDeadline } from '../lib/deadline.ts';
import { backoffMs } from '../breaker/cooldown.ts';
import type { PlannedCandidate } from '../routing/plan.ts';
import type { Opened, Verb } from './carry-out.ts';
import { whileLoading } from './loading.ts';
import { giveUp, leastMs, leftMs, type Run } from './run.ts';
import { tryOnce } from './try-once.ts';

/** The longest pause in a call, for a provider that asked for one and has no substitute. */
const longestPauseMs = 10_000;

interface Waiting {
  readonly candidate: PlannedCandidate;
  readonly readyAtMs: number;
  readonly reason: ErrorCode;
}

/** Everybody is behind an open breaker: with `panic: 'soonest'` one call at a time looks at the one that is nearest to its probe. */
export async function panic<Request, Result>(run: Run<Request>, verb: Verb<Request, Result>): Promise<Opened<Request, Result> | undefined> {
  if (run.engine.config.panic === 'off' || run.attempts > 0) return undefined;
  const nearest = earliest(behindBreakers(run));
  return nearest && tryOnce(run, nearest.candidate, { isLast: true, early: true }, verb);
}

/** Nothing else is left: whoever may answer after a pause gets it, as often as the budget of attempts allows. */
export async function tryAgain<Request, Result>(run: Run<Request>, verb: Verb<Request, Result>): Promise<Opened<Request, Result>> {
  const { call, trace } = run;
  const retries = call.maxAttempts - run.attempts - 1;
  if (retries < 0) throw giveUp(run, 'max-attempts');
  // A call is either hedged or retried: both would add up.
  if (trace.hedged) throw giveUp(run, 'exhausted');
  let anotherRound = false;
  let before = run.attempts;
  const again = async (round: number): Promise<Opened<Request, Result>> => {
    anotherRound = false;
    before = run.attempts;
    const waiting = soonest(run);
    if (waiting === undefined) throw giveUp(run, run.failed.some(mayRetry) ? 'retry-budget' : 'exhausted');
    await pause(run, waiting, round);
    const opened = await tryOnce(run, waiting.candidate, { isLast: true }, verb);
    if (opened !== undefined) return opened;
    // One that was let in by nobody waits for the next chance, where waiting for breakers was asked for.
    anotherRound = run.attempts > before || run.engine.config.onAllOpen === 'wait';
    throw giveUp(run, run.attempts >= call.maxAttempts ? 'max-attempts' : 'exhausted');
  };
  try {
    // p-retry counts the rounds; the pauses are ours, on the router's clock and with what the provider asked for.
    return await pRetry(again, {
      retries,
      minTimeout: 0,
      shouldRetry: () => anotherRound,
      shouldConsumeRetry: () => run.attempts > before,
    });
  } catch (error) {
    // p-retry wraps reasons that are no errors, and the caller's reason is not ours to wrap.
    call.signal?.throwIfAborted();
    throw error;
  }
}

function mayRetry({ error }: FailedAttempt): boolean {
  return errorCodes[error.code].retry;
}

/** Of the candidates that rest, and of those whose failure may pass, the one that is ready first. */
function soonest(run: Run<unknown>): Waiting | undefined {
  const resting = restingOnes(run);
  const failed = run.plan.candidates.flatMap((candidate): Waiting[] => {
    const last = run.failed.findLast(({ provider, model }) => provider === candidate.provider && model === candidate.model);
    return last !== undefined && mayRetry(last) ? when(run, candidate, last.error.code, askedFor(run, last)) : [];
  });
  const open = run.engine.config.onAllOpen === 'wait' ? behindBreakers(run) : [];
  return earliest([...failed, ...resting, ...open]);
}

function earliest(all: readonly Waiting[]): Waiting | undefined {
  return all.length === 0 ? undefined : all.reduce((first, next) => (next.readyAtMs < first.readyAtMs ? next : first));
}

/** Those that were left out, or whose turn passed, because they rest; a breaker that has opened since is no rest. */
function restingOnes(run: Run<unknown>): Waiting[] {
  return [...run.plan.skipped, ...run.passed].flatMap((skipped) => {
    const rests = errorCodes[skipped.code].effect === 'cool' && skipped.readyAtMs !== undefined;
    return rests && !hasFailed(run, skipped) ? when(run, skipped, skipped.code, -Infinity) : [];
  });
}

function behindBreakers(run: Run<unknown>): Waiting[] {
  return run.plan.skipped.flatMap((skipped) => (skipped.code === 'circuit_open' ? when(run, skipped, skipped.code, -Infinity) : []));
}

/** No candidate where waiting does not help, or where the provider gets first attempts only. */
function when(run: Run<unknown>, candidate: PlannedCandidate, reason: ErrorCode, notBeforeMs: number): Waiting[] {
  const { provider: id, model, substituted } = candidate;
  const provider = run.engine.providers.get(id);
  const readyAtMs = provider?.readyAtMs(model);
  if (provider === undefined || readyAtMs === undefined) return [];
  if (run.attempts > 0 && !provider.mayBeRetried()) return [];
  if (run.accepts !== undefined && !run.accepts(provider, model)) return [];
  return [
    { candidate: { provider: id, model, substituted, reason: candidate.reason }, readyAtMs: Math.max(readyAtMs, notBeforeMs), reason },
  ];
}

function hasFailed({ failed }: Run<unknown>, { provider, model }: PlannedCandidate): boolean {
  return failed.some((each) => each.provider === provider && each.model === model);
}

/** What the provider asked for counts from the end of its attempt: others may have taken their time since. */
function askedFor({ call, trace }: Run<unknown>, { provider, model, error }: FailedAttempt): number {
  const attempt = trace.attempts.findLast((each) => each.provider === provider && each.model === model);
  const endedAtMs = call.startedAtMs + (attempt === undefined ? 0 : attempt.startedMs + attempt.ms);
  return endedAtMs + (error.retryAfterMs ?? 0);
}

async function pause(run: Run<unknown>, { candidate, readyAtMs, reason }: Waiting, round: number): Promise<void> {
  const { call, engine, leaving } = run;
  const { clock, random, onAllOpen } = engine.config;
  const delayMs = Math.max(readyAtMs - clock.nowMs(), backoffMs(round, random()));
  const longestMs = reason === 'circuit_open' && onAllOpen === 'wait' ? Infinity : longestPauseMs;
  // The error then says after how long another call makes sense.
  if (delayMs > longestMs || delayMs + leastMs > leftMs(run)) throw giveUp(run, 'exhausted');
  const { provider, model } = candidate;
  engine.announce('retry', { requestId: call.requestId, provider, model, reason, delayMs });
  const signals = [call.signal, engine.shutdown, leaving?.signal];
  const waiting = openDeadline({ clock, provider, signals, endsAtMs: call.endsAtMs, endPhase: 'deadline' });
  try {
    await sleep(clock, delayMs, waiting.signal);
    if (reason === 'model_loading') await whileLoading(engine, provider, waiting.signal, call.endsAtMs - leastMs);
  } finally {
    waiting.dispose();
  }
}
