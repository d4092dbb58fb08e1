import { EventEmitter } from 'eventemitter3';
import { Counter, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/core/errors.ts';
import { errorCodes } from '../../src/core/error-codes.ts';
import { createEmitter } from '../../src/core/emitter.ts';
import { collectMetrics, type MetricsOptions } from '../../src/telemetry/prometheus.ts';
import { mostModels } from '../../src/telemetry/prometheus-labels.ts';
import { memoryStore } from '../../src/state/memory.ts';
import type { StateStore } from '../../src/state/store.ts';
import { fault } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';
import { readExposition, samplesOf, valueOf } from './exposition.ts';

/** The values of a label over all samples of a metric. */
function valuesOf(text: string, name: string, label: string): Set<string | undefined> {
  return new Set(samplesOf(readExposition(text), `inferlane_${name}`).map(({ labels }) => labels[label]));
}

describe('names of models', () => {
  test('get so many labels of their own, and one for all the rest', async () => {
    const { router } = fakeRouter({ gpu: 'yes' });
    const metrics = collectMetrics(router);
    for (let count = 0; count < mostModels + 50; count++) await router.chat({ ...hello, model: `model-${count}` });
    const text = await metrics.text();
    for (const name of ['attempts_total', 'attempt_duration_seconds_count', 'tokens_total', 'model_breaker_state', 'model_pinned']) {
      const values = valuesOf(text, name, 'model');
      expect(values.size, name).toBe(mostModels + 1);
      expect(values, name).toContain('other');
    }
    expect(valueOf(readExposition(text), 'inferlane_attempts_total', { model: 'other' })).toBe(50);
  });

  test('that no server knows take no label from those that one does', async () => {
    const { router } = fakeRouter(
      { gpu: (call) => (call < 500 ? fault(call % 2 === 0 ? 'model_not_found' : 'bad_request') : 'yes') },
      { maxAttempts: 1 },
    );
    const metrics = collectMetrics(router);
    for (let count = 0; count < 500; count++) await failureOf(router.chat({ ...hello, model: `guess-${count}` }));
    await metrics.text();
    await router.chat({ ...hello, model: 'real' });
    const text = await metrics.text();
    for (const name of ['attempts_total', 'model_breaker_state'])
      expect(valuesOf(text, name, 'model'), name).toEqual(new Set(['other', 'real']));
  });

  test.each([
    ['quotes and backslashes', 'a "b" \\ {c="d"} ,e', 'a "b" \\ {c="d"} ,e'],
    ['other scripts', 'モデル-é', 'モデル-é'],
    ['line breaks', 'a\nforged_total 1', 'other'],
    ['a forged sample', 'x"} 1\ninferlane_requests_total 99', 'other'],
    ['10,000 characters', 'x'.repeat(10_000), 'other'],
    ['half a character', 'x\ud800', 'other'],
  ])('of %s leave the text readable', async (_, model, label) => {
    const { router } = fakeRouter({ gpu: 'yes' });
    const metrics = collectMetrics(router);
    await router.chat({ ...hello, model });
    const text = await metrics.text();
    expect(valuesOf(text, 'attempts_total', 'model')).toEqual(new Set([label]));
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(1_000);
    expect(readExposition(new TextDecoder().decode(new TextEncoder().encode(text)))).toEqual(readExposition(text));
  });

  test('that are left to the server stand under one word', async () => {
    const { router } = fakeRouter({ gpu: 'yes' });
    const metrics = collectMetrics(router);
    await router.chat({ messages: hello.messages });
    expect(valuesOf(await metrics.text(), 'attempts_total', 'model')).toEqual(new Set(['default']));
  });
});

test('labels hold names of the configuration and words of our own, and nothing of a call', async () => {
  const canary = 'canary-7f3a';
  const { router } = fakeRouter({ gpu: [fault('driver'), 'yes', 'yes'], cpu: 'yes' });
  const metrics = collectMetrics(router);
  const messages = [{ role: 'user' as const, content: canary }];
  await router.chat({ model: 'm', messages }, { requestId: canary, session: canary, caller: canary });
  await failureOf(router.chat({ model: 'm', messages }, { signal: AbortSignal.abort(new Error(canary)) }));
  const text = await metrics.text();
  expect(text).not.toContain(canary);
  const known = new Set([
    'gpu',
    'cpu',
    'm',
    'chat',
    'stream',
    'embed',
    'fast',
    'heavy',
    'ok',
    'aborted',
    'error',
    'input',
    'output',
    'open',
    ...Object.keys(errorCodes),
  ]);
  const others = readExposition(text)
    .flatMap(({ samples }) => samples)
    .flatMap(({ labels }) => Object.entries(labels))
    .filter(([name, value]) => name !== 'le' && !known.has(value));
  expect(others).toEqual([]);
});

describe('every metric', () => {
  test('is named as Prometheus asks: our prefix, base units, _total for what only grows', async () => {
    const { router } = fakeRouter({ gpu: 'yes' });
    const families = readExposition(await collectMetrics(router).text());
    expect(families.length).toBeGreaterThan(25);
    for (const { name, type, help } of families) {
      expect(name).toMatch(/^inferlane_[a-z]+(?:_[a-z]+)*$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(name).not.toMatch(/_ms|milli|_count$|_sum$|_bucket$/);
      expect(help, name).toMatch(/^[A-Z0-9].*\.$/);
    }
  });

  test('of time has buckets that grow and end with all', async () => {
    const { router } = fakeRouter({ gpu: 'yes' });
    const metrics = collectMetrics(router);
    for (let call = 0; call < 3; call++) await router.chat(hello);
    const families = readExposition(await metrics.text());
    const buckets = samplesOf(families, 'inferlane_request_duration_seconds_bucket', { outcome: 'ok' });
    expect(buckets.at(-1)).toMatchObject({ labels: { le: '+Inf' }, value: 3 });
    const counts = buckets.map(({ value }) => value);
    expect(counts).toEqual(counts.toSorted((left, right) => left - right));
  });
});

const two = (first: MetricsOptions, second: MetricsOptions) => {
  const [one, other] = [fakeRouter({ gpu: 'yes' }), fakeRouter({ gpu: 'yes' })];
  return { one, other, metrics: [collectMetrics(one.router, first), collectMetrics(other.router, second)] as const };
};

describe('a registry', () => {
  test('may hold two routers that a label tells apart', async () => {
    const registry = new Registry();
    const { one, other, metrics } = two({ registry, labels: { router: 'chat' } }, { registry, labels: { router: 'batch' } });
    await one.router.chat(hello);
    for (let call = 0; call < 2; call++) await other.router.chat(hello);
    const families = readExposition(await metrics[0].text());
    for (const name of ['requests_total', 'attempts_total']) {
      expect(valueOf(families, `inferlane_${name}`, { router: 'chat' }), name).toBe(1);
      expect(valueOf(families, `inferlane_${name}`, { router: 'batch' }), name).toBe(2);
    }
    expect(samplesOf(families, 'inferlane_provider_up').map(({ labels }) => labels['router'])).toEqual(['chat', 'batch']);
    expect(await metrics[1].text()).toBe(await metrics[0].text());
  });

  test.each<[string, MetricsOptions, MetricsOptions]>([
    ['no label', {}, {}],
    ['the same label', { labels: { router: 'a' } }, { labels: { router: 'a' } }],
    ['labels of other names', { labels: { router: 'a' } }, { labels: { process: 'b' } }],
  ])('is refused to two routers with %s, and the first goes on', async (_, first, second) => {
    const registry = new Registry();
    const { router } = fakeRouter({ gpu: 'yes' });
    const metrics = collectMetrics(router, { registry, ...first });
    expect(() => collectMetrics(fakeRouter({ gpu: 'yes' }).router, { registry, ...second })).toThrow(ConfigError);
    await router.chat(hello);
    expect(valueOf(readExposition(await metrics.text()), 'inferlane_requests_total')).toBe(1);
  });

  test('may hold two routers under two prefixes, and what the application counts itself', async () => {
    const registry = new Registry();
    const { one, metrics } = two({ registry }, { registry, prefix: 'batch_' });
    new Counter({ name: 'own_total', help: 'Own.', registers: [registry] }).inc();
    await one.router.chat(hello);
    const families = readExposition(await metrics[1].text());
    expect(valueOf(families, 'inferlane_requests_total')).toBe(1);
    expect(samplesOf(families, 'batch_requests_total')).toEqual([]);
    expect(valueOf(families, 'own_total')).toBe(1);
  });

  test('that holds a metric of our name is refused, and left as it was', () => {
    const registry = new Registry();
    registry.registerMetric(new Counter({ name: 'inferlane_hedges_total', help: 'Of somebody else.', registers: [] }));
    expect(() => collectMetrics(fakeRouter({ gpu: 'yes' }).router, { registry })).toThrow(/inferlane_hedges_total/);
    expect(registry.getMetricsAsArray()).toHaveLength(1);
  });

  test('is empty again when its last router is stopped, and may begin anew', async () => {
    const registry = new Registry();
    const { one, other, metrics } = two({ registry, labels: { router: 'a' } }, { registry, labels: { router: 'b' } });
    metrics[0].stop();
    await one.router.chat(hello);
    await other.router.chat(hello);
    const families = readExposition(await metrics[1].text());
    expect(valueOf(families, 'inferlane_requests_total')).toBe(1);
    expect(samplesOf(families, 'inferlane_provider_up')).toHaveLength(1);
    metrics[1].stop();
    metrics[1].stop();
    expect(registry.getMetricsAsArray()).toEqual([]);
    const again = collectMetrics(one.router, { registry });
    await one.router.chat(hello);
    expect(valueOf(readExposition(await again.text()), 'inferlane_requests_total')).toBe(1);
  });

  test('that was cleared gets them anew', async () => {
    const registry = new Registry();
    const { router } = fakeRouter({ gpu: 'yes' });
    collectMetrics(router, { registry });
    registry.clear();
    const metrics = collectMetrics(router, { registry });
    await router.chat(hello);
    expect(valueOf(readExposition(await metrics.text()), 'inferlane_requests_total')).toBe(1);
  });

  test('is one of its own where none is given', async () => {
    const { metrics } = two({}, {});
    expect(metrics[0].registry).not.toBe(metrics[1].registry);
  });
});

test.each<[string, MetricsOptions]>([
  ['prefix', { prefix: 'in ferlane_' }],
  ['prefix', { prefix: '1_' }],
  ['labels', { labels: { 'a-b': 'x' } }],
  ['labels', { labels: { __name__: 'x' } }],
  ['labels.provider', { labels: { provider: 'x' } }],
  ['labels.le', { labels: { le: 'x' } }],
  ['labels', { labels: { a: 5 as unknown as string } }],
])('refused is a bad %s: %j', (path, options) => {
  try {
    collectMetrics(fakeRouter({ gpu: 'yes' }).router, options);
    expect.unreachable();
  } catch (error) {
    expect((error as ConfigError).issues.map((issue) => issue.path)).toEqual([path]);
  }
});

/** Metrics of a router whose events the test announces itself. */
function announcing() {
  const { router } = fakeRouter({ gpu: 'yes' });
  const { on, off, announce } = createEmitter(new EventEmitter());
  const metrics = collectMetrics({ ...router, on: (...given) => (on(...given), router), off: (...given) => (off(...given), router) });
  const value = async (name: string, labels = {}): Promise<number | undefined> =>
    valueOf(readExposition(await metrics.text()), `inferlane_${name}`, labels);
  return { announce, metrics, value };
}

/** The metrics of a router whose store is gone until the test says otherwise. */
function storeGone(options: MetricsOptions = {}) {
  const clock = testClock();
  const inner = memoryStore({ clock });
  const state = { isGone: true };
  const store: StateStore = {
    connect() {
      const connection = inner.connect();
      return { ...connection, sync: (ask) => (state.isGone ? Promise.reject(new Error('gone')) : connection.sync(ask)) };
    },
  };
  const { router } = fakeRouter({ gpu: 'yes' }, { clock, store });
  return { clock, state, router, metrics: collectMetrics(router, options) };
}
const degradedOf = (text: string) => samplesOf(readExposition(text), 'inferlane_store_degraded');

describe('a store that does not answer', () => {
  test('is told from the first scrape on, until it is there', async () => {
    const { clock, state, router, metrics } = storeGone();
    const values: (number | undefined)[] = [];
    for (const isGone of [true, false, true]) {
      state.isGone = isGone;
      await clock.advance(15_000);
      values.push(degradedOf(await metrics.text())[0]?.value);
    }
    expect(values).toEqual([1, 0, 1]);
    // Whoever begins to count later is told the same.
    expect(degradedOf(await collectMetrics(router).text())[0]?.value).toBe(1);
    await clock.run(router.close());
  });

  test('is nobody’s where there is none', async () => {
    expect(degradedOf(await collectMetrics(fakeRouter({ gpu: 'yes' }).router).text())).toEqual([
      { name: 'inferlane_store_degraded', labels: {}, value: 0 },
    ]);
  });

  test('is told no more of a router that was stopped, while another stays in the registry', async () => {
    const registry = new Registry();
    const { router, metrics, clock } = storeGone({ registry, labels: { router: 'chat' } });
    const stays = collectMetrics(fakeRouter({ gpu: 'yes' }).router, { registry, labels: { router: 'batch' } });
    expect(degradedOf(await stays.text()).map(({ labels, value }) => [labels['router'], value])).toEqual([
      ['chat', 1],
      ['batch', 0],
    ]);
    metrics.stop();
    expect(degradedOf(await stays.text()).map(({ labels }) => labels['router'])).toEqual(['batch']);
    await clock.run(router.close());
  });
});

test('budgets that run low or out are counted by whose they are, without a name', async () => {
  const { announce, metrics, value } = announcing();
  const budget = { provider: undefined, caller: 'canary', per: 'day', spentUsd: 9, limitUsd: 10 } as const;
  announce('budget:warning', { ...budget, scope: 'caller' });
  announce('budget:exceeded', { ...budget, scope: 'all' });
  expect([await value('budget_events_total', { event: 'warning', scope: 'caller' }), await value('budget_events_total')]).toEqual([1, 2]);
  expect(await metrics.text()).not.toContain('canary');
});

test('an answer from the cache is no token and no cost that anybody spent', async () => {
  const { announce, value } = announcing();
  const ids = { requestId: 'r', model: 'm' };
  const usage = { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 };
  const end = { ...ids, provider: 'gpu', ms: 1, attempts: 0, usage, costUsd: 1, abandoned: false };
  for (const cached of [true, false]) {
    announce('request:start', { ...ids, verb: 'chat', intent: 'fast' });
    announce('request:end', { ...end, cached });
  }
  expect([await value('cached_answers_total', { verb: 'chat' }), await value('requests_total')]).toEqual([1, 2]);
  expect([await value('tokens_total'), await value('cost_usd_total')]).toEqual([10, 1]);
});
