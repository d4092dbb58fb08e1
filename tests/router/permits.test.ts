import { beforeEach, describe, expect, test } from 'vitest';
import { closedBreaker } from '../../src/breaker/breaker.ts';
import { noCooldown } from '../../src/breaker/cooldown.ts';
import type { ProviderConfig } from '../../src/config/config.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { ModelInfo } from '../../src/core/adapter.ts';
import type { Announce, EventName, Verb } from '../../src/core/events.ts';
import type { ChatRequest, EmbedRequest } from '../../src/core/types.ts';
import { createLanes } from '../../src/router/lanes.ts';
import { createModelStates, type ModelState, type ModelStates, smoothed } from '../../src/router/model-state.ts';
import { createProvider, type Leave, type Provider } from '../../src/router/provider.ts';
import { createProviderState, type Outcome, type Permit } from '../../src/router/provider-state.ts';
import type { CandidateFacts } from '../../src/routing/facts.ts';
import { fake, type FakeOptions, fault, refused } from '../_kit/fake-adapter.ts';
import { hello } from '../_kit/fake-router.ts';
import { type TestClock, testClock } from '../_kit/test-clock.ts';

interface Bench {
  readonly provider: Provider;
  readonly clock: TestClock;
  readonly told: { readonly name: EventName; readonly payload: object }[];
  begin(model?: string): Permit;
  end(permit: Permit, outcome: Outcome): void;
}

const openMs = 30_000;

/** One provider without a router around it. */
function bench(options: Omit<RouterOptions, 'providers'> = {}, own: FakeOptions = {}): Bench {
  const clock = testClock();
  const { adapter } = fake('yes', { clock, ...own });
  const { config } = resolveConfig({ clock, random: () => 0.5, ...options, providers: { a: { type: 'custom', adapter } } });
  const told: Bench['told'] = [];
  const [settings] = config.providers;
  if (settings === undefined) throw new Error('There is no provider.');
  const state = createProviderState({ config: settings, router: config });
  const announce: Announce = (name, payload) => void told.push({ name, payload });
  const provider = createProvider({ config: settings, adapter, router: config, announce, sharing: undefined, state });
  return {
    provider,
    clock,
    told,
    begin(model = 'm') {
      const permit = provider.acquire(model, leave(clock));
      if (permit === undefined) throw new Error('It lets nothing in.');
      return permit;
    },
    end: (permit, outcome) => provider.settle(permit, outcome, clock.nowMs()),
  };
}

const success = (ms = 10, firstContentMs?: number): Outcome => ({ type: 'success', ms, firstContentMs });
const failure = (error = fault('driver', { status: 500 })): Outcome => ({
  type: 'failure',
  error,
  ms: 10,
  firstContentMs: undefined,
  hurried: false,
  loading: false,
});
/** What a call asks leave for. */
const leave = (clock: TestClock, early = false): Leave => ({
  nowMs: clock.nowMs(),
  leaseMs: 60_000,
  early,
  intent: 'fast',
  lane: 'fast',
  promptTokens: 5,
  slot: undefined,
});
/** What a plan would be made of. */
function factsOf({ provider: { id, adapter, facts }, clock }: Bench, verb: Verb, request: ChatRequest | EmbedRequest): CandidateFacts {
  const verbs = { chat: adapter.chats, stream: adapter.chats, embed: adapter.embed !== undefined };
  const place = { provider: id, device: 'remote', cost: 'free', locality: 'cloud', distance: 4, weight: 1, verbs } as const;
  const standing = { ...place, index: 0, tier: 0, spilledTier: 0, isNamed: false, reason: '' };
  const asked = { verb, request, intent: 'fast', lane: 'fast', limitsCost: false, held: undefined, shared: undefined } as const;
  return facts(standing, { ...asked, nowMs: clock.nowMs(), refusesIgnored: true });
}

const isLetIn = ({ provider }: Bench, model = 'm'): readonly [number, number] => [
  provider.state.letIn.count,
  provider.state.models.peek(model).letIn.count,
];

const times = ({ provider }: Bench): Partial<ModelState> => provider.state.models.peek('m');
const list = ({ provider, clock }: Bench, models: readonly ModelInfo[], forMs: number): void => {
  provider.state.inventory = { models: new Map(models.map((model) => [model.id, model])), untilMs: clock.nowMs() + forMs };
};

describe('what is known of models', () => {
  const most = 1_000;
  let states: ModelStates;
  const names = (): string[] => [...states.entries()].map(([name]) => name);
  const fill = (): void => {
    for (let count = 0; count < most; count++) states.of(`model-${count}`);
  };
  const busy = (name: string, by: Partial<ModelState>): void => void Object.assign(states.of(name), by);
  beforeEach(() => void (states = createModelStates()));

  test('is not written by a look', () => {
    expect(states.peek('m').successShare).toBe(1);
    expect(names()).toEqual([]);
  });

  test('is kept for a server that chooses the model itself, too, under no name', () => {
    states.of(undefined).inFlight = 3;
    expect(states.peek(undefined).inFlight).toBe(3);
    expect(states.of(undefined).inFlight).toBe(3);
    expect(names()).toEqual(['']);
  });

  test('is bounded: the thousand-and-first name takes the place of the oldest one', () => {
    fill();
    expect(names()).toHaveLength(most);
    expect(names()[0]).toBe('model-0');
    states.of('one more');
    expect(names()).toHaveLength(most);
    expect(names()[0]).toBe('model-1');
    expect(names()).toContain('one more');
    states.of('model-5');
    expect(names()[0]).toBe('model-1');
  });

  test('is not forgotten while calls are under way', () => {
    fill();
    busy('model-0', { inFlight: 1 });
    states.of('one more');
    expect(names()[0]).toBe('model-0');
    expect(names()).not.toContain('model-1');
  });

  test('is not forgotten while a call has a slot there, and is about to begin', () => {
    fill();
    const lanes = createLanes({ slots: 1, reservedForFast: 0, queueLimit: 1, agingMs: Infinity });
    busy('model-0', { lanes });
    busy('model-1', { lanes: createLanes({ slots: 1, reservedForFast: 0, queueLimit: 1, agingMs: Infinity }) });
    lanes.take('fast');
    states.of('one more');
    expect(names()[0]).toBe('model-0');
    expect(names()).not.toContain('model-1');
  });

  const pin = { untilMs: 1, sinceMs: 0, kills: 1 } as unknown as NonNullable<ModelState['pin']>;
  const isOpen = { ...closedBreaker, is: 'open', untilMs: 1, openings: 1 } as unknown as ModelState['breaker'];
  test.each<[string, Partial<ModelState>]>([
    ['a pin', { pin }],
    ['an open breaker', { breaker: isOpen }],
  ])('outlives others where %s keeps calls away', (_, by) => {
    fill();
    busy('model-0', by);
    states.of('one more');
    expect(names()[0]).toBe('model-0');
    expect(names()).not.toContain('model-1');
  });

  test('goes, the oldest one first, where every model is kept away', () => {
    fill();
    for (const name of names()) busy(name, { pin });
    states.of('one more');
    expect(names()).toHaveLength(most);
    expect(names()[0]).toBe('model-1');
  });

  test('grows where every model is in use', () => {
    fill();
    for (const name of names()) busy(name, { inFlight: 1 });
    states.of('one more');
    expect(names()).toHaveLength(most + 1);
  });

  test('is smoothed: the first value counts whole, each later one a fifth', () => {
    expect(smoothed(undefined, 50)).toBe(50);
    expect(smoothed(0, 50)).toBe(10);
    expect(smoothed(100, 50)).toBe(90);
  });
});

describe('a permit', () => {
  test('counts what a breaker has let in until it is settled', () => {
    const one = bench();
    const [first, second] = [one.begin(), one.begin()];
    expect(isLetIn(one)).toEqual([2, 2]);
    expect(one.provider.state.inFlight).toBe(2);
    one.end(first, success());
    expect(isLetIn(one)).toEqual([1, 1]);
    one.end(second, { type: 'none' });
    expect(isLetIn(one)).toEqual([0, 0]);
    expect(one.provider.state.inFlight).toBe(0);
    expect(one.provider.state).toMatchObject({ successes: 1, failures: 0 });
  });

  test('of an older time takes no place in a recovery, and gives none back', async () => {
    const one = bench();
    const old = one.begin();
    for (let count = 0; count < 3; count++) one.end(one.begin(), failure(refused()));
    await one.clock.advance(openMs);
    const probe = one.begin('other');
    expect(isLetIn(one)[0]).toBe(1);
    one.end(old, success());
    expect(isLetIn(one)[0]).toBe(1);
    expect(one.provider.acquire('other', leave(one.clock))).toBeUndefined();
    one.end(probe, success());
    expect(isLetIn(one)[0]).toBe(0);
  });

  test('of an older time takes no place in the recovery of a model either', async () => {
    const one = bench();
    const old = one.begin();
    for (let count = 0; count < 3; count++) one.end(one.begin(), failure());
    await one.clock.advance(openMs);
    const probe = one.begin();
    expect(isLetIn(one)).toEqual([2, 1]);
    one.end(old, success());
    expect(isLetIn(one)).toEqual([1, 1]);
    expect(one.provider.acquire('m', leave(one.clock))).toBeUndefined();
    one.end(probe, success());
    expect(isLetIn(one)).toEqual([0, 0]);
  });

  test('that began before a refusal says nothing against it, and one that began after it does', async () => {
    const one = bench();
    const before = one.begin('x');
    await one.clock.advance(1);
    for (const model of ['a', 'b']) one.end(one.begin(model), failure(refused()));
    one.end(before, success());
    one.end(one.begin('c'), failure(refused()));
    expect(one.provider.state.connection.is).toBe('open');
    const other = bench();
    for (const model of ['a', 'b']) other.end(other.begin(model), failure(refused()));
    other.end(other.begin('x'), success());
    other.end(other.begin('c'), failure(refused()));
    expect(other.provider.state.connection.is).toBe('closed');
  });

  test('of an older time does not put off the recovery by its refusal', async () => {
    const one = bench();
    const old = one.begin('x');
    for (const model of ['a', 'b', 'c']) one.end(one.begin(model), failure(refused()));
    await one.clock.advance(openMs);
    const probe = one.begin('d');
    await one.clock.advance(5);
    one.end(old, failure(refused()));
    one.end(probe, success());
    expect(one.provider.state.connection.is).toBe('closed');
  });

  test('of a probe that met with silence opens the breaker again, and of one that was given up does not', async () => {
    const one = bench();
    for (const model of ['a', 'b', 'c']) one.end(one.begin(model), failure(refused()));
    await one.clock.advance(openMs);
    one.end(one.begin('d'), { type: 'none' });
    expect(one.provider.state.connection.is).toBe('half-open');
    one.end(one.begin('d'), failure(fault('timeout')));
    expect(one.provider.state.connection.is).toBe('open');
    expect(one.told.map(({ name }) => name)).toEqual(['breaker:open', 'breaker:half-open', 'breaker:open']);
  });

  test('that met with silence outside of a probe counts as no refusal', () => {
    const one = bench();
    for (const model of ['a', 'b', 'c', 'd']) one.end(one.begin(model), failure(fault('timeout')));
    expect(one.provider.state.connection.is).toBe('closed');
  });

  test('of a failure that is held against nobody takes no token and spoils no share', () => {
    const one = bench();
    one.end(one.begin(), failure(fault('bad_request', { status: 400 })));
    expect(one.provider.state).toMatchObject({ retryTokens: 20, failures: 1, lastError: { code: 'bad_request' } });
    expect(one.provider.state.models.peek('m').successShare).toBe(1);
    one.end(one.begin(), failure());
    expect(one.provider.state.retryTokens).toBe(19);
    expect(one.provider.state.models.peek('m').successShare).toBe(0.6);
  });

  test('is given before its time where a caller asks for that, to one call', () => {
    const one = bench();
    for (const model of ['a', 'b', 'c']) one.end(one.begin(model), failure(refused()));
    expect(one.provider.acquire('m', leave(one.clock))).toBeUndefined();
    expect(one.provider.acquire('m', leave(one.clock, true))).toBeDefined();
    expect(one.provider.acquire('m', leave(one.clock, true))).toBeUndefined();
  });
});

describe('the times of a provider', () => {
  test('are smoothed, and that of the first content only where there was one', () => {
    const one = bench();
    one.end(one.begin(), success(100));
    expect(times(one)).toMatchObject({ latencyMs: 100, firstContentMs: undefined });
    one.end(one.begin(), success(200, 50));
    one.end(one.begin(), success(120));
    expect(times(one)).toMatchObject({ latencyMs: 120, firstContentMs: 50 });
    expect(times(one)).toMatchObject({ wholeTimes: [], firstTimes: [] });
  });

  test('are kept one by one where hedging is on', () => {
    const one = bench({ hedge: true });
    one.end(one.begin(), success(100));
    one.end(one.begin(), success(200, 50));
    expect(times(one)).toMatchObject({ wholeTimes: [100], firstTimes: [50] });
  });
});

function ollama(options: object): { readonly provider: Provider; readonly clock: TestClock } {
  const clock = testClock();
  const { adapter } = fake('yes', { clock, loadsOnDemand: true });
  const { config } = resolveConfig({ clock, providers: { box: { type: 'ollama', ...options } } });
  const settings = config.providers[0] as ProviderConfig;
  const state = createProviderState({ config: settings, router: config });
  return {
    provider: createProvider({ config: settings, adapter, router: config, announce: () => undefined, sharing: undefined, state }),
    clock,
  };
}

describe('what is expected of an Ollama', () => {
  test.each([-1, 300, undefined])('a model that has never answered is loaded first, however long it is kept then (%s)', (keepAliveS) => {
    const { provider, clock } = ollama({ keepAliveS });
    expect(provider.allowanceMs('m', clock.nowMs())).toBe(30_000);
  });

  test('calls for one model wait for those of another where all of them share the slots', async () => {
    const { provider, clock } = ollama({ maxConcurrent: 1 });
    const call = async (model: string): Promise<void> => {
      const permit = provider.acquire(model, leave(clock)) as Permit;
      await clock.advance(1_000);
      provider.settle(permit, success(1_000), clock.nowMs());
    };
    for (const model of ['m', 'n', 'm', 'n']) await call(model);
    provider.acquire('m', leave(clock));
    await clock.advance(600);
    const candidate = { provider: 'box', model: 'n', substituted: false };
    expect(provider.expectedNow(candidate, { verb: 'chat', intent: 'fast', lane: 'fast' }, 10).queueMs).toBe(400);
  });
});

describe('what a provider tells of itself', () => {
  const own: FakeOptions = { capabilities: { tools: true, vision: true } };

  test('goes before what its adapter says, for that model and while the list is believed', async () => {
    const one = bench({}, own);
    list(one, [{ id: 'm', capabilities: { vision: false }, contextLength: 4_096 }, { id: 'plain' }], 1_000);
    const { provider } = one;
    expect(provider.capabilities('m')).toMatchObject({ tools: true, vision: false });
    expect(factsOf(one, 'chat', hello).capabilities).toMatchObject({ tools: true, vision: false });
    expect(provider.contextLength('m')).toBe(4_096);
    for (const name of ['plain', 'unlisted', undefined]) {
      expect(provider.capabilities(name)).toBe(provider.adapter.capabilities);
      expect(provider.contextLength(name)).toBeUndefined();
    }
    await one.clock.advance(1_000);
    expect(provider.capabilities('m')).toBe(provider.adapter.capabilities);
    expect(provider.contextLength('m')).toBeUndefined();
  });

  test('keeps calls for other models away, unless its list is not whole or names mean nothing to it', async () => {
    const models = [{ id: 'n' }];
    const missingAt = (more: FakeOptions): string | undefined => {
      const one = bench({}, more);
      list(one, models, 1_000);
      return factsOf(one, 'chat', hello).missing;
    };
    expect(missingAt({})).toContain('it does not list "m"');
    expect(missingAt({ listsAllModels: false })).toBeUndefined();
    expect(missingAt({ modelName: 'ignored' })).toBeUndefined();
    const one = bench();
    expect(factsOf(one, 'chat', hello).missing).toBeUndefined();
    one.provider.state.models.of('m').missingUntilMs = one.clock.nowMs() + 1;
    expect(factsOf(one, 'chat', hello).missing).toContain('it said that it does not serve "m"');
    await one.clock.advance(1);
    expect(factsOf(one, 'chat', hello).missing).toBeUndefined();
  });

  test('is what its last list says, however often the same model was asked for before', async () => {
    const one = bench({}, own);
    const { provider, clock } = one;
    const told = (): unknown => ({ missing: factsOf(one, 'chat', hello).missing !== undefined, length: provider.contextLength('m') });
    list(one, [{ id: 'm', contextLength: 4_096 }], 1_000);
    expect(told()).toEqual({ missing: false, length: 4_096 });
    list(one, [{ id: 'm', contextLength: 8_192 }], 1_000);
    expect(told()).toEqual({ missing: false, length: 8_192 });
    list(one, [{ id: 'n', contextLength: 1_024 }], 1_000);
    expect(told()).toEqual({ missing: true, length: undefined });
    await clock.advance(1_000);
    expect(told()).toEqual({ missing: false, length: undefined });
    list(one, [{ id: 'm', contextLength: 4_096 }, { id: 'n' }], 1_000);
    expect([provider.contextLength('n'), provider.contextLength(undefined), provider.contextLength('m')]).toEqual([
      undefined,
      undefined,
      4_096,
    ]);
  });

  test('names the parameters that a chat would go out without, and none for embeddings', () => {
    const one = bench({}, { leavesOut: (_, model) => (model === 'm' ? ['seed'] : []) });
    expect(factsOf(one, 'chat', hello).leftOut).toEqual(['seed']);
    expect(factsOf(one, 'stream', { ...hello, model: 'other' }).leftOut).toEqual([]);
    expect(factsOf(one, 'embed', { model: 'm', input: 'text' }).leftOut).toEqual([]);
  });

  test('is the rest that ends last, with its reason; of two that end together the one of them all', () => {
    const one = bench();
    const nowMs = one.clock.nowMs();
    const { state } = one.provider;
    const rests = (): unknown => factsOf(one, 'chat', hello).rests;
    expect(rests()).toBeUndefined();
    state.rest = { ...noCooldown, untilMs: nowMs + 10, reason: 'rate_limited' };
    state.models.of('m').rest = { ...noCooldown, untilMs: nowMs + 10, reason: 'model_loading' };
    expect(rests()).toEqual({ untilMs: nowMs + 10, reason: 'rate_limited' });
    state.models.of('m').rest = { ...noCooldown, untilMs: nowMs + 11, reason: 'model_loading' };
    expect(rests()).toEqual({ untilMs: nowMs + 11, reason: 'model_loading' });
  });

  test('is until when it lets nothing in, and whether it is finding out about its recovery', async () => {
    const one = bench();
    const facts = (): unknown => {
      const { openUntilMs, isRecovering } = factsOf(one, 'chat', hello);
      return { openUntilMs, isRecovering, readyAtMs: one.provider.readyAtMs('m', one.clock.nowMs()) };
    };
    expect(facts()).toEqual({ openUntilMs: undefined, isRecovering: false, readyAtMs: -Infinity });
    for (let count = 0; count < 3; count++) one.end(one.begin(), failure());
    const untilMs = one.clock.nowMs() + openMs;
    expect(facts()).toEqual({ openUntilMs: untilMs, isRecovering: false, readyAtMs: untilMs });
    await one.clock.advance(openMs);
    expect(facts()).toMatchObject({ openUntilMs: undefined, isRecovering: false });
    one.begin();
    const soonMs = one.clock.nowMs() + 1_000;
    expect(facts()).toEqual({ openUntilMs: soonMs, isRecovering: true, readyAtMs: soonMs });
  });
});
