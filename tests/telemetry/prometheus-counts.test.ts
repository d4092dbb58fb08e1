import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import type { Usage } from '../../src/core/types.ts';
import { collectMetrics } from '../../src/telemetry/prometheus.ts';
import { defineAdapter } from '../../src/core/adapter.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { after, fault, hang, type Outcome, pieces, refused } from '../_kit/fake-adapter.ts';
import { failureOf, type FakeProvider, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { type Family, readExposition, samplesOf, valueOf } from './exposition.ts';

type Options = Parameters<typeof fakeRouter>[1];

/** A router whose metrics can be asked for as numbers. */
function counted<Id extends string>(providers: Readonly<Record<Id, FakeProvider>>, options: Options = {}) {
  const made = fakeRouter(providers, options);
  const metrics = collectMetrics(made.router);
  const read = async (): Promise<readonly Family[]> => readExposition(await metrics.text());
  const value = async (name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> =>
    valueOf(await read(), `inferlane_${name}`, labels);
  return { ...made, metrics, read, value };
}

const usage = (prompt: number, completion: number): Usage => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
});

describe('counted is', () => {
  test('each call by its verb, its intent and what came of it', async () => {
    const { router, clock, value } = counted({ gpu: ['yes', fault('bad_request'), hang, pieces('a', 'b'), 'yes'] });
    await router.chat(hello, { intent: 'heavy' });
    await failureOf(router.chat(hello));
    const left = new AbortController();
    const aborted = failureOf(router.chat(hello, { signal: left.signal }));
    await clock.settle();
    left.abort();
    await aborted;
    for await (const _chunk of await router.stream(hello)) break;
    await clock.settle();
    await router.embed({ input: 'x' });
    expect(await value('requests_total')).toBe(5);
    expect(await value('requests_total', { verb: 'chat', intent: 'heavy', outcome: 'ok' })).toBe(1);
    expect(await value('requests_total', { verb: 'chat', intent: 'fast', outcome: 'bad_request' })).toBe(1);
    expect(await value('requests_total', { verb: 'chat', intent: 'fast', outcome: 'aborted' })).toBe(1);
    expect(await value('requests_total', { verb: 'stream', intent: 'fast', outcome: 'abandoned' })).toBe(1);
    expect(await value('requests_total', { verb: 'embed', outcome: 'ok' })).toBe(1);
    expect(await value('request_duration_seconds_count', { outcome: 'aborted' })).toBe(2);
  });

  test('how long calls and attempts took, in seconds', async () => {
    const { router, clock, value } = counted({ gpu: [after(300, fault('driver'))], cpu: after(1_200, 'yes') });
    await clock.run(router.chat(hello));
    expect(await value('request_duration_seconds_sum', { verb: 'chat', outcome: 'ok' })).toBeCloseTo(1.5);
    expect(await value('request_duration_seconds_bucket', { le: '2.5' })).toBe(1);
    expect(await value('request_duration_seconds_bucket', { le: '1' })).toBe(0);
    expect(await value('attempt_duration_seconds_sum', { provider: 'cpu', model: 'm' })).toBeCloseTo(1.2);
    expect(await value('attempt_duration_seconds_count', { provider: 'gpu' })).toBeUndefined();
  });

  test('the time to the first token of streams, and of nothing else', async () => {
    const { router, clock, value } = counted({ gpu: ['yes', pieces(400, 'a', 600, 'b')] });
    await router.chat(hello);
    expect(await value('time_to_first_token_seconds_count')).toBeUndefined();
    await clock.run(router.stream(hello).then(readAll));
    expect(await value('time_to_first_token_seconds_sum', { provider: 'gpu', model: 'm' })).toBeCloseTo(0.4);
  });

  test('the tokens that the server told, and nothing where it told none or nonsense', async () => {
    const told: (Usage | undefined)[] = [usage(7, 30), undefined, usage(Number.NaN, -5), usage(3, 2)];
    const adapter = defineAdapter({
      name: 'counter',
      modelName: 'optional',
      chat: async () => {
        const usage = told.shift();
        const choice = { index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' } as const;
        return { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [choice], ...(usage && { usage }) };
      },
      stream: () => Promise.reject(new Error('not asked')),
    });
    await using router = createRouter({ providers: { gpu: { type: 'custom', adapter } } });
    const metrics = collectMetrics(router);
    for (let call = 0; call < 4; call++) await router.chat(hello);
    const families = readExposition(await metrics.text());
    const tokens = (type: string): number | undefined => valueOf(families, 'inferlane_tokens_total', { provider: 'gpu', model: 'm', type });
    expect([tokens('input'), tokens('output')]).toEqual([10, 32]);
    expect(valueOf(families, 'inferlane_cost_usd_total')).toBe(0);
  });

  test('attempts by what became of them, failovers from whom to whom and why', async () => {
    const { router, value } = counted({ gpu: fault('out_of_memory'), cpu: 'yes' });
    await router.chat(hello);
    expect(await value('attempts_total', { provider: 'gpu', model: 'm', outcome: 'out_of_memory' })).toBe(1);
    expect(await value('attempts_total', { provider: 'cpu', model: 'm', outcome: 'ok' })).toBe(1);
    expect(await value('failovers_total', { from: 'gpu', to: 'cpu', reason: 'out_of_memory' })).toBe(1);
    expect(await value('model_pins_total', { provider: 'gpu', model: 'm' })).toBe(1);
  });

  test('retries, and pauses that a provider asked for', async () => {
    const { router, clock, value } = counted({ gpu: [fault('rate_limited', { retryAfterMs: 500 }), fault('unavailable'), 'yes'] });
    await clock.run(router.chat(hello));
    expect(await value('retries_total', { provider: 'gpu' })).toBeGreaterThan(0);
    expect(await value('cooldowns_total', { provider: 'gpu', reason: 'rate_limited' })).toBe(1);
  });

  test('hedges, from the slow one to the other', async () => {
    const { router, clock, value } = counted(
      { gpu: ['yes', 'yes', 'yes', 'yes', 'yes', after(60_000, 'late')], cpu: 'quick' },
      { hedge: { minDelayMs: 100, minSamples: 1, maxLoad: 1 }, deadlineMs: 100_000 },
    );
    for (let call = 0; call < 6; call++) await clock.run(router.chat(hello));
    expect(await value('hedges_total', { from: 'gpu', to: 'cpu' })).toBe(1);
  });

  test('streams that broke, and those that another provider took up', async () => {
    const broken = pieces('half of it', fault('driver'));
    const { router, value } = counted({ gpu: broken, cpu: pieces('all of it') }, { onStreamFailure: 'restart' });
    await readAll(await router.stream(hello));
    expect(await value('stream_interruptions_total', { provider: 'gpu', model: 'm' })).toBe(1);
    expect(await value('stream_recoveries_total', { from: 'gpu', to: 'cpu', how: 'reset' })).toBe(1);
  });

  test('how long calls waited, and whether they were served', async () => {
    const { router, clock, value } = counted(
      { gpu: { does: after(2_000, 'yes'), maxConcurrent: 1, reservedForFast: 0 } },
      { queue: { timeoutMs: 3_000 } },
    );
    const calls = Array.from({ length: 3 }, () => outcomeOf(router.chat(hello)));
    await clock.settle();
    expect([await value('queue_depth', { provider: 'gpu' }), await value('requests_in_flight')]).toEqual([2, 3]);
    expect([await value('attempts_in_flight', { provider: 'gpu' }), await value('slots', { provider: 'gpu' })]).toEqual([1, 1]);
    await clock.advance(10_000);
    expect(calls.map(({ value: answer }) => answer !== undefined)).toEqual([true, true, false]);
    expect(await value('queue_wait_seconds_sum', { outcome: 'served' })).toBeCloseTo(2);
    expect(await value('queue_wait_seconds_count', { outcome: 'left' })).toBe(1);
    expect([await value('queue_depth'), await value('requests_in_flight'), await value('attempts_in_flight')]).toEqual([0, 0, 0]);
  });

  test('the answer of a stand-in', async () => {
    await using router = createRouter({ providers: { last: { type: 'stub' } } });
    const metrics = collectMetrics(router);
    await router.chat(hello);
    expect(valueOf(readExposition(await metrics.text()), 'inferlane_stub_answers_total', { provider: 'last' })).toBe(1);
  });

  test('two calls under one id as what each of them is', async () => {
    const { router, value } = counted({ gpu: 'yes' });
    await Promise.all([router.chat(hello, { requestId: 'same' }), router.embed({ input: 'x' }, { requestId: 'same' })]);
    expect(await value('requests_total')).toBe(2);
    expect([await value('requests_total', { verb: 'chat' }), await value('requests_total', { verb: 'embed' })]).toEqual([1, 1]);
  });

  test('nothing of a call that began before', async () => {
    const { router, clock } = fakeRouter({ gpu: after(1_000, 'yes') });
    const call = router.chat(hello);
    await clock.settle();
    const metrics = collectMetrics(router);
    await clock.run(call);
    const families = readExposition(await metrics.text());
    expect(samplesOf(families, 'inferlane_requests_total')).toEqual([]);
    expect(valueOf(families, 'inferlane_attempts_total')).toBe(1);
  });
});

describe('read at a scrape is', () => {
  const breaker = { failureThreshold: 3, openMs: 1_000, jitter: 0 };

  test('the breaker of a provider that cannot be reached', async () => {
    const { router, clock, value } = counted({ gpu: refused() }, { maxAttempts: 1, breaker });
    const states = async (): Promise<unknown[]> => [
      await value('provider_breaker_state', { provider: 'gpu' }),
      await value('provider_up', { provider: 'gpu' }),
    ];
    expect(await states()).toEqual([0, 1]);
    for (let call = 0; call < 3; call++) await failureOf(clock.run(router.chat(hello)));
    expect(await states()).toEqual([2, 0]);
    router.closeCircuit();
    expect(await states()).toEqual([0, 1]);
  });

  test('the breaker of a model: closed, open, half-open while it is tried out, closed', async () => {
    let does: Outcome = fault('driver');
    const { router, clock, value } = counted({ gpu: () => does }, { maxAttempts: 1, breaker });
    const state = (): Promise<number | undefined> => value('model_breaker_state', { provider: 'gpu', model: 'm' });
    await failureOf(clock.run(router.chat(hello)));
    expect(await state()).toBe(0);
    for (let call = 0; call < 2; call++) await failureOf(clock.run(router.chat(hello)));
    expect(await state()).toBe(2);
    does = after(5_000, 'well again');
    await clock.advance(1_001);
    const probe = router.chat(hello);
    await clock.settle();
    expect(await state()).toBe(1);
    await clock.run(probe);
    expect(await state()).toBe(0);
    for (const state of ['open', 'half-open', 'closed']) expect(await value('breaker_changes_total', { provider: 'gpu', state })).toBe(1);
  });

  test('whether a provider is up, by its health and its credentials', async () => {
    let sick = true;
    const health = async (): Promise<object> => {
      if (sick) throw fault('unavailable');
      return {};
    };
    const { router, clock, value } = counted({ gpu: { does: [fault('auth'), 'yes'], fake: { health } as never }, cpu: 'yes' });
    expect([await value('provider_up', { provider: 'gpu' }), await value('provider_up', { provider: 'cpu' })]).toEqual([1, 1]);
    await clock.run(router.health());
    expect(await value('provider_up', { provider: 'gpu' })).toBe(0);
    sick = false;
    await clock.run(router.health());
    expect(await value('provider_up', { provider: 'gpu' })).toBe(1);
    await router.chat(hello);
    expect(await value('provider_up', { provider: 'gpu' })).toBe(0);
  });

  test('how long a provider still rests, and which models are pinned, until that is over', async () => {
    const { router, clock, value } = counted(
      {
        gpu: fault('rate_limited', { retryAfterMs: 30_000 }),
        cpu: fault('out_of_memory'),
        other: { does: 'yes', device: 'cloud', cost: 'free' },
      },
      { pinMs: 60_000 },
    );
    await router.chat(hello);
    await clock.advance(10_000);
    expect(await value('provider_cooldown_seconds', { provider: 'gpu' })).toBeCloseTo(20);
    expect(await value('provider_cooldown_seconds', { provider: 'other' })).toBe(0);
    expect(await value('model_pinned', { provider: 'cpu', model: 'm' })).toBe(1);
    await clock.advance(60_000);
    expect([await value('provider_cooldown_seconds', { provider: 'gpu' }), await value('model_pinned', { provider: 'cpu' })]).toEqual([
      0, 0,
    ]);
  });

  test('the providers of the configuration that holds now', async () => {
    await using router = createRouter({ providers: { a: { type: 'stub' }, b: { type: 'stub' } } });
    const metrics = collectMetrics(router);
    const shown = async (): Promise<unknown[]> =>
      samplesOf(readExposition(await metrics.text()), 'inferlane_provider_up').map(({ labels }) => labels['provider']);
    expect(await shown()).toEqual(['a', 'b']);
    router.update({ providers: { b: { type: 'stub' }, c: { type: 'stub' } } });
    expect(await shown()).toEqual(['b', 'c']);
    await router.close();
    expect(await shown()).toEqual(['b', 'c']);
  });
});

test('a registry of OpenMetrics gets its form', async () => {
  const { router } = fakeRouter({ gpu: 'yes' });
  const registry = new Registry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
  const metrics = collectMetrics(router, { registry });
  await router.chat(hello);
  expect(metrics.contentType).toContain('openmetrics');
  expect(await metrics.text()).toMatch(/inferlane_requests_total\{verb="chat",intent="fast",outcome="ok"\} 1\n[^]*# EOF\n$/);
});
