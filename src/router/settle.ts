import { type BreakerInput, type BreakerSign, type BreakerState, step } from '../breaker/breaker.ts';
import { afterFailure, afterSuccess } from '../breaker/retry-tokens.ts';
import { learnedLoadMs, learnedShare } from '../routing/expected-time.ts';
import { bookOutcome, type Verdicts } from './effects.ts';
import { remember } from './hedge-delay.ts';
import { counted } from './breaker-ramp.ts';
import { type ModelState, smoothed } from './model-state.ts';
import { type ProviderBooks, recentShare } from './provider-facts.ts';
import type { Outcome, Permit, ProviderState } from './provider-state.ts';
import { loadTimeOf, noteTime, type Timed, timingsOf } from './timings.ts';
import { noteEnd } from './under-way.ts';

// What a provider's books say after an attempt: counters, times, breakers.

export function settle(books: ProviderBooks, permit: Permit, outcome: Outcome, nowMs: number): void {
  const { id, state } = books;
  const model = state.models.of(permit.model);
  noteEnd(state, permit.sinceMs);
  noteEnd(model, permit.sinceMs);
  if (state.letIn.generation === permit.connectionGeneration) state.letIn = counted(state.letIn, permit.connectionGeneration, -1);
  if (model.letIn.generation === permit.modelGeneration) model.letIn = counted(model.letIn, permit.modelGeneration, -1);
  if (outcome.type === 'success') noteSuccess(books, model, permit, outcome, nowMs);
  if (outcome.type === 'failure') {
    state.failures += 1;
    state.failuresInRow += 1;
    state.lastError = { code: outcome.error.code, atMs: nowMs };
  }
  const verdict = bookOutcome(books, model, permit, outcome);
  if (verdict.connection === 'refused' || verdict.model === 'failure' || verdict.model === 'soft') noteFailure(state, model, nowMs);
  const connection = isLate(books, state.connection, permit, true) ? 'abandon' : connectionVerdict(books, permit, verdict);
  if (connection === 'refused' && verdict.connection === 'refused') state.refusedAtMs = nowMs;
  const own = isLate(books, model.breaker, permit, false) ? 'abandon' : verdict.model;
  state.connection = stepBreaker(books, state.connection, { type: connection, generation: permit.connectionGeneration }, undefined, nowMs);
  model.breaker = stepBreaker(books, model.breaker, { type: own, generation: permit.modelGeneration }, permit.model, nowMs);
  books.sharing?.note(id, permit.model);
  // Last: whoever gets the slot finds the books closed.
  permit.slot.give(nowMs);
}

/** The result of a probe whose leave has ended: another router may have found out something else by now. */
function isLate({ sharing, id }: ProviderBooks, breaker: BreakerState, permit: Permit, whole: boolean): boolean {
  if (sharing === undefined || breaker.is !== 'half-open') return false;
  const generation = whole ? permit.connectionGeneration : permit.modelGeneration;
  return generation === breaker.generation && sharing.isLate(id, permit.model, whole);
}

/**
 * A server that is going down takes no new connections and still answers on those it has: calls that began before a refusal say nothing
 * against it.
 */
function connectionVerdict({ state }: ProviderBooks, permit: Permit, { connection, model }: Verdicts): Verdicts['connection'] {
  const { generation, is } = state.connection;
  // An older time changes nothing.
  if (permit.connectionGeneration !== generation) return 'abandon';
  // A probe that met with nothing but silence has not found the provider back.
  if (connection === 'abandon' && model === 'failure' && is === 'half-open') return 'refused';
  return connection === 'success' && permit.sinceMs < state.refusedAtMs ? 'abandon' : connection;
}

function noteSuccess(
  { state, router }: ProviderBooks,
  model: ModelState,
  permit: Permit,
  { ms, firstContentMs }: Outcome & { readonly type: 'success' },
  nowMs: number,
): void {
  state.successes += 1;
  state.failuresInRow = 0;
  state.successAtMs = nowMs;
  state.retryTokens = afterSuccess(state.retryTokens, router.retry);
  noteShare(model, true, nowMs);
  model.latencyMs = smoothed(model.latencyMs, ms);
  if (firstContentMs !== undefined) model.firstContentMs = smoothed(model.firstContentMs, firstContentMs);
  noteTimes(model, permit, { promptTokens: permit.promptTokens, ms, firstContentMs }, nowMs);
  model.servedAtMs = nowMs;
  if (router.hedge === undefined || permit.isCold) return;
  if (firstContentMs === undefined) remember(model.wholeTimes, ms);
  else remember(model.firstTimes, firstContentMs);
}

/** The answer of a model that had to be loaded says how long that took, and little of how fast it answers. */
function noteTimes(model: ModelState, { intent, isCold, isToldCold, isFirst }: Permit, timed: Timed, nowMs: number): void {
  if (!isToldCold && (!isCold || model.timings.size === 0)) noteTime(model.timings, intent, timed, nowMs);
  if (isToldCold && isFirst) model.loadMs = learnedLoadMs(model.loadMs, loadTimeOf(timingsOf(model.timings, intent), timed, nowMs));
}

/** Only of what is held against it: a prompt that is too long, or a caller in a hurry, says nothing against asking it for something else. */
function noteFailure(state: ProviderState, model: ModelState, nowMs: number): void {
  state.retryTokens = afterFailure(state.retryTokens);
  noteShare(model, false, nowMs);
}

/** What is old counts for less: a provider that failed is tried again some day. */
function noteShare(model: ModelState, isSuccess: boolean, nowMs: number): void {
  model.successShare = learnedShare(recentShare(model, nowMs), isSuccess);
  model.shareAtMs = nowMs;
}

/** Steps a breaker, and tells where that changed its state. */
export function stepBreaker(
  { id, state, router, announce }: ProviderBooks,
  from: BreakerState,
  input: BreakerInput | BreakerSign,
  model: string | undefined,
  nowMs: number,
  reason: string = state.lastError?.code ?? 'unknown',
): BreakerState {
  const { random, breaker } = router;
  const to = step(from, input, { nowMs, random: random() }, breaker);
  if (to.is === from.is) return to;
  if (to.is === 'open') announce('breaker:open', { provider: id, model, untilMs: to.untilMs, reason });
  else announce(to.is === 'closed' ? 'breaker:close' : 'breaker:half-open', { provider: id, model });
  return to;
}
