import { errorCodes } from '../core/error-codes.ts';
import type { PlannedCandidate, SkippedInPlan } from '../routing/plan.ts';
import type { Run } from './run.ts';

/**
 * The candidate whose turn it is, taken out of those that remain. What the plan could not know is asked again here: other calls may have
 * opened a breaker or made a pin since. The last attempt of a call does not go to the next in order but to the one that did best of
 * late, because there is no other try after it.
 */
export function nextCandidate(run: Run<unknown>): PlannedCandidate | undefined {
  const { remaining, call } = run;
  const isFinal = run.attempts > 0 && run.attempts === call.maxAttempts - 1;
  for (let index = 0; index < remaining.length;) {
    const candidate = remaining[index] as PlannedCandidate;
    const obstacle = obstacleOf(run, candidate);
    if (obstacle === undefined) {
      if (!isFinal) return take(remaining, index);
      index += 1;
      continue;
    }
    remaining.splice(index, 1);
    if (obstacle !== 'too-small') run.passed.push({ ...candidate, ...obstacle });
  }
  return remaining.length === 0 ? undefined : take(remaining, bestOf(run));
}

function take(remaining: PlannedCandidate[], index: number): PlannedCandidate | undefined {
  return remaining.splice(index, 1)[0];
}

/** The first of those with the best record; a candidate that was never asked is believed to be fine. */
function bestOf({ remaining, engine }: Run<unknown>): number {
  const shares = remaining.map(({ provider, model }) => engine.providers.get(provider)?.state.models.peek(model).successShare ?? 0);
  return shares.indexOf(Math.max(...shares));
}

/** Would another candidate get a turn after this attempt? */
export function othersLeft(run: Run<unknown>): boolean {
  if (run.attempts >= run.call.maxAttempts - 1) return false;
  return run.remaining.some((candidate) => obstacleOf(run, candidate) === undefined);
}

type Obstacle = Pick<SkippedInPlan, 'code' | 'reason' | 'readyAtMs'> | 'too-small';

/** What speaks against a candidate at the moment of its turn. */
export function obstacleOf(run: Run<unknown>, { provider: id, model }: PlannedCandidate): Obstacle | undefined {
  const { engine, call } = run;
  const provider = engine.providers.get(id);
  if (provider === undefined) return { code: 'no_provider', reason: 'it is gone', readyAtMs: undefined };
  if (run.failed.length > 0 && !mayHold(run, id, model)) return 'too-small';
  if (run.accepts !== undefined && !run.accepts(provider, model)) return 'too-small';
  if (run.attempts > 0 && !provider.mayBeRetried()) return { code: 'no_provider', reason: onlyFirst, readyAtMs: undefined };
  if (provider.pinnedSince(model, call.startedAtMs)) {
    return { code: 'out_of_memory', reason: 'the model has just run out of memory there', readyAtMs: undefined };
  }
  const readyAtMs = provider.readyAtMs(model);
  if (readyAtMs === undefined) return { code: 'auth', reason: 'its credentials have just been refused', readyAtMs };
  if (readyAtMs <= engine.config.clock.nowMs()) return undefined;
  return { code: 'overloaded', reason: 'it has just failed for others', readyAtMs };
}

const onlyFirst = 'it has failed so often of late that it gets first attempts only';

/** A prompt that was too long for one candidate is not sent to another that is known to hold no more. */
function mayHold({ failed, engine }: Run<unknown>, id: string, model: string | undefined): boolean {
  const tooSmall = failed.filter(({ error }) => errorCodes[error.code].next === 'larger');
  if (tooSmall.length === 0) return true;
  const holds = engine.providers.get(id)?.contextLength(model) ?? Infinity;
  return tooSmall.every((each) => holds > (engine.providers.get(each.provider)?.contextLength(each.model) ?? 0));
}
