import { expect } from 'vitest';
import type { RouterOptions } from '../../src/config/options.ts';
import type { RouteTrace } from '../../src/core/route.ts';
import type { Router } from '../../src/router/router.ts';
import type { EventRecord } from '../_kit/events.ts';
import { type FakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import type { TestClock } from '../_kit/test-clock.ts';

export type Options = Omit<RouterOptions, 'providers'>;
export type Verb = 'chat' | 'stream' | 'embed';

export const verbs: readonly Verb[] = ['chat', 'stream', 'embed'];

/** One call at a time. */
export const single = { maxConcurrent: 1 } as const;
/** No second attempt. */
export const once = { maxAttempts: 1 } as const;

/** A call to its end: a stream is read, and throws what broke it. */
export async function callOf(router: Router, verb: Verb, options = {}): Promise<{ readonly route: RouteTrace }> {
  if (verb === 'embed') return router.embed({ model: 'm', input: 'text' }, options);
  if (verb === 'chat') return router.chat(hello, options);
  const stream = await router.stream(hello, options);
  const { failure } = await readAll(stream);
  if (failure !== undefined) throw failure;
  return stream;
}

export type Called = ReturnType<typeof outcomeOf<{ readonly route: RouteTrace }>>;

/** So many calls at once. */
export function callsOf(count: number, router: Router, verb: Verb = 'chat', options = {}): Called[] {
  return Array.from({ length: count }, () => outcomeOf(callOf(router, verb, options)));
}

/** What the events tell of queues, in order. */
export function queueLines(events: EventRecord): string[] {
  return events.all.flatMap(({ name, payload }) => {
    if (name === 'queue:enter') return [`enter ${payload.providers.join(' ')}`];
    return name === 'queue:leave' ? [`leave ${payload.provider ?? 'for nothing'} after ${payload.ms}`] : [];
  });
}

/** How many calls a provider had at once, at the most, as the events tell. */
export function mostAtOnce(events: EventRecord, provider: string): number {
  let now = 0;
  let most = 0;
  for (const { name, payload } of events.all) {
    if (!('provider' in payload) || payload.provider !== provider) continue;
    if (name === 'attempt:start') now += 1;
    if (name === 'attempt:end' || name === 'attempt:error') now -= 1;
    most = Math.max(most, now);
  }
  return most;
}

/** How many calls wait, and how many are under way, at each provider. */
export function countsOf(router: Router): Record<string, { readonly waiting: number; readonly inFlight: number }> {
  return Object.fromEntries(router.snapshot().providers.map(({ provider, waiting, inFlight }) => [provider, { waiting, inFlight }]));
}

/** Nothing is left of the calls: no timer, nobody who waits, no permit, no stream; and whatever has begun has ended once. */
export function expectQuiet({ router, clock, events, fakes }: FakeRouter<string>): void {
  expect(clock.timers()).toBe(0);
  const { inFlight, providers } = router.snapshot();
  expect(inFlight).toBe(0);
  for (const { provider, ...counts } of providers) {
    expect({ provider, ...counts }).toMatchObject({ provider, inFlight: 0, waiting: 0 });
    expect(counts.models.filter((model) => model.inFlight !== 0)).toEqual([]);
  }
  expect(Object.values(fakes).filter((fake) => fake.openStreams() !== 0)).toEqual([]);
  expectPairs(events);
}

function expectPairs(events: EventRecord): void {
  const idsOf = (...names: readonly EventRecord['all'][number]['name'][]): string[] =>
    events.all
      .filter(({ name }) => names.includes(name))
      .map(({ payload }) => `${(payload as { requestId: string }).requestId} ${'attempt' in payload ? payload.attempt : ''}`)
      .toSorted();
  expect(idsOf('attempt:end', 'attempt:error')).toEqual(idsOf('attempt:start'));
  expect(idsOf('queue:leave')).toEqual(idsOf('queue:enter'));
  const requests = (...names: readonly ('request:start' | 'request:end' | 'request:error')[]): string[] =>
    names.flatMap((name) => events.of(name).map(({ requestId }) => requestId)).toSorted();
  expect(requests('request:end', 'request:error')).toEqual(requests('request:start'));
}

/** Each of these providers has all of its slots again: that many calls go at once there, for a model it knows nothing of, and one waits. */
export async function expectFree({ router, clock, events }: FakeRouter<string>, slots: Readonly<Record<string, number>>): Promise<void> {
  for (const [provider, count] of Object.entries(slots)) {
    events.clear();
    const controller = new AbortController();
    const options = { provider, signal: controller.signal };
    const calls = Array.from({ length: count + 1 }, () => outcomeOf(router.chat({ ...hello, model: 'another' }, options)));
    expect({ provider, lines: queueLines(events) }).toEqual({ provider, lines: [`enter ${provider}`] });
    expect(countsOf(router)[provider]).toEqual({ waiting: 1, inFlight: count });
    controller.abort(new Error('enough'));
    await settled(clock, calls);
  }
}

async function settled(clock: TestClock, calls: readonly { readonly settled: boolean }[]): Promise<void> {
  await clock.settle();
  expect(calls.filter((call) => !call.settled)).toEqual([]);
}
