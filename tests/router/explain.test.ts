import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { LoadReport } from '../../src/core/adapter.ts';
import type { RouteTrace } from '../../src/core/route.ts';
import type { EmbedRequest } from '../../src/core/types.ts';
import type { CallOptions } from '../../src/config/call-options.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { Balance } from '../../src/config/routing-options.ts';
import type { Router } from '../../src/router/router.ts';
import type { Plan } from '../../src/routing/plan.ts';
import { after, fault, pieces } from '../_kit/fake-adapter.ts';
import { type FakeProvider, fakeRouter, type FakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';

const balances: readonly Balance[] = ['priority', 'weighted', 'least-busy', 'expected-ttft'];
const texts: EmbedRequest = { model: 'm', input: ['one', 'two'] };

/** Three equals, one of which has more weight, and counts of how often each was asked about itself. */
function threeEquals(options: Omit<RouterOptions, 'providers'>): FakeRouter<'a' | 'b' | 'c'> & { readonly asked: string[] } {
  const asked: string[] = [];
  const equal = (id: string, weight: number): FakeProvider => ({
    does: (call) => after(100 + 10 * call, call % 5 === 4 ? fault('driver') : pieces('yes', 50, ' indeed')),
    device: 'gpu',
    weight,
    maxConcurrent: 2,
    fake: {
      load: async (): Promise<LoadReport> => (asked.push(`${id} load`), { running: 0, resident: [{ id: 'm' }] }),
      models: async () => (asked.push(`${id} models`), [{ id: 'm', contextLength: 100_000 }]),
      health: async () => (asked.push(`${id} health`), { state: 'ok' }),
    },
  });
  return { ...fakeRouter({ a: equal('a', 3), b: equal('b', 1), c: equal('c', 1) }, options), asked };
}

/** A plan for every kind of request, with and without what a call may say beside it. */
function explainAll(router: Router): Plan[] {
  const conversation = { ...hello, messages: [...hello.messages, ...hello.messages] };
  const schema = { ...hello, response_format: z.object({ name: z.string() }) };
  const options: readonly CallOptions[] = [
    {},
    { session: 's' },
    { intent: 'heavy' },
    { provider: 'b' },
    { maxLocality: 'cloud', deadlineMs: 1 },
  ];
  return options.flatMap((each) =>
    [hello, conversation, schema, texts, { ...hello, model: 'another' }].map((request) => router.explain(request, each)),
  );
}

/** The providers of a call, in order. */
async function askedBy(call: Promise<{ readonly route: RouteTrace }>): Promise<string[]> {
  const { route } = await call.catch(() => ({ route: undefined }));
  return route?.attempts.map(({ provider }) => provider) ?? ['nobody'];
}

/** A call of each verb in turn, some of them at once. Gives who was asked, in order. */
async function history({ router, clock }: FakeRouter<string>, between: () => void): Promise<string[][]> {
  const streamed = async (): Promise<{ readonly route: RouteTrace }> => {
    const stream = await router.stream(hello);
    between();
    await readAll(stream);
    return stream;
  };
  const all: string[][] = [];
  for (let round = 0; round < 12; round++) {
    between();
    const calls = [
      askedBy(router.chat(hello)),
      askedBy(streamed()),
      askedBy(router.embed(texts)),
      askedBy(router.chat(hello, { session: 's' })),
    ];
    between();
    all.push(...(await clock.run(Promise.all(calls))));
    await clock.advance(3_000);
  }
  return all;
}

/** What a router has told, without what is random in it. */
function toldBy({ events }: FakeRouter<string>): string[] {
  return events.all.map(({ name, payload }) => `${name} ${JSON.stringify({ ...payload, requestId: '', error: '' })}`);
}

describe.each(balances)('explain() with the balance %s', (balance) => {
  test('leaves a router that nobody has called yet as it is', async () => {
    const { router, clock, asked } = threeEquals({ balance });
    await clock.settle();
    const before = { snapshot: router.snapshot(), asked: [...asked] };
    explainAll(router);
    await clock.settle();
    expect({ snapshot: router.snapshot(), asked }).toEqual(before);
  });

  test('changes nothing that is known, and asks nobody', async () => {
    const made = threeEquals({ balance });
    const { router, clock, events, fakes, asked } = made;
    await history(made, () => undefined);
    // What is known of loads, and of models, is old by now, so that a call would ask.
    await clock.advance(120_000);
    const counts = (): unknown => [
      asked.length,
      Object.values(fakes).map(({ calls }) => calls.length),
      events.all.length,
      clock.delays.length,
    ];
    const before = { snapshot: router.snapshot(), counts: counts() };
    explainAll(router);
    await clock.settle();
    expect({ snapshot: router.snapshot(), counts: counts() }).toEqual(before);
    await clock.run(router.chat(hello));
    expect(asked.length).toBeGreaterThan((before.counts as number[])[0] ?? Infinity);
  });

  test('leaves the calls that follow as they would have been', async () => {
    const explained = threeEquals({ balance });
    const left = threeEquals({ balance });
    const routes = await history(explained, () => void explainAll(explained.router));
    expect(routes).toEqual(await history(left, () => undefined));
    expect(new Set(routes.flat()).size).toBeGreaterThan(1);
    expect(toldBy(explained)).toEqual(toldBy(left));
    expect(explained.router.snapshot()).toEqual(left.router.snapshot());
    expect(explained.asked).toEqual(left.asked);
  });

  test('says who will be asked, in order', async () => {
    const made = threeEquals({ balance });
    const { router, clock } = made;
    await history(made, () => undefined);
    for (let call = 0; call < 10; call++) {
      const chatted = router.explain(hello).candidates.map(({ provider }) => provider);
      const { route } = await clock.run(router.chat(hello));
      expect(chatted.slice(0, route.attempts.length)).toEqual(route.attempts.map(({ provider }) => provider));
      const embedded = router.explain(texts).candidates.map(({ provider }) => provider);
      const { route: other } = await clock.run(router.embed(texts));
      expect(embedded.slice(0, other.attempts.length)).toEqual(other.attempts.map(({ provider }) => provider));
    }
  });
});

test.each(['priority', 'weighted', 'least-busy'] as const)('a stream goes where the plan for the same chat says (%s)', async (balance) => {
  const made = threeEquals({ balance });
  const { router, clock } = made;
  for (let call = 0; call < 10; call++) {
    const [planned] = router.explain(hello).candidates;
    const stream = await clock.run(router.stream(hello));
    expect(stream.route.attempts[0]?.provider ?? stream.route.provider).toBe(planned?.provider);
    await clock.run(readAll(stream));
  }
});

test('a plan gives no turn away: the shares that follow are exact', async () => {
  const { router, clock } = fakeRouter({ a: { does: 'yes', weight: 3 }, b: 'yes' }, { balance: 'weighted' });
  const served: string[] = [];
  for (let call = 0; call < 8; call++) {
    for (let times = 0; times <= call; times++) router.explain(hello);
    served.push((await clock.run(router.chat(hello))).route.provider);
  }
  expect(served.filter((provider) => provider === 'a')).toHaveLength(6);
});

test('a plan makes nobody a favourite', async () => {
  const { router, clock } = fakeRouter({ a: after(10, 'yes'), b: after(10, 'yes') }, { balance: 'least-busy' });
  outcomeOf(router.chat({ ...hello, model: 'other' }, { provider: 'a' }));
  await clock.settle();
  for (let times = 0; times < 5; times++) expect(router.explain(hello).candidates[0]?.provider).toBe('b');
  await clock.advance(10);
  expect((await clock.run(router.chat(hello))).route.provider).toBe('a');
});

test('a plan of embeddings compares no vectors, where a call would', async () => {
  const embedder = { does: after(10, 'yes'), embeddingModel: 'm', device: 'gpu' } as const;
  const { router, clock, fakes } = fakeRouter({ a: embedder, b: { ...embedder, does: fault('driver') } }, { checkEmbeddings: true });
  await clock.advance(120_000);
  const count = (): number => fakes.a.calls.length + fakes.b.calls.length;
  const before = count();
  router.explain({ input: 'a' });
  await clock.settle();
  expect(count()).toBe(before);
  await clock.run(router.embed({ input: 'a' }));
  await clock.settle();
  expect(count()).toBeGreaterThan(before + 1);
});

describe('a plan', () => {
  const { router, clock } = fakeRouter(
    { gpu: 'yes', cpu: 'yes', openai: { does: 'yes', device: 'cloud', cost: 'paid' } },
    { intents: { batch: { order: ['openai', 'cpu'], lane: 'heavy', balance: 'least-busy' } } },
  );

  test('says what it was made for', () => {
    expect(router.explain(hello)).toMatchObject({ atMs: clock.nowMs(), verb: 'chat', intent: 'fast', balance: 'priority', lane: 'fast' });
    expect(router.explain(texts, { intent: 'batch' })).toMatchObject({
      verb: 'embed',
      intent: 'batch',
      balance: 'least-busy',
      lane: 'heavy',
    });
    expect(router.explain(texts).promptTokens).toBeLessThan(router.explain(hello).promptTokens);
  });

  test('holds each provider once: as a candidate with its time, or as one left out with a reason', () => {
    for (const plan of explainAll(fakeRouter({ a: 'yes', b: 'yes', c: { does: 'yes', cost: 'paid' } }).router)) {
      const ids = [...plan.candidates, ...plan.skipped].map(({ provider }) => provider);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { score, reason } of plan.candidates)
        expect([score?.totalMs, reason]).toEqual([expect.any(Number), expect.stringMatching(/./)]);
      for (const { code, reason } of plan.skipped) expect([code, reason]).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
    }
  });

  test('follows the options of the call', () => {
    const first = (options: CallOptions): string | undefined => router.explain(hello, options).candidates[0]?.provider;
    expect([first({}), first({ intent: 'heavy' }), first({ intent: 'batch' }), first({ provider: 'openai' })]).toEqual([
      'gpu',
      'cpu',
      'openai',
      'openai',
    ]);
  });

  test('of a schema is that of its JSON Schema, which not everybody can follow', () => {
    const { router: able } = fakeRouter({ a: 'yes', b: { does: '{"name":"x"}', fake: { capabilities: { jsonSchema: true } } } });
    const plan = able.explain({ ...hello, response_format: z.object({ name: z.string() }) });
    expect([plan.candidates.map(({ provider }) => provider), plan.skipped.map(({ provider }) => provider)]).toEqual([['b'], ['a']]);
  });

  test('holds no prompt', () => {
    const secret = { messages: [{ role: 'user' as const, content: 'The code of the safe is 31-41-59.' }] };
    expect(JSON.stringify([router.explain(secret), router.explain({ input: 'The code of the safe is 31-41-59.' })])).not.toContain('31-41');
  });

  test('of a request that nobody could carry out is refused, as the call is', async () => {
    for (const [request, options] of [
      [{ messages: [] }, {}],
      [{ input: 7 }, {}],
      [hello, { intent: 'fats' }],
      [hello, { provider: 'gpus' }],
    ] as const) {
      expect(() => router.explain(request as never, options)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    }
  });
});
