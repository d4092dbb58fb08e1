import { errorCodes } from '../core/error-codes.ts';
import { type Candidate, isAmong, type PlannedCandidate, type SkippedInPlan } from '../routing/plan.ts';
import type { Provider } from './provider.ts';
import type { Run } from './run.ts';

/** Has an attempt of the call at it failed? */
export function hasFailed({ failed }: Run<unknown>, candidate: Candidate): boolean {
  return isAmong(failed, candidate);
}

/** Takes a candidate out of those that remain, with the reason. */
export function passOver(run: Run<unknown>, candidate: PlannedCandidate, why: Pick<SkippedInPlan, 'code' | 'reason' | 'readyAtMs'>): void {
  run.remaining.splice(run.remaining.indexOf(candidate), 1);
  notePassed(run, candidate, why);
}

/** Writes down why a candidate was not asked when it was its turn. */
export function notePassed(
  { passed }: Run<unknown>,
  { provider, model, substituted }: Candidate,
  { code, reason, readyAtMs }: Pick<SkippedInPlan, 'code' | 'reason' | 'readyAtMs'>,
): void {
  passed.push({ provider, model, substituted, code, reason, readyAtMs });
}

/** Would a call have to wait for a slot? */
export function isFull({ engine, call }: Run<unknown>, { provider, model }: Candidate): boolean {
  return engine.providers.get(provider)?.isFull(model, call.lane) === true;
}

/** Takes one of those who may be asked out of the remaining ones: the next, or the best where the call has no attempt after this one. */
export function takeNext(run: Run<unknown>, fit: readonly PlannedCandidate[]): PlannedCandidate | undefined {
  const next = isFinal(run) ? bestOf(run, fit) : fit[0];
  if (next !== undefined) run.remaining.splice(run.remaining.indexOf(next), 1);
  return next;
}

/** Has the call no attempt after the next one, and had one before it? */
export function isFinal({ attempts, call }: Run<unknown>): boolean {
  return attempts > 0 && attempts === call.maxAttempts - 1;
}

/**
 * The first of those with the best record; a candidate that was never asked is believed to be fine. A good record is no reason to pay
 * where something free is left, nor to prefer a stand-in.
 */
function bestOf(run: Run<unknown>, fit: readonly PlannedCandidate[]): PlannedCandidate | undefined {
  const alike = fit.filter((each) => !isInferior(run, each, fit[0] as PlannedCandidate));
  const shares = alike.map(({ provider, model }) => run.engine.providers.get(provider)?.successShare(model) ?? 0);
  return alike[shares.indexOf(Math.max(...shares))];
}

/** Does a candidate stand behind another by explicit priority, or by costing money? No hurry makes up for that. */
export function isInferior({ engine }: Run<unknown>, { provider }: Candidate, than: Candidate): boolean {
  const own = engine.providers.get(provider)?.config;
  const other = engine.providers.get(than.provider)?.config;
  if (own === undefined || other === undefined) return false;
  return own.priority > other.priority || (own.cost === 'paid' && other.cost === 'free');
}

/** Would another candidate get a turn after this attempt? It would get a second attempt, so it needs to be allowed one. */
export function othersLeft(run: Run<unknown>): boolean {
  if (run.remaining.length === 0) return false;
  const isAllowed = run.attempts < run.call.maxAttempts - 1;
  return (isAllowed && run.remaining.some((candidate) => obstacleOf(run, candidate, false) === undefined)) || stubLeft(run) !== undefined;
}

/** A stub costs nobody anything, and is there for the calls that nobody else answers: it is asked beyond the budget of attempts. */
export function stubLeft(run: Run<unknown>): PlannedCandidate | undefined {
  const isStub = ({ provider }: PlannedCandidate): boolean => run.engine.providers.get(provider)?.config.type === 'stub';
  return run.remaining.find((candidate) => isStub(candidate) && obstacleOf(run, candidate, false) === undefined);
}

type Obstacle = Pick<SkippedInPlan, 'code' | 'reason' | 'readyAtMs'> | 'unfit';

/** What speaks against a candidate at the moment of its turn. */
export function obstacleOf(
  run: Run<unknown>,
  { provider: id, model, isTrial }: Pick<Candidate, 'provider' | 'model' | 'isTrial'>,
  isFirst: boolean = run.attempts === 0,
): Obstacle | undefined {
  const { engine, plannedAtMs } = run;
  const provider = engine.providers.get(id);
  if (provider === undefined || run.accepts?.(provider, model) === false) return 'unfit';
  if (!mayHold(run, id, model)) return 'unfit';
  const nowMs = engine.config.clock.nowMs();
  if (!isFirst && !provider.mayBeRetried()) return { code: 'no_provider', reason: onlyFirst, readyAtMs: undefined };
  if (provider.state.models.peek(model).missingUntilMs > nowMs) {
    return { code: 'model_not_found', reason: 'it has just said that it does not serve the model', readyAtMs: undefined };
  }
  // One whose pin is put to the test knows of that pin, but not of a younger one.
  if (provider.isPinned(model, isTrial === true ? plannedAtMs : -Infinity)) {
    return { code: 'out_of_memory', reason: 'the model has just run out of memory there', readyAtMs: undefined };
  }
  const underTrial = isTrial === true ? undefined : onTrial(provider, model, nowMs);
  return underTrial ?? restOf(provider, model, nowMs) ?? heldNow(run, provider, model);
}

/** The reason of those that have no retry tokens. */
export const onlyFirst = 'it has failed so often of late that it gets first attempts only';

/** After a pin one call at a time finds out whether the model fits again, while there is somebody else to ask. */
function onTrial({ state }: Provider, model: string | undefined, nowMs: number): Obstacle | undefined {
  const { pin, inFlight } = state.models.peek(model);
  if (pin === undefined || pin.untilMs > nowMs || inFlight === 0) return undefined;
  return { code: 'out_of_memory', reason: 'another call finds out whether the model fits there again', readyAtMs: undefined };
}

function heldNow({ engine, call }: Run<unknown>, { config }: Provider, model: string | undefined): Obstacle | undefined {
  const held = engine.metering.obstacle?.(call, config, model);
  return held && { code: held.code, reason: held.reason, readyAtMs: held.readyAtMs };
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
  if (failed.length === 0) return true;
  const lengthOf = (provider: string, its: string | undefined): number | undefined => engine.providers.get(provider)?.contextLength(its);
  return failed.every(
    (each) =>
      errorCodes[each.error.code].next !== 'larger' || (lengthOf(id, model) ?? Infinity) > (lengthOf(each.provider, each.model) ?? 0),
  );
}
