import type { Adapter } from '../core/adapter.ts';
import type { Capabilities } from '../core/capabilities.ts';
import type { Announce } from '../core/events.ts';
import type { Usage, EmbedUsage } from '../core/types.ts';
import { admits, type BreakerInput, type BreakerState, step } from '../breaker/breaker.ts';
import { afterFailure, afterSuccess, allowsRetry } from '../breaker/budget.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';
import { learnedLoadMs, learnedShare, type Score } from '../routing/expected-time.ts';
import type { CandidateFacts, Placement } from '../routing/facts.ts';
import type { Candidate } from '../routing/plan.ts';
import { applyEffect, type Verdicts } from './effects.ts';
import { expectedNow, expectedOf } from './expected.ts';
import { remember } from './hedge-delay.ts';
import type { LaneName, Lanes } from './lanes.ts';
import { changed, countOf, type LetIn } from './let-in.ts';
import { type ModelState, smoothed } from './model-state.ts';
import { aboutOf, type Ask, type Books, capabilitiesOf, factsOf, nothingLookedUp, recentShare, windowOf } from './provider-facts.ts';
import { createProviderState, type Outcome, type Permit, type ProviderState } from './provider-state.ts';
import { plainName } from './model-name.ts';
import { opensAt, readyAt, restsUntil } from './readiness.ts';
import { loadAhead } from './residency.ts';
import { type HeldSlot, heldSlot, knownLanes, lanesFor } from './slots.ts';
import { loadTimeOf, noteTime, type Timed, timingsOf } from './timings.ts';
import { noteUsage } from './token-count.ts';
import { noteBegin, noteEnd } from './under-way.ts';

/** What a call asks leave for. */
export interface Leave {
  /** How long a probe may take. */
  readonly leaseMs: number;
  /** A breaker that is open may be probed before its time, by one call at a time. */
  readonly early: boolean;
  readonly intent: string;
  readonly lane: LaneName;
  readonly promptTokens: number;
  /** The slot that was waited for, where there was a wait. */
  readonly slot: HeldSlot | undefined;
}

export interface Provider {
  readonly id: string;
  readonly config: ProviderConfig;
  readonly adapter: Adapter;
  readonly state: ProviderState;
  facts(place: Placement, ask: Ask): CandidateFacts;
  /** The time until its first content that is expected of a candidate with these facts. */
  expected(facts: CandidateFacts, ask: Ask, promptTokens: number): Score;
  /** Undefined where a breaker lets nothing through, or no slot is free. */
  acquire(model: string | undefined, leave: Leave): Permit | undefined;
  /** The same as things stand now, by what is known of the model; for one that was never asked, by the kind of its machine. */
  expectedNow(candidate: Candidate, call: Pick<Ask, 'verb' | 'intent' | 'lane'>, promptTokens: number): Score;
  /** Would a call of a lane have to wait for a slot? */
  isFull(model: string | undefined, lane: LaneName): boolean;
  /** The slots that calls for a model take. */
  lanes(model: string | undefined): Lanes;
  /** What an attempt gets beside its own time for the load of a model that is probably not in memory; 0 for any other. */
  allowanceMs(model: string | undefined): number;
  /** From when on it may be asked for a model, on the router's clock; in the past where it may already. Undefined: waiting does not help. */
  readyAtMs(model: string | undefined): number | undefined;
  /** When its rests, and those of the model there, are over. */
  restsUntilMs(model: string | undefined): number;
  /** When its rests and its open breakers are over; a recovery under way is not waited for. */
  opensAtMs(model: string | undefined): number;
  /** Is the model pinned now, by a pin that is younger than `sinceMs`? */
  isPinned(model: string | undefined, sinceMs: number): boolean;
  /** Forgets the pin of a model, or all of them. Gives how many there were. */
  unpin(model: string | undefined): number;
  /** False where it has failed so often of late that it gets first attempts only. */
  mayBeRetried(): boolean;
  /** Smoothed share of attempts at a model that succeeded of late, 0 to 1. */
  successShare(model: string | undefined): number;
  settle(permit: Permit, outcome: Outcome): void;
  /** Compares the server's count of a prompt's tokens with ours. Gives what it must have had at least, where it was cut. */
  noteUsage(model: string | undefined, textTokens: number, promptTokens: number, usage: Usage | EmbedUsage): number | undefined;
  /** What the adapter can do with a model. */
  capabilities(model: string | undefined): Capabilities;
  /** The context window of a model in tokens, where anybody says so. */
  contextLength(model: string | undefined): number | undefined;
}

/** A list of models is believed for this long: models come and go. */
export const inventoryMs = 60_000;

/** A provider that is running: its adapter, and what the router has learnt of it. */
export function createProvider(config: ProviderConfig, adapter: Adapter, router: RouterConfig, announce: Announce): Provider {
  const state = createProviderState(router.retry.maxTokens);
  const { id } = config;
  const { models } = state;
  const lately = { verb: undefined, requested: undefined, resolved: undefined };
  const books: Books = { id, config, adapter, state, router, announce, lately, lookedUp: nothingLookedUp() };
  const nowMs = (): number => router.clock.nowMs();
  return {
    id,
    config,
    adapter,
    state,
    facts: (place, ask) => factsOf(books, place, ask),
    expected: (facts, ask, promptTokens) => expectedOf(books, facts, ask, promptTokens),
    acquire: (model, leave) => acquire(books, model, leave),
    expectedNow: (candidate, call, promptTokens) => expectedNow(books, candidate, { ...call, nowMs: nowMs() }, promptTokens),
    isFull: (model, lane) => knownLanes(books, models.peek(model))?.isFree(lane) === false,
    lanes: (model) => lanesFor(books, model),
    allowanceMs(name) {
      const { loadMs, isTold } = loadAhead(books, models.peek(name), aboutOf(books, name, nowMs()), nowMs());
      // What is only likely gets less: the server may as well hang.
      return isTold ? 2 * loadMs : loadMs;
    },
    readyAtMs: (model) => readyAt(state, models.peek(model), nowMs()),
    restsUntilMs: (model) => restsUntil(state, models.peek(model)),
    opensAtMs: (model) => opensAt(state, models.peek(model)),
    isPinned(model, sinceMs) {
      const { pin } = models.peek(model);
      return pin !== undefined && pin.untilMs > nowMs() && pin.sinceMs > sinceMs;
    },
    unpin: (model) => unpin(books, model),
    mayBeRetried: () => allowsRetry(state.retryTokens, router.retry),
    successShare: (model) => recentShare(models.peek(model), nowMs()),
    settle: (permit, outcome) => settle(books, permit, outcome),
    noteUsage: (model, textTokens, promptTokens, usage) => noteUsage(books, model, textTokens, promptTokens, usage),
    capabilities: (model) => capabilitiesOf(books, aboutOf(books, model, nowMs())),
    contextLength: (model) => windowOf(books, models.peek(model), aboutOf(books, model, nowMs())),
  };
}

function acquire(books: Books, name: string | undefined, leave: Leave): Permit | undefined {
  const { state, router } = books;
  const { leaseMs, early, intent, lane, promptTokens, slot } = leave;
  const nowMs = router.clock.nowMs();
  const model = state.models.of(name);
  const admit = (breaker: BreakerState, letIn: LetIn): 'yes' | 'probe' | 'no' =>
    early && breaker.is === 'open' ? 'probe' : admits(breaker, nowMs, countOf(letIn, breaker.generation));
  const connection = admit(state.connection, state.letIn);
  const own = admit(model.breaker, model.letIn);
  if (connection === 'no' || own === 'no') return undefined;
  const lanes = slot?.lanes ?? lanesFor(books, name);
  if (slot === undefined && !lanes.take(lane)) return undefined;
  slot?.use();
  if (connection === 'probe') state.connection = turn(books, state.connection, { type: 'probe', leaseMs, early }, undefined);
  if (own === 'probe') model.breaker = turn(books, model.breaker, { type: 'probe', leaseMs, early }, name);
  const isFirst = model.inFlight === 0;
  noteBegin([state, model], nowMs);
  const { generation: connectionGeneration } = state.connection;
  const { generation: modelGeneration } = model.breaker;
  state.letIn = changed(state.letIn, connectionGeneration, 1);
  model.letIn = changed(model.letIn, modelGeneration, 1);
  const { loadMs, isTold: isToldCold } = loadAhead(books, model, aboutOf(books, name, nowMs), nowMs);
  const isCold = loadMs > 0;
  if (isToldCold) state.loadsSinceMs = nowMs;
  const its = heldSlot(lanes, lane, router.clock);
  return {
    model: name,
    connectionGeneration,
    modelGeneration,
    sinceMs: nowMs,
    slot: its,
    intent,
    promptTokens,
    isCold,
    isToldCold,
    isFirst,
  };
}

function settle(books: Books, permit: Permit, outcome: Outcome): void {
  const { id, state, router, announce } = books;
  const model = state.models.of(permit.model);
  noteEnd([state, model], permit.sinceMs);
  if (state.letIn.generation === permit.connectionGeneration) state.letIn = changed(state.letIn, permit.connectionGeneration, -1);
  if (model.letIn.generation === permit.modelGeneration) model.letIn = changed(model.letIn, permit.modelGeneration, -1);
  if (outcome.type === 'success') noteSuccess(books, model, permit, outcome);
  if (outcome.type === 'failure') {
    state.failures += 1;
    state.lastError = { code: outcome.error.code, atMs: router.clock.nowMs() };
  }
  const verdict = applyEffect({ id, config: router, announce }, state, permit, outcome);
  if (verdict.connection === 'refused' || verdict.model === 'failure' || verdict.model === 'soft') noteFailure(books, model);
  const connection = connectionVerdict(books, permit, verdict);
  state.connection = turn(books, state.connection, { type: connection, generation: permit.connectionGeneration }, undefined);
  model.breaker = turn(books, model.breaker, { type: verdict.model, generation: permit.modelGeneration }, permit.model);
  // Last: whoever gets the slot finds the books closed.
  state.streams.delete(permit.slot);
  permit.slot.give();
}

/**
 * A server that is going down takes no new connections and still answers on those it has: calls that began before a refusal say nothing
 * against it.
 */
function connectionVerdict({ state, router }: Books, permit: Permit, { connection, model }: Verdicts): Verdicts['connection'] {
  const { generation, is } = state.connection;
  // An older time changes nothing.
  if (permit.connectionGeneration !== generation) return 'abandon';
  if (connection === 'refused') state.refusedAtMs = router.clock.nowMs();
  // A probe that met with nothing but silence has not found the provider back.
  if (connection === 'abandon' && model === 'failure' && is === 'half-open') return 'refused';
  return connection === 'success' && permit.sinceMs < state.refusedAtMs ? 'abandon' : connection;
}

function noteSuccess(books: Books, model: ModelState, permit: Permit, outcome: Outcome & { readonly type: 'success' }): void {
  const { state, router } = books;
  const { ms, firstContentMs } = outcome;
  const nowMs = router.clock.nowMs();
  state.successes += 1;
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
function noteFailure({ state, router }: Books, model: ModelState): void {
  state.retryTokens = afterFailure(state.retryTokens);
  noteShare(model, false, router.clock.nowMs());
}

/** What is old counts for less: a provider that failed is tried again some day. */
function noteShare(model: ModelState, isSuccess: boolean, nowMs: number): void {
  model.successShare = learnedShare(recentShare(model, nowMs), isSuccess);
  model.shareAtMs = nowMs;
}

/** Steps a breaker, and tells where that changed its state. */
function turn({ id, state, router, announce }: Books, from: BreakerState, input: BreakerInput, model: string | undefined): BreakerState {
  const { clock, random, breaker } = router;
  const to = step(from, input, { nowMs: clock.nowMs(), random: random() }, breaker);
  if (to.is === from.is) return to;
  if (to.is === 'open') announce('breaker:open', { provider: id, model, untilMs: to.untilMs, reason: state.lastError?.code ?? 'unknown' });
  else announce(to.is === 'closed' ? 'breaker:close' : 'breaker:half-open', { provider: id, model });
  return to;
}

function unpin({ id, state, announce }: Books, only: string | undefined): number {
  let count = 0;
  for (const [name, model] of state.models.entries()) {
    if (model.pin === undefined || (only !== undefined && name !== plainName(only))) continue;
    model.pin = undefined;
    count += 1;
    announce('model:unpinned', { provider: id, model: name === '' ? undefined : name });
  }
  return count;
}
