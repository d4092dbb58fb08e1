import type { Candidate, PlannedCandidate } from '../routing/plan.ts';
import { providerOf } from './engine.ts';
import { obstacleOf, type Why } from './obstacles.ts';
import type { Run } from './run.ts';

/** It has its turn, or is not asked: it does not remain. */
export function takeOut({ remaining }: Run<unknown>, candidate: Candidate): void {
  const order: readonly Candidate[] = remaining;
  remaining.splice(order.indexOf(candidate), 1);
}

/** Takes a candidate out of those that remain, with the reason. */
export function passOver(run: Run<unknown>, candidate: PlannedCandidate, why: Why): void {
  takeOut(run, candidate);
  notePassed(run, candidate, why);
}

/** Writes down why a candidate was not asked when it was its turn. */
export function notePassed({ passed }: Run<unknown>, { provider, model, substituted }: Candidate, { code, reason, readyAtMs }: Why): void {
  passed.push({ provider, model, substituted, code, reason, readyAtMs });
}

/** Would a call have to wait for a slot? */
export function isFull({ engine, call }: Run<unknown>, { provider, model }: Candidate): boolean {
  return providerOf(engine, provider).isFull(model, call.lane);
}

/** Takes one of those who may be asked out of the remaining ones: the next, or the best where the call has no attempt after this one. */
export function takeNext(run: Run<unknown>, fit: readonly PlannedCandidate[]): PlannedCandidate | undefined {
  const next = isFinal(run) ? bestOf(run, fit) : fit[0];
  if (next !== undefined) takeOut(run, next);
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
  const shares = alike.map(({ provider, model }) => providerOf(run.engine, provider).successShare(model));
  return alike[shares.indexOf(Math.max(...shares))];
}

/** Does a candidate stand behind another by explicit priority, or by costing money? No hurry makes up for that. */
export function isInferior({ engine }: Run<unknown>, { provider }: Candidate, than: Candidate): boolean {
  const own = providerOf(engine, provider).config;
  const other = providerOf(engine, than.provider).config;
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
  const isStub = ({ provider }: PlannedCandidate): boolean => providerOf(run.engine, provider).config.type === 'stub';
  return run.remaining.find((candidate) => isStub(candidate) && obstacleOf(run, candidate, false) === undefined);
}
