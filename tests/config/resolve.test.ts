import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { defaults, usualIntent } from '../../src/config/defaults.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { IntentOptions } from '../../src/config/routing-options.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { defineAdapter } from '../../src/core/adapter.ts';
import { defaultModelOf } from '../../src/core/default-models.ts';
import { type ProviderType, providerTypes } from '../../src/core/provider-types.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { defaultTransport } from '../../src/lib/default-transport.ts';
import { Secret } from '../../src/lib/secret.ts';
import { fine, provider, resolved, warnings } from './refusals.ts';

const adapter = defineAdapter({ name: 'mine', chat: () => Promise.reject(new Error('not called')) });

const random = (): number => 0.5;

const priced = { prices: { date: '2026-11-21', source: 'a test', priceOf: () => undefined } };

const slotsOf = (options: object): unknown => resolveConfig(provider(options)).config.providers[0]?.usualSlots;

const orderOf = (order: IntentOptions['order'], providers: RouterOptions['providers'] = fine.providers): unknown =>
  resolved({ providers, intents: { mine: { order } } }).intents.get('mine')?.order;

/** What nobody knows of a provider unless somebody says it. */
const nothingKnown = {
  maxConcurrent: undefined,
  reservedForFast: undefined,
  maxModelBillions: undefined,
  embeddingSpace: undefined,
  contextLength: undefined,
};

describe('defaults', () => {
  test.each([
    'defaultIntent',
    'allowPaid',
    'maxAttempts',
    'deadlineMs',
    'timeouts',
    'breaker',
    'pinMs',
    'onModelMissing',
    'random',
    'maxLocality',
    'balance',
    'queue',
    'pollMs',
    'checkEmbeddings',
  ] as const)('%s', (name) => {
    expect(resolved()[name]).toEqual(defaults[name]);
  });

  test.each(Object.entries(defaults.intents))('the intent %s', (name, intent) => {
    expect(resolved().intents.get(name)).toEqual(intent);
  });

  test('no limit of cost and no prices', () => {
    expect(resolved()).toMatchObject({ maxCostUsd: undefined, prices: undefined });
  });

  test('the system clock and the transport of the platform', () => {
    expect(resolved().clock).toBe(systemClock);
    expect(resolved().transport).toBe(defaultTransport());
  });

  test.each(Object.keys(providerTypes) as ProviderType[])('of a provider of type %s', (type) => {
    const row = providerTypes[type];
    const needed = row.keyVariable !== undefined ? { apiKey: 'k' } : type === 'cpu' ? { modelPath: 'm.gguf' } : {};
    const url = row.runs === 'network' && row.defaultUrl === undefined ? { url: 'http://box' } : {};
    const [config] = resolveConfig({ providers: { p: { type, ...needed, ...url } } }).config.providers;
    expect(config).toMatchObject({
      id: 'p',
      type,
      url: row.defaultUrl ?? url.url,
      device: row.device,
      cost: row.cost,
      priority: row.priority,
      ...defaults.provider,
      headers: {},
      timeouts: {},
      defaultModel: defaultModelOf(type, 'chat'),
      embeddingModel: defaultModelOf(type, 'embed'),
      contextSize: undefined,
      reply: undefined,
      ...nothingKnown,
      usualSlots: row.slots,
      slotsPer: row.slotsPer,
    });
  });

  test('of a custom provider', () => {
    const [config] = resolveConfig(provider({ type: 'custom', adapter })).config.providers;
    const { slots: usualSlots, ...custom } = defaults.custom;
    expect(config).toMatchObject({ ...custom, ...nothingKnown, usualSlots, url: undefined, adapter });
  });
});

describe('what is set', () => {
  test('replaces the default and leaves its neighbours', () => {
    const config = resolved({ timeouts: { idleMs: 5 }, breaker: { jitter: 0 }, maxAttempts: 1 });
    expect(config.timeouts).toEqual({ ...defaults.timeouts, idleMs: 5 });
    expect(config.breaker).toEqual({ ...defaults.breaker, jitter: 0 });
    expect(config.maxAttempts).toBe(1);
  });

  test('is kept for each option of routing', () => {
    const given = { maxLocality: 'tunnel', balance: 'least-busy', pollMs: 500, checkEmbeddings: true, maxCostUsd: 3, ...priced } as const;
    expect(resolved({ ...given, queue: { timeoutMs: 9 } })).toMatchObject({ ...given, queue: { ...defaults.queue, timeoutMs: 9 } });
    expect(resolved({ health: false, pollMs: false }).pollMs).toBeUndefined();
  });

  test('is kept for what a provider can take', () => {
    const given = {
      weight: 3,
      maxConcurrent: 4,
      reservedForFast: 2,
      maxModelBillions: 13.5,
      embeddingSpace: 'nomic',
      contextLength: 8_192,
    };
    const [config] = resolveConfig(provider({ type: 'ollama', ...given })).config.providers;
    expect(config).toMatchObject({ ...given, usualSlots: 1, slotsPer: 'model' });
  });

  test('a provider in a cloud has no usual number of slots, whatever its type', () => {
    expect(slotsOf({ type: 'ollama', url: 'https://ollama.com' })).toBeUndefined();
    expect(slotsOf({ type: 'ollama', locality: 'cloud' })).toBeUndefined();
    expect(slotsOf({ type: 'ollama', url: 'https://a.trycloudflare.com' })).toBe(1);
  });

  test('explicit undefined counts as left out', () => {
    const config = resolved({ maxAttempts: undefined, timeouts: { idleMs: undefined }, breaker: undefined, models: undefined });
    expect(config).toMatchObject({ maxAttempts: defaults.maxAttempts, timeouts: defaults.timeouts, breaker: defaults.breaker });
  });

  test('a provider keeps only the limits it set', () => {
    const [config] = resolveConfig(provider({ type: 'ollama', timeouts: { totalMs: 9, idleMs: undefined } })).config.providers;
    expect(config?.timeouts).toEqual({ totalMs: 9 });
  });

  test('the device does not follow the address, nor does the cost', () => {
    const [config] = resolveConfig(provider({ type: 'openai', url: 'http://127.0.0.1:9000' })).config.providers;
    expect(config).toMatchObject({ device: 'cloud', cost: 'paid' });
  });

  test('transport, clock, random and adapter are used as they are', () => {
    const transport = { send: () => Promise.reject(new Error('not called')) };
    const clock = { ...systemClock };
    const config = resolveConfig({ providers: { p: { type: 'custom', adapter } }, transport, clock, random }).config;
    expect([config.transport, config.clock, config.random, config.providers[0]?.adapter]).toEqual([transport, clock, random, adapter]);
    expect(config.transport).toBe(transport);
    expect(Object.isFrozen(transport)).toBe(false);
  });

  test('providers keep the order they were written in', () => {
    const { providers } = resolveConfig({ providers: { z: { type: 'stub' }, a: { type: 'ollama' }, m: { type: 'vllm' } } }).config;
    expect(providers.map(({ id }) => id)).toEqual(['z', 'a', 'm']);
  });

  test('models become maps, so that an alias may have any name', () => {
    const { models } = resolved({ models: { toString: { gpu: 'llama3.1:8b' } } });
    expect(models.get('toString')?.get('gpu')).toBe('llama3.1:8b');
    expect(models.get('hasOwnProperty')).toBeUndefined();
  });
});

describe('intents', () => {
  test('an order is completed to all devices, each on its own', () => {
    expect(orderOf(['cloud'])).toEqual([['cloud'], ['gpu'], ['remote'], ['cpu']]);
    expect(orderOf([])).toEqual([['gpu'], ['remote'], ['cpu'], ['cloud']]);
  });

  test('equals in an order stay together, and devices among them are not there a second time', () => {
    expect(orderOf([['cpu', 'remote'], 'gpu'])).toEqual([['cpu', 'remote'], ['gpu'], ['cloud']]);
  });

  test('an order names providers as well, those that are switched off too', () => {
    const providers = { a: { type: 'ollama' }, b: { type: 'vllm', enabled: false }, c: { type: 'stub' } } as const;
    expect(orderOf(['b', ['c', 'cloud'], 'a'], providers)).toEqual([['b'], ['c', 'cloud'], ['a'], ['gpu'], ['remote'], ['cpu']]);
  });

  test('a new one without an order gets the usual one', () => {
    expect(resolved({ intents: { mine: {} } }).intents.get('mine')).toEqual(usualIntent);
  });

  test('each option of one stands over what is usual', () => {
    const { prices } = priced;
    const given = { balance: 'weighted', lane: 'heavy', affinity: false, maxLocality: 'lan', allowPaid: true, maxCostUsd: 2 } as const;
    expect(resolved({ prices, intents: { mine: given } }).intents.get('mine')).toEqual({ ...usualIntent, ...given });
    const heavy = { lane: 'fast', affinity: true } as const;
    expect(resolved({ intents: { heavy } }).intents.get('heavy')).toEqual({ ...defaults.intents['heavy'], ...heavy });
  });

  test('changing the limits of a built-in one keeps its order', () => {
    const heavy = resolved({ intents: { heavy: { timeouts: { idleMs: 40_000 }, deadlineMs: 9_000 } } }).intents.get('heavy');
    expect(heavy).toEqual({ ...defaults.intents['heavy'], timeouts: { firstTokenMs: 60_000, idleMs: 40_000 }, deadlineMs: 9_000 });
  });

  test('a new one can be the default', () => {
    expect(resolved({ intents: { mine: {} }, defaultIntent: 'mine' }).defaultIntent).toBe('mine');
  });
});

describe('breaker', () => {
  test("'classic' is three failures and five minutes, whatever the ratio", () => {
    expect(resolved({ breaker: 'classic' }).breaker).toEqual({
      failureThreshold: 3,
      minimumOutcomes: Infinity,
      failureRatio: 0.5,
      windowMs: 60_000,
      openMs: 300_000,
      maxOpenMs: 300_000,
      jitter: 0,
    });
  });
});

const withUrl = (options: object) =>
  resolveConfig(provider({ type: 'vllm', url: 'http://us%20er:p%40ss@box:8000', ...options })).config.providers[0];

describe('credentials', () => {
  test('a key is kept where no print shows it', () => {
    const secret = withUrl({ url: 'http://box', apiKey: 'sk-canary' })?.apiKey;
    expect(secret).toBeInstanceOf(Secret);
    expect((secret as Secret).reveal()).toBe('sk-canary');
    expect(inspect(resolveConfig(provider({ type: 'openai', apiKey: 'sk-canary' })), { depth: 9, showHidden: true })).not.toContain(
      'sk-canary',
    );
  });

  test('a function stays a function and is not called', () => {
    const apiKey = vi.fn(() => 'k');
    expect(withUrl({ apiKey })?.apiKey).toBe(apiKey);
    expect(apiKey).not.toHaveBeenCalled();
  });

  test('those of an address become a header', () => {
    expect(withUrl({})).toMatchObject({ url: 'http://box:8000', headers: { authorization: `Basic ${btoa('us er:p@ss')}` } });
  });

  test('those of an address give way to apiKey', () => {
    expect(withUrl({ apiKey: 'k' })?.headers).toEqual({});
  });

  test('those of an address give way to a header', () => {
    expect(withUrl({ headers: { Authorization: 'Token t' } })?.headers).toEqual({ authorization: 'Token t' });
  });

  test('openai needs no key behind an address of its own, or with a header', () => {
    expect(() => resolveConfig(provider({ type: 'openai', url: 'http://127.0.0.1:1234/v1' }))).not.toThrow();
    expect(() => resolveConfig(provider({ type: 'openai', headers: { Authorization: 'Bearer k' } }))).not.toThrow();
  });

  test('a provider that is switched off may lack its key', () => {
    const options = { providers: { gpu: { type: 'ollama' }, openai: { type: 'openai', enabled: false, apiKey: undefined } } } as const;
    expect(resolveConfig(options).config.providers[1]).toMatchObject({ enabled: false, apiKey: undefined });
  });
});

describe('the result', () => {
  const full = (): unknown =>
    resolveConfig({
      providers: { p: { type: 'vllm', apiKey: 'k', headers: { a: 'b' }, timeouts: { idleMs: 1 } }, q: { type: 'custom', adapter } },
      models: { m: { p: 'x' } },
      ...priced,
      queue: { limit: 5 },
      throughput: { minCharsPerSecond: 5 },
      hedge: true,
      intents: { mine: { order: ['p', ['cpu', 'q']], timeouts: { idleMs: 1 } } },
      breaker: { jitter: 0.1 },
    }).config;

  test('is frozen to its last leaf, but for what is not ours', () => {
    const thawed: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null || /\.(transport|clock|adapter|prices)$/.test(path)) return;
      if (!Object.isFrozen(value)) thawed.push(path);
      const entries = value instanceof Map ? [...value] : Object.entries(value);
      for (const [name, entry] of entries) visit(entry, `${path}.${String(name)}`);
    };
    visit(full(), '');
    expect(thawed).toEqual([]);
  });

  test.each(['set', 'delete', 'clear'])('its maps refuse %s', (method) => {
    const { models } = full() as { models: Record<string, (...values: unknown[]) => void> };
    expect(() => models[method]?.('m', new Map())).toThrow('does not change');
  });

  test('does not change with the options it was made of', () => {
    const options = { providers: { p: { type: 'vllm', headers: { a: 'b' } } } } as const;
    const { config } = resolveConfig(options);
    Object.assign(options.providers.p.headers, { a: 'changed' });
    expect(config.providers[0]?.headers).toEqual({ a: 'b' });
  });
});

describe('reading the options', () => {
  test('frozen options are taken', () => {
    const options = Object.freeze({ providers: Object.freeze({ p: Object.freeze({ type: 'vllm' } as const) }) });
    expect(resolveConfig(options).config.providers).toHaveLength(1);
  });

  test('each value is read once, so that what was checked is what is used', () => {
    let reads = 0;
    const options = {
      providers: {
        p: {
          type: 'vllm',
          get url() {
            reads++;
            return reads === 1 ? 'http://first' : 'file:///second';
          },
        },
      },
    } as const;
    expect(resolveConfig(options).config.providers[0]?.url).toBe('http://first');
    expect(reads).toBe(1);
  });

  test('a proxy is read like the object behind it', () => {
    expect(resolveConfig(new Proxy(provider({ type: 'stub' }), {})).config.providers[0]?.type).toBe('stub');
  });

  test('an instance of a class counts with its own fields', () => {
    class Options {
      readonly providers = { p: { type: 'stub' } } as const;
      readonly maxAttempts = 2;
    }
    expect(resolveConfig(new Options()).config.maxAttempts).toBe(2);
  });
});

/** Whether two providers at these addresses are said to be on one server. */
const twins = (one: string, other: string, type: ProviderType = 'vllm'): boolean =>
  warnings({ providers: { a: { type: 'vllm', url: one }, b: { type, url: other } } }).some((text) => text.includes('the same server'));

describe('warnings', () => {
  test('there are none for plain options', () => {
    expect(warnings(provider({ type: 'ollama' }))).toEqual([]);
  });

  test('more attempts than 5 are lowered', () => {
    expect(resolved({ maxAttempts: 50 }).maxAttempts).toBe(5);
    expect(warnings({ ...provider({ type: 'ollama' }), maxAttempts: 6 })).toMatchInlineSnapshot(`
      [
        "maxAttempts: is lowered to 5: more attempts multiply the load on servers in trouble",
      ]
    `);
  });

  test('two providers on one address', () => {
    const a = { type: 'vllm' } as const;
    expect(warnings({ providers: { a, b: { type: 'vllm', url: 'http://127.0.0.1:8000/v1/' } } })).toMatchInlineSnapshot(`
      [
        "providers.b.url: leads to the same server as provider "a": both fail together, and what it takes at once is counted twice",
      ]
    `);
    expect(twins('http://127.0.0.1:8000', 'http://127.0.0.1:8000', 'openai-compatible')).toBe(true);
    expect(warnings({ providers: { a, nim: { type: 'nvidia' } } })).toEqual([expect.stringMatching(/^providers\.nim\.url: leads/)]);
  });

  test.each([
    ['http://localhost:8000', 'http://127.0.0.1:8000'],
    ['http://[::1]:8000', 'http://localhost:8000/v1'],
    ['http://0.0.0.0:8000', 'http://localhost:8000'],
    ['http://gpu-box:8000/a', 'http://gpu-box:8000/b'],
    ['http://192.168.1.5/a', 'http://192.168.1.5/b'],
    ['https://name.ngrok.io/a', 'https://name.ngrok.io/b'],
    ['https://api.example.com', 'https://api.example.com/v1/'],
    ['https://gateway.example.com/a', 'https://gateway.example.com/a/'],
  ])('%s and %s are one server', (one, other) => {
    expect(twins(one, other)).toBe(true);
  });

  test.each([
    ['https://gateway.example.com/a', 'https://gateway.example.com/b'],
    ['http://localhost:8000', 'http://localhost:8001'],
    ['http://gpu-box:8000', 'http://cpu-box:8000'],
    ['http://vllm.localhost', 'http://ollama.localhost'],
    ['http://127.0.0.1:8000', 'http://127.0.0.2:8000'],
    ['http://localhost.example.com', 'http://127.0.0.1.example.com'],
  ])('%s and %s are two', (one, other) => {
    expect(twins(one, other)).toBe(false);
  });

  test('a provider without an address has no twin, nor has one that is switched off', () => {
    expect(warnings({ providers: { a: { type: 'stub' }, b: { type: 'stub' } } })).toEqual([]);
    expect(warnings({ providers: { a: { type: 'vllm' }, b: { type: 'vllm', enabled: false } } })).toEqual([]);
  });

  test('nothing but paid providers is consent to pay; one free one beside them is none', () => {
    const openai = { type: 'openai', apiKey: 'k' } as const;
    expect(resolveConfig(provider(openai)).config.allowPaid).toBe(true);
    expect(resolveConfig({ providers: { openai, gpu: { type: 'ollama' } } }).config.allowPaid).toBe(false);
    expect(resolveConfig({ providers: { openai, gpu: { type: 'ollama', enabled: false } } }).config.allowPaid).toBe(true);
  });

  test('a missing key switches its provider off where others can answer', () => {
    const { config, warnings } = resolveConfig({ providers: { openai: { type: 'openai' }, gpu: { type: 'ollama' } } });
    expect(config.providers.map(({ id, enabled }) => [id, enabled])).toEqual([
      ['openai', false],
      ['gpu', true],
    ]);
    expect(warnings.map(({ path }) => path)).toEqual(['providers.openai.apiKey']);
  });

  test('a key with something around it', () => {
    expect(warnings(provider({ type: 'vllm', apiKey: '\uFEFF "k"\n' }))).toMatchInlineSnapshot(`
      [
        "providers.p.apiKey: the key had blanks, quotes or invisible characters around it; they were removed",
      ]
    `);
  });

  test('an address to bind to', () => {
    expect(warnings(provider({ type: 'vllm', url: 'http://0.0.0.0:8000' }))).toMatchInlineSnapshot(`
      [
        "providers.p.url: names an address that servers bind to; 127.0.0.1 is used",
      ]
    `);
  });

  test('credentials in an address', () => {
    const url = 'http://user:canary@box';
    expect([
      ...warnings(provider({ type: 'vllm', url })),
      ...warnings(provider({ type: 'vllm', url, apiKey: 'k' })),
      ...warnings(provider({ type: 'vllm', url, headers: { authorization: 'x' } })),
    ]).toMatchInlineSnapshot(`
      [
        "providers.p.url: the user name and password in it were moved to the authorization header; give them in headers or apiKey only",
        "providers.p.url: the user name and password in it were left out, because apiKey has credentials as well; give them in headers or apiKey only",
        "providers.p.url: the user name and password in it were left out, because headers has credentials as well; give them in headers or apiKey only",
      ]
    `);
  });

  test('a header in the place of the key', () => {
    expect(warnings(provider({ type: 'vllm', apiKey: 'k', headers: { Authorization: 'x' } }))).toMatchInlineSnapshot(`
      [
        "providers.p.headers: authorization replaces the header made of apiKey; leave one of them out",
      ]
    `);
  });
});
