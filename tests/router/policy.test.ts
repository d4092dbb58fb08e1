import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorCodes, type ErrorCode } from '../../src/core/error-codes.ts';
import { ConfigError } from '../../src/core/errors.ts';
import type { EventName, RouterEvents } from '../../src/core/events.ts';
import type { Locality } from '../../src/core/locality.ts';
import type { PriceTable } from '../../src/core/prices.ts';
import type { ChatRequest, EmbedRequest } from '../../src/core/types.ts';
import type { CallOptions } from '../../src/config/call-options.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import type { IntentOptions } from '../../src/config/routing-options.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { canaryTexts } from '../../src/router/embedding-canary.ts';
import type { Router } from '../../src/router/router.ts';
import { failureOf, fakeRouter, hello } from '../_kit/fake-router.ts';
import { type Contact, createWorld, type Deed, markOf, type World } from './policy-world.ts';

// What may be asked, and who may be paid, as `docs/reference/config.md` says it: written down a second time here, and held against
// everybody whom the router really asks.

/** A provider as the configuration describes it. */
interface Provider {
  readonly id: string;
  readonly type: 'custom' | 'vllm' | 'openai-compatible' | 'llamacpp' | 'openai' | 'together';
  readonly origin: keyof typeof origins;
  readonly script: readonly Deed[];
  readonly options: Omit<ProviderOptions, 'type' | 'url' | 'adapter'>;
}

interface Asked {
  readonly atMs: number;
  readonly verb: 'chat' | 'stream' | 'embed';
  readonly words: number;
  readonly request: Pick<ChatRequest, 'model' | 'max_tokens' | 'max_completion_tokens' | 'n'>;
  readonly options: CallOptions;
  /** The reader leaves after so many chunks. */
  readonly leavesAfter: number | undefined;
}

interface Case {
  readonly providers: readonly Provider[];
  readonly router: Omit<RouterOptions, 'providers' | 'prices' | 'intents'>;
  readonly intents: Readonly<Record<string, IntentOptions>>;
  /** US dollars for a million tokens, in and out, by type and model. */
  readonly prices: Readonly<Record<string, readonly [number, number]>>;
  readonly calls: readonly Asked[];
}

/** Where addresses lie, by the table of the reference. */
const origins = {
  'http://127.0.0.1:40': 'host',
  'http://localhost:41': 'host',
  'http://[::1]:42': 'host',
  'http://10.0.0.7:43': 'lan',
  'http://box:44': 'lan',
  'http://rack.local:45': 'lan',
  'https://abc.ngrok-free.app:46': 'tunnel',
  'https://abc.trycloudflare.com:47': 'tunnel',
  'https://api.example.com:48': 'cloud',
  'http://8.8.4.4:49': 'cloud',
} as const;

const nearToFar: readonly Locality[] = ['process', 'host', 'lan', 'tunnel', 'cloud'];
const devices = ['gpu', 'cpu', 'remote', 'cloud'] as const;

/** Each on a port of its own. */
function originOf(provider: Provider, all: readonly Provider[]): string | undefined {
  return provider.type === 'custom' ? undefined : `${provider.origin}${10 + all.indexOf(provider)}`;
}

function farnessOf({ type, origin, options }: Provider): number {
  return nearToFar.indexOf(options.locality ?? (type === 'custom' ? 'cloud' : origins[origin]));
}

function isPaid({ type, options }: Provider): boolean {
  return (options.cost ?? (type === 'openai' || type === 'together' ? 'paid' : 'free')) === 'paid';
}

function isOn({ options }: Provider): boolean {
  return options.enabled !== false;
}

function paysAnybody({ router, providers }: Case): boolean {
  return router.allowPaid ?? providers.filter(isOn).every(isPaid);
}

type Consent = 'free' | 'named by the call' | 'the call' | 'the intent' | 'the router' | 'nothing but paid' | 'the order';

/** By whose consent a call may pay a provider; undefined where nobody has given any. */
function consentTo(provider: Provider, { options }: Asked, all: Case): Consent | undefined {
  if (!isPaid(provider)) return 'free';
  // What is said outright, for or against, stands before what naming somebody implies.
  if (options.allowPaid !== undefined) return options.allowPaid ? 'the call' : undefined;
  const intent = all.intents[options.intent ?? 'fast'] ?? {};
  if (intent.allowPaid !== undefined) return intent.allowPaid ? 'the intent' : undefined;
  if (options.provider === provider.id) return 'named by the call';
  if (paysAnybody(all)) return all.router.allowPaid === true ? 'the router' : 'nothing but paid';
  const isDevice = devices.some((device) => device === provider.id);
  return (intent.order ?? []).flat().includes(provider.id) && !isDevice ? 'the order' : undefined;
}

/** What was sent bounds what it costs: its longest answer, and a prompt of no fewer tokens than it has words. */
function costsAtLeast(provider: Provider, asked: Asked, sent: Contact['request'], { prices }: Case): number {
  const price = prices[`${provider.type}/${String(sent['model'])}`];
  const limits = [sent['max_tokens'], sent['max_completion_tokens']].filter((limit) => typeof limit === 'number');
  const isBound = limits.length > 0 && limits.every((limit) => limit > 0);
  if (price === undefined || sent['model'] === undefined || (asked.verb !== 'embed' && !isBound)) return Infinity;
  const answer = asked.verb === 'embed' ? 0 : Math.max(...limits) * Number(sent['n'] ?? 1);
  return (asked.words * price[0] + answer * price[1]) / 1e6;
}

/** Why a call may not be sent there; undefined where it may. */
function whyNot(provider: Provider, asked: Asked, sent: Contact['request'], all: Case): string | undefined {
  const { router, intents } = all;
  const intent = intents[asked.options.intent ?? 'fast'] ?? {};
  const levels = [router, intent, asked.options];
  const farthest = Math.min(...levels.map(({ maxLocality = 'cloud' }) => nearToFar.indexOf(maxLocality)));
  if (!isOn(provider)) return 'it is switched off';
  if (asked.options.provider !== undefined && asked.options.provider !== provider.id) return 'the call names another one';
  if (farnessOf(provider) > farthest) return 'it lies too far away';
  if (consentTo(provider, asked, all) === undefined) return 'nobody has consented to pay it';
  const most = Math.min(...levels.map(({ maxCostUsd = Infinity }) => maxCostUsd));
  if (isPaid(provider) && most < Infinity && costsAtLeast(provider, asked, sent, all) > most) return 'it may cost too much, or anything';
  return undefined;
}

/** What speaks against a question that no call asks. */
function whyNoQuestion(provider: Provider, { what, request }: Contact, before: readonly Contact[], all: Case): string | undefined {
  const { checkEmbeddings, checkModels, health, pollMs, maxLocality = 'cloud' } = all.router;
  if (!isOn(provider)) return 'it is switched off';
  if (what === 'canary') {
    if (checkEmbeddings !== true || JSON.stringify(request['input']) !== JSON.stringify(canaryTexts)) return 'it is no question of ours';
    if (isPaid(provider) && !paysAnybody(all)) return 'nobody has consented to pay it';
    const [inputUsd = Infinity] = all.prices[`${provider.type}/${String(request['model'])}`] ?? [];
    const { maxCostUsd = Infinity } = all.router;
    // The eight texts are no fewer than 50 tokens.
    if (isPaid(provider) && maxCostUsd < Infinity && !((50 * inputUsd) / 1e6 <= maxCostUsd)) return 'it may cost too much, or anything';
    return farnessOf(provider) > nearToFar.indexOf(maxLocality) ? 'it lies too far away' : undefined;
  }
  if (Object.keys(request).length > 0) return 'it says more than it asks';
  // A model that is being loaded is waited for by asking how the server is, which some servers tell by their list of models.
  const mayBeLoading = before.some((contact) => contact.what === 'attempt' && contact.provider === provider.id);
  if (mayBeLoading && what !== 'load') return undefined;
  // Some servers tell how they are by their list of models.
  const isWatched = health !== false && farnessOf(provider) <= nearToFar.indexOf(maxLocality);
  if (what === 'health') return isWatched ? undefined : 'nothing asks for it';
  return pollMs !== false || (what === 'models' && (checkModels !== false || isWatched)) ? undefined : 'nothing asks for it';
}

/** Set in so many of ten cases. */
function optional<Value>(value: fc.Arbitrary<Value>, ofTen = 5): fc.Arbitrary<Value | undefined> {
  return fc.oneof({ weight: 10 - ofTen, arbitrary: fc.constant(undefined) }, { weight: ofTen, arbitrary: value });
}

const anyLocality = fc.constantFrom(...nearToFar);
const anyCost = fc.constantFrom(1e-9, 1e-4, 1e-2, 1e3);
const anyBalance = fc.constantFrom('priority' as const, 'weighted' as const, 'least-busy' as const, 'expected-ttft' as const);
/** The router's own, which no provider gives. */
const ownCodes: readonly ErrorCode[] = [
  'invalid_config',
  'no_provider',
  'stream_interrupted',
  'circuit_open',
  'saturated',
  'all_failed',
  'closed',
];
const givenCodes = (Object.keys(errorCodes) as ErrorCode[]).filter((code) => !ownCodes.includes(code));
const failures = [...givenCodes, ...(['hang', 'cut', 'stall', 'refused', 'reset', 'redirect'] as const)];
const anyDeed = fc.oneof(
  { weight: 4, arbitrary: fc.constant('answer' as const) },
  { weight: 3, arbitrary: fc.constantFrom('slow' as const, 'hang' as const, 'cut' as const, 'stall' as const) },
  { weight: 4, arbitrary: fc.constantFrom(...failures) },
);

/** Only whoever has answered before can be slow, and only a slow attempt is hedged. */
const anyScript: fc.Arbitrary<Deed[]> = fc.oneof(
  fc.array(anyDeed, { minLength: 1, maxLength: 5 }),
  fc.tuple(fc.constant('answer' as const), fc.constantFrom('slow' as const, 'hang' as const, 'answer' as const), anyDeed),
);

const anyProvider = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e', ...devices),
  type: fc.constantFrom('custom', 'custom', 'vllm', 'openai-compatible', 'llamacpp', 'openai', 'together'),
  origin: fc.constantFrom(...(Object.keys(origins) as (keyof typeof origins)[])),
  script: anyScript,
  options: fc.record({
    device: optional(fc.constantFrom(...devices)),
    cost: optional(fc.constantFrom('free' as const, 'free' as const, 'paid' as const)),
    locality: optional(anyLocality),
    priority: optional(fc.integer({ min: -1, max: 1 }), 2),
    weight: optional(fc.integer({ min: 1, max: 3 }), 2),
    maxConcurrent: optional(fc.integer({ min: 1, max: 2 }), 1),
    enabled: fc.constantFrom(undefined, undefined, undefined, undefined, false),
    defaultModel: optional(fc.constantFrom('m', 'm', 'big'), 8),
    embeddingModel: optional(fc.constant('e-embed'), 8),
    contextLength: optional(fc.constantFrom(50, 5_000), 1),
  }),
}) as fc.Arbitrary<Provider>;

const limits = {
  allowPaid: optional(fc.boolean(), 2),
  maxLocality: optional(fc.constantFrom(...nearToFar, 'lan' as const, 'tunnel' as const), 2),
  maxCostUsd: optional(anyCost, 1),
};

function anyIntent(ids: readonly string[]): fc.Arbitrary<IntentOptions> {
  const order = fc.uniqueArray(fc.constantFrom(...ids, ...devices), { maxLength: 4 });
  const grouped = order.map(([first, ...others]) =>
    others.length > 1 ? [first as string, others] : [first, ...others].filter((name) => name !== undefined),
  );
  return fc.record({
    order: optional(grouped, 9),
    balance: optional(anyBalance),
    lane: optional(fc.constantFrom('fast' as const, 'heavy' as const), 2),
    affinity: optional(fc.boolean(), 2),
    ...limits,
  });
}

const anyRouter: fc.Arbitrary<Case['router']> = fc.record({
  ...limits,
  maxLocality: optional(fc.constantFrom('host' as const, 'lan' as const, 'tunnel' as const), 2),
  balance: optional(anyBalance),
  hedge: optional(fc.constant({ minSamples: 1, minDelayMs: 20, maxLoad: 1 }), 8),
  onAllOpen: optional(fc.constantFrom('fail' as const, 'wait' as const)),
  panic: optional(fc.constantFrom('off' as const, 'soonest' as const)),
  onStreamFailure: optional(fc.constantFrom('restart' as const, 'continue' as const), 8),
  onModelMissing: optional(fc.constantFrom('skip' as const, 'substitute' as const), 2),
  checkModels: fc.boolean(),
  checkEmbeddings: optional(fc.boolean(), 2),
  health: fc.constantFrom(false as const, 'per-request' as const, { intervalMs: 2_000, unhealthyIntervalMs: 500 }),
  pollMs: fc.constantFrom(false as const, 3_000),
  breaker: fc.record({ failureThreshold: fc.integer({ min: 1, max: 4 }), openMs: fc.constantFrom(100, 2_000) }),
  pinMs: fc.constantFrom(100, 5_000),
  maxAttempts: fc.integer({ min: 3, max: 5 }),
  deadlineMs: fc.constant(20_000),
  timeouts: fc.constant({ firstTokenMs: 500, idleMs: 500 }),
});

function anyCall(ids: readonly string[]): fc.Arbitrary<Asked> {
  const most = fc.constantFrom(undefined, 1, 10, 1_000, 0, -1, null as never);
  return fc.record({
    atMs: fc.integer({ min: 0, max: 12_000 }),
    verb: fc.constantFrom('chat', 'stream', 'stream', 'embed'),
    words: fc.constantFrom(3, 3, 400),
    request: fc.record({
      model: fc.constantFrom('m', 'm', 'm', 'big', 'alias', undefined),
      max_tokens: most,
      max_completion_tokens: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: most }),
      n: fc.constantFrom(undefined, undefined, undefined, 1, 4, null as never),
    }),
    options: fc.record({
      intent: fc.constantFrom(undefined, 'fast', 'heavy', 'own', 'own'),
      provider: optional(fc.constantFrom(...ids), 1),
      session: optional(fc.constantFrom('s', 't'), 2),
      hedge: optional(fc.constant(false), 1),
      ...limits,
    }),
    leavesAfter: optional(fc.constant(1), 1),
  });
}

const anyCase: fc.Arbitrary<Case> = fc
  .uniqueArray(anyProvider, { selector: ({ id }) => id, minLength: 2, maxLength: 6 })
  .chain((providers) => {
    const ids = providers.map(({ id }) => id);
    const on = providers.filter(isOn).map(({ id }) => id);
    const priced = [...new Set(providers.map(({ type }) => type))].flatMap((type) =>
      ['m', 'big', 'e-embed'].map((model) => `${type}/${model}`),
    );
    return fc.record({
      providers: fc.constant(providers),
      router: anyRouter,
      intents: fc.record({ fast: anyIntent(ids), own: anyIntent(ids) }),
      prices: fc.dictionary(fc.constantFrom(...priced), fc.constantFrom([0.1, 1] as const, [10, 30] as const), { maxKeys: 12 }),
      calls: fc.array(anyCall(on.length === 0 ? ids : on), { minLength: 4, maxLength: 16 }),
    });
  });

interface Played {
  readonly contacts: readonly Contact[];
  readonly events: readonly { readonly name: EventName; readonly event: Readonly<Record<string, unknown>> }[];
  /** Whom plans left out for a limit, and whom not. */
  readonly planned: readonly {
    readonly call: number;
    readonly provider: string;
    readonly model: string | undefined;
    readonly reason?: string;
  }[];
}

/** Undefined where the configuration is refused, because it leaves nobody. */
async function play(all: Case): Promise<Played | undefined> {
  const world = createWorld(all.providers.map((provider) => ({ ...provider, origin: originOf(provider, all.providers) })));
  const router = routerOf(all, world);
  if (router === undefined) return undefined;
  const events: Played['events'][number][] = [];
  for (const name of watched) router.on(name, (event: RouterEvents[EventName]) => void events.push({ name, event: { ...event } }));
  const planned: Played['planned'][number][] = [];
  const calls = all.calls.map(async (asked, call) => {
    await world.clock.sleep(asked.atMs);
    const request = requestOf(asked, call);
    const plan = router.explain(request, asked.options);
    for (const { provider, model } of plan.candidates) planned.push({ call, provider, model });
    for (const { provider, model, code, reason } of plan.skipped)
      if (code === 'no_provider') planned.push({ call, provider, model, reason });
    await carryOut(router, asked, request).catch(() => undefined);
  });
  await untilSettled(world, Promise.all(calls));
  void router.close({ drainMs: 1 });
  return { contacts: world.contacts, events, planned };
}

const watched = [
  'failover',
  'hedge',
  'retry',
  'stream:reset',
  'stream:resumed',
  'model:pinned',
  'breaker:half-open',
  'queue:enter',
  'attempt:error',
] as const;

function routerOf({ providers, prices, router, intents }: Case, world: World): Router | undefined {
  const configured = providers.map((provider): [string, ProviderOptions] => {
    const { id, type, options } = provider;
    const url = originOf(provider, providers);
    const own = url === undefined ? { adapter: world.adapterOf({ ...provider, origin: url }) } : { url };
    return [id, { type, ...own, ...options }];
  });
  const table: PriceTable = {
    date: '2026-11-21',
    source: 'a test',
    priceOf: (type, model) => {
      const price = prices[`${type}/${model}`];
      return price && { inputPerMillionUsd: price[0], outputPerMillionUsd: price[1] };
    },
  };
  const { clock, transport } = world;
  const models = { alias: Object.fromEntries(providers.slice(1).map(({ id }, index) => [id, index % 2 === 0 ? 'm' : 'big'])) };
  const seams = { clock: clock.forRouter, random: () => 0.5, transport, prices: table, models };
  try {
    return createRouter({ ...router, ...seams, intents, providers: Object.fromEntries(configured) });
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

function requestOf({ verb, words, request }: Asked, call: number): ChatRequest | EmbedRequest {
  const text = markOf(call) + ' word'.repeat(words);
  const { model, ...others } = request;
  const named = model === undefined ? {} : { model };
  return verb === 'embed' ? { ...named, input: text } : { ...named, ...others, messages: [{ role: 'user', content: text }] };
}

async function carryOut(router: Router, { verb, options, leavesAfter }: Asked, request: ChatRequest | EmbedRequest): Promise<void> {
  if (verb === 'embed') return void (await router.embed(request as EmbedRequest, options));
  if (verb === 'chat') return void (await router.chat(request as ChatRequest, options));
  let left = leavesAfter ?? Infinity;
  for await (const _ of await router.stream(request as ChatRequest, options)) if (--left <= 0) return;
}

/** Nothing here waits for more than promises and the clock, so one turn of the loop is enough for all that a moment brings. */
async function untilSettled(world: World, work: Promise<unknown>): Promise<void> {
  const state = { isOver: false };
  const end = (): void => void (state.isOver = true);
  work.then(end, end);
  for (let idle = 0; !state.isOver; idle += 1) {
    await setImmediate();
    if (world.clock.step()) idle = 0;
    if (idle > 1_000) throw new Error('A call waits for nothing.');
  }
  await work;
}

const text = (value: unknown): string => JSON.stringify(value, (_, each: unknown) => each ?? null);

/** Whatever was done that no rule allows, in words. */
function breachesIn({ contacts, events, planned }: Played, all: Case): string[] {
  const byId = new Map(all.providers.map((provider) => [provider.id, provider]));
  const breaches: string[] = [];
  for (const [index, contact] of contacts.entries()) {
    const provider = byId.get(contact.provider);
    const asked = all.calls[contact.call];
    if (provider === undefined) breaches.push(`${contact.provider} was asked`);
    else if (contact.what !== 'attempt' || asked === undefined) {
      const why = whyNoQuestion(provider, contact, contacts.slice(0, index), all);
      if (why !== undefined) breaches.push(`${provider.id} was asked for ${contact.what}, and ${why}`);
    } else {
      const why = whyNot(provider, asked, contact.request, all);
      if (why !== undefined) breaches.push(`call ${contact.call} went to ${provider.id}, and ${why}: ${text([asked, provider])}`);
    }
  }
  for (const { name, event } of events) {
    if (name !== 'hedge') continue;
    const [from, to] = [byId.get(String(event['from'])), byId.get(String(event['provider']))];
    if (from === undefined || to === undefined || isPaid(from) !== isPaid(to)) breaches.push(`a hedge went from ${from?.id} to ${to?.id}`);
  }
  for (const { call, provider: id, model, reason } of planned) {
    const [provider, asked] = [byId.get(id), all.calls[call]];
    // The router is more careful than this: it counts on more tokens than the prompt has words.
    if (provider === undefined || asked === undefined || reason?.startsWith('may cost') === true) continue;
    const why = whyNot(provider, asked, { ...asked.request, model }, all);
    if (reason === undefined && why !== undefined) breaches.push(`call ${call} may go to ${id}, and ${why}`);
    if (reason !== undefined && why === undefined) breaches.push(`call ${call} may not go to ${id}, says the router: ${reason}`);
  }
  return breaches;
}

/** What has to happen often for the property to say anything. */
function tally(counts: Map<string, number>, played: Played, all: Case): void {
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const { what, call, provider: id } of played.contacts) {
    const provider = all.providers.find((each) => each.id === id);
    const asked = all.calls[call];
    count(what);
    if (provider && asked) count(`paid by consent: ${consentTo(provider, asked, all) ?? 'none'}`);
  }
  for (const { name, event } of played.events) {
    count(name);
    if (name === 'attempt:error') count(`failed: ${(event['error'] as { code: string }).code}`);
  }
  for (const { reason } of played.planned) if (reason !== undefined) count(`left out: ${reason.replace(/\$[\d.e-]+|"\w+"/g, '…')}`);
}

const mustHappen = [
  'canary',
  'models',
  'load',
  'failover',
  'hedge',
  'retry',
  'stream:reset',
  'stream:resumed',
  'queue:enter',
  'model:pinned',
  'breaker:half-open',
  ...['free', 'named by the call', 'the call', 'the intent', 'the router', 'nothing but paid', 'the order'].map(
    (by) => `paid by consent: ${by}`,
  ),
  'left out: lies in …, and maxLocality is …',
  'left out: costs money, and allowPaid is false',
  'left out: its price is not known, and maxCostUsd is set',
  'left out: its cost has no bound: maxCostUsd needs max_tokens in the request',
  'left out: may cost …, and maxCostUsd is …',
];

describe('whatever fails, and however a call is tried again', () => {
  test(
    'it goes to nobody beyond its limits, pays nobody without consent, and costs no more than it may',
    { timeout: 300_000 },
    async () => {
      const counts = new Map<string, number>();
      let refused = 0;
      const property = fc.asyncProperty(anyCase, async (all) => {
        const played = await play(all);
        if (played === undefined) return void (refused += 1);
        expect(breachesIn(played, all)).toEqual([]);
        return tally(counts, played, all);
      });
      const numRuns = 1_500;
      await fc.assert(property, { numRuns });
      expect(refused).toBeLessThan(numRuns / 2);
      expect(mustHappen.filter((name) => (counts.get(name) ?? 0) < 10)).toEqual([]);
      expect(givenCodes.filter((code) => !counts.has(`failed: ${code}`))).toEqual([]);
    },
  );
});

describe('a limit of the cost', () => {
  const prices: PriceTable = { date: '2026-11-21', source: 'a test', priceOf: () => ({ inputPerMillionUsd: 1, outputPerMillionUsd: 10 }) };
  /** 50 tokens of answer: 0.0005 $. */
  const options = { prices, allowPaid: true, maxCostUsd: 0.001 };
  const dear = { does: 'paid for', cost: 'paid', fake: { capabilities: { choices: true } } } as const;

  // JSON and other programs' clients bring all of these; servers read what is no positive number as no limit.
  test.each([
    {},
    { max_tokens: null },
    { max_tokens: 0 },
    { max_tokens: -1 },
    { max_tokens: 1e6, max_completion_tokens: 50 },
    { max_tokens: 50, max_completion_tokens: 1e6 },
    { max_tokens: -1, max_completion_tokens: 50 },
    { max_tokens: 50, n: 0 },
    { max_tokens: 50, n: -1 },
    { max_tokens: 50, n: 100 },
  ])('holds where the request bounds its answer by no more than %j', async (limits) => {
    const { router, fakes } = fakeRouter({ dear }, options);
    expect(await failureOf(router.chat({ ...hello, ...limits } as ChatRequest))).toMatchObject({ code: 'no_provider' });
    expect(fakes.dear.calls).toHaveLength(0);
  });

  test.each([{ max_tokens: 50 }, { max_completion_tokens: 50, max_tokens: null }, { max_tokens: 50, n: null }, { max_tokens: 20, n: 2 }])(
    'lets a call pass that is bound by %j',
    async (limits) => {
      const { router } = fakeRouter({ dear }, options);
      expect((await router.chat({ ...hello, ...limits } as ChatRequest)).route.provider).toBe('dear');
    },
  );
});

describe('limits that leave nobody', () => {
  const local = { id: 'local', type: 'vllm', origin: 'http://10.0.0.7:43', script: ['answer'], options: {} } as const;
  const dear = { id: 'dear', type: 'openai', origin: 'http://127.0.0.1:40', script: ['answer'], options: { apiKey: 'k' } } as const;

  test.each<[string, Partial<RouterOptions>]>([
    ['maxLocality', { maxLocality: 'process' }],
    ['intents.own.maxLocality', { intents: { own: { maxLocality: 'process' } } }],
    // The one that is near enough costs money, and the one that is free is too far.
    ['maxLocality', { maxLocality: 'host' }],
    ['intents.own.maxLocality', { intents: { own: { maxLocality: 'host', allowPaid: false } } }],
    ['intents.own.allowPaid', { intents: { own: { allowPaid: false, order: ['dear'] } } }],
  ])('are refused when the router is made, as an issue of %s, and nobody is asked', async (path, limit) => {
    const all = [local, dear].map((provider) => ({ ...provider, origin: originOf(provider, [local, dear]) }));
    const { clock, contacts, transport } = createWorld(all);
    const providers = Object.fromEntries(all.map(({ id, type, origin, options }) => [id, { type, url: origin, ...options }]));
    const make = (more: Partial<RouterOptions>): Router => createRouter({ clock: clock.forRouter, transport, providers, ...more });
    const error = await failureOf(Promise.resolve().then(() => make(limit)));
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).issues.map((issue) => issue.path)).toEqual([path]);
    await setImmediate();
    expect(contacts).toEqual([]);
    expect(() => make({ ...limit, maxLocality: 'lan', intents: {} })).not.toThrow();
  });
});
