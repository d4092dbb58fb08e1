import pRetry from 'p-retry';
import { isRouterError } from '../core/errors.ts';
import { sleep } from '../lib/clock.ts';
import { openDeadline } from '../lib/deadline.ts';
import { backoffMs } from '../breaker/cooldown.ts';
import { isFull, notePassed } from './candidates.ts';
import type { Opened, Opener } from './carry-out.ts';
import { giveUp } from './give-up.ts';
import { whileLoading } from './wait-for-load.ts';
import { obstacleOf } from './obstacles.ts';
import { slotFor } from './queue.ts';
import { allTaken, leastMs, leftMs, type Run } from './run.ts';
import { tryOnce } from './try-once.ts';
import { canWaitFor, delayOf, earliest, isDue, isOnly, othersThan, restingOrBarred, soonest, type Waiting } from './waiting.ts';

// What is tried when the plan is used up: pauses, and the same candidates again.

/**
 * Everybody is behind an open breaker: with `panic: 'soonest'` one call at a time looks at the one that is nearest to its probe. Where
 * somebody else only rests, and not for long, that is waited for.
 */
export async function panic<Request, Result>(
  run: Run<Request>,
  opener: Opener<Request, Result>,
): Promise<Opened<Request, Result> | undefined> {
  if (run.engine.config.panic === 'off' || run.attempts > 0) return undefined;
  const left = restingOrBarred(run);
  if (left.some((waiting) => !waiting.isBarred && canWaitFor(run, waiting))) return undefined;
  // Where somebody looks already, that is the nearest, and lets nobody else in.
  const nearest = earliest(left.filter(({ isBarred }) => isBarred));
  return nearest && tryOnce(run, nearest.candidate, { isLast: isOnly(run, nearest), early: true }, opener);
}

/** Nothing else is left: whoever may answer after a pause gets it, as often as the budget of attempts allows. */
export async function tryAgain<Request, Result>(run: Run<Request>, opener: Opener<Request, Result>): Promise<Opened<Request, Result>> {
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
        const opened = await tryDue(run, waiting, opener);
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
  opener: Opener<Request, Result>,
): Promise<Opened<Request, Result> | 'not-asked' | undefined> {
  const { candidate } = waiting;
  if (!isFull(run, candidate)) return tryOnce(run, candidate, { isLast: isOnly(run, waiting) }, opener);
  const isAnother = (): boolean => othersThan(run, candidate.provider).some((other) => isDue(run, other) && !isFull(run, other.candidate));
  const granted = await slotFor(run, [candidate], Infinity, isAnother);
  if (granted === 'stopped' || granted === 'gone') return 'not-asked';
  if (granted === undefined) {
    notePassed(run, candidate, allTaken);
    throw giveUp(run, 'exhausted');
  }
  try {
    if (obstacleOf(run, candidate) !== undefined) return 'not-asked';
    return await tryOnce(run, candidate, { isLast: isOnly(run, waiting), slot: granted.slot }, opener);
  } finally {
    granted.slot.give();
  }
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
