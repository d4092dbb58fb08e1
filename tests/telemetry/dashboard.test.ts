import { expect, test } from 'vitest';
import { collectMetrics } from '../../src/telemetry/prometheus.ts';
import { fakeRouter } from '../_kit/fake-router.ts';
import { readDashboard } from './dashboard.ts';
import { metricsIn, parsePromql } from './promql.ts';

const { panels } = readDashboard();
const targets = panels.flatMap(({ title, targets }) =>
  targets.map((target): [string, string, string] => [title, target.expr, target.legendFormat]),
);

/** Every metric that there is, with the labels that it may have. */
function registered(): ReadonlyMap<string, readonly string[]> {
  const { registry } = collectMetrics(fakeRouter({ gpu: 'yes' }).router);
  const metrics = registry.getMetricsAsArray() as unknown as readonly { name: string; labelNames: readonly string[]; buckets?: unknown }[];
  return new Map(
    metrics.map(({ name, labelNames, buckets }) =>
      buckets === undefined ? [name, labelNames] : [`${name}_bucket`, [...labelNames, 'le']],
    ),
  );
}

const metrics = registered();

test.each(targets)('%s asks only for metrics and labels that exist: %s', (_, expr, legend) => {
  const asked = metricsIn(parsePromql(expr));
  expect(asked.length).toBeGreaterThan(0);
  for (const { name, labels } of asked) {
    expect([...metrics.keys()]).toContain(name);
    for (const label of labels) expect(metrics.get(name), name).toContain(label);
    // Nothing in the legend that was added up before.
    for (const [, shown] of legend.matchAll(/\{\{(.+?)\}\}/g)) expect(labels, legend).toContain(shown);
  }
});

test('rates are taken of counters and of buckets, and of nothing else', () => {
  for (const [, expr] of targets) {
    for (const [, name = ''] of expr.matchAll(/rate\((inferlane_\w+)/g)) expect(name).toMatch(/_total$|_bucket$/);
    for (const [whole] of expr.matchAll(/(?<!rate\()\binferlane_\w+/g)) expect(whole, expr).not.toMatch(/_total$|_bucket$/);
  }
});

test('every metric has its place', () => {
  const shown = new Set(targets.flatMap(([, expr]) => metricsIn(parsePromql(expr)).map(({ name }) => name)));
  expect([...metrics.keys()].filter((name) => !shown.has(name))).toEqual([]);
});

test('panels have a title, a sentence and a place of their own', () => {
  expect(panels.length).toBeGreaterThan(20);
  const taken = new Set<string>();
  for (const { id, description, gridPos, type } of panels) {
    expect(description).toMatch(/^\S.*\.$/);
    expect(['stat', 'timeseries', 'state-timeline']).toContain(type);
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let column = gridPos.x; column < gridPos.x + gridPos.w; column++) {
      for (let row = gridPos.y; row < gridPos.y + gridPos.h; row++) {
        expect(taken.has(`${column} ${row}`), `panel ${id}`).toBe(false);
        taken.add(`${column} ${row}`);
      }
    }
  }
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
});
