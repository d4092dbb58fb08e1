import type { Sample } from '../tests/telemetry/exposition.ts';
import type { Expression, Matcher } from '../tests/telemetry/promql.ts';

/** Everything that one scrape read. */
export interface Scrape {
  readonly atMs: number;
  readonly samples: readonly Sample[];
}

type Labels = Readonly<Record<string, string>>;
type Vector = readonly { readonly labels: Labels; readonly value: number }[];

/** What the dashboard's `$__rate_interval` is here. */
const windowMs = 60_000;

/** What an expression gives at one scrape, as Prometheus would. */
export function evaluate(expression: Expression, scrapes: readonly Scrape[], index: number): Vector {
  switch (expression.is) {
    case 'number':
      return [{ labels: {}, value: expression.value }];
    case 'select':
      return select(expression, scrapes[index]);
    case 'aggregate':
      return aggregate(expression, evaluate(expression.of, scrapes, index));
    case 'binary':
      return join(expression.operator, evaluate(expression.left, scrapes, index), evaluate(expression.right, scrapes, index));
    case 'call':
      return call(expression, scrapes, index);
  }
}

function select({ name, matchers }: { name: string; matchers: readonly Matcher[] }, scrape: Scrape | undefined): Vector {
  return (scrape?.samples ?? []).filter((sample) => sample.name === name && matchers.every((matcher) => fits(matcher, sample.labels)));
}

function fits({ label, operator, value }: Matcher, labels: Labels): boolean {
  const given = labels[label] ?? '';
  const isEqual = operator.endsWith('~') ? new RegExp(`^(?:${value})$`).test(given) : given === value;
  return operator.startsWith('!') ? !isEqual : isEqual;
}

function call({ function: of, args }: Extract<Expression, { is: 'call' }>, scrapes: readonly Scrape[], index: number): Vector {
  const [first, second] = args;
  if (of === 'rate' && first?.is === 'select') return rate(first, scrapes, index);
  if (of === 'histogram_quantile' && first?.is === 'number' && second !== undefined)
    return quantiles(first.value, evaluate(second, scrapes, index));
  throw new Error(`${of} is used in a way that is not drawn`);
}

/** Per second, from the first scrape of the window to the last one. A series that was not there began at 0. */
function rate(selector: Extract<Expression, { is: 'select' }>, scrapes: readonly Scrape[], index: number): Vector {
  const last = scrapes[index];
  const first = scrapes.findLast(({ atMs }) => atMs <= (last?.atMs ?? 0) - windowMs) ?? scrapes[0];
  if (first === undefined || last === undefined || first === last) return [];
  const before = new Map(select(selector, first).map(({ labels, value }) => [JSON.stringify(labels), value]));
  const seconds = (last.atMs - first.atMs) / 1_000;
  return select(selector, last).map(({ labels, value }) => ({
    labels,
    value: (value - (before.get(JSON.stringify(labels)) ?? 0)) / seconds,
  }));
}

function aggregate({ by, operator }: Extract<Expression, { is: 'aggregate' }>, vector: Vector): Vector {
  const groups = groupsOf(vector, (labels) => Object.fromEntries(by.map((label) => [label, labels[label] ?? ''])));
  return Array.from(groups, ([key, members]) => {
    const values = members.map(({ value }) => value);
    const value = operator === 'sum' ? values.reduce((sum, each) => sum + each, 0) : Math[operator](...values);
    return { labels: JSON.parse(key) as Labels, value };
  });
}

/** By their labels as JSON. */
function groupsOf(vector: Vector, keep: (labels: Labels) => Labels): ReadonlyMap<string, Vector> {
  const groups = new Map<string, Vector>();
  for (const each of vector) {
    const key = JSON.stringify(keep(each.labels));
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return groups;
}

function without(labels: Labels, name: string): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([each]) => each !== name));
}

/** Both sides have the same labels, or one of them is a number. */
function join(operator: '*' | '/', left: Vector, right: Vector): Vector {
  const scalar = right.length === 1 && Object.keys(right[0]?.labels ?? {}).length === 0 ? right[0]?.value : undefined;
  const byLabels = new Map(right.map(({ labels, value }) => [JSON.stringify(labels), value]));
  return left.flatMap(({ labels, value }) => {
    const other = scalar ?? byLabels.get(JSON.stringify(labels));
    if (other === undefined) return [];
    return [{ labels, value: operator === '*' ? value * other : value / other }];
  });
}

function quantiles(share: number, buckets: Vector): Vector {
  const groups = groupsOf(buckets, (labels) => without(labels, 'le'));
  return Array.from(groups, ([key, members]) => {
    const steps = members
      .map(({ labels, value }) => ({ upTo: Number(labels['le']?.replace('+Inf', 'Infinity')), value }))
      .toSorted((one, other) => one.upTo - other.upTo);
    return { labels: JSON.parse(key) as Labels, value: quantile(share, steps) };
  });
}

/** Between two bounds a straight line, as Prometheus draws it; beyond the last one that bound. */
function quantile(share: number, steps: readonly { upTo: number; value: number }[]): number {
  const total = steps.at(-1)?.value ?? 0;
  if (total === 0) return Number.NaN;
  const rank = share * total;
  const index = steps.findIndex(({ value }) => value >= rank);
  const [step, before] = [steps[index], steps[index - 1] ?? { upTo: 0, value: 0 }];
  if (step === undefined || step.upTo === Infinity) return before.upTo;
  return before.upTo + ((step.upTo - before.upTo) * (rank - before.value)) / (step.value - before.value);
}
