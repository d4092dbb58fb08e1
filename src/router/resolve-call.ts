import { chatNeeds, chatParameters, embedNeeds, type Feature, type Parameter } from '../core/capabilities.ts';
import type { Verb } from '../core/events.ts';
import { localities, type Locality, nearest } from '../core/locality.ts';
import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import type { IntentConfig, ProviderConfig, RouterConfig, Timeouts } from '../config/config.ts';
import { mostAttempts } from '../config/defaults.ts';
import { didYouMean } from '../config/nearest.ts';
import type { CallOptions } from '../config/call-options.ts';
import type { TimeoutOptions } from '../config/provider-options.ts';
import type { Balance } from '../routing/balance.ts';
import { copyChat, copyEmbed } from './copy-request.ts';
import { Estimates } from './estimates.ts';
import { refuseLoop } from './own-headers.ts';
import type { LaneName } from './lanes.ts';
import { quoted } from './model-name.ts';
import { invalid } from './request-fields.ts';

/** One call with every option settled. What holds for all calls alike stays in the configuration. */
export interface ResolvedCall<Request> {
  readonly verb: Verb;
  /** A copy as `copyChat` and `copyEmbed` make it: its fields, messages and lists are its own, and what lies in those is the caller's. */
  readonly request: Request & { readonly model?: string | undefined };
  readonly requestId: string;
  readonly intent: string;
  readonly balance: Balance;
  readonly lane: LaneName;
  /** Whether it prefers, between equals, whoever served the model or the beginning of the prompt of late. */
  readonly affinity: boolean;
  readonly session: string | undefined;
  readonly caller: string | undefined;
  readonly headersFor: CallOptions['headersFor'];
  readonly needs: readonly Feature[];
  /** What the request sets beside its features. */
  readonly parameters: readonly Parameter[];
  /** Who may be paid: any provider, those that the intent's order names, or nobody. */
  readonly pays: 'any' | 'named' | 'nobody';
  readonly maxLocality: Locality;
  readonly maxCostUsd: number | undefined;
  readonly only: string | undefined;
  /** Providers that it does not go to. */
  readonly without: readonly string[];
  readonly signal: AbortSignal | undefined;
  readonly startedAtMs: number;
  readonly endsAtMs: number;
  /** What it was given; a request that calls share may take a little longer. */
  readonly deadlineMs: number;
  /** What a call like this has, where its caller sets no deadline. */
  readonly usualMs: number;
  readonly maxAttempts: number;
  /** Routers that it has passed. */
  readonly hops: number;
  readonly onStreamFailure: RouterConfig['onStreamFailure'];
  readonly mayHedge: boolean;
  readonly estimates: Estimates;
  /** The most that the answer may have, where the request limits it: all choices together. */
  readonly answerTokens: number | undefined;
  timeoutsFor(provider: ProviderConfig): Timeouts;
  /** The call's own share of those. */
  readonly timeouts: TimeoutOptions | undefined;
  readonly cache: CallOptions['cache'];
}

/** @throws {RouterError} `invalid_request` where the request or its options cannot be carried out by anyone. */
export function resolveCall<Verbed extends Verb>(
  verb: Verbed,
  given: Verbed extends 'embed' ? EmbedRequest : ChatRequest,
  options: CallOptions,
  config: RouterConfig,
): ResolvedCall<typeof given> {
  checkOptions(options);
  const request = withoutDefault(verb === 'embed' ? copyEmbed(given as EmbedRequest) : copyChat(given as ChatRequest), config);
  const intent = options.intent ?? config.defaultIntent;
  const settings = config.intents.get(intent);
  if (settings === undefined) throw invalid(`there is no intent ${quoted(intent)}${didYouMean(intent, [...config.intents.keys()])}`);
  if (options.provider !== undefined) checkProvider(options.provider, config);
  const startedAtMs = config.clock.nowMs();
  const usualMs = settings.deadlineMs ?? config.deadlineMs;
  const deadlineMs = limitMs(options.deadlineMs, 'deadlineMs', usualMs);
  return {
    verb,
    request: request as typeof given,
    requestId: resolveText(options.requestId, 'requestId') ?? newRequestId(),
    intent,
    balance: settings.balance ?? config.balance,
    lane: settings.lane,
    affinity: settings.affinity,
    session: resolveText(options.session, 'session'),
    caller: resolveText(options.caller, 'caller'),
    headersFor: options.headersFor,
    needs: verb === 'embed' ? embedNeeds(request as EmbedRequest) : chatNeeds(request as ChatRequest),
    parameters: verb === 'embed' ? [] : chatParameters(request as ChatRequest),
    pays: whoIsPaid(options, settings, config),
    maxLocality: nearest(nearest(config.maxLocality, settings.maxLocality), resolveLocality(options.maxLocality)),
    maxCostUsd: smaller(config.maxCostUsd, smaller(settings.maxCostUsd, resolveCost(options.maxCostUsd))),
    only: options.provider,
    without: resolveWithout(options.without, config),
    signal: options.signal,
    startedAtMs,
    endsAtMs: startedAtMs + deadlineMs,
    deadlineMs,
    usualMs,
    maxAttempts: resolveAttempts(options.maxAttempts, config.maxAttempts),
    hops: resolveHops(options.hops),
    onStreamFailure: resolveStreamFailure(options.onStreamFailure, config.onStreamFailure),
    mayHedge: config.hedge !== undefined && options.hedge !== false,
    estimates: new Estimates(request),
    answerTokens: verb === 'embed' ? undefined : answerTokensOf(request as ChatRequest),
    timeouts: options.timeouts,
    cache: resolveCache(options.cache),
    timeoutsFor: (provider) => timeoutsOf(config, settings, provider, options.timeouts),
  };
}

/** @throws {RouterError} `invalid_request` where callers in plain JavaScript give something else. */
export function checkOptions(options: CallOptions): void {
  if (typeof options !== 'object' || options === null) throw invalid('the options must be an object');
}

/** Many clients have to send a model and send this word: as long as nothing is called so, it means each provider's own. */
function withoutDefault<Request extends ChatRequest | EmbedRequest>(request: Request, { models }: RouterConfig): Request {
  if (request.model !== 'default' || models.has('default')) return request;
  const { model: _model, ...rest } = request;
  return rest as Request;
}

/** Of two limits either may be the one that a server reads; one of 0 or less is read as none, and bounds nothing. */
function answerTokensOf({ max_completion_tokens, max_tokens, n }: ChatRequest): number | undefined {
  if (max_completion_tokens === undefined && max_tokens === undefined) return undefined;
  const limits = [max_completion_tokens, max_tokens].flatMap((limit) => limit ?? []);
  const choices = n ?? 1;
  const isBound = limits.length > 0 && [...limits, choices].every((each) => each >= 1);
  return isBound ? Math.max(...limits) * choices : undefined;
}

function whoIsPaid({ allowPaid }: CallOptions, settings: IntentConfig, config: RouterConfig): ResolvedCall<unknown>['pays'] {
  // Whoever reads it from the environment has a text, and "false" must not be consent.
  if (allowPaid !== undefined && typeof allowPaid !== 'boolean') throw invalid('allowPaid must be true or false');
  if (allowPaid !== undefined) return allowPaid ? 'any' : 'nobody';
  if (settings.allowPaid ?? config.allowPaid) return 'any';
  return settings.allowPaid === false ? 'nobody' : 'named';
}

function resolveLocality(given: Locality | undefined): Locality | undefined {
  if (given !== undefined && !localities.includes(given)) throw invalid(`maxLocality must be one of ${localities.join(', ')}`);
  return given;
}

function resolveCost(given: number | undefined): number | undefined {
  if (given !== undefined && !(given > 0)) throw invalid('maxCostUsd must be a number of US dollars above 0');
  return given;
}

function resolveText(given: string | undefined, name: string): string | undefined {
  if (given !== undefined && (typeof given !== 'string' || given === '')) throw invalid(`${name} must be a text that is not empty`);
  return given;
}

/** Node leaves it in sixteen pieces, 0.4 KB as long as a stream lasts, until somebody goes through it. */
function newRequestId(): string {
  return globalThis.crypto.randomUUID().toLowerCase();
}

/** The smaller of two limits, of which either may be missing. */
export function smaller(first: number | undefined, second: number | undefined): number | undefined {
  return first === undefined || second === undefined ? (first ?? second) : Math.min(first, second);
}

function checkProvider(id: string, { providers }: RouterConfig): void {
  const ids = providers.filter(({ enabled }) => enabled).map((provider) => provider.id);
  if (!ids.includes(id)) throw invalid(`there is no provider ${quoted(id)}${didYouMean(id, ids)}; configured: ${ids.join(', ')}`);
}

const nobody: readonly string[] = Object.freeze([]);

function resolveWithout(given: readonly string[] | undefined, { providers }: RouterConfig): readonly string[] {
  if (given === undefined) return nobody;
  if (!Array.isArray(given)) throw invalid('without must be a list of ids of providers');
  const ids = providers.map(({ id }) => id);
  const stray = given.find((id) => !ids.includes(id));
  if (stray !== undefined) throw invalid(`without names ${quoted(stray)}, which is no provider${didYouMean(String(stray), ids)}`);
  return [...given];
}

function resolveAttempts(given: number | undefined, usual: number): number {
  if (given === undefined) return usual;
  if (!Number.isInteger(given) || given < 1) throw invalid('maxAttempts must be a whole number from 1');
  return Math.min(given, mostAttempts);
}

function resolveHops(given: number | undefined): number {
  if (given === undefined) return 0;
  if (!Number.isInteger(given) || given < 0) throw invalid('hops must be a whole number from 0');
  refuseLoop(given);
  return given;
}

const streamFailures: ReadonlySet<string> = new Set(['error', 'restart', 'continue']);

function resolveStreamFailure(given: CallOptions['onStreamFailure'], usual: RouterConfig['onStreamFailure']): typeof usual {
  if (given === undefined) return usual;
  if (!streamFailures.has(given)) throw invalid("onStreamFailure must be one of 'error', 'restart', 'continue'");
  return given;
}

function resolveCache(given: CallOptions['cache']): typeof given {
  if (given !== undefined && typeof given !== 'boolean' && given !== 'refresh') throw invalid("cache must be true, false or 'refresh'");
  return given;
}

function limitMs(given: number | undefined, name: string, usual: number): number {
  if (given === undefined) return usual;
  if (!Number.isFinite(given) || given <= 0) throw invalid(`${name} must be a number of milliseconds above 0`);
  return given;
}

const noTimeouts: TimeoutOptions = Object.freeze({});

function isEmpty(timeouts: TimeoutOptions): boolean {
  for (const _name in timeouts) return false;
  return true;
}

/** From the general to the particular: router, intent, provider, call. */
function timeoutsOf(
  { timeouts: usual }: RouterConfig,
  { timeouts: intents }: IntentConfig,
  { timeouts: own }: ProviderConfig,
  asked: TimeoutOptions = noTimeouts,
): Timeouts {
  // As nearly always: one for all.
  if (isEmpty(intents) && isEmpty(own) && isEmpty(asked)) return usual;
  const pick = (name: keyof Timeouts): number | undefined => {
    const set = asked[name] ?? own[name] ?? intents[name];
    return set === undefined ? usual[name] : limitMs(set, `timeouts.${name}`, Infinity);
  };
  return {
    connectMs: pick('connectMs') ?? usual.connectMs,
    firstTokenMs: pick('firstTokenMs') ?? usual.firstTokenMs,
    idleMs: pick('idleMs') ?? usual.idleMs,
    totalMs: pick('totalMs'),
  };
}
