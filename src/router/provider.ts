import type { Adapter, ModelInfo } from '../core/adapter.ts';
import type { Capabilities } from '../core/capabilities.ts';
import type { Announce, Verb } from '../core/events.ts';
import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import { admits, type BreakerInput, type BreakerState, step } from '../breaker/breaker.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';
import type { CandidateFacts } from '../routing/plan.ts';
import { applyEffect } from './effects.ts';
import { quoted, resolveModel, untagged } from './model-name.ts';
import { changed, countOf, type LetIn } from './let-in.ts';
import { type ModelState, smoothed } from './model-state.ts';
import { createProviderState, type Outcome, type Permit, type ProviderState } from './provider-state.ts';

export interface Provider {
  readonly id: string;
  readonly config: ProviderConfig;
  readonly adapter: Adapter;
  readonly state: ProviderState;
  facts(verb: Verb, request: ChatRequest | EmbedRequest): CandidateFacts;
  /** Undefined where a breaker lets nothing through. `leaseMs`: how long a probe may take. */
  acquire(model: string | undefined, leaseMs: number): Permit | undefined;
  settle(permit: Permit, outcome: Outcome): void;
  /** The context window of a model in tokens, where the provider's list says so. */
  contextLength(model: string | undefined): number | undefined;
}

/** A list of models is believed for this long: models come and go. */
export const inventoryMs = 60_000;

/** A provider that is running: its adapter, and what the router has learnt of it. */
export function createProvider(config: ProviderConfig, adapter: Adapter, router: RouterConfig, announce: Announce): Provider {
  const state = createProviderState();
  const { id } = config;
  const books: Books = { id, config, adapter, state, router, announce };
  const verbs = { chat: adapter.chats, stream: adapter.chats, embed: adapter.embed !== undefined };
  return {
    id,
    config,
    adapter,
    state,
    facts: (verb, request) => ({ ...factsOf(books, verb, request), verbs }),
    acquire: (model, leaseMs) => acquire(books, model, leaseMs),
    settle: (permit, outcome) => settle(books, permit, outcome),
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
    restsUntilMs: future(Math.max(state.rest.untilMs, model.rest.untilMs), nowMs),
    openUntilMs: openUntil(state.connection, state.letIn, nowMs) ?? openUntil(model.breaker, model.letIn, nowMs),
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

function acquire(books: Books, name: string | undefined, leaseMs: number): Permit | undefined {
  const { state, router } = books;
  const nowMs = router.clock.nowMs();
  const model = state.models.of(name);
  const connection = admits(state.connection, nowMs, countOf(state.letIn, state.connection.generation));
  const own = admits(model.breaker, nowMs, countOf(model.letIn, model.breaker.generation));
  if (connection === 'no' || own === 'no') return undefined;
  if (connection === 'probe') state.connection = turn(books, state.connection, { type: 'probe', leaseMs }, undefined);
  if (own === 'probe') model.breaker = turn(books, model.breaker, { type: 'probe', leaseMs }, name);
  state.inFlight += 1;
  model.inFlight += 1;
  const { generation: connectionGeneration } = state.connection;
  const { generation: modelGeneration } = model.breaker;
  state.letIn = changed(state.letIn, connectionGeneration, 1);
  model.letIn = changed(model.letIn, modelGeneration, 1);
  return { model: name, connectionGeneration, modelGeneration };
}

function settle(books: Books, permit: Permit, outcome: Outcome): void {
  const { id, state, router, announce } = books;
  const model = state.models.of(permit.model);
  state.inFlight -= 1;
  model.inFlight -= 1;
  if (state.letIn.generation === permit.connectionGeneration) state.letIn = changed(state.letIn, permit.connectionGeneration, -1);
  if (model.letIn.generation === permit.modelGeneration) model.letIn = changed(model.letIn, permit.modelGeneration, -1);
  if (outcome.type === 'success') {
    state.successes += 1;
    model.latencyMs = smoothed(model.latencyMs, outcome.ms);
    if (outcome.firstContentMs !== undefined) model.firstContentMs = smoothed(model.firstContentMs, outcome.firstContentMs);
  }
  if (outcome.type === 'failure') {
    state.failures += 1;
    state.lastError = { code: outcome.error.code, atMs: router.clock.nowMs() };
  }
  const verdict = applyEffect({ id, config: router, announce }, state, permit, outcome);
  state.connection = turn(books, state.connection, { type: verdict.connection, generation: permit.connectionGeneration }, undefined);
  model.breaker = turn(books, model.breaker, { type: verdict.model, generation: permit.modelGeneration }, permit.model);
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

function future(atMs: number | undefined, nowMs: number): number | undefined {
  return atMs !== undefined && atMs > nowMs ? atMs : undefined;
}

/** Until when a breaker lets nothing through. While a recovery is being tested, or ramps up, the next moment may do. */
function openUntil(state: BreakerState, letIn: LetIn, nowMs: number): number | undefined {
  if (admits(state, nowMs, countOf(letIn, state.generation)) !== 'no') return undefined;
  if (state.is === 'open') return state.untilMs;
  return state.is === 'half-open' ? (state.leaseUntilMs ?? nowMs) : nowMs;
}
