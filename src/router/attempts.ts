import pRetry from 'p-retry';
import { errorCodes } from '../core/error-codes.ts';
import { type FailedAttempt, isRouterError } from '../core/errors.ts';
import { sleep } from '../lib/clock.ts';
import { openDeadline } from '../lib/deadline.ts';
import { backoffMs } from '../breaker/cooldown.ts';
import type { PlannedCandidate } from '../routing/plan.ts';
import { type Attempt, beginAttempt } from './attempt.ts';
import { giveUp, type Run } from './run.ts';

/** What a verb does with an attempt. It ends the attempt itself when it succeeds; a rejection is booked by the loop. */
export type Open<Request, Result> = (attempt: Attempt<Request>) => Promise<Result>;

/** No attempt starts with less than this left of the deadline: it could only fail. */
const leastMs = 50;
/** The longest pause in a call, for a provider that asked for one and has no substitute. */
const longestPauseMs = 10_000;

/**
 * Tries the candidates of the plan in order, then, where nothing else is left, the same ones again. One loop for chat,
 * stream and embed. Rejects with the caller's own abort reason, with the error of a candidate where no other could do
 * better, or with the error of the whole call.
 */
export async function runAttempts<Request, Result>(run: Run<Request>, open: Open<Request, Result>): Promise<Result> {
  const { call, plan, engine } = run;
  call.signal?.throwIfAborted();
  engine.shutdown.throwIfAborted();
  for (const [index, candidate] of plan.candidates.entries()) {
    if (run.attempts >= call.maxAttempts) throw giveUp(run, 'max-attempts');
    if (!mayHelp(run, candidate)) continue;
    const isLast = index === plan.candidates.length - 1 || run.attempts === call.maxAttempts - 1;
    const outcome = await tryOnce(run, candidate, isLast, open);
    if (outcome !== undefined) return outcome.result;
  }
  return tryAgain(run, open);
}

/** The result, or undefined where another candidate should be tried. Throws what ends the call. */
async function tryOnce<Request, Result>(
  run: Run<Request>,
  candidate: PlannedCandidate,
  isLast: boolean,
  open: Open<Request, Result>,
): Promise<{ readonly result: Result } | undefined> {
  if (run.failed.length > 0 && leftMs(run) < leastMs) throw giveUp(run, 'deadline');
  const attempt = beginAttempt(run, candidate, isLast);
  if (attempt === undefined) return undefined;
  try {
    const result = await open(attempt);
    Object.assign(run.trace, { provider: candidate.provider, model: candidate.model, substituted: candidate.substituted });
    return { result };
  } catch (given) {
    book(run, candidate, attempt.fail(given));
    return undefined;
  }
}

/** Takes a failure into the books, or throws it where trying others would not help. */
function book(run: Run<unknown>, { provider, model }: PlannedCandidate, error: unknown): void {
  if (run.call.signal?.aborted === true || !isRouterError(error)) throw error;
  run.failed.push({ provider, model, error });
  if (error.phase === 'deadline') throw giveUp(run, 'deadline');
  if (errorCodes[error.code].next === 'stop') throw error;
}

/** A prompt that was too long for one candidate is not sent to another that is known to hold no more. */
function mayHelp({ failed, engine }: Run<unknown>, candidate: PlannedCandidate): boolean {
  const tooSmall = failed.filter(({ error }) => errorCodes[error.code].next === 'larger');
  if (tooSmall.length === 0) return true;
  const holds = engine.providers.get(candidate.provider)?.contextLength(candidate.model) ?? Infinity;
  return tooSmall.every(({ provider, model }) => holds > (engine.providers.get(provider)?.contextLength(model) ?? 0));
}

interface Waiting {
  readonly candidate: PlannedCandidate;
  readonly readyAtMs: number;
  readonly reason: string;
}

/** Nothing else is left: whoever may answer after a pause gets it, as often as the budget of attempts allows. */
async function tryAgain<Request, Result>(run: Run<Request>, open: Open<Request, Result>): Promise<Result> {
  const { call } = run;
  const retries = call.maxAttempts - run.attempts - 1;
  if (retries < 0) throw giveUp(run, 'max-attempts');
  let anotherRound = false;
  const again = async (round: number): Promise<Result> => {
    anotherRound = false;
    const waiting = soonest(run);
    if (waiting === undefined) throw giveUp(run, 'exhausted');
    await pause(run, waiting, round);
    const before = run.attempts;
    const outcome = await tryOnce(run, waiting.candidate, true, open);
    if (outcome !== undefined) return outcome.result;
    anotherRound = run.attempts > before;
    throw giveUp(run, run.attempts >= call.maxAttempts ? 'max-attempts' : 'exhausted');
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

/** Of the candidates that rest, and of those whose failure may pass, the one that is ready first. */
function soonest(run: Run<unknown>): Waiting | undefined {
  const resting = run.plan.skipped.flatMap(({ provider, model, code, readyAtMs, substituted, reason }): Waiting[] =>
    code === 'overloaded' && readyAtMs !== undefined && !hasFailed(run, provider, model)
      ? [{ candidate: { provider, model, substituted, reason }, readyAtMs, reason: code }]
      : [],
  );
  const failed = run.plan.candidates.flatMap((candidate): Waiting[] => {
    const last = run.failed.findLast(({ provider, model }) => provider === candidate.provider && model === candidate.model);
    return last !== undefined && errorCodes[last.error.code].retry ? [{ candidate, ...readiness(run, last) }] : [];
  });
  const all = [...failed, ...resting];
  return all.length === 0 ? undefined : all.reduce((first, next) => (next.readyAtMs < first.readyAtMs ? next : first));
}

function hasFailed({ failed }: Run<unknown>, provider: string, model: string | undefined): boolean {
  return failed.some((each) => each.provider === provider && each.model === model);
}

/** What the provider asked for counts from the end of its attempt: others may have taken their time since. */
function readiness({ call, trace }: Run<unknown>, { provider, model, error }: FailedAttempt): Omit<Waiting, 'candidate'> {
  const attempt = trace.attempts.findLast((each) => each.provider === provider && each.model === model);
  const endedAtMs = call.startedAtMs + (attempt === undefined ? 0 : attempt.startedMs + attempt.ms);
  return { readyAtMs: endedAtMs + (error.retryAfterMs ?? 0), reason: error.code };
}

async function pause(run: Run<unknown>, { candidate, readyAtMs, reason }: Waiting, round: number): Promise<void> {
  const { call, engine } = run;
  const { clock, random } = engine.config;
  const delayMs = Math.max(readyAtMs - clock.nowMs(), backoffMs(round, random()));
  // The error then says after how long another call makes sense.
  if (delayMs > longestPauseMs || delayMs + leastMs > leftMs(run)) throw giveUp(run, 'exhausted');
  const { provider, model } = candidate;
  engine.announce('retry', { requestId: call.requestId, provider, model, reason, delayMs });
  const waiting = openDeadline({ clock, provider, signals: [call.signal, engine.shutdown], endsAtMs: call.endsAtMs, endPhase: 'deadline' });
  try {
    await sleep(clock, delayMs, waiting.signal);
  } finally {
    waiting.dispose();
  }
}

function leftMs({ call, engine }: Run<unknown>): number {
  return call.endsAtMs - engine.config.clock.nowMs();
}
