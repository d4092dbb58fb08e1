import { context, type MeterProvider, metrics, trace, type TracerProvider } from '@opentelemetry/api';
import {
  type CallOptions,
  type ChatCompletion,
  type ChatRequest,
  type Clock,
  type EmbedRequest,
  type Router,
  systemClock,
  type TriedChat,
  type Verb,
} from '../index.ts';
import { tracedOptions, watchAttempts } from './otel-attempts.ts';
import { beginCall, endCall, type TracedCall, type Tracing } from './otel-call.ts';
import { outputMessages } from './otel-content.ts';
import { watchDecisions } from './otel-decisions.ts';
import { createInstruments } from './otel-metrics.ts';
import { createProviderFacts } from './otel-providers.ts';
import { tracedStream, watchStreams } from './otel-stream.ts';

export interface TracedOptions {
  /** @default the application's own: what it has registered with `@opentelemetry/api` */
  readonly tracerProvider?: TracerProvider | undefined;
  /** @default the application's own */
  readonly meterProvider?: MeterProvider | undefined;
  /**
   * Messages, answers and the arguments of tools as attributes of the spans. They hold whatever your users write.
   * @default false
   */
  readonly captureContent?: boolean | undefined;
  /**
   * Which providers get the headers of the trace, and of the baggage where the application propagates it; asked with their ids.
   * @default all
   */
  readonly propagateTo?: ((provider: string) => boolean) | undefined;
  /**
   * Measures for the metrics. Give the router's where it has one of its own.
   * @default the system's
   */
  readonly clock?: Clock | undefined;
}

/** Of the instrumentation, for whoever filters by it. */
const scope = 'inferlane';

/**
 * The same router, with a span for each call that is made through it, one for each attempt below that, and metrics: OpenTelemetry's
 * conventions for generative AI, in the names of their version 1.41. Calls that are made on the given router itself are not traced.
 */
export function traced(router: Router, options: TracedOptions = {}): Router {
  const {
    tracerProvider = trace,
    meterProvider = metrics,
    captureContent = false,
    propagateTo = () => true,
    clock = systemClock,
  } = options;
  const tracing: Tracing = {
    tracer: tracerProvider.getTracer(scope),
    instruments: createInstruments(meterProvider.getMeter(scope)),
    clock,
    factsOf: createProviderFacts(router),
    propagateTo,
    captureContent,
    calls: new Map(),
  };
  watchDecisions(router, tracing);
  watchAttempts(router, tracing);
  watchStreams(router, tracing);
  return createClient(router, tracing);
}

function createClient(router: Router, tracing: Tracing): Router {
  const chat = (request: ChatRequest, options?: CallOptions): Promise<ChatCompletion> =>
    traceCall(
      tracing,
      'chat',
      request,
      options,
      (own) => router.chat(request, own),
      (call, answer) => endChat(tracing, call, answer),
    );
  let ownFetch: Router['fetch'] | undefined;
  const self: Router = {
    ...router,
    chat: chat as Router['chat'],
    tryChat: (request, options) =>
      traceCall(
        tracing,
        'chat',
        request,
        options,
        (own) => router.tryChat(request, own),
        (call, tried) => endTried(tracing, call, tried),
      ),
    stream: (request, options) =>
      traceCall(tracing, 'stream', request, options, async (own, call) => tracedStream(tracing, call, await router.stream(request, own))),
    embed: (request, options) =>
      traceCall(
        tracing,
        'embed',
        request,
        options,
        (own) => router.embed(request, own),
        (call, { model, usage, route }) => {
          call.answer = { model, usage };
          call.route = route;
          endCall(tracing, call, 'answered');
        },
      ),
    // The router's own makes its calls on the router itself.
    async fetch(input, init) {
      ownFetch ??= (await import('../http/own-fetch.ts')).createFetch(self, tracing.clock);
      return ownFetch(input, init);
    },
    on: (name, listener) => (router.on(name, listener), self),
    once: (name, listener) => (router.once(name, listener), self),
    off: (name, listener) => (router.off(name, listener), self),
  };
  return self;
}

/** Carries a call out within its span, and ends that where it fails. `answered` ends it where it does not; streams end by themselves. */
async function traceCall<Answer>(
  tracing: Tracing,
  verb: Verb,
  request: ChatRequest | EmbedRequest,
  given: CallOptions = {},
  ask: (options: CallOptions, call: TracedCall) => Promise<Answer>,
  answered?: (call: TracedCall, answer: Answer) => void,
): Promise<Answer> {
  const isUsable = typeof given === 'object' && given !== null;
  const options = isUsable ? given : {};
  const call = beginCall(tracing, verb, request, options);
  try {
    // What is no object is refused by the router, in its own words.
    const own = isUsable ? tracedOptions(tracing, call, options) : given;
    const answer = await context.with(call.context, () => ask(own, call));
    answered?.(call, answer);
    return answer;
  } catch (error) {
    const { signal } = options;
    endCall(tracing, call, signal?.aborted === true && error === signal.reason ? 'aborted' : 'failed', error);
    throw error;
  }
}

function endChat(tracing: Tracing, call: TracedCall, { id, model, choices, usage, route }: ChatCompletion): void {
  call.answer = { id, model, usage, finishReasons: choices.map(({ finish_reason }) => finish_reason) };
  call.route = route;
  const output = (): string => outputMessages(choices);
  if (tracing.captureContent) call.output = output;
  endCall(tracing, call, 'answered');
}

function endTried(tracing: Tracing, call: TracedCall, tried: TriedChat): void {
  if (tried.success) endChat(tracing, call, tried.answer);
  else endCall(tracing, call, 'failed', tried.error);
}
