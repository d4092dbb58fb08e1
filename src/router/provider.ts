import type { Adapter, ModelInfo } from '../core/adapter.ts';
import type { Capabilities } from '../core/capabilities.ts';
import type { Announce, Verb } from '../core/events.ts';
import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import { admits, type BreakerInput, type BreakerState, step } from '../breaker/breaker.ts';
import { afterFailure, afterSuccess, allowsRetry } from '../breaker/budget.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';
import type { CandidateFacts } from '../routing/plan.ts';
import { applyEffect, type Verdicts } from './effects.ts';
import { quoted, resolveModel, untagged } from './model-name.ts';
import { remember } from './hedge-delay.ts';
import { barrier, opensAt, readyAt, restsUntil, restUnderWay } from './readiness.ts';
import { changed, countOf, type LetIn } from './let-in.ts';
import { type ModelState, smoothed } from './model-state.ts';
import { createProviderState, type Outcome, type Permit, type ProviderState } from './provider-state.ts';

export interface Provider {
  readonly id: string;
  readonly config: ProviderConfig;
  readonly adapter: Adapter;
  readonly state: ProviderState;
  facts(verb: Verb, request: ChatRequest | EmbedRequest): CandidateFacts;
  /**
   * Undefined where a breaker lets nothing through. `leaseMs`: how long a probe may take; `early`: a breaker that is open may be probed
   * before its time, by one call at a time.
   */
  acquire(model: string | undefined, leaseMs: number, early?: boolean): Permit | undefined;
  /** From when on it may be asked for a model, on the router's clock; in the past where it may already. Undefined: waiting does not help. */
  readyAtMs(model: string | undefined): number | undefined;
  /** When its rests, and those of the model there, are over. */
  restsUntilMs(model: string | undefined): number;
  /** When its rests and its open breakers are over; a recovery under way is not waited for. */
  opensAtMs(model: string | undefined): number;
  /** Is the model pinned now, by a pin that is younger than `sinceMs`? */
  isPinned(model: string | undefined, sinceMs: number): boolean;
  /** False where it has failed so often of late that it gets first attempts only. */
  mayBeRetried(): boolean;
  settle(permit: Permit, outcome: Outcome): void;
  /** What the adapter can do with a model. */
  capabilities(model: string | undefined): Capabilities;
  /** The context window of a model in tokens, where the provider's list says so. */
  contextLength(model: string | undefined): number | undefined;
}

/** A list of models is believed for this long: models come and go. */
export const inventoryMs = 60_000;

/** A provider that is running: its adapter, and what the router has learnt of it. */
export function createProvider(config: ProviderConfig, adapter: Adapter, router: RouterConfig, announce: Announce): Provider {
  const state = createProviderState(router.retry.maxTokens);
  const { id } = config;
  const books: Books = { id, config, adapter, state, router, announce };
  const verbs = { chat: adapter.chats, stream: adapter.chats, embed: adapter.embed !== undefined };
  return {
    id,
    config,
    adapter,
    state,
    facts: (verb, request) => ({ ...factsOf(books, verb, request), verbs }),
    acquire: (model, leaseMs, early = false) => acquire(books, model, leaseMs, early),
    readyAtMs: (model) => readyAt(state, state.models.peek(model), router.clock.nowMs()),
    restsUntilMs: (model) => restsUntil(state, state.models.peek(model)),
    opensAtMs: (model) => opensAt(state, state.models.peek(model)),
    isPinned(model, sinceMs) {
      const { pin } = state.models.peek(model);
      return pin !== undefined && pin.untilMs > router.clock.nowMs() && pin.sinceMs > sinceMs;
    },
    mayBeRetried: () => allowsRetry(state.retryTokens, router.retry),
    settle: (permit, outcome) => settle(books, permit, outcome),
    capabilities: (model) => capabilitiesOf(books, model),
    contextLength: (model) => (model === undefined ? undefined : listed(books)?.get(untagged(model))?.contextLength),
  };
}

interface Books {
  readonly id: string;
  readonly config: ProviderConfig;
  readonly adapter: Adapter;
  readonly state: ProviderState;
  readonly router: RouterConfig;
  readonly announce: Announce;
}

function factsOf(books: Books, verb: Verb, request: ChatRequest | EmbedRequest): Omit<CandidateFacts, 'verbs'> {
  const { id, config, adapter, state, router } = books;
  const { model: requested } = request;
  const nowMs = router.clock.nowMs();
  const denies = (name: string): string | undefined => denial(books, name);
  const resolved = resolveModel({ verb, requested, provider: config, modelName: adapter.modelName, config: router, denies });
  const model = state.models.peek(resolved.model);
  const held = barrier(state, model, nowMs);
  return {
    provider: id,
    ...resolved,
    device: config.device,
    cost: config.cost,
    priority: config.priority,
    capabilities: capabilitiesOf(books, resolved.model),
    leavesOut: verb === 'embed' ? () => [] : () => adapter.leavesOut(request as ChatRequest, resolved.model),
    disabled: state.disabledUntilMs > nowMs ? 'its credentials were refused' : undefined,
    pinnedUntilMs: pinnedUntil(model, nowMs),
    rests: restUnderWay(state, model, nowMs),
    openUntilMs: held?.untilMs,
    isRecovering: held?.isRecovering === true,
  };
}

/** The provider's own list of models, while it is believed. */
function listed({ state, router }: Books): ReadonlyMap<string, ModelInfo> | undefined {
  return state.inventory !== undefined && state.inventory.untilMs > router.clock.nowMs() ? state.inventory.models : undefined;
}

/** What the adapter can do, less what the server says this model cannot. */
function capabilitiesOf(books: Books, model: string | undefined): Capabilities {
  const { capabilities } = books.adapter;
  const own = model === undefined ? undefined : listed(books)?.get(untagged(model))?.capabilities;
  return own === undefined ? capabilities : { ...capabilities, ...own };
}

/** Why a model is known not to be served; undefined where nothing is known. */
function denial(books: Books, model: string): string | undefined {
  const { state, adapter, router } = books;
  if (state.models.peek(model).missingUntilMs > router.clock.nowMs()) return `it said that it does not serve ${quoted(model)}`;
  const list = adapter.modelName === 'ignored' || !adapter.listsAllModels ? undefined : listed(books);
  return list === undefined || list.has(untagged(model)) ? undefined : `it does not list ${quoted(model)}`;
}

function acquire(books: Books, name: string | undefined, leaseMs: number, early: boolean): Permit | undefined {
  const { state, router } = books;
  const nowMs = router.clock.nowMs();
  const model = state.models.of(name);
  const admit = (breaker: BreakerState, letIn: LetIn): 'yes' | 'probe' | 'no' =>
    early && breaker.is === 'open' ? 'probe' : admits(breaker, nowMs, countOf(letIn, breaker.generation));
  const connection = admit(state.connection, state.letIn);
  const own = admit(model.breaker, model.letIn);
  if (connection === 'no' || own === 'no') return undefined;
  if (connection === 'probe') state.connection = turn(books, state.connection, { type: 'probe', leaseMs, early }, undefined);
  if (own === 'probe') model.breaker = turn(books, model.breaker, { type: 'probe', leaseMs, early }, name);
  state.inFlight += 1;
  model.inFlight += 1;
  const { generation: connectionGeneration } = state.connection;
  const { generation: modelGeneration } = model.breaker;
  state.letIn = changed(state.letIn, connectionGeneration, 1);
  model.letIn = changed(model.letIn, modelGeneration, 1);
  return { model: name, connectionGeneration, modelGeneration, sinceMs: nowMs };
}

function settle(books: Books, permit: Permit, outcome: Outcome): void {
  const { id, state, router, announce } = books;
  const model = state.models.of(permit.model);
  state.inFlight -= 1;
  model.inFlight -= 1;
  if (state.letIn.generation === permit.connectionGeneration) state.letIn = changed(state.letIn, permit.connectionGeneration, -1);
  if (model.letIn.generation === permit.modelGeneration) model.letIn = changed(model.letIn, permit.modelGeneration, -1);
  if (outcome.type === 'success') noteSuccess(books, model, outcome);
  if (outcome.type === 'failure') {
    state.failures += 1;
    state.lastError = { code: outcome.error.code, atMs: router.clock.nowMs() };
  }
  const verdict = applyEffect({ id, config: router, announce }, state, permit, outcome);
  if (verdict.connection === 'refused' || verdict.model === 'failure' || verdict.model === 'soft') noteFailure(state, model);
  const connection = connectionVerdict(books, permit, verdict);
  state.connection = turn(books, state.connection, { type: connection, generation: permit.connectionGeneration }, undefined);
  model.breaker = turn(books, model.breaker, { type: verdict.model, generation: permit.modelGeneration }, permit.model);
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

function noteSuccess({ state, router }: Books, model: ModelState, { ms, firstContentMs }: Outcome & { readonly type: 'success' }): void {
  state.successes += 1;
  state.retryTokens = afterSuccess(state.retryTokens, router.retry);
  model.successShare = smoothed(model.successShare, 1);
  model.latencyMs = smoothed(model.latencyMs, ms);
  if (firstContentMs !== undefined) model.firstContentMs = smoothed(model.firstContentMs, firstContentMs);
  if (router.hedge === undefined) return;
  if (firstContentMs === undefined) remember(model.wholeTimes, ms);
  else remember(model.firstTimes, firstContentMs);
}

/** Only of what is held against it: a prompt that is too long, or a caller in a hurry, says nothing against asking it for something else. */
function noteFailure(state: ProviderState, model: ModelState): void {
  state.retryTokens = afterFailure(state.retryTokens);
  model.successShare = smoothed(model.successShare, 0);
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

/** When a pin has run out, one call at a time finds out whether the model fits again. */
function pinnedUntil({ pin, inFlight }: Readonly<ModelState>, nowMs: number): number | undefined {
  if (pin === undefined || pin.untilMs > nowMs) return pin?.untilMs;
  return inFlight > 0 ? nowMs : undefined;
}
