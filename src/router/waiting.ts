import pRetry from 'p-retry';
import type { ErrorCode } from '../core/error-codes.ts';
import { errorCodes } from '../core/error-codes.ts';
import { type FailedAttempt, isRouterError } from '../core/errors.ts';
import { sleep } from '../lib/clock.ts';
import { openDeadline } from '../lib/deadline.ts';
import { backoffMs } from '../breaker/cooldown.ts';
import type { Candidate } from '../routing/plan.ts';
import { hasFailed, isFull, notePassed, obstacleOf, onlyFirst } from './candidates.ts';
import type { Opened, Verb } from './carry-out.ts';
import { whileLoading } from './loading.ts';
import { slotFor } from './queue.ts';
import { allTaken, askedFor, giveUp, leastMs, leftMs, type Run } from './run.ts';
import { tryOnce } from './try-once.ts';

/** The longest pause in a call, for a provider that asked for one and has no substitute. */
const longestPauseMs = 10_000;

interface Waiting {
  readonly candidate: Candidate;
  readonly readyAtMs: number;
  readonly reason: ErrorCode;
  /** A breaker holds it back at this moment. */
  readonly isBarred: boolean;
}

/**
 * Everybody is behind an open breaker: with `panic: 'soonest'` one call at a time looks at the one that is nearest to its probe. Where
 * somebody else only rests, and not for long, that is waited for.
 */
export async function panic<Request, Result>(run: Run<Request>, verb: Verb<Request, Result>): Promise<Opened<Request, Result> | undefined> {
  if (run.engine.config.panic === 'off' || run.attempts > 0) return undefined;
  const left = leftOut(run);
  if (left.some((waiting) => !waiting.isBarred && canWaitFor(run, waiting))) return undefined;
  // Where somebody looks already, that is the nearest, and lets nobody else in.
  const nearest = earliest(left.filter(({ isBarred }) => isBarred));
  return nearest && tryOnce(run, nearest.candidate, { isLast: isOnly(run, nearest), early: true }, verb);
}

/** Nothing else is left: whoever may answer after a pause gets it, as often as the budget of attempts allows. */
export async function tryAgain<Request, Result>(run: Run<Request>, verb: Verb<Request, Result>): Promise<Opened<Request, Result>> {
  const { call, trace } = run;
  const retries = call.maxAttempts - run.attempts - 1;
  if (retries < 0) throw giveUp(run, 'max-attempts');
  // A call is either hedged or retried: both would add up.
  if (trace.hedged) throw giveUp(run, 'exhausted');
  let anotherRound = false;
  const again = async (round: number): Promise<Opened<Request, Result>> => {
    anotherRound = false;
    let loading: string | undefined;
    for (let pauses = 0; ; pauses++) {
      const waiting = soonest(run, loading);
      // Between this and the attempt nobody else gets a turn: one that is ready lets the attempt in.
      if (pauses > 0 && isDue(run, waiting) && obstacleOf(run, waiting.candidate) === undefined) {
        const opened = await tryDue(run, waiting, verb);
        if (opened === 'not-asked') continue;
        if (opened !== undefined) return opened;
        break;
      }
      const isLoading = await pause(run, waiting, round + pauses);
      if (isLoading) loading = waiting.candidate.provider;
    }
    anotherRound = run.attempts < call.maxAttempts;
    throw giveUp(run, anotherRound ? 'exhausted' : 'max-attempts');
  };
  try {
    // p-retry counts the rounds; the pauses are ours, on the router's clock and with what the provider asked for.
    return await pRetry(again, { retries, minTimeout: 0, shouldRetry: () => anotherRound });
  } catch (error) {
    // p-retry wraps reasons that are no errors, and the caller's reason is not ours to wrap.
    call.signal?.throwIfAborted();
    throw error;
  }
}

/** One that is ready may have no slot free. `not-asked`: while it waited for one, another was ready, or it was not so any more itself. */
async function tryDue<Request, Result>(
  run: Run<Request>,
  waiting: Waiting,
  verb: Verb<Request, Result>,
): Promise<Opened<Request, Result> | 'not-asked' | undefined> {
  const { candidate } = waiting;
  if (!isFull(run, candidate)) return tryOnce(run, candidate, { isLast: isOnly(run, waiting) }, verb);
  const isAnother = (): boolean => othersThan(run, candidate.provider).some((other) => isDue(run, other) && !isFull(run, other.candidate));
  const granted = await slotFor(run, [candidate], Infinity, isAnother);
  if (granted === 'stopped' || granted === 'gone') return 'not-asked';
  if (granted === undefined) {
    notePassed(run, candidate, allTaken);
    throw giveUp(run, 'exhausted');
  }
  try {
    if (obstacleOf(run, candidate) !== undefined) return 'not-asked';
    return await tryOnce(run, candidate, { isLast: isOnly(run, waiting), slot: granted.slot }, verb);
  } finally {
    granted.slot.give();
  }
}

function mayRetry({ error }: FailedAttempt): boolean {
  return errorCodes[error.code].retry;
}

/** Of the candidates that rest, and of those whose failure may pass, the one that is ready first; `loading` only where there is no other. */
function soonest(run: Run<unknown>, loading: string | undefined): Waiting {
  const others = loading === undefined ? [] : othersThan(run, loading);
  const first = earliest(others) ?? earliest(allWaiting(run));
  if (first === undefined) throw giveUp(run, isHeldBack(run) ? 'retry-budget' : 'exhausted');
  return first;
}

function allWaiting(run: Run<unknown>): Waiting[] {
  const failed = [...run.plan.candidates, ...run.plan.skipped].flatMap((candidate): Waiting[] => {
    const last = run.failed.findLast(({ provider, model }) => provider === candidate.provider && model === candidate.model);
    return last !== undefined && mayRetry(last) ? when(run, candidate, last.error.code, askedFor(run, last)) : [];
  });
  const left = leftOut(run);
  if (run.engine.config.onAllOpen === 'wait') return [...failed, ...left];
  // Breakers are not waited for, but for the one that this call's own failure has opened, and never for the probe of another call.
  return [...failed.filter((waiting) => !waiting.isBarred || !isDue(run, waiting)), ...left.filter(({ isBarred }) => !isBarred)];
}

function earliest(all: readonly Waiting[]): Waiting | undefined {
  return all.length === 0 ? undefined : all.reduce((first, next) => (next.readyAtMs < first.readyAtMs ? next : first));
}

/**
 * Those that were left out, or whose turn passed, because of a rest or a breaker, be it over by now. Without those that have failed
 * since: what they said decides.
 */
function leftOut(run: Run<unknown>): Waiting[] {
  const all = [...run.plan.skipped, ...run.passed].filter(
    ({ code, readyAtMs }) => readyAtMs !== undefined && (code === 'circuit_open' || errorCodes[code].effect === 'cool'),
  );
  return all.flatMap((skipped) => (hasFailed(run, skipped) ? [] : when(run, skipped, skipped.code, -Infinity)));
}

/** No candidate where waiting does not help: whatever else speaks against it, nor where it gets first attempts only. */
function when(run: Run<unknown>, candidate: Candidate, reason: ErrorCode, notBeforeMs: number): Waiting[] {
  const obstacle = obstacleOf(run, candidate);
  if (obstacle === 'unfit' || (obstacle !== undefined && obstacle.readyAtMs === undefined)) return [];
  const isOpen = obstacle?.code === 'circuit_open';
  const { provider, model } = candidate;
  const readyAtMs = isOpen ? run.engine.providers.get(provider)?.opensAtMs(model) : obstacle?.readyAtMs;
  const isBarred = isOpen || (obstacle !== undefined && reason === 'circuit_open');
  return [{ candidate, readyAtMs: Math.max(readyAtMs ?? -Infinity, notBeforeMs), reason: isOpen ? obstacle.code : reason, isBarred }];
}

function isDue({ engine }: Run<unknown>, { readyAtMs }: Waiting): boolean {
  return readyAtMs <= engine.config.clock.nowMs();
}

/** Nobody else would get a turn after an attempt at it. */
export function isOnly(run: Run<unknown>, { candidate }: Pick<Waiting, 'candidate'>): boolean {
  if (run.attempts >= run.call.maxAttempts - 1) return true;
  // Those that may be waited for have failed, or were left out.
  if (run.failed.length + run.plan.skipped.length + run.passed.length === 0) return true;
  const mayFollow = ({ candidate: { provider } }: Waiting): boolean => run.engine.providers.get(provider)?.mayBeRetried() === true;
  return !othersThan(run, candidate.provider).some(mayFollow);
}

/** Those at other providers that there is time to wait for. */
function othersThan(run: Run<unknown>, provider: string): Waiting[] {
  return allWaiting(run).filter((other) => other.candidate.provider !== provider && canWaitFor(run, other));
}

/** Is it for want of retry tokens that nobody is left? */
function isHeldBack({ passed, failed, engine }: Run<unknown>): boolean {
  if (passed.some(({ reason }) => reason === onlyFirst)) return true;
  return failed.some((each) => mayRetry(each) && engine.providers.get(each.provider)?.mayBeRetried() === false);
}

function canWaitFor(run: Run<unknown>, waiting: Waiting, leastPauseMs: number = 0): boolean {
  const delayMs = delayOf(run, waiting, leastPauseMs);
  const { onAllOpen } = run.engine.config;
  const longestMs = waiting.isBarred && onAllOpen === 'wait' ? Infinity : longestPauseMs;
  return delayMs <= longestMs && delayMs + leastMs <= leftMs(run);
}

function delayOf({ engine }: Run<unknown>, { readyAtMs }: Waiting, leastPauseMs: number): number {
  return Math.max(readyAtMs - engine.config.clock.nowMs(), leastPauseMs);
}

/** True where the model is still being loaded, and another provider is ready. */
async function pause(run: Run<unknown>, waiting: Waiting, round: number): Promise<boolean> {
  const { call, engine, leaving } = run;
  const { clock, random } = engine.config;
  const leastPauseMs = backoffMs(round, random());
  // The error then says after how long another call makes sense.
  if (!canWaitFor(run, waiting, leastPauseMs)) throw giveUp(run, 'exhausted');
  const delayMs = delayOf(run, waiting, leastPauseMs);
  const {
    candidate: { provider, model },
    reason,
  } = waiting;
  engine.announce('retry', { requestId: call.requestId, provider, model, reason, delayMs });
  const signals = [call.signal, engine.shutdown, leaving];
  const limit = openDeadline({ clock, provider, signals, endsAtMs: call.endsAtMs, endPhase: 'deadline' });
  let isLoading = false;
  try {
    await sleep(clock, delayMs, limit.signal);
    if (reason === 'model_loading') {
      const others = othersThan(run, provider).map(({ readyAtMs }) => readyAtMs);
      isLoading = await whileLoading(engine, provider, limit.signal, Math.min(call.endsAtMs - leastMs, ...others));
    }
  } catch (error) {
    // The deadline of the call came while a health check was under way.
    throw leftMs(run) <= 0 && isRouterError(error, 'timeout') ? giveUp(run, 'deadline') : error;
  } finally {
    limit.dispose();
  }
  if (leftMs(run) < leastMs) throw giveUp(run, 'deadline');
  return isLoading;
}
