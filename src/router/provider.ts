import type { Adapter } from '../core/adapter.ts';
import type { Capabilities } from '../core/capabilities.ts';
import type { Usage, EmbedUsage } from '../core/types.ts';
import { admits, type BreakerState } from '../breaker/breaker.ts';
import { allowsRetry } from '../breaker/retry-tokens.ts';
import type { ProviderConfig } from '../config/config.ts';
import type { Score } from '../routing/expected-time.ts';
import type { CandidateFacts, Placement } from '../routing/facts.ts';
import type { Candidate } from '../routing/plan.ts';
import { closeCircuits, unpin } from './by-hand.ts';
import { expectedNow, expectedOf } from './first-content-time.ts';
import type { LaneName, Lanes } from './lanes.ts';
import { countOf, counted, type LetIn } from './breaker-ramp.ts';
import {
  aboutOf,
  type Ask,
  type ProviderBooks,
  capabilitiesOf,
  factsOf,
  nothingLookedUp,
  recentShare,
  windowOf,
} from './provider-facts.ts';
import type { Outcome, Permit, ProviderState } from './provider-state.ts';
import { opensAt, readyAt } from './readiness.ts';
import { loadAhead } from './residency.ts';
import { type HeldSlot, heldSlot, knownLanes, lanesFor } from './slots.ts';
import { settle, stepBreaker } from './settle.ts';
import { noteUsage } from './token-count.ts';
import { noteBegin } from './under-way.ts';

/** What a call asks leave for. */
export interface Leave {
  /** The router's clock. */
  readonly nowMs: number;
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
  /** The same as things stand now, by what is known of the model; for one that was never asked, by the kind of its machine. */
  expectedNow(candidate: Candidate, call: Pick<Ask, 'verb' | 'intent' | 'lane'>, promptTokens: number): Score;
  /** Undefined where a breaker lets nothing through, or no slot is free. */
  acquire(model: string | undefined, leave: Leave): Permit | undefined;
  /** Would a call of a lane have to wait for a slot? */
  isFull(model: string | undefined, lane: LaneName): boolean;
  /** The slots that calls for a model take. */
  lanes(model: string | undefined): Lanes;
  /** What an attempt gets beside its own time for the load of a model that is probably not in memory; 0 for any other. */
  allowanceMs(model: string | undefined, nowMs: number): number;
  /** From when on it may be asked for a model, on the router's clock; in the past where it may already. Undefined: waiting does not help. */
  readyAtMs(model: string | undefined, nowMs: number): number | undefined;
  /** When its rests and its open breakers are over; a recovery under way is not waited for. */
  opensAtMs(model: string | undefined): number;
  /** Is the model pinned now, by a pin that is younger than `sinceMs`? */
  isPinned(model: string | undefined, sinceMs: number, nowMs: number): boolean;
  /** Forgets the pin of a model, or all of them. Gives how many there were. */
  unpin(model: string | undefined): number;
  /** Closes the breakers of a model, or all. Gives how many were not closed. */
  closeCircuit(model: string | undefined): number;
  /** False where it has failed so often of late that it gets first attempts only. */
  mayBeRetried(): boolean;
  /** Smoothed share of attempts at a model that succeeded of late, 0 to 1. */
  successShare(model: string | undefined): number;
  settle(permit: Permit, outcome: Outcome, nowMs: number): void;
  /** It says that it is well: what is behind a breaker may be probed. `wasDown`: the time before it was not. */
  noteWell(wasDown: boolean): void;
  /** It gives no sign of life, and no call has found one of late: its breaker opens. */
  noteDead(reason: string): void;
  /** Compares the server's count of a prompt's tokens with ours. Gives what it must have had at least, where it was cut. */
  noteUsage(model: string | undefined, textTokens: number, promptTokens: number, usage: Usage | EmbedUsage): number | undefined;
  /** What the adapter can do with a model. */
  capabilities(model: string | undefined): Capabilities;
  /** The context window of a model in tokens, where anybody says so. */
  contextLength(model: string | undefined): number | undefined;
}

/** A list of models is believed for this long: models come and go. */
export const inventoryMs = 60_000;

/** What a provider is made of. Its state may be one that was learnt under another configuration. */
type ProviderParts = Pick<ProviderBooks, 'config' | 'adapter' | 'router' | 'announce' | 'sharing' | 'state'>;

/** A provider that is running: its adapter, and what the router has learnt of it. */
export function createProvider({ config, adapter, router, announce, sharing, state }: ProviderParts): Provider {
  const { id } = config;
  const { models } = state;
  const lately = { verb: undefined, requested: undefined, resolved: undefined };
  const books: ProviderBooks = {
    id,
    config,
    adapter,
    state,
    router,
    announce,
    sharing,
    lately,
    lookedUp: nothingLookedUp(),
    credentials: state.credentials,
  };
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
    isFull: (model, lane) => knownLanes(state, models.peek(model))?.isFree(lane) === false,
    lanes: (model) => lanesFor(state, model),
    allowanceMs(name, atMs) {
      const { loadMs, isTold } = loadAhead(books, models.peek(name), aboutOf(books, name, atMs), atMs);
      // What is only likely gets less: the server may as well hang.
      return isTold ? 2 * loadMs : loadMs;
    },
    readyAtMs: (model, atMs) => readyAt(state, models.peek(model), atMs),
    opensAtMs: (model) => opensAt(state, models.peek(model)),
    isPinned(model, sinceMs, atMs) {
      const { pin } = models.peek(model);
      return pin !== undefined && pin.untilMs > atMs && pin.sinceMs > sinceMs;
    },
    unpin: (model) => unpin(books, model),
    closeCircuit: (model) => closeCircuits(books, model),
    mayBeRetried: () => allowsRetry(state.retryTokens, router.retry),
    successShare: (model) => recentShare(models.peek(model), nowMs()),
    noteWell: (wasDown) => noteWell(books, wasDown),
    noteDead: (reason) => noteDead(books, reason),
    settle: (permit, outcome, atMs) => settle(books, permit, outcome, atMs),
    noteUsage: (model, textTokens, promptTokens, usage) => noteUsage(books, model, textTokens, promptTokens, usage),
    capabilities: (model) => capabilitiesOf(books, aboutOf(books, model, nowMs())),
    contextLength: (model) => windowOf(books, models.peek(model), aboutOf(books, model, nowMs()), nowMs()),
  };
}

function admission(breaker: BreakerState, letIn: LetIn, nowMs: number, early: boolean): 'yes' | 'probe' | 'no' {
  if (early && breaker.is === 'open' && breaker.held !== true) return 'probe';
  return admits(breaker, nowMs, countOf(letIn, breaker.generation));
}

function acquire(books: ProviderBooks, name: string | undefined, leave: Leave): Permit | undefined {
  const { id, state, router, sharing } = books;
  const { nowMs, leaseMs, early, intent, lane, promptTokens, slot } = leave;
  const model = state.models.of(name);
  const connection = admission(state.connection, state.letIn, nowMs, early);
  const own = admission(model.breaker, model.letIn, nowMs, early);
  if (connection === 'no' || own === 'no') return undefined;
  const lanes = slot?.lanes ?? lanesFor(state, name);
  if (slot === undefined && !lanes.take(lane)) return undefined;
  slot?.use();
  if (connection === 'probe') state.connection = stepBreaker(books, state.connection, { type: 'probe', leaseMs, early }, undefined, nowMs);
  if (own === 'probe') model.breaker = stepBreaker(books, model.breaker, { type: 'probe', leaseMs, early }, name, nowMs);
  if (connection === 'probe') sharing?.noteProbe(id, name, true, leaseMs);
  if (own === 'probe') sharing?.noteProbe(id, name, false, leaseMs);
  const isFirst = model.inFlight === 0;
  noteBegin(state, nowMs);
  noteBegin(model, nowMs);
  const { generation: connectionGeneration } = state.connection;
  const { generation: modelGeneration } = model.breaker;
  state.letIn = counted(state.letIn, connectionGeneration, 1);
  model.letIn = counted(model.letIn, modelGeneration, 1);
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
    pinTimes: model.pin?.times ?? 0,
  };
}

/**
 * A server that says it is well while it fails every call would be probed for ever; so what has failed a probe already is given another
 * one ahead of its time only after a sign that something has changed.
 */
function noteWell(books: ProviderBooks, wasDown: boolean): void {
  const { id, state, router, sharing } = books;
  const nowMs = router.clock.nowMs();
  state.connection = stepBreaker(books, state.connection, { type: 'well' }, undefined, nowMs);
  for (const [name, model] of state.models.entries()) {
    if (wasDown || model.breaker.opens <= 1) model.breaker = stepBreaker(books, model.breaker, { type: 'well' }, name, nowMs);
  }
  sharing?.noteAll(id);
}

function noteDead(books: ProviderBooks, reason: string): void {
  const { id, state, router, sharing } = books;
  state.connection = stepBreaker(books, state.connection, { type: 'dead' }, undefined, router.clock.nowMs(), reason);
  sharing?.noteAll(id);
}
