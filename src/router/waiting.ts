import type { ErrorCode } from '../core/error-codes.ts';
import { errorCodes } from '../core/error-codes.ts';
import type { FailedAttempt } from '../core/errors.ts';
import { type Candidate, isAmong, type SkippedInPlan } from '../routing/plan.ts';
import { providerOf } from './engine.ts';
import { askedFor, giveUp } from './give-up.ts';
import { obstacleOf, onlyFirst } from './obstacles.ts';
import { leastMs, leftMs, type Run } from './run.ts';

// Who may be waited for, and for how long. Looks only: `try-again.ts` acts on it.

/** The longest pause in a call, for a provider that asked for one and has no substitute. */
const longestPauseMs = 10_000;

export interface Waiting {
  readonly candidate: Candidate;
  readonly readyAtMs: number;
  readonly reason: ErrorCode;
  /** A breaker holds it back at this moment. */
  readonly isBarred: boolean;
}

function mayRetry({ error }: FailedAttempt): boolean {
  return errorCodes[error.code].retry;
}

/** Of the candidates that rest, and of those whose failure may pass, the one that is ready first; `loading` only where there is no other. */
export function soonest(run: Run<unknown>, loading: string | undefined): Waiting {
  const others = loading === undefined ? [] : othersThan(run, loading);
  const first = earliest(others) ?? earliest(allWaiting(run));
  if (first === undefined) throw giveUp(run, isHeldBack(run) ? 'retry-budget' : 'exhausted');
  return first;
}

function allWaiting(run: Run<unknown>): Waiting[] {
  const { plan, failed, engine } = run;
  const all: Waiting[] = [];
  if (failed.length > 0) {
    for (const candidate of plan.candidates) addFailed(all, run, candidate);
    for (const candidate of plan.skipped) addFailed(all, run, candidate);
  }
  const left = restingOrBarred(run);
  // Breakers are not waited for, and never for the probe of another call.
  for (const waiting of left) if (!waiting.isBarred || engine.config.onAllOpen === 'wait') all.push(waiting);
  return all;
}

function addFailed(all: Waiting[], run: Run<unknown>, candidate: Candidate): void {
  const last = run.failed.findLast(({ provider, model }) => provider === candidate.provider && model === candidate.model);
  const waiting = last !== undefined && mayRetry(last) ? asWaiting(run, candidate, last.error.code, askedFor(run, last)) : undefined;
  if (waiting === undefined) return;
  // Of the breakers that which this call's own failure has opened is waited for.
  if (!waiting.isBarred || !isDue(run, waiting) || run.engine.config.onAllOpen === 'wait') all.push(waiting);
}

export function earliest(all: readonly Waiting[]): Waiting | undefined {
  return all.length === 0 ? undefined : all.reduce((first, next) => (next.readyAtMs < first.readyAtMs ? next : first));
}

/**
 * Those that were left out, or whose turn passed, because of a rest or a breaker, be it over by now. Without those that have failed
 * since: what they said decides.
 */
export function restingOrBarred(run: Run<unknown>): Waiting[] {
  const all: Waiting[] = [];
  // Lists of lists took half of what an open breaker adds to a call.
  for (const skipped of run.plan.skipped) addResting(all, run, skipped);
  for (const passed of run.passed) addResting(all, run, passed);
  return all;
}

function addResting(all: Waiting[], run: Run<unknown>, candidate: SkippedInPlan): void {
  const { code, readyAtMs } = candidate;
  if (readyAtMs === undefined || (code !== 'circuit_open' && errorCodes[code].effect !== 'cool')) return;
  const waiting = isAmong(run.failed, candidate) ? undefined : asWaiting(run, candidate, code, -Infinity);
  if (waiting !== undefined) all.push(waiting);
}

/** Undefined where waiting does not help: whatever else speaks against it, nor where it gets first attempts only. */
function asWaiting(run: Run<unknown>, candidate: Candidate, reason: ErrorCode, notBeforeMs: number): Waiting | undefined {
  const obstacle = obstacleOf(run, candidate);
  if (obstacle === 'unfit' || (obstacle !== undefined && obstacle.readyAtMs === undefined)) return undefined;
  const isOpen = obstacle?.code === 'circuit_open';
  const { provider, model } = candidate;
  const readyAtMs = isOpen ? providerOf(run.engine, provider).opensAtMs(model) : obstacle?.readyAtMs;
  const isBarred = isOpen || (obstacle !== undefined && reason === 'circuit_open');
  return { candidate, readyAtMs: Math.max(readyAtMs ?? -Infinity, notBeforeMs), reason: isOpen ? obstacle.code : reason, isBarred };
}

export function isDue({ engine }: Run<unknown>, { readyAtMs }: Waiting): boolean {
  return readyAtMs <= engine.config.clock.nowMs();
}

/** Nobody else would get a turn after an attempt at it. */
export function isOnly(run: Run<unknown>, { candidate }: Pick<Waiting, 'candidate'>): boolean {
  if (run.attempts >= run.call.maxAttempts - 1) return true;
  // Those that may be waited for have failed, or were left out.
  if (run.failed.length + run.plan.skipped.length + run.passed.length === 0) return true;
  const mayFollow = ({ candidate: { provider } }: Waiting): boolean => providerOf(run.engine, provider).mayBeRetried();
  return !othersThan(run, candidate.provider).some(mayFollow);
}

/** Those at other providers that there is time to wait for. */
export function othersThan(run: Run<unknown>, provider: string): Waiting[] {
  return allWaiting(run).filter((other) => other.candidate.provider !== provider && canWaitFor(run, other));
}

/** Is it for want of retry tokens that nobody is left? */
function isHeldBack({ passed, failed, engine }: Run<unknown>): boolean {
  if (passed.some(({ reason }) => reason === onlyFirst)) return true;
  return failed.some((each) => mayRetry(each) && !providerOf(engine, each.provider).mayBeRetried());
}

export function canWaitFor(run: Run<unknown>, waiting: Waiting, leastPauseMs: number = 0): boolean {
  const delayMs = delayOf(run, waiting, leastPauseMs);
  const { onAllOpen } = run.engine.config;
  const longestMs = waiting.isBarred && onAllOpen === 'wait' ? Infinity : longestPauseMs;
  return delayMs <= longestMs && delayMs + leastMs <= leftMs(run);
}

export function delayOf({ engine }: Run<unknown>, { readyAtMs }: Waiting, leastPauseMs: number): number {
  return Math.max(readyAtMs - engine.config.clock.nowMs(), leastPauseMs);
}
