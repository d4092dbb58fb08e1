import { type Attributes, type AttributeValue, context, propagation, SpanStatusCode } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { RouterOptions } from '../../src/config/options.ts';
import type { Router } from '../../src/router/router.ts';
import { traced, type TracedOptions } from '../../src/telemetry/otel.ts';
import { type FakeProvider, type FakeRouter, fakeRouter } from '../_kit/fake-router.ts';

/** What an application sets up when it starts: who is active follows async work, and headers are written as W3C says. */
export function setUp(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }));
}

export function tearDown(): void {
  context.disable();
  propagation.disable();
}

/** All that are counted. */
export const metricNames = [
  'gen_ai.client.operation.duration',
  'gen_ai.client.token.usage',
  'gen_ai.client.operation.time_to_first_chunk',
  'gen_ai.client.operation.time_per_output_chunk',
  'inferlane.attempts',
  'inferlane.failovers',
] as const;

/** One figure of a metric: what it is told apart by, and its value, or the sum and the count of a histogram. */
export interface Figure {
  readonly attributes: Attributes;
  readonly value: number;
  readonly count: number;
  readonly bounds: readonly number[];
}

export interface Telemetry {
  readonly options: TracedOptions;
  /** Spans that have ended, in that order. */
  readonly spans: () => readonly ReadableSpan[];
  /** The one of that name. */
  readonly span: (name: string) => ReadableSpan;
  readonly figures: (metric: string) => Promise<readonly Figure[]>;
  readonly provider: TracerProvider;
  /** Started and not ended. */
  readonly open: () => number;
}

export function createTelemetry(options: TracedOptions = {}): Telemetry {
  const exporter = new InMemorySpanExporter();
  let started = 0;
  const counter = {
    onStart: () => void started++,
    onEnd: () => undefined,
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const provider = new TracerProvider({ spanProcessors: [counter, new SimpleSpanProcessor({ exporter })] });
  const reader = new PeriodicExportingMetricReader({
    exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
    exportIntervalMillis: 2 ** 30,
  });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const spans = (): readonly ReadableSpan[] => exporter.getFinishedSpans();
  return {
    options: { tracerProvider: provider, meterProvider, ...options },
    spans,
    provider,
    open: () => started - spans().length,
    span(name) {
      const found = spans().filter((each) => each.name === name);
      if (found.length !== 1)
        throw new Error(
          `${found.length} spans are called ${name}: ${spans()
            .map((each) => each.name)
            .join(', ')}`,
        );
      return found[0] as ReadableSpan;
    },
    async figures(metric) {
      const { resourceMetrics } = await reader.collect();
      const found = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics).find(({ descriptor }) => descriptor.name === metric);
      return (found?.dataPoints ?? []).map(({ attributes, value }) => {
        if (typeof value === 'number') return { attributes, value, count: 1, bounds: [] };
        const { sum = 0, count, buckets } = value as Histogram;
        return { attributes, value: sum, count, bounds: buckets.boundaries };
      });
    },
  };
}

export interface Traced<Id extends string> extends FakeRouter<Id>, Telemetry {
  /** The router without its traces. */
  readonly plain: Router;
  readonly options: TracedOptions;
}

/** `fakeRouter()` with a trace of everything. */
export function tracedFake<Id extends string>(
  providers: Readonly<Record<Id, FakeProvider>>,
  routerOptions: Omit<RouterOptions, 'providers'> = {},
  options: TracedOptions = {},
): Traced<Id> {
  const made = fakeRouter(providers, routerOptions);
  const telemetry = createTelemetry({ clock: made.clock, ...options });
  return { ...made, ...telemetry, plain: made.router, router: traced(made.router, telemetry.options) };
}

/** The trace as lines: two spaces for each level, and how each span ended. */
export function tree(spans: readonly ReadableSpan[]): readonly string[] {
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  const below = (parent: string | undefined, depth: number): readonly string[] =>
    spans
      .filter(({ parentSpanContext }) => (ids.has(parentSpanContext?.spanId ?? '') ? parentSpanContext?.spanId : undefined) === parent)
      .toSorted((one, other) => numberOf(one) - numberOf(other))
      .flatMap((span) => [`${'  '.repeat(depth)}${span.name}: ${outcomeOf(span)}`, ...below(span.spanContext().spanId, depth + 1)]);
  return below(undefined, 0);
}

function numberOf({ attributes }: ReadableSpan): number {
  return Number(attributes['inferlane.attempt'] ?? 0);
}

function outcomeOf({ attributes, status }: ReadableSpan): AttributeValue {
  if (status.code === SpanStatusCode.ERROR) return attributes['error.type'] ?? 'an error without a type';
  return attributes['inferlane.outcome'] ?? 'ok';
}
