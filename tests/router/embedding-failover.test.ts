import { describe, expect, test } from 'vitest';
import { canaryTexts } from '../../src/router/embedding-canary.ts';
import type { Embed } from '../../src/core/adapter.ts';
import { fault } from '../_kit/fake-adapter.ts';
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
