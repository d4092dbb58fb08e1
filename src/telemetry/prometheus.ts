import { Registry } from 'prom-client';
import { ConfigError, type ConfigIssue, type Router, type RouterSnapshot } from '../index.ts';
import { countEvents } from './prometheus-events.ts';
import { type AnyRegistry, type Families, nameOf, registerMetrics } from './prometheus-families.ts';
import type { GaugeRow, Sample } from './prometheus-gauges.ts';
import { createModelLabels, type FixedLabels, type ModelLabels } from './prometheus-labels.ts';

/** Options of `collectMetrics()`. */
export interface MetricsOptions {
  /** Left out: one of its own. `register` of prom-client is the one that an application's other metrics stand in. */
  readonly registry?: AnyRegistry | undefined;
  /** @default 'inferlane_' */
  readonly prefix?: string | undefined;
  /**
   * Stand in every sample. Two routers in one registry have the same names of labels and tell themselves apart by a value, like
   * `{ router: 'batch' }`.
   * @default {}
   */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Metrics of one router. The handler of `inferlane/http` takes it as `metrics`, and serves it at `GET /metrics`. */
export interface Metrics {
  readonly registry: AnyRegistry;
  /** Of `text()`. */
  readonly contentType: string;
  /** What Prometheus scrapes: everything in the registry, as it is now. */
  text(): Promise<string>;
  /** Counts no more. With the last router of a registry its metrics go. */
  stop(): void;
}

interface Source {
  readonly router: Router;
  readonly snapshot: () => RouterSnapshot;
  readonly labels: FixedLabels;
  readonly models: ModelLabels;
}

/** The metrics of all routers with one registry and prefix. */
interface Shared {
  readonly families: Families;
  /** Of `labels`, sorted. */
  readonly labelNames: readonly string[];
  readonly sources: Set<Source>;
  remove(): void;
}

const sharedBy = new WeakMap<AnyRegistry, Map<string, Shared>>();

/**
 * Counts what a router does for Prometheus, from now on. Labels are bounded: providers of the configuration, up to 100 models of each,
 * codes of errors; never a request's id, a caller, a prompt or an address.
 * @throws {ConfigError} where the registry holds such metrics already, and no label tells the two routers apart.
 */
export function collectMetrics(router: Router, options: MetricsOptions = {}): Metrics {
  const { registry = new Registry(), prefix = 'inferlane_', labels = {} } = options;
  refuseBadNames(prefix, labels);
  const shared = shareIn(registry, prefix, labels);
  const source: Source = { router, snapshot: snapshotOf(router), labels: Object.freeze({ ...labels }), models: createModelLabels() };
  shared.sources.add(source);
  const stopCounting = countEvents({ ...source, families: shared.families });
  return {
    registry,
    get contentType() {
      return registry.contentType;
    },
    text: () => registry.metrics(),
    stop() {
      stopCounting();
      if (shared.sources.delete(source) && shared.sources.size === 0) shared.remove();
    },
  };
}

function shareIn(registry: AnyRegistry, prefix: string, labels: FixedLabels): Shared {
  const byPrefix = sharedBy.get(registry) ?? new Map<string, Shared>();
  sharedBy.set(registry, byPrefix);
  const there = byPrefix.get(prefix);
  // A registry can be cleared behind our back.
  if (there !== undefined && registry.getSingleMetric(`${prefix}requests_total`) === there.families.requests) {
    refuseSameLabels(there, labels);
    return there;
  }
  const sources = new Set<Source>();
  const labelNames = Object.keys(labels).toSorted();
  const read = (row: GaugeRow): readonly Sample[] => [...sources].flatMap((source) => samplesOf(row, source));
  const { families, metrics } = registerMetrics(registry, prefix, labelNames, read);
  const remove = (): void => {
    byPrefix.delete(prefix);
    for (const metric of metrics) registry.removeSingleMetric(nameOf(metric));
  };
  const shared: Shared = { families, labelNames, sources, remove };
  byPrefix.set(prefix, shared);
  return shared;
}

/** A scrape reads all gauges in one turn, so one snapshot does for them: of many providers with many models it takes its time. */
function snapshotOf(router: Router): () => RouterSnapshot {
  let taken: RouterSnapshot | undefined;
  return () => {
    if (taken === undefined) queueMicrotask(() => (taken = undefined));
    return (taken ??= router.snapshot());
  };
}

function samplesOf({ read }: GaugeRow, { snapshot, labels, models }: Source): readonly Sample[] {
  return read(snapshot(), models).map(([own, value]) => [{ ...labels, ...own }, value]);
}

function refuseSameLabels({ sources, labelNames }: Shared, labels: FixedLabels): void {
  const names = Object.keys(labels).toSorted();
  if (names.join() !== labelNames.join()) {
    const message = `must have the same names as those of the other router in this registry: ${labelNames.join(', ') || 'none'}`;
    throw new ConfigError([{ path: 'labels', message }]);
  }
  if ([...sources].some((source) => names.every((name) => source.labels[name] === labels[name]))) {
    const message = 'must tell this router from the other one in this registry, like { router: "batch" } beside { router: "chat" }';
    throw new ConfigError([{ path: 'labels', message }]);
  }
}

const ownLabels: ReadonlySet<string> = new Set(
  'provider model verb intent outcome type from to reason how event scope state le'.split(' '),
);

function refuseBadNames(prefix: string, labels: FixedLabels): void {
  const issues: ConfigIssue[] = [];
  if (!/^(?:[a-zA-Z_][a-zA-Z0-9_]*)?$/.test(prefix)) {
    issues.push({ path: 'prefix', message: 'must be of letters, digits and underscores, a letter or underscore first' });
  }
  for (const [name, value] of Object.entries(labels)) {
    if (!/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) issues.push({ path: 'labels', message: 'has a name that is no label of Prometheus' });
    else if (ownLabels.has(name)) issues.push({ path: `labels.${name}`, message: 'is a label of our own; choose another name' });
    if (typeof value !== 'string') issues.push({ path: 'labels', message: 'has a value that is no text' });
  }
  if (issues.length > 0) throw new ConfigError(issues);
}
