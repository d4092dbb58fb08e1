import type { Attributes, AttributeValue } from '@opentelemetry/api';
import {
  type CallOptions,
  type ChatRequest,
  type EmbedRequest,
  type EmbedUsage,
  isRouterError,
  type RouterError,
  type RouteTrace,
  type Usage,
  type Verb,
} from '../index.ts';

/** Characters of a model's name that go into names and attributes: callers of a server send what they like. */
const mostModelChars = 200;

export function modelOf(request: unknown): string | undefined {
  const { model } = (request ?? {}) as { readonly model?: unknown };
  return typeof model === 'string' && model !== '' ? model.slice(0, mostModelChars) : undefined;
}

/** For `gen_ai.operation.name`: that an answer is streamed is no operation of its own. */
export function operationOf(verb: Verb): 'chat' | 'embeddings' {
  return verb === 'embed' ? 'embeddings' : 'chat';
}

type Given = Readonly<Record<string, unknown>>;

/**
 * What a request asks for, without its content. A request is read before the router has looked at it, so nothing of it can be relied on.
 */
export function requestAttributes(verb: Verb, request: ChatRequest | EmbedRequest, options: CallOptions): Attributes {
  const given = (request ?? {}) as unknown as Given;
  const common = {
    'gen_ai.operation.name': operationOf(verb),
    // Who answers is not known yet; the name is required from the beginning on.
    'gen_ai.provider.name': 'inferlane',
    'gen_ai.request.model': modelOf(request),
    'gen_ai.conversation.id': textOf(options.session),
    'inferlane.request_id': textOf(options.requestId),
    'inferlane.caller': textOf(options.caller),
  };
  if (verb === 'embed') return withoutGaps({ ...common, 'gen_ai.embeddings.dimension.count': numberOf(given['dimensions']) });
  const { n, stop } = given;
  return withoutGaps({
    ...common,
    'gen_ai.request.stream': verb === 'stream' || undefined,
    'gen_ai.request.choice.count': n === 1 ? undefined : numberOf(n),
    'gen_ai.request.temperature': numberOf(given['temperature']),
    'gen_ai.request.top_p': numberOf(given['top_p']),
    'gen_ai.request.max_tokens': numberOf(given['max_completion_tokens'] ?? given['max_tokens']),
    'gen_ai.request.seed': numberOf(given['seed']),
    'gen_ai.request.frequency_penalty': numberOf(given['frequency_penalty']),
    'gen_ai.request.presence_penalty': numberOf(given['presence_penalty']),
    'gen_ai.request.stop_sequences': (Array.isArray(stop) ? stop : [stop]).filter((each) => typeof each === 'string'),
    'gen_ai.output.type': outputType(given['response_format']),
  });
}

/** `json` for a schema and for JSON mode. */
function outputType(format: unknown): string | undefined {
  if (typeof format !== 'object' && typeof format !== 'function') return undefined;
  return format === null ? undefined : (format as { readonly type?: unknown }).type === 'text' ? 'text' : 'json';
}

/** What an answer says of itself, without its content. */
export interface AnswerFacts {
  readonly id?: string | undefined;
  readonly model?: string | undefined;
  readonly finishReasons?: readonly string[] | undefined;
  readonly usage?: Usage | EmbedUsage | undefined;
}

export function answerAttributes({ id, model, finishReasons = [], usage }: AnswerFacts): Attributes {
  const { prompt_tokens_details, completion_tokens_details, completion_tokens } = (usage ?? {}) as Partial<Usage>;
  return withoutGaps({
    'gen_ai.response.id': textOf(id),
    'gen_ai.response.model': textOf(model),
    'gen_ai.response.finish_reasons': [...finishReasons],
    'gen_ai.usage.input_tokens': usage?.prompt_tokens,
    'gen_ai.usage.output_tokens': completion_tokens,
    'gen_ai.usage.cache_read.input_tokens': prompt_tokens_details?.cached_tokens,
    'gen_ai.usage.reasoning.output_tokens': completion_tokens_details?.reasoning_tokens,
  });
}

export function routeAttributes(route: RouteTrace): Attributes {
  return withoutGaps({
    'inferlane.provider': textOf(route.provider),
    'inferlane.degraded': route.degraded,
    'inferlane.cached': route.cached,
    'inferlane.substituted': route.substituted,
    'inferlane.truncated': route.truncated,
    'inferlane.hedged': route.hedged,
    'inferlane.queued_ms': route.queuedMs,
  });
}

/** How a call or an attempt ended. `aborted`: its caller wanted it no more; `abandoned`: its stream was left before the end. */
export type Outcome = 'answered' | 'failed' | 'aborted' | 'abandoned';

/** For metrics. `error`: what a failed one ended with. */
export function outcomeAttributes(outcome: Outcome, error?: unknown): Attributes {
  return { 'inferlane.outcome': outcome, ...(outcome === 'failed' && { 'error.type': errorType(error) }) };
}

/** A class of errors: our own code, or the conventions' word for all others. */
export function errorType(error: unknown): string {
  return isRouterError(error) ? error.code : '_OTHER';
}

export function errorAttributes(error: unknown): Attributes {
  const { phase, status, retryAfterMs, stoppedBecause }: Partial<RouterError> = isRouterError(error) ? error : {};
  return withoutGaps({
    'error.type': errorType(error),
    'http.response.status_code': status,
    'inferlane.error.phase': phase,
    'inferlane.error.retry_after_ms': retryAfterMs,
    'inferlane.error.stopped_because': stoppedBecause,
  });
}

/** Without what nobody said. */
export function withoutGaps(attributes: Readonly<Record<string, AttributeValue | undefined>>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined && !isEmpty(value)));
}

function isEmpty(value: AttributeValue): boolean {
  return Array.isArray(value) && value.length === 0;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
