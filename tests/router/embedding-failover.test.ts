import { describe, expect, test } from 'vitest';
import { canaryTexts } from '../../src/router/embedding-canary.ts';
import type { Embed } from '../../src/core/adapter.ts';
import type { AllFailedError } from '../../src/core/errors.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { fake, fault } from '../_kit/fake-adapter.ts';
import { type FakeProvider, failureOf, fakeRouter } from '../_kit/fake-router.ts';

// No second try, which would wait on a clock that stands still.
const down = fault('driver');

/** A provider whose vectors have so many numbers, and point where the text says, turned by an angle. */
const embedding = (numbers: number, angle = 0, more: object = {}): FakeProvider => {
  const vectorOf = (text: string): number[] => {
    const at = text.length + angle;
    return [Math.cos(at), Math.sin(at), ...Array<number>(numbers - 2).fill(0)];
  };
  const embed: Embed = async ({ request }) => ({
    object: 'list',
    model: 'm',
    data: [request.input].flat().map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text) })),
  });
  return { does: 'not asked', fake: { embed }, ...more };
};

/** Fails first, and then embeds. */
const backAfter = (calls: number, numbers: number): FakeProvider => {
  let count = 0;
  const { fake } = embedding(numbers) as { fake: { embed: Embed } };
  const embed: Embed = async (call) => {
    if (count++ < calls) throw down;
    return fake.embed(call);
  };
  return { does: 'not asked', fake: { embed } };
};

const text = { models: { text: { local: 'nomic-embed-text', cloud: 'text-embedding-3-small' } } };

describe('an alias that stands for two models', () => {
  test('never gives vectors of 1,536 numbers to a caller who has those of 768', async () => {
    let isDown = false;
    const { fake } = embedding(768) as { fake: { embed: Embed } };
    const local: FakeProvider = {
      does: 'not asked',
      fake: { embed: async (call) => (isDown ? Promise.reject(down) : fake.embed(call)) },
    };
    const { router } = fakeRouter({ local, cloud: embedding(1536) }, text);
    const { data, route } = await router.embed({ model: 'text', input: 'x' });
    expect([route.provider, data[0]?.embedding.length]).toEqual(['local', 768]);
    isDown = true;
    const error = await failureOf(router.embed({ model: 'text', input: 'x' }));
    expect(error).toMatchObject({
      code: 'all_failed',
      attempts: [
        { provider: 'local', error: { code: 'driver' } },
        {
          provider: 'cloud',
          error: {
            code: 'embedding_space',
            message: expect.stringContaining('1,536 numbers') as string,
          },
        },
      ],
    });
  });

  test('belongs to whoever answers first in this process', async () => {
    const { router } = fakeRouter({ local: backAfter(1, 768), cloud: embedding(1536) }, text);
    expect((await router.embed({ model: 'text', input: 'x' })).data[0]?.embedding).toHaveLength(1536);
    const { data, route } = await router.embed({ model: 'text', input: 'x' });
    expect([route.provider, data[0]?.embedding.length]).toEqual(['cloud', 1536]);
    expect(route.attempts[0]?.error?.code).toBe('embedding_space');
  });

  test('says nothing about the health of the one that does not fit', async () => {
    const { router } = fakeRouter({ local: backAfter(1, 768), cloud: embedding(1536) }, text);
    for (let call = 0; call < 6; call++) await router.embed({ model: 'text', input: 'x' });
    expect(router.snapshot().providers[0]).toMatchObject({
      provider: 'local',
      breaker: 'closed',
      situation: 'ok',
    });
  });
});

describe('the length of a space after update()', () => {
  type Boxes = Readonly<Record<string, ProviderOptions>>;
  const box = (numbers: number, rest: Partial<ProviderOptions> = {}): ProviderOptions => {
    const { fake: more } = embedding(numbers) as { fake: object };
    return { type: 'custom', adapter: fake('not asked', { modelName: 'required', ...more }).adapter, ...rest } as ProviderOptions;
  };
  const nomic = { embeddingModel: 'nomic' };
  const start = (providers: Boxes, more: Partial<RouterOptions> = {}) => {
    const base = { health: false, pollMs: false, checkModels: false } as const;
    const router = createRouter({ ...base, ...more, providers });
    const update = (next: Boxes, other: Partial<RouterOptions> = {}): void => void router.update({ ...base, ...other, providers: next });
    /** How long the vectors of a call are, or why there are none. */
    const embed = async (provider: string, model?: string): Promise<number | string> => {
      const request = { input: 'x', ...(model !== undefined && { model }) };
      const given = await router.embed(request, { provider, maxAttempts: 1 }).catch((error: unknown) => error as AllFailedError);
      return 'data' in given ? (given.data[0]?.embedding.length ?? 0) : (given.attempts[0]?.error.code ?? given.code);
    };
    return { router, update, embed };
  };

  test('is forgotten with the server that had given it', async () => {
    const { update, embed } = start({ a: box(4, nomic), b: box(8, nomic) });
    expect([await embed('a'), await embed('b')]).toEqual([4, 'embedding_space']);
    update({ a: box(8, nomic) });
    expect(await embed('a')).toBe(8);
  });

  test('stays while somebody stays who has confirmed it', async () => {
    const b = box(4, nomic);
    const { update, embed } = start({ a: box(4, nomic), b });
    expect([await embed('a'), await embed('b')]).toEqual([4, 4]);
    update({ a: box(8, nomic), b });
    expect([await embed('a'), await embed('b')]).toEqual(['embedding_space', 4]);
    update({ a: box(8, nomic) });
    expect(await embed('a')).toBe(8);
  });

  test('stays where the one that has changed had never given any', async () => {
    const a = box(4, nomic);
    const { update, embed } = start({ a, b: box(8, nomic) });
    expect(await embed('a')).toBe(4);
    update({ a: { ...a, priority: 3, defaultModel: 'chats' }, b: box(8, nomic) });
    expect(await embed('b')).toBe('embedding_space');
  });

  test.each<[string, Partial<ProviderOptions>, Partial<ProviderOptions>]>([
    ['stays with the model', { embeddingModel: 'nomic', embeddingSpace: 's' }, { embeddingModel: 'nomic:latest', embeddingSpace: 's' }],
    ['goes with the model', { embeddingModel: 'nomic', embeddingSpace: 's' }, { embeddingModel: 'bge', embeddingSpace: 's' }],
  ])('%s of one provider', async (what, before, after) => {
    const [a, b] = [box(4, before), box(8, { ...nomic, embeddingSpace: 's' })];
    const { update, embed } = start({ a });
    expect(await embed('a')).toBe(4);
    update({ a: { ...a, ...after } as ProviderOptions, b });
    expect(await embed('b')).toBe(what.startsWith('stays') ? 'embedding_space' : 8);
  });

  test('goes with the name that an alias has for the provider', async () => {
    const [a, b] = [box(4), box(8)];
    const before = { models: { text: { a: 'nomic', b: 'nomic' } } };
    const { update, embed } = start({ a, b }, before);
    expect([await embed('a', 'text'), await embed('b', 'text')]).toEqual([4, 'embedding_space']);
    update({ a, b }, { models: { ...before.models, smart: { a: 'llama3' } } });
    expect(await embed('b', 'text')).toBe('embedding_space');
    update({ a, b }, { models: { text: { a: 'bge', b: 'nomic' } } });
    expect(await embed('b', 'text')).toBe(8);
  });

  test('is not taught by a call of the old configuration that is answered late', async () => {
    let answer: (() => void) | undefined;
    const { fake: more } = embedding(4) as { fake: { embed: Embed } };
    const slow: Embed = (call) => new Promise((resolve) => (answer = () => resolve(more.embed(call))));
    const { update, embed } = start({ a: { type: 'custom', adapter: fake('not asked', { embed: slow }).adapter, ...nomic } });
    const late = embed('a');
    update({ a: box(8, nomic) });
    answer?.();
    expect([await late, await embed('a')]).toEqual([4, 8]);
  });
});

describe('dimensions', () => {
  test('are honoured, or the next provider is asked', async () => {
    const able = { capabilities: { dimensions: true } };
    const ignoring = embedding(768) as { fake: object };
    const heeding = embedding(256) as { fake: object };
    const { router } = fakeRouter({
      ignoring: { does: 'not asked', fake: { ...ignoring.fake, ...able } },
      heeding: { does: 'not asked', fake: { ...heeding.fake, ...able } },
    });
    const { data, route } = await router.embed({ model: 'nomic', input: 'x', dimensions: 256 });
    expect([route.provider, data[0]?.embedding.length]).toEqual(['heeding', 256]);
    expect(route.attempts[0]?.error).toMatchObject({
      code: 'embedding_space',
      message: expect.stringContaining('256 were asked for') as string,
    });
  });
});

test('a vector that holds no number fails the attempt', async () => {
  const broken: FakeProvider = {
    does: 'not asked',
    fake: {
      embed: async () => ({
        object: 'list',
        model: 'm',
        data: [{ object: 'embedding', index: 0, embedding: [NaN] }],
      }),
    },
  };
  const { router } = fakeRouter({ broken, b: embedding(768) });
  expect((await router.embed({ model: 'nomic', input: 'x' })).route.attempts).toMatchObject([
    { error: { code: 'bad_response' } },
    { provider: 'b' },
  ]);
});

describe('checkEmbeddings', () => {
  const on = { checkEmbeddings: true };
  const nomic = { embeddingModel: 'nomic' };

  test('is off by default', async () => {
    let asked = 0;
    const embed: Embed = async () => (asked++, Promise.reject(down));
    const { clock } = fakeRouter({
      a: { does: 'x', ...nomic, fake: { embed } },
      b: { does: 'x', ...nomic, fake: { embed } },
    });
    await clock.settle();
    expect(asked).toBe(0);
  });

  test('leaves out, right after the start, whoever embeds in another way, and says so', async () => {
    const { router, clock, events } = fakeRouter({ a: embedding(2, 0, nomic), b: embedding(2, 1, nomic) }, on);
    await clock.settle();
    expect(events.of('config:warning')).toMatchObject([{ path: 'providers.b', message: expect.stringContaining('is left out') as string }]);
    const error = await failureOf(router.embed({ input: 'x' }, { provider: 'b' }));
    expect(error).toMatchObject({
      code: 'no_provider',
      skipped: [{ provider: 'b', code: 'embedding_space' }],
    });
    expect((await router.embed({ input: 'x' })).route.provider).toBe('a');
  });

  test('lets those stand in for each other that embed alike', async () => {
    let isDown = false;
    const { fake } = embedding(2) as { fake: { embed: Embed } };
    const a: FakeProvider = {
      does: 'x',
      ...nomic,
      fake: { embed: async (call) => (isDown ? Promise.reject(down) : fake.embed(call)) },
    };
    const { router, clock } = fakeRouter({ a, b: embedding(2, 0, nomic) }, on);
    await clock.settle();
    isDown = true;
    expect((await router.embed({ input: 'x' })).route.provider).toBe('b');
  });

  test('has a call in the same moment answered by the first provider alone', async () => {
    const { router } = fakeRouter(
      {
        a: { does: 'x', ...nomic, fake: { embed: async () => Promise.reject(down) } },
        b: embedding(2, 0, nomic),
      },
      on,
    );
    const error = await failureOf(router.embed({ input: 'x' }));
    expect(error).toMatchObject({
      attempts: [{ provider: 'a' }],
      skipped: [{ provider: 'b', code: 'embedding_space' }],
    });
  });

  test('gives one that was down another chance with a call a minute later', async () => {
    const { router, clock } = fakeRouter(
      {
        a: embedding(2, 0, nomic),
        b: { ...(backAfter(1, 2) as object), ...nomic } as FakeProvider,
      },
      on,
    );
    await clock.settle();
    await clock.advance(60_000);
    await failureOf(router.embed({ input: 'x' }, { provider: 'b' }));
    await clock.settle();
    expect((await router.embed({ input: 'x' }, { provider: 'b' })).route.provider).toBe('b');
  });

  // The first in order is left out, and its space is still the one that the caller's vectors are of.
  test('does not send a call without a name into the space of another provider', async () => {
    const b = embedding(2, 1, { ...nomic, priority: -2 });
    const other = embedding(2, 0, { embeddingModel: 'other', priority: -1 });
    const { router, clock } = fakeRouter({ a: embedding(2, 0, nomic), b, other }, on);
    await clock.settle();
    expect((await router.embed({ input: 'x' })).route.provider).toBe('a');
  });

  test('asks nobody on behalf of a call that the call itself may not ask', async () => {
    let asked = 0;
    const embed: Embed = async () => (asked++, Promise.reject(down));
    const far: FakeProvider = { does: 'x', ...nomic, locality: 'cloud', fake: { embed } };
    const { router, clock } = fakeRouter({ a: embedding(2, 0, { ...nomic, locality: 'host' }), far }, on);
    await clock.settle();
    await clock.advance(60_000);
    await router.embed({ input: 'x' }, { maxLocality: 'host' });
    await clock.settle();
    expect(asked).toBe(1);
    await router.embed({ input: 'x' });
    await clock.settle();
    expect(asked).toBe(2);
  });

  test('sends the eight texts and nothing else', async () => {
    const seen: (readonly string[] | string)[] = [];
    const { fake } = embedding(2) as { fake: { embed: Embed } };
    const embed: Embed = async (call) => (seen.push(call.request.input), fake.embed(call));
    const { clock } = fakeRouter({ a: { does: 'x', ...nomic, fake: { embed } }, b: { does: 'x', ...nomic, fake: { embed } } }, on);
    await clock.settle();
    expect(seen).toEqual([canaryTexts, canaryTexts]);
  });
});
