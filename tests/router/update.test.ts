import { getEventListeners } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Adapter } from '../../src/core/adapter.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import { record } from '../_kit/events.ts';
import { after, type Fake, fake, type FakeOptions, fault, hang, type Outcome, pieces, refused } from '../_kit/fake-adapter.ts';
import { failureOf, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { loopback } from '../_kit/loopback.ts';
import { answers } from '../_kit/openai-bytes.ts';
import { testClock } from '../_kit/test-clock.ts';
import { collectGarbage } from '../_kit/collect-garbage.ts';

/** No adapter of ours fails when it is made; one that did must not leave half an update behind. */
vi.mock(import('../../src/router/create-adapter.ts'), async (load) => {
  const real = await load();
  const createAdapter: typeof real.createAdapter = (provider, ...rest) => {
    if (provider.id === 'unmakeable') throw new Error('no adapter');
    return real.createAdapter(provider, ...rest);
  };
  return { ...real, createAdapter };
});

interface Box extends Fake {
  readonly options: ProviderOptions;
  closed(): number;
}

/** Providers that count how often they are closed, and a router over those that are named first. */
function start(options: Omit<RouterOptions, 'providers'> = {}) {
  const clock = testClock();
  const common = { clock, random: () => 0.5, health: false, pollMs: false, ...options } as const;
  const box = (does: Outcome | readonly Outcome[], rest: Partial<ProviderOptions> = {}, more: FakeOptions = {}): Box => {
    let closed = 0;
    const made = fake(does, { clock, close: async () => void closed++, ...more });
    return { ...made, options: { type: 'custom', adapter: made.adapter, ...rest } as ProviderOptions, closed: () => closed };
  };
  const over = (boxes: Readonly<Record<string, Box>>, more: Omit<RouterOptions, 'providers'> = {}): RouterOptions => ({
    ...common,
    ...more,
    providers: Object.fromEntries(Object.entries(boxes).map(([id, each]) => [id, each.options])),
  });
  const open = (boxes: Readonly<Record<string, Box>>, more?: Omit<RouterOptions, 'providers'>) => {
    const router = createRouter(over(boxes, more));
    return { router, events: record(router) };
  };
  return { clock, box, over, open };
}

const providerOf = async (router: Router): Promise<string> => (await router.chat(hello)).route.provider;

const well = async () => ({ state: 'ok' as const });
const cloud = (url: string, apiKey: string): RouterOptions['providers'] => ({ box: { type: 'openai-compatible', url, apiKey } });

describe('update()', () => {
  test('sends the next call to the new providers, and tells who came, went and changed', async () => {
    const { box, over, open } = start();
    const [a, b, c] = [box('a'), box('b'), box('c')];
    const { router, events } = open({ a, b });
    const changes = router.update(over({ b: { ...b, options: { ...b.options, priority: 7 } }, c }));
    expect(changes).toEqual({ added: ['c'], removed: ['a'], changed: ['b'] });
    expect(events.of('config:update')).toEqual([changes]);
    expect(await providerOf(router)).toBe('c');
    expect(router.snapshot().providers.map(({ provider }) => provider)).toEqual(['b', 'c']);
    expect(await failureOf(router.chat(hello, { provider: 'a' }))).toMatchObject({ code: 'invalid_request' });
  });

  test('swaps intents, aliases and limits with it', async () => {
    const { box, over, open } = start();
    const [a, b] = [box('a'), box('b')];
    const { router } = open({ a, b }, { intents: { old: { order: ['a'] } }, models: { tiny: { a: 'a-1' } } });
    router.update(over({ a, b }, { intents: { fresh: { order: ['b'] } }, defaultIntent: 'fresh', models: { tiny: { b: 'b-2' } } }));
    expect((await router.chat({ ...hello, model: 'tiny' })).route).toMatchObject({ provider: 'b', model: 'b-2', intent: 'fresh' });
    expect(await failureOf(router.chat(hello, { intent: 'old' }))).toMatchObject({ code: 'invalid_request' });
  });

  test('announces the warnings of the new configuration, with those of the file that it came from', async () => {
    const { box, over, open } = start();
    const a = box('a');
    const { router, events } = open({ a });
    const options = over({ a }, { maxAttempts: 99 });
    Object.defineProperty(options, 'warnings', { value: [{ path: 'file', message: 'is odd' }], enumerable: false });
    router.update(options);
    expect(events.of('config:warning')).toEqual([]);
    await Promise.resolve();
    expect(events.of('config:warning').map(({ path }) => path)).toEqual(['file', 'maxAttempts']);
  });

  test('goes on with the clock, the network and the chance of before where they are left out, or undefined', async () => {
    const { box, over, open, clock } = start();
    const a = box(after(5_000, 'late'));
    const { router } = open({ a });
    const { clock: _clock, random: _random, ...rest } = over({ a });
    router.update({ ...rest, clock: undefined, random: undefined, transport: undefined });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(5_000);
    expect(call.value?.route.provider).toBe('a');
  });

  test('after close() is refused, and closes nothing twice', async () => {
    const { box, over, open } = start();
    const a = box('a');
    const { router } = open({ a });
    await router.close();
    expect(() => router.update(over({ a }))).toThrow(expect.objectContaining({ code: 'closed' }));
    expect(a.closed()).toBe(1);
  });
});

describe('an update that is invalid', () => {
  const bad: readonly [string, (options: RouterOptions) => unknown][] = [
    ['names no provider', (options) => ({ ...options, providers: {} })],
    ['has an option of another shape', (options) => ({ ...options, queue: 'long' })],
    ['has a reference to nobody', (options) => ({ ...options, models: { tiny: { nobody: 'x' } } })],
    ['has another clock', (options) => ({ ...options, clock: testClock() })],
    ['has a provider without an adapter', (options) => ({ ...options, providers: { ...options.providers, c: { type: 'custom' } } })],
    ['is nothing', () => null],
    ['is left out', () => undefined],
  ];

  test.each(bad)('and %s changes nothing', async (_, spoil) => {
    const { box, over, open, clock } = start();
    const a = box(['a', 'a again']);
    const { router, events } = open({ a });
    await router.chat(hello);
    const before = JSON.stringify(router.snapshot());
    expect(() => router.update(spoil(over({ a })) as RouterOptions)).toThrow(expect.objectContaining({ code: 'invalid_config' }));
    expect(JSON.stringify(router.snapshot())).toBe(before);
    expect([events.of('config:update'), a.closed(), clock.timers()]).toEqual([[], 0, 0]);
    expect(await providerOf(router)).toBe('a');
  });

  test('changes nothing either where the last adapter cannot be made', async () => {
    const { box, over, open } = start({ retry: { maxTokens: 50 } });
    const a = box(fault('auth'), { maxConcurrent: 3 });
    const { router, events } = open({ a });
    await failureOf(router.chat(hello, { maxAttempts: 1 }));
    const before = JSON.stringify(router.snapshot());
    const options = over({ a: { ...a, options: { ...a.options, maxConcurrent: 9 } } }, { retry: { maxTokens: 1 } });
    const broken = { ...options, providers: { ...options.providers, unmakeable: box('x').options } };
    expect(() => router.update(broken)).toThrow('no adapter');
    expect(JSON.stringify(router.snapshot())).toBe(before);
    expect([events.of('config:update'), a.closed()]).toEqual([[], 0]);
  });
});

describe('calls under way', () => {
  test.each<[string, (router: Router) => Promise<unknown>]>([
    ['a call', (router) => router.chat(hello)],
    ['a stream', async (router) => readAll(await router.stream(hello))],
    ['a question after its health', (router) => router.health()],
  ])('%s ends on the old configuration, whose adapter is closed when it has ended', async (_, begin) => {
    const { box, over, open, clock } = start();
    const slow = { health: () => new Promise<never>((resolve) => clock.schedule(3_000, () => resolve({ state: 'ok' } as never))) };
    const a = box([after(3_000, pieces('one', 'two'))], {}, slow);
    const b = box('b');
    const { router } = open({ a });
    const call = outcomeOf(begin(router));
    await clock.advance(1_000);
    router.update(over({ b }));
    expect(await providerOf(router)).toBe('b');
    await clock.advance(1_999);
    expect([call.settled, a.closed()]).toEqual([false, 0]);
    await clock.advance(1);
    expect([call.settled, call.error, a.closed(), b.closed()]).toEqual([true, undefined, 1, 0]);
    await router.close();
    expect([a.closed(), b.closed()]).toEqual([1, 1]);
  });

  test('fail over on the old configuration', async () => {
    const { box, over, open, clock } = start();
    const [a, b, c] = [box(after(1_000, fault('driver', { status: 500 })), { priority: 1 }), box('b', { priority: 2 }), box('c')];
    const { router } = open({ a, b });
    const call = outcomeOf(router.chat(hello));
    await clock.settle();
    router.update(over({ c }));
    await clock.advance(1_000);
    expect(call.value?.route.provider).toBe('b');
    expect([a.closed(), b.closed(), c.calls.length]).toEqual([1, 1, 0]);
  });

  test('that wait for a slot get it there, or one of those that an update has made', async () => {
    const { box, over, open, clock } = start();
    const a = box([after(5_000, 'first'), 'second', 'third'], { maxConcurrent: 1 });
    const { router } = open({ a });
    const calls = [1, 2, 3].map(() => outcomeOf(router.chat(hello)));
    await clock.settle();
    expect(calls.map(({ settled }) => settled)).toEqual([false, false, false]);
    router.update(over({ a: { ...a, options: { ...a.options, maxConcurrent: 2 } } }));
    await clock.settle();
    expect(calls.map(({ settled }) => settled)).toEqual([false, true, true]);
    await clock.advance(5_000);
    expect(calls[0]?.value?.route.provider).toBe('a');
  });

  test('that wait for one keep it while the new queue takes nobody', async () => {
    const { box, over, open, clock } = start();
    const a = box([after(5_000, 'first'), 'second'], { maxConcurrent: 1 });
    const { router } = open({ a });
    const calls = [1, 2].map(() => outcomeOf(router.chat(hello)));
    await clock.settle();
    router.update(over({ a }, { queue: { limit: 0 } }));
    expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'saturated' });
    await clock.advance(5_000);
    expect(calls.map(({ value }) => value?.route.provider)).toEqual(['a', 'a']);
  });

  test('that were hedged end there, and both adapters are closed once', async () => {
    const hedge = { minDelayMs: 10, minSamples: 1, maxLoad: 1 };
    const { box, over, open, clock } = start({ hedge });
    const a = box(['quick', hang], { priority: 1 });
    const b = box(after(2_000, 'beside it'), { priority: 1 });
    const { router, events } = open({ a, b }, { balance: 'priority' as never });
    await router.chat(hello, { provider: 'a' });
    const call = outcomeOf(router.chat(hello, { provider: undefined }));
    await clock.advance(1_000);
    router.update(over({ c: box('c') }));
    await clock.advance(4_000);
    expect([call.value?.route.provider, events.of('hedge').length]).toEqual(['b', 1]);
    expect([a.closed(), b.closed()]).toEqual([1, 1]);
  });

  test('of a schema make their repair on the configuration that they began with', async () => {
    const { box, over, open, clock } = start();
    const a = box([after(1_000, 'not what was asked for'), after(1_000, '{"n": 1}')], {}, { capabilities: { jsonSchema: true } });
    const { router } = open({ a }, { intents: { mine: {} } });
    const call = outcomeOf(router.chat({ ...hello, response_format: z.object({ n: z.number() }) }, { repair: true, intent: 'mine' }));
    await clock.advance(500);
    router.update(over({ b: box('{"n": 2}') }));
    await clock.advance(1_000);
    expect(a.closed()).toBe(0);
    await clock.advance(500);
    expect(call.value?.parsed).toEqual({ n: 1 });
    expect(a.closed()).toBe(1);
  });
});

describe('adapters', () => {
  test('over several updates in a row are each closed once, when their last call has ended', async () => {
    const { box, over, open, clock } = start();
    const [a, b, c] = [box(after(3_000, 'a')), box(after(1_000, 'b')), box('c')];
    const { router } = open({ a });
    const first = outcomeOf(router.chat(hello));
    await clock.settle();
    router.update(over({ a, b }));
    const second = outcomeOf(router.chat(hello, { provider: 'b' }));
    await clock.settle();
    router.update(over({ c }));
    await clock.advance(1_000);
    expect([second.settled, a.closed(), b.closed(), c.closed()]).toEqual([true, 0, 1, 0]);
    await clock.advance(2_000);
    expect([first.settled, a.closed(), b.closed(), c.closed()]).toEqual([true, 1, 1, 0]);
    await router.close();
    expect([a.closed(), b.closed(), c.closed()]).toEqual([1, 1, 1]);
  });

  test('that come back while their last call is under way are not closed at all', async () => {
    const { box, over, open, clock } = start();
    const [a, b] = [box(after(3_000, 'a')), box('b')];
    const { router } = open({ a });
    const call = outcomeOf(router.chat(hello));
    await clock.settle();
    router.update(over({ b }));
    router.update(over({ a }));
    await clock.advance(3_000);
    expect([call.settled, a.closed(), b.closed()]).toEqual([true, 0, 1]);
  });

  test('that come back after they were closed are refused, and nothing has changed', async () => {
    const { box, over, open } = start();
    const [a, b] = [box('a'), box('b')];
    const { router, events } = open({ a, b });
    router.update(over({ b }));
    const before = JSON.stringify(router.snapshot());
    expect(() => router.update(over({ back: a, b }))).toThrow(
      expect.objectContaining({
        code: 'invalid_config',
        issues: [{ path: 'providers.back.adapter', message: expect.stringContaining('make a new one') as string }],
      }),
    );
    expect([JSON.stringify(router.snapshot()), events.of('config:update').length, a.closed()]).toEqual([before, 1, 1]);
    expect(router.update(over({ a: box('new'), b })).added).toEqual(['a']);
  });

  test('that hold nothing come and go as often as anybody likes', async () => {
    const { box, over, open } = start();
    const [a, b] = [box('a', {}, { close: undefined as never }), box('b')];
    const { router } = open({ a, b });
    router.update(over({ b }));
    router.update(over({ a, b }));
    expect((await router.chat(hello, { provider: 'a' })).route.provider).toBe('a');
  });

  test('of a provider that is switched off stay open, for it may be switched on again, and are closed with the router', async () => {
    const { box, over, open } = start();
    const [a, b] = [box('a'), box('b')];
    const off = { a: { ...a, options: { ...a.options, enabled: false } }, b };
    const { router } = open({ a, b });
    router.update(over(off));
    router.update(over({ a, b }));
    expect((await router.chat(hello, { provider: 'a' })).route.provider).toBe('a');
    router.update(over(off));
    expect(a.closed()).toBe(0);
    await router.close();
    expect([a.closed(), b.closed()]).toEqual([1, 1]);
  });

  test('are closed once by close(), also where calls of an old configuration are cut off', async () => {
    const { box, over, open, clock } = start();
    const [a, b] = [box(hang), box(hang)];
    const { router } = open({ a });
    const calls = [outcomeOf(router.chat(hello))];
    await clock.settle();
    router.update(over({ b }));
    calls.push(outcomeOf(router.chat(hello)));
    await clock.settle();
    const closing = outcomeOf(router.close({ drainMs: 1_000 }));
    await clock.advance(1_000);
    expect(calls.map(({ error }) => (error as { code?: string }).code)).toEqual(['closed', 'closed']);
    expect([closing.settled, a.closed(), b.closed(), clock.timers()]).toEqual([true, 1, 1, 0]);
  });

  test('that are being closed are waited for by close()', async () => {
    const { box, over, open, clock } = start();
    let isFree = false;
    const a = box('a', {}, { close: () => new Promise((resolve) => clock.schedule(2_000, () => resolve(void (isFree = true)))) });
    const { router } = open({ a });
    router.update(over({ b: box('b') }));
    const closing = outcomeOf(router.close());
    await clock.advance(1_999);
    expect([closing.settled, isFree]).toEqual([false, false]);
    await clock.advance(1);
    expect([closing.settled, isFree]).toEqual([true, true]);
  });

  test('that calls cut off by close() had in use are waited for as well', async () => {
    const { box, over, open, clock } = start();
    let isFree = false;
    const a = box(hang, {}, { close: () => new Promise((resolve) => clock.schedule(2_000, () => resolve(void (isFree = true)))) });
    const { router } = open({ a });
    void outcomeOf(router.chat(hello));
    await clock.settle();
    router.update(over({ b: box('b') }));
    const closing = outcomeOf(router.close({ drainMs: 0 }));
    await clock.advance(1_999);
    expect([closing.settled, isFree]).toEqual([false, false]);
    await clock.advance(1);
    expect([closing.settled, isFree]).toEqual([true, true]);
  });

  test('that several providers share are closed once', async () => {
    const { box, open } = start();
    const a = box('a');
    const { router } = open({ a, twin: a });
    await router.close();
    expect(a.closed()).toBe(1);
  });

  test('go on where nothing about the server has changed, with the models that they hold', async () => {
    await using one = await loopback(() => answers('yes'));
    const options: RouterOptions = {
      providers: { box: { type: 'openai-compatible', url: one.url, apiKey: 'k-1' } },
      health: false,
      pollMs: false,
      checkModels: false,
    };
    const router = createRouter(options);
    await router.chat(hello);
    const keys: (string | undefined)[] = [];
    for (const apiKey of ['k-1', 'k-2']) {
      const providers = { box: { type: 'openai-compatible' as const, url: one.url, apiKey } };
      expect(router.update({ ...options, providers }).changed).toEqual(apiKey === 'k-1' ? [] : ['box']);
      await router.chat(hello);
      keys.push(one.requests.at(-1)?.headers['authorization']);
    }
    expect(keys).toEqual(['Bearer k-1', 'Bearer k-2']);
    await router.close();
  });
});

describe('what was learnt of a server', () => {
  test('is kept where it stays: its breaker, its figures, its pins', async () => {
    const { box, over, open, clock } = start();
    const a = box([refused(), refused(), refused(), 'back'], { priority: 1 });
    const b = box([fault('out_of_memory', { status: 500 }), 'b'], { priority: 2 });
    const { router } = open({ a, b, c: box('c', { priority: 3 }) });
    for (let count = 0; count < 3; count++) await router.chat(hello);
    const before = router.snapshot().providers.slice(0, 2);
    expect(before).toMatchObject([{ breaker: 'open' }, { models: [{ situation: 'out-of-memory' }] }]);
    router.update(over({ a, b, d: box('d', { priority: 4 }) }, { deadlineMs: 77_000 }));
    expect(router.snapshot().providers.slice(0, 2)).toEqual(before);
    expect(await providerOf(router)).toBe('d');
    await clock.advance(40_000);
    expect(await providerOf(router)).toBe('a');
  });

  test('goes no further than the new limits', async () => {
    const { box, over, open } = start();
    const a = box('a');
    const { router } = open({ a }, { retry: { maxTokens: 50 } });
    expect(router.snapshot().providers).toMatchObject([{ retryTokens: 50 }]);
    router.update(over({ a }, { retry: { maxTokens: 4 } }));
    expect(router.snapshot().providers).toMatchObject([{ retryTokens: 4 }]);
  });

  test('is forgotten where another one stands in its place', async () => {
    const { box, over, open } = start();
    const { router } = open({ a: box(refused()) }, { maxAttempts: 1 });
    for (let count = 0; count < 3; count++) await failureOf(router.chat(hello));
    router.update(over({ a: box('another') }));
    expect(router.snapshot().providers).toMatchObject([{ breaker: 'closed', failures: 0 }]);
    expect(await providerOf(router)).toBe('a');
  });

  test('of its embedding space is found out anew', async () => {
    const { box, over, open, clock } = start({ checkEmbeddings: true });
    const space = { embeddingModel: 'e', embeddingSpace: 's' };
    const [a, b] = [box('8', { ...space, priority: 1 }), box(fault('driver'), { ...space, priority: 2 })];
    const { router } = open({ a, b });
    await clock.settle();
    expect(router.explain({ input: 'x' }, { verb: 'embed' } as never).candidates.map(({ provider }) => provider)).toEqual(['a']);
    router.update(over({ a, b }, { checkEmbeddings: false }));
    expect(router.explain({ input: 'x' }, { verb: 'embed' } as never).candidates.map(({ provider }) => provider)).toEqual(['a', 'b']);
  });

  test('with credentials that it refused is asked again with others, and not again with the same', async () => {
    await using one = await loopback(({ headers }) =>
      headers['authorization'] === 'Bearer good' ? answers('yes') : { status: 401, pieces: ['{"error": {"message": "no"}}'] },
    );
    const rest = { health: false, pollMs: false, checkModels: false, maxAttempts: 1 } as const;
    const router = createRouter({ ...rest, providers: cloud(one.url, 'bad') });
    await failureOf(router.chat(hello));
    router.update({ ...rest, providers: cloud(one.url, 'bad') });
    expect(await failureOf(router.chat(hello))).toMatchObject({ code: 'no_provider' });
    router.update({ ...rest, providers: cloud(one.url, 'good') });
    expect(await providerOf(router)).toBe('box');
    await router.close();
  });

  test('by a call with old credentials that it refuses after they were replaced says nothing of the new ones', async () => {
    let refuse: (() => void) | undefined;
    await using one = await loopback(({ headers }) => {
      if (headers['authorization'] === 'Bearer good') return answers('yes');
      refuse?.();
      return { status: 401, pieces: ['{"error": {"message": "no"}}'] };
    });
    const rest = { health: false, pollMs: false, checkModels: false, maxAttempts: 1 } as const;
    const router = createRouter({ ...rest, providers: cloud(one.url, 'bad') });
    refuse = () => void router.update({ ...rest, providers: cloud(one.url, 'good') });
    expect(await failureOf(router.chat(hello))).toMatchObject({ attempts: [{ error: { code: 'auth' } }] });
    expect(await providerOf(router)).toBe('box');
    await router.close();
  });
});

describe('what runs beside the calls', () => {
  test('asks the providers of the new configuration how they are, and no others', async () => {
    const { box, over, open, clock } = start({ health: {} });
    const asked: string[] = [];
    const watched = (id: string): Box => box(id, { locality: 'host' }, { health: async () => (asked.push(id), { state: 'ok' }) });
    const [a, b, c] = [watched('a'), watched('b'), watched('c')];
    const { router } = open({ a, b });
    await clock.settle();
    expect(asked).toEqual(['a', 'b']);
    router.update(over({ b, c }));
    await clock.settle();
    expect(asked).toEqual(['a', 'b', 'c']);
    await clock.advance(60_000);
    expect(asked.toSorted()).toEqual(['a', 'b', 'b', 'c', 'c']);
    router.update(over({ b, c }, { health: false }));
    expect(clock.timers()).toBe(0);
  });

  test('hears nothing any more of a server that was asked how it is and has been replaced since', async () => {
    const { box, over, open, clock } = start({ health: {} });
    const hangs = { health: () => new Promise<never>(() => undefined) };
    const { router, events } = open({ a: box('a', { locality: 'host' }, hangs), b: box('b', { locality: 'host' }, { health: well }) });
    await clock.settle();
    router.update(over({ a: box('a', { locality: 'host' }, { health: well }), b: box('b') }));
    await clock.advance(9_000);
    expect(events.of('provider:down')).toEqual([]);
    expect((await router.health({ maxAgeMs: 60_000 })).providers[0]).toMatchObject({ provider: 'a', status: 'ok' });
  });

  test('goes on asking for the load where an update came in the middle of a question', async () => {
    const { box, over, open, clock } = start({ pollMs: 10_000 });
    let asked = 0;
    const load = () => new Promise<never>((resolve) => clock.schedule(1_000, () => resolve({ running: asked++ } as never)));
    const a = box('a', {}, { load });
    const { router } = open({ a, b: box('b') });
    await clock.advance(500);
    router.update(over({ a, b: box('b') }));
    for (let second = 0; second < 60; second += 5) {
      await router.chat(hello);
      await clock.advance(5_000);
    }
    expect(asked).toBeGreaterThanOrEqual(4);
  });

  test('survives a listener that brings the next configuration', async () => {
    const { box, over, open, clock } = start({ health: {} });
    const watched = (): Box => box('x', { locality: 'host' }, { health: well });
    const { router } = open({ a: watched(), b: watched() });
    router.once('config:update', () => void router.update(over({ e: watched(), f: watched() })));
    router.update(over({ c: watched(), d: watched() }));
    await clock.settle();
    expect(router.snapshot().providers.map(({ provider }) => provider)).toEqual(['e', 'f']);
    expect(clock.timers()).toBe(1);
    await router.close();
    expect(clock.timers()).toBe(0);
  });

  test('leaves nothing behind after a thousand updates', async () => {
    const { box, over, open, clock } = start({ health: {} });
    const boxes: Box[] = [];
    const next = (): Box => {
      const made = box('x', { locality: 'host' }, { health: well });
      boxes.push(made);
      return made;
    };
    const kept = box('kept', { locality: 'host' }, { health: well });
    const { router } = open({ a: next(), kept });
    const { signal } = new AbortController();
    for (let count = 0; count < 1_000; count++) {
      const call = outcomeOf(router.chat(hello, { signal }));
      router.update(over({ a: next(), kept }));
      await clock.settle();
      expect(call.settled).toBe(true);
    }
    expect(clock.timers()).toBe(1);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect([boxes.filter((each) => each.closed() === 1).length, kept.closed()]).toEqual([1_000, 0]);
    await router.close();
    expect([clock.timers(), boxes.every((each) => each.closed() === 1), kept.closed()]).toEqual([0, true, 1]);
  });

  test('keeps no configuration that is not in use', async () => {
    const { box, over, open, clock } = start({ health: {} });
    const { router } = open({ a: box('x', {}, { health: well }), b: box('x') });
    const gone: WeakRef<Adapter>[] = [];
    for (let count = 0; count < 50; count++) {
      const made = box('x', {}, { health: well });
      gone.push(new WeakRef(made.adapter));
      router.update(over({ a: made, b: box('x') }));
      await router.chat(hello);
      await clock.settle();
    }
    router.update(over({ a: box('x') }));
    await clock.settle();
    await new Promise((resolve) => setTimeout(resolve, 0));
    collectGarbage();
    expect(gone.filter((each) => each.deref() !== undefined).length).toBeLessThanOrEqual(2);
  });
});
