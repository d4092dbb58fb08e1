import { isAnswerSchema } from '../core/answer-schema.ts';
import { chatNeeds, chatParameters, embedNeeds, type Feature, type Parameter } from '../core/capabilities.ts';
import { RouterError } from '../core/errors.ts';
import type { Verb } from '../core/events.ts';
import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import type { ProviderConfig, RouterConfig, Timeouts } from '../config/config.ts';
import { mostAttempts } from '../config/defaults.ts';
import { didYouMean } from '../config/nearest.ts';
import type { CallOptions, TimeoutOptions } from '../config/options.ts';
import { acceptableHistory } from './history.ts';
import { refuseLoop } from './hops.ts';
import { quoted } from './model-name.ts';

/** One call with every option settled. Nothing below reads options or configuration for it again. */
export interface ResolvedCall<Request> {
  readonly verb: Verb;
  /** A copy: a caller who changes the request while it is under way changes nothing. */
  readonly request: Request & { readonly model?: string | undefined };
  readonly requestId: string;
  readonly intent: string;
  readonly order: readonly string[];
  readonly needs: readonly Feature[];
  /** What the request sets beside its features. */
  readonly parameters: readonly Parameter[];
  readonly allowPaid: boolean;
  readonly only: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly startedAtMs: number;
  readonly endsAtMs: number;
  /** What a call like this has, where its caller sets no deadline. */
  readonly usualMs: number;
  readonly maxAttempts: number;
  /** Routers that it has passed. */
  readonly hops: number;
  readonly onStreamFailure: RouterConfig['onStreamFailure'];
  readonly mayHedge: boolean;
  timeoutsFor(provider: ProviderConfig): Timeouts;
}

/** @throws {RouterError} `invalid_request` where the request or its options cannot be carried out by anyone. */
export function resolveCall<Verbed extends Verb>(
  verb: Verbed,
  given: Verbed extends 'embed' ? EmbedRequest : ChatRequest,
  options: CallOptions,
  config: RouterConfig,
): ResolvedCall<typeof given> {
  const request = verb === 'embed' ? copyEmbed(given as EmbedRequest) : copyChat(given as ChatRequest);
  const intent = options.intent ?? config.defaultIntent;
  const settings = config.intents.get(intent);
  if (settings === undefined) throw invalid(`there is no intent ${quoted(intent)}${didYouMean(intent, [...config.intents.keys()])}`);
  if (options.provider !== undefined) checkProvider(options.provider, config);
  const startedAtMs = config.clock.nowMs();
  const usualMs = settings.deadlineMs ?? config.deadlineMs;
  return {
    verb,
    request: request as typeof given,
    requestId: globalThis.crypto.randomUUID(),
    intent,
    order: settings.order,
    needs: verb === 'embed' ? embedNeeds(request as EmbedRequest) : chatNeeds(request as ChatRequest),
    parameters: verb === 'embed' ? [] : chatParameters(request as ChatRequest),
    allowPaid: options.allowPaid ?? config.allowPaid,
    only: options.provider,
    signal: options.signal,
    startedAtMs,
    endsAtMs: startedAtMs + limitMs(options.deadlineMs, 'deadlineMs', usualMs),
    usualMs,
    maxAttempts: resolveAttempts(options.maxAttempts, config.maxAttempts),
    hops: resolveHops(options.hops),
    onStreamFailure: resolveStreamFailure(options.onStreamFailure, config.onStreamFailure),
    mayHedge: config.hedge !== undefined && options.hedge !== false,
    // From the general to the particular: router, intent, provider, call.
    timeoutsFor: (provider) => merge(config.timeouts, settings.timeouts, provider.timeouts, options.timeouts),
  };
}

function copyChat(request: ChatRequest): ChatRequest {
  if (typeof request !== 'object' || request === null) throw invalid('the request must be an object with messages');
  const { messages, model } = request;
  if (!Array.isArray(messages) || messages.length === 0) throw invalid('messages must be a list with at least one message');
  for (const [index, message] of messages.entries()) {
    const role: unknown = (message as { role?: unknown } | null)?.role;
    if (typeof role !== 'string' || !roles.has(role)) throw invalid(`messages[${index}].role must be one of ${[...roles].join(', ')}`);
  }
  checkModel(model);
  if (isAnswerSchema(request.response_format)) throw invalid('a schema as response_format is for chat(); a stream takes a json_schema');
  const { tools, stop } = request;
  return {
    ...request,
    messages: acceptableHistory(messages),
    ...(tools && { tools: [...tools] }),
    ...(Array.isArray(stop) && { stop: [...stop] }),
  };
}

const roles: ReadonlySet<string> = new Set(['system', 'developer', 'user', 'assistant', 'tool']);

function copyEmbed(request: EmbedRequest): EmbedRequest {
  if (typeof request !== 'object' || request === null) throw invalid('the request must be an object with input');
  const { input, model } = request;
  const texts: unknown = typeof input === 'string' ? [input] : input;
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === 'string')) {
    throw invalid('input must be a string or a list of strings');
  }
  checkModel(model);
  return { ...request, input: typeof input === 'string' ? input : [...input] };
}

function checkModel(model: unknown): void {
  if (model === undefined || (typeof model === 'string' && model !== '')) return;
  throw invalid('model must be a name; leave it out to use the default model of each provider');
}

function checkProvider(id: string, { providers }: RouterConfig): void {
  const ids = providers.filter(({ enabled }) => enabled).map((provider) => provider.id);
  if (!ids.includes(id)) throw invalid(`there is no provider ${quoted(id)}${didYouMean(id, ids)}; configured: ${ids.join(', ')}`);
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

function limitMs(given: number | undefined, name: string, usual: number): number {
  if (given === undefined) return usual;
  if (!Number.isFinite(given) || given <= 0) throw invalid(`${name} must be a number of milliseconds above 0`);
  return given;
}

function merge(base: Timeouts, ...layers: readonly (TimeoutOptions | undefined)[]): Timeouts {
  const pick = (name: keyof Timeouts): number | undefined => {
    const layer = layers.findLast((each) => each?.[name] !== undefined);
    return limitMs(layer?.[name], `timeouts.${name}`, base[name] ?? Infinity);
  };
  const totalMs = pick('totalMs');
  return {
    connectMs: pick('connectMs') ?? base.connectMs,
    firstTokenMs: pick('firstTokenMs') ?? base.firstTokenMs,
    idleMs: pick('idleMs') ?? base.idleMs,
    totalMs: totalMs === Infinity ? undefined : totalMs,
  };
}

function invalid(text: string): RouterError<'invalid_request'> {
  return new RouterError('invalid_request', `The call cannot be carried out: ${text}.`);
}
