import type { Adapter, ModelInfo } from '../core/adapter.ts';
import type { Capabilities } from '../core/capabilities.ts';
import type { Announce, Verb } from '../core/events.ts';
import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import type { Device } from '../config/options.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';
import { type Score, scoreOf, smoothedShare } from '../routing/expected-time.ts';
import type { CandidateFacts, Placement } from '../routing/facts.ts';
import { billionsOf } from '../routing/model-size.ts';
import type { LaneName } from './lanes.ts';
import { plainName, quoted, type ResolvedModel, resolveModel } from './model-name.ts';
import type { ModelState } from './model-state.ts';
import type { ProviderState } from './provider-state.ts';
import { barrier, restUnderWay } from './readiness.ts';
import { loadingMs, residentOf } from './residency.ts';
import { knownLanes, slotsOf } from './slots.ts';
import { expectedFirstMs, timingsOf } from './timings.ts';

/** What a provider is asked when a plan is made. */
export interface Ask {
  readonly verb: Verb;
  readonly request: ChatRequest | EmbedRequest;
  readonly intent: string;
  readonly lane: LaneName;
  readonly nowMs: number;
  /** Parameters must not be left out, so the adapter is asked which it leaves out. */
  readonly refusesIgnored: boolean;
  /** The cost is limited. */
  readonly limitsCost: boolean;
  /** How many tokens of the prompt providers have seen of late. */
  readonly shared: ReadonlyMap<string, number> | undefined;
}

export interface Books {
  readonly id: string;
  readonly config: ProviderConfig;
  readonly adapter: Adapter;
  readonly state: ProviderState;
  readonly router: RouterConfig;
  readonly announce: Announce;
  /** What was resolved last: most calls ask for the model that the one before them asked for. */
  readonly lately: { verb: Verb | undefined; requested: string | undefined; resolved: ResolvedModel | undefined };
}

export function factsOf(books: Books, place: Placement, ask: Ask): CandidateFacts {
  const { config, adapter, state, router } = books;
  const { verb, nowMs, request } = ask;
  const resolved = resolve(books, verb, request.model, nowMs);
  const name = resolved.model;
  const model = state.models.peek(name);
  const held = barrier(state, model, nowMs);
  const lanes = knownLanes(books, model);
  const loadMs = loadingMs(books, model, name, nowMs);
  const share = recentShare(model, nowMs);
  return {
    place,
    model: name,
    missing: resolved.missing,
    substituted: resolved.substituted,
    space: resolved.space,
    capabilities: capabilitiesOf(books, name, nowMs),
    leftOut: ask.refusesIgnored && verb !== 'embed' ? adapter.leavesOut(request as ChatRequest, name) : nothing,
    refusal: refusalOf(books, name, resolved.space, verb),
    window: windowOf(books, name, model, nowMs),
    tokenRatio: model.tokenRatio,
    price: ask.limitsCost && name !== undefined ? router.prices?.priceOf(config.type, name) : undefined,
    disabled: state.disabledUntilMs > nowMs ? 'its credentials were refused' : undefined,
    pinnedUntilMs: model.pin && pinnedUntil(model, nowMs),
    rests: restUnderWay(state, model, nowMs),
    openUntilMs: held?.untilMs,
    isRecovering: held?.isRecovering === true,
    vramShare: state.told?.resident === undefined ? undefined : spillOf(books, name),
    busy: lanes === undefined ? 0 : lanes.inUse + lanes.waiting,
    elsewhere: elsewhereOf(books, nowMs),
    isFull: lanes !== undefined && !lanes.isFree(ask.lane),
    seenTokens: ask.shared?.get(books.id) ?? 0,
    loadMs,
    successShare: share,
  };
}

/** What the names of the configuration say never changes; what the provider itself said is asked anew. */
function resolve(books: Books, verb: Verb, requested: string | undefined, nowMs: number): ResolvedModel {
  const { lately, config, adapter, router } = books;
  const known = lately.verb === verb && lately.requested === requested ? lately.resolved : undefined;
  if (known !== undefined && (known.model === undefined || denial(books, known.model, nowMs) === undefined)) return known;
  const denies = (name: string): string | undefined => denial(books, name, nowMs);
  const resolved = resolveModel({ verb, requested, provider: config, modelName: adapter.modelName, config: router, denies });
  lately.verb = verb;
  lately.requested = requested;
  lately.resolved = resolved.missing === undefined && !resolved.substituted ? resolved : undefined;
  return resolved;
}

/** How often it succeeded of late; what is old counts for less. */
export function recentShare({ successShare, shareAtMs }: Readonly<ModelState>, nowMs: number): number {
  return successShare === 1 ? 1 : smoothedShare(successShare, nowMs - shareAtMs);
}

const nothing: readonly never[] = Object.freeze([]);

/** What a provider of a kind needs for its first content, while nothing is known of it. */
const usualFirstMs: Readonly<Record<Device, number>> = { gpu: 500, remote: 1_000, cloud: 1_000, cpu: 5_000 };

/** The time until its first content that is expected of a candidate with these facts. */
export function expectedOf(books: Books, facts: CandidateFacts, { intent, lane, nowMs, verb }: Ask, promptTokens: number): Score {
  const { config, state } = books;
  const { model: name, seenTokens, loadMs, successShare } = facts;
  const model = state.models.peek(name);
  const lanes = knownLanes(books, model);
  const timings = timingsOf(model.timings, intent);
  const first = (tokens: number): number | undefined => timings && expectedFirstMs(timings, verb === 'stream', tokens, nowMs);
  const firstMs = first(promptTokens);
  return scoreOf({
    slots: supposed(lanes?.slots ?? slotsOf(config, state, name).slots, books),
    inFlight: lanes?.inUse ?? 0,
    waitingAhead: lanes?.ahead(lane, nowMs) ?? 0,
    elsewhere: facts.elsewhere,
    serviceMs: timings?.serviceMs,
    firstMs,
    loadMs,
    savedMs: seenTokens > 0 && firstMs !== undefined ? firstMs - (first(Math.max(0, promptTokens - seenTokens)) ?? firstMs) : 0,
    successShare,
    priorMs: usualFirstMs[config.device],
  });
}

/** What a server of one's own serves at once, where neither it nor anybody says: without a limit, all calls would crowd at the fastest. */
const supposedSlots = 4;

function supposed(slots: number, { config, state }: Books): number {
  if (slots !== Infinity || config.locality === 'cloud') return slots;
  return Math.max(supposedSlots, state.told?.mostRunning ?? 0);
}

/** What a server said of others is believed for three polls. */
function elsewhereOf({ state: { told }, router: { pollMs } }: Books, nowMs: number): number {
  return told !== undefined && pollMs !== undefined && nowMs - told.atMs <= 3 * pollMs ? told.elsewhere : 0;
}

/** Of a model on a graphics card; where the processor is what it should run on, nothing has spilled. */
function spillOf({ config, state }: Books, name: string | undefined): number | undefined {
  return config.device === 'cpu' ? undefined : residentOf(state, name)?.vramShare;
}

/** The provider's own list of models, while it is believed. */
export function listed({ state }: Books, nowMs: number): ReadonlyMap<string, ModelInfo> | undefined {
  return state.inventory !== undefined && state.inventory.untilMs > nowMs ? state.inventory.models : undefined;
}

/** What the list says of a model, however old: its size does not change. */
function infoOf({ state }: Books, name: string | undefined): ModelInfo | undefined {
  return name === undefined || state.inventory === undefined ? undefined : state.inventory.models.get(plainName(name));
}

/** What the adapter can do, less what the server says this model cannot. */
export function capabilitiesOf(books: Books, name: string | undefined, nowMs: number): Capabilities {
  const { capabilities } = books.adapter;
  const own = name === undefined ? undefined : listed(books, nowMs)?.get(plainName(name))?.capabilities;
  return own === undefined ? capabilities : { ...capabilities, ...own };
}

/**
 * Tokens of prompt and answer together: what the server serves the model with now, else what was configured, else what its list says;
 * never more than what it has been seen to cut.
 */
export function windowOf(books: Books, name: string | undefined, model: Readonly<ModelState>, nowMs: number): number | undefined {
  const { state, config } = books;
  const said =
    residentOf(state, name)?.contextLength ??
    state.told?.contextLength ??
    config.contextLength ??
    config.contextSize ??
    (name === undefined ? undefined : listed(books, nowMs)?.get(plainName(name))?.contextLength);
  return model.cutAtTokens === undefined ? said : Math.min(model.cutAtTokens, said ?? Infinity);
}

function refusalOf(books: Books, name: string | undefined, space: string, verb: Verb): CandidateFacts['refusal'] {
  const { maxModelBillions } = books.config;
  if (maxModelBillions !== undefined && name !== undefined) {
    const billions = infoOf(books, name)?.parametersBillions ?? billionsOf(name);
    if (billions !== undefined && billions > maxModelBillions) {
      return { code: 'unsupported', reason: `the model has ${billions} billion parameters, and maxModelBillions is ${maxModelBillions}` };
    }
  }
  const { foreignSpaces } = books.state;
  const foreign = verb === 'embed' && foreignSpaces.size > 0 ? foreignSpaces.get(space) : undefined;
  return foreign === undefined ? undefined : { code: 'embedding_space', reason: foreign };
}

/** Why a model is known not to be served; undefined where nothing is known. */
function denial(books: Books, name: string, nowMs: number): string | undefined {
  const { state, adapter } = books;
  if (state.models.peek(name).missingUntilMs > nowMs) return `it said that it does not serve ${quoted(name)}`;
  const list = adapter.modelName === 'ignored' || !adapter.listsAllModels ? undefined : listed(books, nowMs);
  return list === undefined || list.has(plainName(name)) ? undefined : `it does not list ${quoted(name)}`;
}

/** When a pin has run out, one call at a time finds out whether the model fits again. */
function pinnedUntil({ pin, inFlight }: Readonly<ModelState>, nowMs: number): number | undefined {
  if (pin === undefined || pin.untilMs > nowMs) return pin?.untilMs;
  return inFlight > 0 ? nowMs : undefined;
}
