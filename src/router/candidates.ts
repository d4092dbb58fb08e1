import { errorCodes } from '../core/error-codes.ts';
import type { PlannedCandidate, SkippedInPlan } from '../routing/plan.ts';
import type { Provider } from './provider.ts';
import type { Run } from './run.ts';

/**
 * The candidate whose turn it is, taken out of those that remain. What the plan could not know is asked again here: other calls may have
 * opened a breaker or made a pin since. The last attempt of a call does not go to the next in order but to the one that did best of
 * late, because there is no other try after it.
 */
export function nextCandidate(run: Run<unknown>): PlannedCandidate | undefined {
  const { remaining } = run;
  for (let index = 0; index < remaining.length;) {
    const candidate = remaining[index] as PlannedCandidate;
    const obstacle = obstacleOf(run, candidate);
    if (obstacle === undefined) {
      if (!isFinal(run)) break;
      index += 1;
      continue;
    }
    remaining.splice(index, 1);
    if (obstacle !== 'unfit') run.passed.push({ ...candidate, ...obstacle });
  }
  return takeNext(run, remaining);
}

/** Takes one of those who may be asked out of the remaining ones: the next, or the best where the call has no attempt after this one. */
export function takeNext(run: Run<unknown>, fit: readonly PlannedCandidate[]): PlannedCandidate | undefined {
  const next = isFinal(run) ? bestOf(run, fit) : fit[0];
  if (next !== undefined) run.remaining.splice(run.remaining.indexOf(next), 1);
  return next;
}

function isFinal({ attempts, call }: Run<unknown>): boolean {
  return attempts > 0 && attempts === call.maxAttempts - 1;
}

/** The first of those with the best record; a candidate that was never asked is believed to be fine. */
function bestOf({ engine }: Run<unknown>, fit: readonly PlannedCandidate[]): PlannedCandidate | undefined {
  const shares = fit.map(({ provider, model }) => engine.providers.get(provider)?.state.models.peek(model).successShare ?? 0);
  return fit[shares.indexOf(Math.max(...shares))];
}

/** Would another candidate get a turn after this attempt? It would get a second attempt, so it needs to be allowed one. */
export function othersLeft(run: Run<unknown>): boolean {
  if (run.attempts >= run.call.maxAttempts - 1) return false;
  return run.remaining.some((candidate) => obstacleOf(run, candidate, false) === undefined);
}

type Obstacle = Pick<SkippedInPlan, 'code' | 'reason' | 'readyAtMs'> | 'unfit';

/** What speaks against a candidate at the moment of its turn. */
export function obstacleOf(
  run: Run<unknown>,
  { provider: id, model, isTrial }: Pick<PlannedCandidate, 'provider' | 'model' | 'isTrial'>,
  isFirst: boolean = run.attempts === 0,
): Obstacle | undefined {
  const { engine, call } = run;
  const provider = engine.providers.get(id);
  if (provider === undefined || run.accepts?.(provider, model) === false) return 'unfit';
  if (!mayHold(run, id, model)) return 'unfit';
  const nowMs = engine.config.clock.nowMs();
  if (!isFirst && !provider.mayBeRetried()) return { code: 'no_provider', reason: onlyFirst, readyAtMs: undefined };
  if (provider.state.models.peek(model).missingUntilMs > nowMs) {
    return { code: 'model_not_found', reason: 'it has just said that it does not serve the model', readyAtMs: undefined };
  }
  // One whose pin is put to the test knows of that pin, but not of a younger one.
  if (provider.isPinned(model, isTrial === true ? call.startedAtMs : -Infinity)) {
    return { code: 'out_of_memory', reason: 'the model has just run out of memory there', readyAtMs: undefined };
  }
  return onTrial(provider, model, nowMs) ?? restOf(provider, model, nowMs);
}

/** The reason of those that have no retry tokens. */
export const onlyFirst = 'it has failed so often of late that it gets first attempts only';

/** After a pin one call at a time finds out whether the model fits again. */
function onTrial({ state }: Provider, model: string | undefined, nowMs: number): Obstacle | undefined {
  const { pin, inFlight } = state.models.peek(model);
  if (pin === undefined || pin.untilMs > nowMs || inFlight === 0) return undefined;
  return { code: 'out_of_memory', reason: 'another call finds out whether the model fits there again', readyAtMs: undefined };
}

function restOf(provider: Provider, model: string | undefined, nowMs: number): Obstacle | undefined {
  const readyAtMs = provider.readyAtMs(model);
  if (readyAtMs === undefined) return { code: 'auth', reason: 'its credentials have just been refused', readyAtMs };
  if (readyAtMs <= nowMs) return undefined;
  // Whichever of a rest and a breaker ends last.
  if (readyAtMs > provider.restsUntilMs(model)) return { code: 'circuit_open', reason: 'its breaker has just opened', readyAtMs };
  return { code: 'overloaded', reason: 'it has just failed for others', readyAtMs };
}

/** A prompt that was too long for one candidate is not sent to another that is known to hold no more. */
function mayHold({ failed, engine }: Run<unknown>, id: string, model: string | undefined): boolean {
  const lengthOf = (provider: string, its: string | undefined): number | undefined => engine.providers.get(provider)?.contextLength(its);
  return failed.every(
    (each) =>
      errorCodes[each.error.code].next !== 'larger' || (lengthOf(id, model) ?? Infinity) > (lengthOf(each.provider, each.model) ?? 0),
  );
}
