import { describe, expect, test } from 'vitest';
import type { Embed } from '../../src/core/adapter.ts';
import type { RouterError } from '../../src/core/errors.ts';
import type { Locality } from '../../src/core/locality.ts';
import type { PriceTable } from '../../src/core/prices.ts';
import { createStop } from '../../src/lib/stop.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { canaryTexts, createEmbeddingCanaries, type EmbeddingCanaries } from '../../src/router/embedding-canary.ts';
import { fake, fault } from '../_kit/fake-adapter.ts';
import { testClock, type TestClock } from '../_kit/test-clock.ts';

/** What a provider makes of a text; an error is thrown, a number of vectors is all that it gives. */
type Makes = ((text: string, model: string | undefined) => readonly number[]) | RouterError | { readonly gives: number } | 'hangs';

interface Box {
  /** By default, a model that only this test knows. */
  makes?: Makes | undefined;
  readonly embeddingModel?: string;
  readonly cost?: 'paid';
  readonly locality?: Locality;
}

interface Bench {
  readonly canaries: EmbeddingCanaries;
  /** Why a provider is left out of a space. */
  objection(space: string, provider: string): string | undefined;
  readonly clock: TestClock;
  readonly warnings: { readonly path: string; readonly message: string }[];
  /** Texts that each provider was asked for, with the model. */
  readonly asked: { readonly provider: string; readonly model: string | undefined; readonly texts: readonly string[] }[];
  close(): void;
}

/** A direction per text, turned away from it by an angle: the cosine between two providers is that of the difference of their angles. */
const turned =
  (cosine: number) =>
  (text: string): readonly number[] => {
    const angle = text.length + Math.acos(cosine);
    return [2 * Math.cos(angle), 2 * Math.sin(angle)];
  };
const model = turned(1);
/** Turning there and back may cost the last digit. */
const halfway = /cosine 0\.(5|4999)/;

function bench(boxes: Readonly<Record<string, Box>>, options: Omit<RouterOptions, 'providers'> & { maxLocality?: Locality } = {}): Bench {
  const clock = testClock();
  const asked: Bench['asked'] = [];
  const warnings: Bench['warnings'] = [];
  const embedOf =
    (provider: string): Embed =>
    async ({ request, model: name, signal }) => {
      const texts = [request.input].flat();
      asked.push({ provider, model: name, texts });
      const { makes = model } = boxes[provider] as Box;
      if (makes instanceof Error) throw makes;
      if (makes === 'hangs') return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      const vectors =
        typeof makes === 'function' ? texts.map((text) => makes(text, name)) : Array.from({ length: makes.gives }, () => [1, 1]);
      return { object: 'list', model: 'm', data: vectors.map((each, index) => ({ object: 'embedding', index, embedding: [...each] })) };
    };
  const adapterOf = (id: string) => fake('not asked', { embed: embedOf(id) }).adapter;
  const { maxLocality = 'cloud', ...rest } = options;
  const { config } = resolveConfig({
    ...rest,
    clock,
    providers: Object.fromEntries(
      Object.entries(boxes).map(([id, { embeddingModel, cost }]) => [id, { type: 'custom', adapter: adapterOf(id), embeddingModel, cost }]),
    ),
  });
  const providers = config.providers.map((each) => ({ ...each, locality: boxes[each.id]?.locality ?? ('host' as const) }));
  const states = new Map(providers.map(({ id }) => [id, { foreignSpaces: new Map<string, string>() }]));
  const stateOf = (id: string) => states.get(id) as { foreignSpaces: Map<string, string> };
  const stop = createStop();
  const canaries = createEmbeddingCanaries({
    config: { ...config, maxLocality },
    providers: new Map(
      providers.map((each) => [each.id, { id: each.id, config: each, adapter: adapterOf(each.id), state: stateOf(each.id) }]),
    ),
    announce: (name, event) => void (name === 'config:warning' && warnings.push(event as never)),
    shutdown: stop,
  });
  const objection: Bench['objection'] = (space, provider) => stateOf(provider).foreignSpaces.get(space);
  return { canaries, objection, clock, warnings, asked, close: () => stop.stop(fault('closed')) };
}

/** A call without limits of its own. */
const anybody = { maxLocality: 'cloud', maxCostUsd: undefined, pays: 'named' } as const;
const nomic = { embeddingModel: 'nomic' };
const objections = ({ objection }: Bench, ...providers: readonly string[]): readonly (string | undefined)[] =>
  providers.map((provider) => objection('nomic', provider));

describe('providers of one space', () => {
  test('embed eight texts each, once, and stay where their vectors agree', async () => {
    const made = bench({ a: nomic, b: nomic, c: nomic });
    await made.canaries.compareAll();
    expect(objections(made, 'a', 'b', 'c')).toEqual([undefined, undefined, undefined]);
    expect(made.asked.map(({ provider, model: name, texts }) => [provider, name, texts.length])).toEqual([
      ['a', 'nomic', 8],
      ['b', 'nomic', 8],
      ['c', 'nomic', 8],
    ]);
    expect(made.warnings).toEqual([]);
  });

  test.each([0.9992, 1])('may lie as near as %d without a word', async (cosine) => {
    const made = bench({ a: nomic, b: { ...nomic, makes: turned(cosine) } });
    await made.canaries.compareAll();
    expect(objections(made, 'b')).toEqual([undefined]);
    expect(made.warnings).toEqual([]);
  });

  test.each([
    [0.9985, '0.9984'],
    [0.9902, '0.9901'],
  ])('are told of where they are only near, as other quantisations are: %d', async (cosine, shown) => {
    const made = bench({ a: nomic, b: { ...nomic, makes: turned(cosine) } });
    await made.canaries.compareAll();
    expect(objections(made, 'a', 'b')).toEqual([undefined, undefined]);
    const message = expect.stringMatching(/^its vectors in the embedding space "nomic" are near those of a and not the same/) as string;
    expect(made.warnings).toEqual([{ path: 'providers.b', message }]);
    // Turning there and back costs the last digit.
    expect(made.warnings[0]?.message).toMatch(new RegExp(`cosine (${shown}|${cosine})`));
  });

  test.each([0.9895, 0.71, 0, -1])('are left out where they are no nearer than %d, the later one of the registry', async (cosine) => {
    const made = bench({ a: nomic, b: { ...nomic, makes: turned(cosine) }, c: nomic });
    await made.canaries.compareAll();
    const [first, second, third] = objections(made, 'a', 'b', 'c');
    expect([first, third]).toEqual([undefined, undefined]);
    expect(second).toMatch(/^its vectors differ from those of a \(cosine -?[01](\.\d{1,4})?\)$/);
    expect(made.warnings).toEqual([
      { path: 'providers.b', message: expect.stringContaining(`is left out of the embedding space "nomic": ${second}`) as string },
    ]);
  });

  test('are not said to have met a threshold that they have missed', async () => {
    const made = bench({ a: nomic, b: { ...nomic, makes: turned(0.98996) } });
    await made.canaries.compareAll();
    expect(objections(made, 'b')).toEqual(['its vectors differ from those of a (cosine 0.9899)']);
  });

  test('are left out for one text of eight', async () => {
    const makes = (text: string): readonly number[] => (text === canaryTexts[3] ? turned(0.5)(text) : model(text));
    const made = bench({ a: nomic, b: { ...nomic, makes } });
    await made.canaries.compareAll();
    expect(objections(made, 'b')[0]).toMatch(halfway);
  });

  test('are left out for another length, and vectors of any scale are compared', async () => {
    const made = bench({
      a: nomic,
      long: { ...nomic, makes: (text) => [...model(text), 0] },
      scaled: { ...nomic, makes: (text) => model(text).map((value) => value * 40) },
    });
    await made.canaries.compareAll();
    expect(objections(made, 'long', 'scaled')).toEqual(['its vectors differ from those of a (they are of another length)', undefined]);
  });

  test('agree where both make nothing of a text, and not where one does', async () => {
    const nothing = (text: string): readonly number[] => (text === '.' ? [0, 0] : model(text));
    const made = bench({ a: { ...nomic, makes: nothing }, b: { ...nomic, makes: nothing }, c: nomic });
    await made.canaries.compareAll();
    expect(objections(made, 'b', 'c')).toEqual([undefined, 'its vectors differ from those of a (cosine 0)']);
  });
});

describe('a provider that gives nothing to compare', () => {
  test.each<[string, Makes]>([
    ['fails', fault('unavailable')],
    ['gives too few vectors', { gives: 7 }],
    ['gives no numbers', () => [NaN, 1]],
    ['gives vectors of several lengths', (text) => Array<number>(text.length).fill(1)],
  ])('because it %s stands in for nobody, which is told once, and has another chance with a call a minute later', async (_, makes) => {
    const b: Box = { ...nomic, makes };
    const made = bench({ a: nomic, b });
    await made.canaries.compareAll();
    expect(objections(made, 'a', 'b')).toEqual([undefined, 'its vectors have not been compared with those of a yet']);
    const message =
      'is left out of the embedding space "nomic" until it has been compared with the others by a few texts: it did not embed them';
    expect(made.warnings).toEqual([{ path: 'providers.b', message }]);

    await made.clock.advance(59_999);
    made.canaries.compareAgain('nomic', anybody);
    expect(made.asked).toHaveLength(2);
    await made.clock.advance(1);
    made.canaries.compareAgain('nomic', anybody);
    await made.clock.settle();
    expect(made.asked.map(({ provider }) => provider)).toEqual(['a', 'b', 'b']);
    expect(made.warnings).toHaveLength(1);

    b.makes = model;
    await made.clock.advance(60_000);
    made.canaries.compareAgain('nomic', anybody);
    await made.clock.settle();
    expect(objections(made, 'a', 'b')).toEqual([undefined, undefined]);
    await made.clock.advance(60_000);
    made.canaries.compareAgain('nomic', anybody);
    expect(made.asked).toHaveLength(4);
  });

  test('leaves its place to the next one, and is compared with that one when it is back', async () => {
    const a: Box = { ...nomic, makes: fault('unavailable') };
    const made = bench({ a, b: nomic, c: nomic });
    await made.canaries.compareAll();
    expect(objections(made, 'a', 'b', 'c')).toEqual(['its vectors have not been compared with those of b yet', undefined, undefined]);
    a.makes = turned(0.5);
    await made.clock.advance(60_000);
    made.canaries.compareAgain('nomic', anybody);
    await made.clock.settle();
    expect(objections(made, 'a', 'b', 'c')).toEqual([expect.stringContaining('differ from those of b'), undefined, undefined]);
  });

  test('does not hold up the others for more than half a minute', async () => {
    const made = bench({ a: { ...nomic, makes: 'hangs' }, b: nomic });
    const done = made.canaries.compareAll();
    await made.clock.advance(29_999);
    expect(objections(made, 'a', 'b')).toEqual([undefined, 'its vectors have not been compared with those of a yet']);
    made.canaries.compareAgain('nomic', anybody);
    expect(made.asked).toHaveLength(2);
    await made.clock.advance(1);
    await done;
    expect(objections(made, 'b')).toEqual([undefined]);
  });

  test('is no news for a router that has been closed meanwhile', async () => {
    const made = bench({ a: nomic, b: { ...nomic, makes: 'hangs' } });
    const done = made.canaries.compareAll();
    await made.clock.settle();
    made.close();
    await done;
    expect(made.warnings).toEqual([]);
  });
});

test('before the first comparison only the first provider of the registry is let in', () => {
  const made = bench({ a: nomic, b: nomic, c: nomic });
  const reason = 'its vectors have not been compared with those of a yet';
  expect(objections(made, 'a', 'b', 'c')).toEqual([undefined, reason, reason]);
});

describe('who may not be asked', () => {
  test.each([
    ['costs money', { cost: 'paid' } as const, {}, 'it costs money, and allowPaid is false'],
    ['is too far', { locality: 'lan' } as const, { maxLocality: 'host' } as const, 'it lies in "lan", and maxLocality is "host"'],
  ])('because it %s gets no text and stands in for nobody', async (_, box, options, why) => {
    const made = bench({ far: { ...nomic, ...box }, a: nomic, b: nomic }, options);
    const reason = 'its vectors have not been compared with those of a yet';
    expect(objections(made, 'far', 'a')).toEqual([reason, undefined]);
    await made.canaries.compareAll();
    await made.clock.advance(60_000);
    made.canaries.compareAgain('nomic', anybody);
    await made.clock.settle();
    expect(made.asked.map(({ provider }) => provider)).toEqual(['a', 'b']);
    expect(objections(made, 'far', 'a', 'b')).toEqual([reason, undefined, undefined]);
    expect(made.warnings).toMatchObject([{ path: 'providers.far', message: expect.stringMatching(`: ${why}$`) as string }]);
  });

  test('is asked where allowPaid and maxLocality say so', async () => {
    const made = bench({ a: nomic, cloud: { ...nomic, cost: 'paid', locality: 'cloud' } }, { allowPaid: true });
    await made.canaries.compareAll();
    expect(objections(made, 'cloud')).toEqual([undefined]);
  });
});

/** What the model of these tests costs, and no other. */
const pricesOf = (inputPerMillionUsd: number): PriceTable => ({
  date: '2026-11-21',
  source: 'a test',
  priceOf: (type, name) => (type === 'custom' && name === 'nomic' ? { inputPerMillionUsd, outputPerMillionUsd: 0 } : undefined),
});

describe('maxCostUsd', () => {
  const cloud = { embeddingModel: 'nomic', cost: 'paid', locality: 'cloud' } as const;

  // The eight texts are about 120 tokens, and may be 300.
  test.each<[string, Pick<RouterOptions, 'maxCostUsd' | 'prices'>, string | undefined]>([
    ['the texts cost more', { maxCostUsd: 1e-5, prices: pricesOf(0.1) }, 'the texts may cost more than maxCostUsd'],
    ['the texts may cost more', { maxCostUsd: 2e-5, prices: pricesOf(0.1) }, 'the texts may cost more than maxCostUsd'],
    ['a price is no number', { maxCostUsd: 1, prices: pricesOf(NaN) }, 'the texts may cost more than maxCostUsd'],
    [
      'its price is not known',
      { maxCostUsd: 1, prices: { ...pricesOf(1), priceOf: () => undefined } },
      'its price is not known, and maxCostUsd is set',
    ],
    ['they cost less', { maxCostUsd: 4e-5, prices: pricesOf(0.1) }, undefined],
    ['nothing limits them', {}, undefined],
  ])('decides whether a paid provider gets the texts, where %s', async (_, options, why) => {
    const made = bench({ a: nomic, cloud }, { allowPaid: true, ...options });
    await made.canaries.compareAll();
    expect(made.asked.map(({ provider }) => provider)).toEqual(why === undefined ? ['a', 'cloud'] : ['a']);
    expect(made.warnings.map(({ message }) => message.split(': ').at(-1))).toEqual(why === undefined ? [] : [why]);
    expect(objections(made, 'cloud')).toEqual([why && 'its vectors have not been compared with those of a yet']);
  });
});

describe('a call with limits', () => {
  const far = { ...nomic, locality: 'cloud', cost: 'paid', makes: fault('unavailable') } as const;
  const options = { allowPaid: true, prices: pricesOf(1) };
  const limits: readonly Partial<Parameters<EmbeddingCanaries['compareAgain']>[1]>[] = [
    { maxLocality: 'host' },
    { pays: 'nobody' },
    { maxCostUsd: 1e-9 },
  ];

  test.each(limits)('has nobody asked beyond them: %j', async (limit) => {
    const made = bench({ a: nomic, b: { ...nomic, makes: fault('unavailable') }, far }, options);
    await made.canaries.compareAll();
    await made.clock.advance(60_000);
    made.canaries.compareAgain('nomic', { ...anybody, ...limit });
    await made.clock.settle();
    expect(made.asked.map(({ provider }) => provider)).toEqual(['a', 'b', 'far', 'b']);
    // And takes no chance away from those.
    made.canaries.compareAgain('nomic', anybody);
    await made.clock.settle();
    expect(made.asked.slice(4).map(({ provider }) => provider)).toEqual(['far']);
  });

  test.each(limits)('does not decide with whom all are compared: %j', async (limit) => {
    const made = bench({ far, b: { ...nomic, makes: fault('unavailable') } }, options);
    await made.canaries.compareAll();
    await made.clock.advance(60_000);
    made.canaries.compareAgain('nomic', { ...anybody, ...limit });
    await made.clock.settle();
    expect(made.asked).toHaveLength(2);
  });
});

describe('under update()', () => {
  const space = { embeddingModel: 'nomic', embeddingSpace: 's' };
  /** Embeds by a model of its own, in its own time. */
  const box = (cosine: number, does: () => Promise<void> = async () => undefined) => {
    const counts = { asked: 0, aborted: 0 };
    const embed: Embed = async ({ request, signal }) => {
      counts.asked += 1;
      signal.addEventListener('abort', () => (counts.aborted += 1), { once: true });
      await does();
      const vectors = [request.input].flat().map(turned(cosine));
      return { object: 'list', model: 'm', data: vectors.map((each, index) => ({ object: 'embedding', index, embedding: [...each] })) };
    };
    return { counts, options: { type: 'custom', adapter: fake('not asked', { embed }).adapter, ...space } as ProviderOptions };
  };
  const base = { checkEmbeddings: true, health: false, pollMs: false, checkModels: false } as const;
  const start = (providers: Readonly<Record<string, ProviderOptions>>) => {
    const clock = testClock();
    const router = createRouter({ ...base, clock, providers });
    const told: string[] = [];
    router.on('config:warning', ({ path, message }) => void told.push(`${path} ${message}`));
    const members = () => router.explain({ input: 'x' }).candidates.map(({ provider }) => provider);
    return { clock, router, told, members };
  };

  test('all are compared anew, with whoever stands first in the new configuration', async () => {
    const [a, b, c] = [box(1), box(0.5), box(0.5)];
    const { clock, router, members } = start({ a: a.options, b: b.options, c: c.options });
    await clock.settle();
    expect(members()).toEqual(['a']);
    router.update({ ...base, providers: { b: b.options, c: c.options } });
    expect(members()).toEqual(['b']);
    await clock.settle();
    expect(members()).toEqual(['b', 'c']);
    expect([a, b, c].map(({ counts }) => counts.asked)).toEqual([1, 2, 2]);
  });

  test('a comparison under way is stopped, and says nothing of the new configuration, nor to anybody', async () => {
    let answer: (() => void) | undefined;
    const late = (): Promise<void> => new Promise((resolve) => (answer ??= resolve));
    const [a, b] = [box(1), box(0.5, late)];
    const { clock, router, members, told } = start({ a: a.options, b: b.options });
    await clock.settle();
    expect(b.counts).toEqual({ asked: 1, aborted: 0 });
    router.update({ ...base, checkEmbeddings: false, providers: { a: a.options, b: b.options } });
    expect(b.counts).toEqual({ asked: 1, aborted: 1 });
    answer?.();
    await clock.settle();
    expect([members(), told, clock.timers()]).toEqual([['a', 'b'], [], 0]);
  });

  test('a call of the configuration before begins no comparison any more', async () => {
    const made = bench({ a: nomic, b: { ...nomic, makes: fault('unavailable') } });
    await made.canaries.compareAll();
    made.canaries.stop();
    await made.clock.advance(60_000);
    made.canaries.compareAgain('nomic', anybody);
    expect(made.asked).toHaveLength(2);
  });
});

describe('which spaces are compared', () => {
  test('not those of one provider alone', async () => {
    const made = bench({ a: nomic, b: { embeddingModel: 'other' }, c: {} });
    await made.canaries.compareAll();
    made.canaries.compareAgain('nomic', anybody);
    expect(objections(made, 'a')).toEqual([undefined]);
    expect(made.asked).toEqual([]);
  });

  test('those of an alias, by the names that the providers have for it', async () => {
    const made = bench({ a: {}, b: { makes: turned(0.71) } }, { models: { text: { a: 'nomic-embed', b: 'text-embedding-3-small' } } });
    await made.canaries.compareAll();
    expect(made.asked.map(({ provider, model: name }) => [provider, name])).toEqual([
      ['a', 'nomic-embed'],
      ['b', 'text-embedding-3-small'],
    ]);
    expect(made.objection('text', 'b')).toMatch(/cosine 0\.7/);
  });

  test('an alias that may be one of chat models only when a call embeds with it', async () => {
    const made = bench({ a: {}, b: { makes: turned(0.5) } }, { models: { smart: { a: 'llama3', b: 'qwen3' } } });
    await made.canaries.compareAll();
    expect(made.asked).toEqual([]);
    expect(made.objection('smart', 'b')).toBe('its vectors have not been compared with those of a yet');
    made.canaries.compareAgain('smart', anybody);
    await made.clock.settle();
    expect(made.objection('smart', 'b')).toMatch(halfway);
  });

  test('names with and without the tag of the latest are one model', async () => {
    const made = bench({ a: nomic, b: { embeddingModel: 'nomic:latest' } }, { models: { nomic: { a: 'nomic', b: 'nomic' } } });
    await made.canaries.compareAll();
    expect(made.objection('nomic', 'b')).toBeUndefined();
    expect(made.asked).toHaveLength(2);
  });

  test('a provider that is not configured for one stands in for nobody there, and is not asked', async () => {
    const made = bench({ a: nomic, b: nomic, c: {} });
    await made.canaries.compareAll();
    expect(objections(made, 'b', 'c')).toEqual([
      undefined,
      'it is not configured for this embedding space, so its vectors are not compared',
    ]);
    expect(made.asked.map(({ provider }) => provider)).toEqual(['a', 'b']);
  });

  test('a provider with two models in one is let in only where both fit', async () => {
    const a: Box = { ...nomic, makes: (text, name) => (name === 'nomic-v2' ? turned(0.5) : model)(text) };
    const made = bench({ b: nomic, a }, { models: { nomic: { b: 'nomic', a: 'nomic-v2' } } });
    await made.canaries.compareAll();
    expect(objections(made, 'b', 'a')).toEqual([undefined, expect.stringMatching(halfway)]);
  });

  test('a space that nobody configured is not judged', async () => {
    const made = bench({ a: nomic, b: nomic });
    made.canaries.compareAgain('bge', anybody);
    expect(made.objection('bge', 'a')).toBeUndefined();
    expect(made.asked).toEqual([]);
  });
});
