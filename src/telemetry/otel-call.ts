import { type Attributes, type Context, context, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import { type CallOptions, type ChatRequest, type Clock, type EmbedRequest, isRouterError, type RouteTrace, type Verb } from '../index.ts';
import {
  answerAttributes,
  type AnswerFacts,
  errorAttributes,
  modelOf,
  operationOf,
  type Outcome,
  outcomeAttributes,
  requestAttributes,
  routeAttributes,
  withoutGaps,
} from './otel-attributes.ts';
import { inputMessages } from './otel-content.ts';
import type { Instruments } from './otel-metrics.ts';
import type { ProviderFacts } from './otel-providers.ts';

/** What the calls of one traced router share. */
export interface Tracing {
  readonly tracer: Tracer;
  readonly instruments: Instruments;
  readonly clock: Clock;
  readonly factsOf: (provider: string) => ProviderFacts;
  readonly propagateTo: (provider: string) => boolean;
  readonly captureContent: boolean;
  /** Under way, by their names. A name is the application's own, so two calls may have one. */
  readonly calls: Map<string, TracedCall[]>;
}

/** An attempt under way. */
export interface OpenAttempt {
  readonly span: Span;
  readonly provider: string;
  readonly model: string | undefined;
}

/** One call under way. */
export interface TracedCall {
  readonly verb: Verb;
  readonly requestId: string;
  readonly model: string | undefined;
  readonly startMs: number;
  readonly span: Span;
  /** With its span in it: the parent of its attempts. */
  readonly context: Context;
  /** By their numbers. */
  readonly attempts: Map<number, OpenAttempt>;
  attemptCount: number;
  /** Whoever was asked last. */
  provider: string | undefined;
  /** Known once there is an answer, or a stream has begun. */
  route: RouteTrace | undefined;
  answer: AnswerFacts;
  /** Gives the answer as JSON; only where content is captured. */
  output: (() => string) | undefined;
  isOver: boolean;
}

/** Opens the span of a call below whatever span is active for its caller. */
export function beginCall(tracing: Tracing, verb: Verb, request: ChatRequest | EmbedRequest, options: CallOptions): TracedCall {
  const { tracer, clock, calls, captureContent } = tracing;
  const requestId = options.requestId ?? globalThis.crypto.randomUUID();
  const model = modelOf(request);
  const parent = context.active();
  const attributes = requestAttributes(verb, request, { ...options, requestId });
  const name = model === undefined ? operationOf(verb) : `${operationOf(verb)} ${model}`;
  const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent);
  if (captureContent && verb !== 'embed' && span.isRecording()) captureInput(span, request as ChatRequest);
  const call: TracedCall = {
    verb,
    requestId,
    model,
    startMs: clock.nowMs(),
    span,
    context: trace.setSpan(parent, span),
    attempts: new Map(),
    attemptCount: 0,
    provider: undefined,
    route: undefined,
    answer: {},
    output: undefined,
    isOver: false,
  };
  calls.set(requestId, [...(calls.get(requestId) ?? []), call]);
  return call;
}

/** What a server answered may have any shape where the adapter is not ours; a call does not fail for the sake of its trace. */
function outputOf({ span, output }: TracedCall): string | undefined {
  try {
    return span.isRecording() ? output?.() : undefined;
  } catch {
    return undefined;
  }
}

function captureInput(span: Span, { messages }: ChatRequest): void {
  try {
    span.setAttribute('gen_ai.input.messages', inputMessages(messages));
  } catch {
    // No list of messages: the router is about to refuse it, with a better word.
    return;
  }
}

/** Ends the span of a call and counts it. The first ending holds; others do nothing. */
export function endCall(tracing: Tracing, call: TracedCall, outcome: Outcome, error?: unknown): void {
  if (call.isOver) return;
  call.isOver = true;
  forget(tracing, call);
  // There are none, unless two calls go by one name, or the router is not ours.
  for (const attempt of call.attempts.values()) attempt.span.end();
  const { span, route, answer } = call;
  const provider = route?.provider || call.provider;
  span.setAttributes({
    ...answerAttributes(answer),
    ...(route && routeAttributes(route)),
    ...withoutGaps({
      'gen_ai.provider.name': provider && tracing.factsOf(provider).name,
      'gen_ai.output.messages': outputOf(call),
      'inferlane.attempts': call.attemptCount,
      'inferlane.outcome': outcome,
    }),
  });
  if (route?.cached === true) span.addEvent('inferlane.cached');
  if (outcome === 'failed') markFailed(span, error);
  span.end();
  countEnd(tracing, call, provider, outcomeAttributes(outcome, error));
}

function forget({ calls }: Tracing, call: TracedCall): void {
  const others = (calls.get(call.requestId) ?? []).filter((each) => each !== call);
  if (others.length === 0) calls.delete(call.requestId);
  else calls.set(call.requestId, others);
}

/** Messages of our own errors are safe to show; others may say anything. */
export function markFailed(span: Span, error: unknown): void {
  span.setAttributes(errorAttributes(error));
  span.setStatus({ code: SpanStatusCode.ERROR, ...(isRouterError(error) && { message: error.message }) });
}

function countEnd(tracing: Tracing, call: TracedCall, provider: string | undefined, outcome: Attributes): void {
  const { instruments, clock } = tracing;
  const attributes = countAttributes(tracing, call, provider);
  instruments.duration((clock.nowMs() - call.startMs) / 1_000, { ...attributes, ...outcome });
  // Nobody counted the tokens of a kept answer a second time.
  if (call.route?.cached !== true) instruments.tokens(call.answer.usage, attributes);
}

/** What every figure of a call is told apart by. The names of models that nobody served are no names of ours. */
export function countAttributes({ instruments, factsOf }: Tracing, call: TracedCall, provider: string | undefined): Attributes {
  const { verb, model, answer } = call;
  return withoutGaps({
    'gen_ai.operation.name': operationOf(verb),
    'gen_ai.provider.name': provider === undefined ? 'inferlane' : factsOf(provider).name,
    'gen_ai.request.model': provider === undefined ? undefined : instruments.modelLabel(model),
    'gen_ai.response.model': instruments.modelLabel(answer.model),
    'inferlane.provider': provider,
  });
}
