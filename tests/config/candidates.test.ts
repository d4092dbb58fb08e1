import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import { defineAdapter } from '../../src/core/adapter.ts';
import type { PriceTable } from '../../src/core/prices.ts';
import { issues, warnings } from './refusals.ts';

const adapter = defineAdapter({ name: 'mine', chat: () => Promise.reject(new Error('not called')) });
const openai = { type: 'openai', apiKey: 'k' } as const;
const gpu = { type: 'ollama' } as const;
const prices: PriceTable = { date: '2026-11-21', source: 'a test', priceOf: () => undefined };

/** No issue, and no warning either. */
const isFine = (options: RouterOptions): void => {
  expect(issues(options)).toEqual([]);
  expect(warnings(options)).toEqual([]);
};

describe('maxLocality', () => {
  test('that leaves nobody is refused, with where each provider lies', () => {
    expect(
      issues({
        maxLocality: 'host',
        providers: { openai, box: { type: 'vllm', url: 'http://10.0.0.1' }, far: { type: 'vllm', url: 'https://a.loca.lt' } },
      }),
    ).toMatchInlineSnapshot(`
      [
        "maxLocality: leaves no provider for calls with the intent "fast" or "heavy": "openai" lies in "cloud", "box" lies in "lan", "far" lies in "tunnel"; allow a farther one, add a provider that is nearer, or set locality where the address does not tell",
      ]
    `);
  });

  test('of an intent that leaves nobody is an issue of the intent', () => {
    expect(issues({ providers: { gpu, openai }, intents: { mine: { maxLocality: 'process' }, other: { maxLocality: 'host' } } }))
      .toMatchInlineSnapshot(`
      [
        "intents.mine.maxLocality: leaves no provider for calls with the intent "mine": "gpu" lies in "host", "openai" lies in "cloud"; allow a farther one, add a provider that is nearer, or set locality where the address does not tell",
      ]
    `);
  });

  test('the nearer of the two holds', () => {
    const providers = { box: { type: 'vllm', url: 'http://10.0.0.1' } } as const;
    expect(issues({ providers, maxLocality: 'host', intents: { mine: { maxLocality: 'cloud' } } })).toMatchInlineSnapshot(`
      [
        "maxLocality: leaves no provider for calls with the intent "fast" or "heavy" or "mine": "box" lies in "lan"; allow a farther one, add a provider that is nearer, or set locality where the address does not tell",
      ]
    `);
    expect(issues({ providers, maxLocality: 'lan', intents: { mine: { maxLocality: 'host' } } })).toMatchInlineSnapshot(`
      [
        "intents.mine.maxLocality: leaves no provider for calls with the intent "mine": "box" lies in "lan"; allow a farther one, add a provider that is nearer, or set locality where the address does not tell",
      ]
    `);
  });

  test('of an intent that only repeats the router is no issue of its own', () => {
    const providers = { box: { type: 'vllm', url: 'http://10.0.0.1' } } as const;
    expect(issues({ providers, maxLocality: 'host', intents: { mine: { maxLocality: 'host' } } })).toEqual([
      expect.stringMatching(/^maxLocality: leaves no provider for calls with the intent "fast" or "heavy" or "mine":/),
    ]);
  });

  test('a custom provider has to say where it lies', () => {
    expect(issues({ maxLocality: 'lan', providers: { mine: { type: 'custom', adapter } } })).toMatchInlineSnapshot(`
      [
        "maxLocality: leaves no provider for calls with the intent "fast" or "heavy": "mine" lies in "cloud"; allow a farther one, add a provider that is nearer, or set locality where nobody can know it",
      ]
    `);
    isFine({ maxLocality: 'lan', providers: { mine: { type: 'custom', adapter, locality: 'lan' } } });
  });

  test('a provider that is switched off leaves nobody either', () => {
    expect(issues({ maxLocality: 'host', providers: { gpu: { ...gpu, enabled: false }, box: { type: 'vllm', url: 'http://10.0.0.1' } } }))
      .toMatchInlineSnapshot(`
      [
        "maxLocality: leaves no provider for calls with the intent "fast" or "heavy": "gpu" is switched off, "box" lies in "lan"; allow a farther one, add a provider that is nearer, or set locality where the address does not tell",
      ]
    `);
  });

  test.each<RouterOptions>([
    { maxLocality: 'host', providers: { gpu, openai } },
    { maxLocality: 'process', providers: { stub: { type: 'stub' }, openai } },
    { maxLocality: 'process', providers: { cpu: { type: 'cpu', embeddingModel: 'm' } } },
    { maxLocality: 'host', providers: { embedder: { type: 'tei' } } },
    { maxLocality: 'lan', intents: { mine: { maxLocality: 'cloud' } }, providers: { gpu } },
    { maxLocality: 'host', providers: { ours: { ...openai, url: 'http://127.0.0.1:9000', cost: 'free' } } },
  ])('one that may answer is enough: %o', isFine);
});

describe('allowPaid', () => {
  test('false with nothing but paid providers is refused', () => {
    expect(issues({ providers: { openai }, allowPaid: false })).toMatchInlineSnapshot(`
      [
        "allowPaid: leaves no provider for calls with the intent "fast" or "heavy": "openai" costs money, which nothing allows; set it to true, or add a provider that costs nothing",
      ]
    `);
  });

  test('false in an intent with nothing but paid providers is an issue of the intent', () => {
    expect(issues({ providers: { openai }, intents: { mine: { allowPaid: false } } })).toMatchInlineSnapshot(`
      [
        "intents.mine.allowPaid: leaves no provider for calls with the intent "mine": "openai" costs money, which nothing allows; set it to true, or add a provider that costs nothing",
      ]
    `);
  });

  test('left false beside a limit that shuts out all that is free is refused', () => {
    const ours = { ...openai, url: 'http://127.0.0.1:9000' };
    const providers = { ours, box: { type: 'vllm', url: 'http://10.0.0.1' } } as const;
    expect(issues({ maxLocality: 'host', providers })).toMatchInlineSnapshot(`
      [
        "maxLocality: leaves no provider for calls with the intent "fast" or "heavy": "ours" costs money, which nothing allows, "box" lies in "lan"; allow a farther one, add a provider that is nearer, or set locality where the address does not tell",
      ]
    `);
    isFine({ maxLocality: 'host', providers, allowPaid: true });
  });

  test('false beside an order that names a paid provider is refused', () => {
    expect(issues({ providers: { gpu, openai }, intents: { mine: { allowPaid: false, order: ['gpu', ['openai']] } } }))
      .toMatchInlineSnapshot(`
      [
        "intents.mine.allowPaid: is false, but order names "openai", which costs money; change one of the two",
      ]
    `);
    isFine({ providers: { gpu, openai }, allowPaid: false, intents: { mine: { order: ['openai'] } } });
  });

  test('naming a paid provider in the order of every intent is consent enough', () => {
    const order = ['openai'];
    isFine({ providers: { openai }, allowPaid: false, intents: { fast: { order }, heavy: { order } } });
  });

  test('the name of a device in an order is no consent to pay the provider that has it as its id', () => {
    const order = ['cloud'];
    expect(issues({ providers: { cloud: openai }, allowPaid: false, intents: { fast: { order }, heavy: { order } } })).toHaveLength(1);
    isFine({ providers: { gpu, cloud: openai }, intents: { mine: { order, allowPaid: false } } });
  });

  test('true in an intent opens it alone', () => {
    const intents = { fast: { allowPaid: true } };
    expect(issues({ providers: { openai }, allowPaid: false, intents })).toMatchInlineSnapshot(`
      [
        "allowPaid: leaves no provider for calls with the intent "heavy": "openai" costs money, which nothing allows; set it to true, or add a provider that costs nothing",
      ]
    `);
  });
});

describe('maxCostUsd', () => {
  test.each<Partial<RouterOptions>>([
    { maxCostUsd: 0.01, allowPaid: true },
    { intents: { mine: { maxCostUsd: 0.01, allowPaid: true } } },
    { intents: { mine: { maxCostUsd: 0.01, order: ['openai'] } } },
    { maxCostUsd: 0.01, intents: { mine: { allowPaid: true } } },
  ])('without prices, where a paid provider may be used, is refused: %o', (options) => {
    const told = 'prices: is missing: maxCostUsd has to know what "openai" would cost; set prices: await loadPrices()';
    expect(issues({ providers: { gpu, openai }, ...options })).toEqual([told]);
    isFine({ providers: { gpu, openai }, ...options, prices });
  });

  test('names every provider whose price would have to be known', () => {
    const paid = { openai, claude: { type: 'anthropic', apiKey: 'k' }, off: { ...openai, enabled: false } } as const;
    expect(issues({ providers: paid, maxCostUsd: 1 })).toMatchInlineSnapshot(`
      [
        "prices: is missing: maxCostUsd has to know what "openai" and "claude" would cost; set prices: await loadPrices()",
      ]
    `);
  });

  test.each<RouterOptions>([
    { maxCostUsd: 0.01, providers: { gpu } },
    { maxCostUsd: 0.01, providers: { gpu, openai } },
    { providers: { gpu, openai }, intents: { mine: { maxCostUsd: 0.01 }, other: { allowPaid: true } } },
    { maxCostUsd: 0.01, allowPaid: true, providers: { gpu, openai: { ...openai, enabled: false } } },
  ])('without prices, where nobody may be paid, is fine: %o', isFine);
});

describe('an alias', () => {
  const off = { ...gpu, enabled: false } as const;
  const cpu = { type: 'ollama', url: 'http://127.0.0.1:11435' } as const;

  test('that names nobody who could answer is refused, with why nobody can', () => {
    const providers = { off, cpu, openai };
    expect(issues({ providers, maxLocality: 'host', models: { a: { off: 'm' }, b: { off: 'm', openai: 'n' }, c: { off: 'm', cpu: 'm' } } }))
      .toMatchInlineSnapshot(`
      [
        "models.a: leaves no provider: "off" is switched off; name another one as well, or leave the alias out",
        "models.b: leaves no provider: "off" is switched off, "openai" lies in "cloud"; name another one as well, or leave the alias out",
      ]
    `);
  });

  test('is no issue of its own where nobody could answer anything', () => {
    expect(issues({ providers: { openai }, maxLocality: 'host', models: { a: { openai: 'm' } } })).toEqual([
      expect.stringMatching(/^maxLocality: leaves no provider for calls/),
    ]);
  });

  test.each<RouterOptions>([
    // Whoever is asked for it answers with its default model.
    { providers: { off, cpu }, models: { a: { off: 'm' } }, onModelMissing: 'substitute' },
    // An intent is no limit of all calls.
    { providers: { cpu, openai }, models: { a: { openai: 'm' } }, allowPaid: true, intents: { mine: { maxLocality: 'host' } } },
    // A call may say that it pays.
    { providers: { cpu, openai }, models: { a: { openai: 'm' } } },
  ])('that somebody may answer for is fine: %o', isFine);

  test('that names a provider without its key starts all the same: the key may be missing on this machine alone', () => {
    const options = { providers: { cpu, openai: { type: 'openai' } }, models: { a: { openai: 'm' } } } as const;
    expect(issues(options)).toEqual([]);
    expect(warnings(options)).toEqual([expect.stringContaining('is missing, so this provider is switched off')]);
  });
});

test('what was refused already is not a limit that leaves nobody as well', () => {
  expect(issues({ maxLocality: 'host', providers: { gpu: { type: 'olama' }, openai } })).toHaveLength(1);
});

test('a table of prices is used as it is', () => {
  const { config } = resolveConfig({ providers: { gpu }, prices });
  expect(config.prices).toBe(prices);
  expect(Object.isFrozen(prices)).toBe(false);
});

test('an intent that forbids to pay may name what is free', () => {
  isFine({ providers: { box: gpu, openai }, intents: { mine: { allowPaid: false, order: ['box'] } } });
});

test('of several that lie too far the advice is for one of which nobody can know where it lies', () => {
  const providers = { mine: { type: 'custom', adapter }, box: { type: 'vllm', url: 'http://10.0.0.1' } } as const;
  expect(issues({ maxLocality: 'host', providers })).toEqual([expect.stringMatching(/or set locality where nobody can know it$/)]);
});
