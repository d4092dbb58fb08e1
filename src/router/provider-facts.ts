import type { Adapter, ModelInfo } from '../core/adapter.ts';
import type { Capabilities } from '../core/capabilities.ts';
import type { Announce, Verb } from '../core/events.ts';
import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';
import { defaults } from '../config/defaults.ts';
import { smoothedShare } from '../routing/expected-time.ts';
import type { CandidateFacts, Placement } from '../routing/facts.ts';
import { priceOf } from './charge.ts';
import { billionsOf } from '../routing/model-size.ts';
import type { LaneName } from './lanes.ts';
import { caselessName, plainName, quoted, type ResolvedModel, resolveModel } from './model-name.ts';
import type { ModelState } from './model-state.ts';
import type { ProviderState } from './provider-state.ts';
import { isDown } from './checks.ts';
import { barrier, restUnderWay } from './readiness.ts';
import { isBelieved, loadingMs, type Resident } from './residency.ts';
import type { Sharing } from './sharing.ts';
import { knownLanes } from './slots.ts';

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
  /** What limits and budgets say; undefined where there are none. */
  readonly held: ((provider: ProviderConfig, model: string | undefined) => CandidateFacts['held']) | undefined;
  /** How many tokens of the prompt providers have seen of late. */
  readonly shared: ReadonlyMap<string, number> | undefined;
}

export interface ProviderBooks {
  readonly id: string;
  readonly config: ProviderConfig;
  readonly adapter: Adapter;
  readonly state: ProviderState;
  readonly router: RouterConfig;
  readonly announce: Announce;
  /** Undefined where nothing is shared with other processes. */
  readonly sharing: Sharing | undefined;
  /** Which of the credentials that it has had, see its state. */
  readonly credentials: number;
  /** What was resolved last: most calls ask for the model that the one before them asked for. */
  readonly lately: {
    verb: Verb | undefined;
    requested: string | undefined;
    resolved: ResolvedModel | undefined;
  };
  /** What was looked up last, and where: only `aboutOf` writes it. */
  readonly lookedUp: LookedUp;
}

/** A model, and what the server tells of it now. */
interface About {
  readonly name: string | undefined;
  /** Of the list, while it is believed. */
  readonly info: ModelInfo | undefined;
  readonly resident: Resident | undefined;
}

interface LookedUp {
  name: string | undefined;
  plain: string;
  list: ReadonlyMap<string, ModelInfo> | undefined;
  info: ModelInfo | undefined;
  residents: ReadonlyMap<string, Resident> | undefined;
  resident: Resident | undefined;
}

export function nothingLookedUp(): LookedUp {
  return { name: undefined, plain: '', list: undefined, info: undefined, residents: undefined, resident: undefined };
}

/**
 * Valid until the next call of this. Each list is replaced as a whole, so what was found in it stays right while it is the same one: with
 * hundreds of providers, looking it up in all of them is what a plan would spend most of its time on.
 */
export function aboutOf(books: ProviderBooks, name: string | undefined, nowMs: number): About {
  const { lookedUp, state } = books;
  if (lookedUp.name !== name) Object.assign(lookedUp, nothingLookedUp(), { name, plain: name === undefined ? '' : plainName(name) });
  if (name === undefined) return lookedUp;
  const list = listed(books, nowMs);
  if (lookedUp.list !== list) {
    lookedUp.list = list;
    lookedUp.info = list?.get(lookedUp.plain);
  }
  const residents = isBelieved(state, nowMs) ? state.told?.resident : undefined;
  if (lookedUp.residents !== residents) {
    lookedUp.residents = residents;
    lookedUp.resident = residents?.get(lookedUp.plain);
  }
  return lookedUp;
}

export function factsOf(books: ProviderBooks, place: Placement, ask: Ask): CandidateFacts {
  const { config, adapter, state, router } = books;
  const { verb, nowMs, request } = ask;
  const resolved = resolve(books, verb, request.model, nowMs);
  const name = resolved.model;
  const model = state.models.peek(name);
  const known = aboutOf(books, name, nowMs);
  const held = barrier(state, model, nowMs);
  const lanes = knownLanes(state, model);
  const loadMs = loadingMs(books, model, known, nowMs);
  const hasOwnFields = request.extra?.[config.type] !== undefined;
  return {
    place,
    model: name,
    missing: resolved.missing,
    substituted: resolved.substituted,
    space: resolved.space,
    capabilities: capabilitiesOf(books, known),
    leftOut: isLeftOutAsked(ask, config) && verb !== 'embed' ? adapter.leavesOut(request as ChatRequest, name) : nothing,
    refusal: refusalOf(books, name, resolved.space, verb),
    window: hasOwnFields ? undefined : windowOf(books, model, known, nowMs),
    tokenRatio: model.tokenRatio,
    price: ask.limitsCost ? priceOf(config, router, request, name) : undefined,
    disabled: state.disabledUntilMs > nowMs ? 'its credentials were refused' : undefined,
    pinnedUntilMs: model.pin && pinnedUntil(model, nowMs),
    rests: restUnderWay(state, model, nowMs),
    held: ask.held?.(config, name),
    openUntilMs: held?.untilMs,
    isRecovering: held?.isRecovering === true,
    vramShare: config.device === 'cpu' ? undefined : known.resident?.vramShare,
    isDown: isDown(state, router.health, nowMs),
    busy: state.inFlight + (lanes?.waiting ?? 0),
    elsewhere: elsewhereOf(books, nowMs),
    isFull: lanes !== undefined && !lanes.isFree(ask.lane),
    slots: lanes?.slots ?? Infinity,
    seenTokens: ask.shared?.get(books.id) ?? 0,
    loadMs,
    isLoaded: known.resident !== undefined,
    successShare: recentShare(model, nowMs),
  };
}

/** A limit of the answer that a server has no place for does not bound what it costs. */
function isLeftOutAsked({ refusesIgnored, limitsCost }: Ask, { cost }: ProviderConfig): boolean {
  return refusesIgnored || (limitsCost && cost === 'paid');
}

/** What the names of the configuration say never changes; what the provider itself said is asked anew. */
function resolve(books: ProviderBooks, verb: Verb, requested: string | undefined, nowMs: number): ResolvedModel {
  const { lately, config, adapter, router } = books;
  const known = lately.verb === verb && lately.requested === requested ? lately.resolved : undefined;
  if (known !== undefined && (known.model === undefined || !isDenied(books, known.model, nowMs))) return known;
  const denies = (name: string): string | undefined => denial(books, name, nowMs);
  const resolved = resolveModel({ verb, requested, provider: config, modelName: adapter.modelName, config: router, denies });
  const isPlain = resolved.missing === undefined && !resolved.substituted;
  // That an alias has no name here changes with the configuration alone; whether a substitute is served may change.
  const isNameless = resolved.model === undefined && router.onModelMissing !== 'substitute';
  Object.assign(lately, { verb, requested, resolved: isPlain || isNameless ? resolved : undefined });
  return resolved;
}

/** How often it succeeded of late; what is old counts for less. */
export function recentShare({ successShare, shareAtMs }: Readonly<ModelState>, nowMs: number): number {
  return successShare === 1 ? 1 : smoothedShare(successShare, nowMs - shareAtMs);
}

const nothing: readonly never[] = Object.freeze([]);

/**
 * What a server said of others is believed for three polls. Where nobody polls, a health check may have asked: what it brought in is
 * believed as long as by default.
 */
export function elsewhereOf({ state: { told }, router: { pollMs = defaults.pollMs } }: ProviderBooks, nowMs: number): number {
  return told !== undefined && nowMs - told.atMs <= 3 * pollMs ? told.elsewhere : 0;
}

/** The provider's own list of models, while it is believed. */
function listed({ state }: ProviderBooks, nowMs: number): ReadonlyMap<string, ModelInfo> | undefined {
  return state.inventory !== undefined && state.inventory.untilMs > nowMs ? state.inventory.models : undefined;
}

/** What the list says of a model, however old: its size does not change. */
function infoOf({ state }: ProviderBooks, name: string | undefined): ModelInfo | undefined {
  return name === undefined || state.inventory === undefined ? undefined : state.inventory.models.get(plainName(name));
}

/** What the adapter can do, less what the server says this model cannot. */
export function capabilitiesOf({ adapter }: ProviderBooks, { info }: About): Capabilities {
  return info?.capabilities === undefined ? adapter.capabilities : { ...adapter.capabilities, ...info.capabilities };
}

/**
 * Tokens of prompt and answer together: what each call asks the server to load the model with, else what it serves the model with now,
 * else what was configured or its list says; never more than what it has been seen to cut of late.
 */
export function windowOf(
  { state, config }: ProviderBooks,
  { cut }: Readonly<ModelState>,
  { info, resident }: About,
  nowMs: number,
): number | undefined {
  const said = config.contextSize ?? resident?.contextLength ?? state.told?.contextLength ?? config.contextLength ?? info?.contextLength;
  return cut === undefined || cut.untilMs <= nowMs ? said : Math.min(cut.atTokens, said ?? Infinity);
}

function refusalOf(books: ProviderBooks, name: string | undefined, space: string, verb: Verb): CandidateFacts['refusal'] {
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
function denial(books: ProviderBooks, name: string, nowMs: number): string | undefined {
  if (!isDenied(books, name, nowMs)) return undefined;
  const isMissing = books.state.models.peek(name).missingUntilMs > nowMs;
  return isMissing ? `it said that it does not serve ${quoted(name)}` : `it does not list ${quoted(name)}`;
}

function isDenied(books: ProviderBooks, name: string, nowMs: number): boolean {
  const { state, adapter } = books;
  if (state.models.peek(name).missingUntilMs > nowMs) return true;
  if (adapter.modelName === 'ignored' || !adapter.listsAllModels) return false;
  if (aboutOf(books, name, nowMs).info !== undefined) return false;
  const list = listed(books, nowMs);
  // An empty list is that of a server which loads what it is asked for.
  return list !== undefined && list.size > 0 && !list.has(caselessName(name));
}

/** When a pin has run out, one call at a time finds out whether the model fits again. */
function pinnedUntil({ pin, inFlight }: Readonly<ModelState>, nowMs: number): number | undefined {
  if (pin === undefined || pin.untilMs > nowMs) return pin?.untilMs;
  return inFlight > 0 ? nowMs : undefined;
}
