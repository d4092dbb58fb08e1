import { propagation, SpanKind, trace } from '@opentelemetry/api';
import type { CallOptions, Router, RouterEvents } from '../index.ts';
import { type Outcome, operationOf, outcomeAttributes, withoutGaps } from './otel-attributes.ts';
import { markFailed, type OpenAttempt, type TracedCall, type Tracing } from './otel-call.ts';

type AboutAttempt = Parameters<NonNullable<CallOptions['headersFor']>>[0];

/**
 * The options that a call is passed on with. The router asks for the headers of each attempt when it begins, and that is where its span
 * begins: the question belongs to one call, while events know it by its name alone.
 */
export function tracedOptions(tracing: Tracing, call: TracedCall, options: CallOptions): CallOptions {
  const { headersFor } = options;
  return {
    ...options,
    requestId: call.requestId,
    headersFor(about) {
      const own = openAttempt(tracing, call, about);
      return { ...headersFor?.(about), ...own };
    },
  };
}

/** Opens its span. Gives the headers that carry the trace on, as the application's propagator writes them. */
function openAttempt(tracing: Tracing, call: TracedCall, { provider, model, attempt }: AboutAttempt): Record<string, string> {
  const headers: Record<string, string> = {};
  if (call.isOver) return headers;
  const { name, isInProcess } = tracing.factsOf(provider);
  const attributes = withoutGaps({
    'gen_ai.provider.name': name,
    'gen_ai.request.model': model,
    'inferlane.provider': provider,
    'inferlane.attempt': attempt,
  });
  const kind = isInProcess ? SpanKind.INTERNAL : SpanKind.CLIENT;
  const span = tracing.tracer.startSpan(`attempt ${provider}`, { kind, attributes }, call.context);
  call.attempts.set(attempt, { span, provider, model });
  call.attemptCount += 1;
  call.provider = provider;
  if (!isInProcess && tracing.propagateTo(provider)) propagation.inject(trace.setSpan(call.context, span), headers);
  return headers;
}

/** Ends the spans of attempts, and counts them. */
export function watchAttempts(router: Router, tracing: Tracing): void {
  router.on('attempt:end', (told) => {
    const ended = takeAttempt(tracing, told);
    if (ended === undefined) return;
    ended.attempt.span.setAttributes(withoutGaps({ 'inferlane.first_content_ms': told.firstContentMs }));
    ended.attempt.span.end();
    countAttempt(tracing, ended, 'answered');
  });
  router.on('attempt:error', (told) => {
    const ended = takeAttempt(tracing, told);
    if (ended === undefined) return;
    const { span } = ended.attempt;
    // Whoever stopped it had no quarrel with the provider.
    if (told.aborted) span.setAttributes({ 'inferlane.outcome': 'aborted' });
    else markFailed(span, told.error);
    span.end();
    countAttempt(tracing, ended, told.aborted ? 'aborted' : 'failed', told.error);
  });
  router.on('hedge', ({ requestId, provider }) => {
    for (const { attempts } of tracing.calls.get(requestId) ?? []) {
      for (const attempt of attempts.values()) if (attempt.provider === provider) attempt.span.setAttribute('inferlane.hedge', true);
    }
  });
}

interface Ended {
  readonly call: TracedCall;
  readonly attempt: OpenAttempt;
}

function takeAttempt({ calls }: Tracing, told: RouterEvents['attempt:start']): Ended | undefined {
  for (const call of calls.get(told.requestId) ?? []) {
    const attempt = call.attempts.get(told.attempt);
    if (attempt === undefined || attempt.provider !== told.provider || attempt.model !== told.model) continue;
    call.attempts.delete(told.attempt);
    return { call, attempt };
  }
  return undefined;
}

function countAttempt({ instruments, factsOf }: Tracing, { call, attempt: { provider } }: Ended, outcome: Outcome, error?: unknown): void {
  instruments.attempt({
    'gen_ai.operation.name': operationOf(call.verb),
    'gen_ai.provider.name': factsOf(provider).name,
    'inferlane.provider': provider,
    ...outcomeAttributes(outcome, error),
  });
}
