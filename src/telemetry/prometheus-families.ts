import { Counter, Gauge, Histogram, type Metric, type Registry, type RegistryContentType } from 'prom-client';
import { ConfigError } from '../index.ts';
import { type GaugeRow, gaugeRows, type Sample } from './prometheus-gauges.ts';

export type AnyRegistry = Registry<RegistryContentType>;

/** From an answer out of memory to a long one of a CPU. */
const bucketsS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** What events are counted in. */
export interface Families {
  readonly requests: Counter<'verb' | 'intent' | 'outcome'>;
  readonly requestSeconds: Histogram<'verb' | 'intent' | 'outcome'>;
  readonly attempts: Counter<'provider' | 'model' | 'outcome'>;
  readonly attemptSeconds: Histogram<'provider' | 'model'>;
  readonly firstTokenSeconds: Histogram<'provider' | 'model'>;
  readonly tokens: Counter<'provider' | 'model' | 'type'>;
  readonly costUsd: Counter<'provider' | 'model'>;
  readonly cached: Counter<'verb'>;
  readonly stub: Counter<'provider'>;
  readonly failovers: Counter<'from' | 'to' | 'reason'>;
  readonly retries: Counter<'provider' | 'reason'>;
  readonly hedges: Counter<'from' | 'to'>;
  readonly queueSeconds: Histogram<'outcome'>;
  readonly breakerChanges: Counter<'provider' | 'state'>;
  readonly cooldowns: Counter<'provider' | 'reason'>;
  readonly pins: Counter<'provider' | 'model'>;
  readonly interruptions: Counter<'provider' | 'model'>;
  readonly recoveries: Counter<'from' | 'to' | 'how'>;
  readonly budgets: Counter<'event' | 'scope'>;
}

/** Reads one gauge of every router that is told of here. */
export type ReadGauge = (row: GaugeRow) => readonly Sample[];

interface Registered {
  readonly families: Families;
  readonly metrics: readonly Metric[];
}

/**
 * Makes all metrics and puts them into the registry. `fixed`: names of labels that every metric has beside its own.
 * @throws {ConfigError} where the registry holds a metric of one of the names.
 */
export function registerMetrics(registry: AnyRegistry, prefix: string, fixed: readonly string[], read: ReadGauge): Registered {
  const families = createFamilies(prefix, fixed);
  const metrics: Metric[] = [...Object.values(families), ...gaugeRows.map((row) => createGauge(row, prefix, fixed, read))];
  const taken = metrics.map(nameOf).filter((name) => registry.getSingleMetric(name) !== undefined);
  if (taken.length > 0) {
    const message = `holds a metric ${taken[0]} that is not ours; choose another prefix, or a registry of its own`;
    throw new ConfigError([{ path: 'registry', message }]);
  }
  for (const metric of metrics) registry.registerMetric(metric);
  return { families, metrics };
}

/** The types of prom-client do not tell it. */
export function nameOf(metric: Metric): string {
  return (metric as unknown as { readonly name: string }).name;
}

function createGauge(row: GaugeRow, prefix: string, fixed: readonly string[], read: ReadGauge): Gauge {
  return new Gauge({
    name: prefix + row.name,
    help: row.help,
    labelNames: [...fixed, ...row.labelNames],
    registers: [],
    collect() {
      // What is gone is told no more.
      this.reset();
      for (const [labels, value] of read(row)) this.set(labels, value);
    },
  });
}

/** By the name without its prefix. */
const helps = {
  requests_total: 'Calls that are over. Outcome: ok, abandoned, aborted, or the code of the error.',
  request_duration_seconds: 'How long calls took, streams to their end. Outcome: ok, error, or aborted by the caller.',
  attempts_total: 'Attempts that are over. Outcome: ok, aborted, or the code of the error.',
  attempt_duration_seconds: 'How long attempts took that were answered, streams to their end.',
  time_to_first_token_seconds: 'Streams: from the start of the attempt to its first content.',
  tokens_total: 'Tokens as the servers counted them. Type: input or output.',
  cost_usd_total: 'US dollars by the prices of the configuration.',
  cached_answers_total: 'Calls that were answered from the cache.',
  stub_answers_total: 'Calls that got the answer of a stand-in, because nobody else could give one.',
  failovers_total: 'Calls that moved on to another provider. Reason: the code of the error.',
  retries_total: 'Second attempts at the same provider. Reason: the code of the error.',
  hedges_total: 'Second attempts beside one that was slow.',
  queue_wait_seconds: 'How long calls waited for a slot. Outcome: served, or left without one.',
  breaker_changes_total: 'Changes of breakers, those of models included. State: the new one.',
  cooldowns_total: 'Pauses that providers asked for or were given. Reason: the code of the error.',
  model_pins_total: 'Models that were pinned because they ran out of memory.',
  stream_interruptions_total: 'Streams that broke after content was handed on.',
  stream_recoveries_total: 'Broken streams that another provider took up. How: reset or resumed.',
  budget_events_total: 'Budgets that ran low or out. Event: warning or exceeded. Scope: all, provider or caller.',
} as const;

type Name = keyof typeof helps;

function createFamilies(prefix: string, fixed: readonly string[]): Families {
  const base = <Label extends string>(name: Name, labelNames: readonly Label[]) => ({
    name: prefix + name,
    help: helps[name],
    // The fixed ones are names of labels as well, which no type knows.
    labelNames: [...(fixed as readonly Label[]), ...labelNames],
    registers: [],
  });
  const counter = <Label extends string>(name: Name, ...labelNames: readonly Label[]): Counter<Label> =>
    new Counter(base(name, labelNames));
  const seconds = <Label extends string>(name: Name, ...labelNames: readonly Label[]): Histogram<Label> =>
    new Histogram({ ...base(name, labelNames), buckets: bucketsS });
  return {
    requests: counter('requests_total', 'verb', 'intent', 'outcome'),
    requestSeconds: seconds('request_duration_seconds', 'verb', 'intent', 'outcome'),
    attempts: counter('attempts_total', 'provider', 'model', 'outcome'),
    attemptSeconds: seconds('attempt_duration_seconds', 'provider', 'model'),
    firstTokenSeconds: seconds('time_to_first_token_seconds', 'provider', 'model'),
    tokens: counter('tokens_total', 'provider', 'model', 'type'),
    costUsd: counter('cost_usd_total', 'provider', 'model'),
    cached: counter('cached_answers_total', 'verb'),
    stub: counter('stub_answers_total', 'provider'),
    failovers: counter('failovers_total', 'from', 'to', 'reason'),
    retries: counter('retries_total', 'provider', 'reason'),
    hedges: counter('hedges_total', 'from', 'to'),
    queueSeconds: seconds('queue_wait_seconds', 'outcome'),
    breakerChanges: counter('breaker_changes_total', 'provider', 'state'),
    cooldowns: counter('cooldowns_total', 'provider', 'reason'),
    pins: counter('model_pins_total', 'provider', 'model'),
    interruptions: counter('stream_interruptions_total', 'provider', 'model'),
    recoveries: counter('stream_recoveries_total', 'from', 'to', 'how'),
    budgets: counter('budget_events_total', 'event', 'scope'),
  };
}
