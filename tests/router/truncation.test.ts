import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/core/adapter.ts';
import { answerToChunks } from '../../src/core/collect.ts';
import type { ChatAnswer, ChatRequest, EmbedRequest, Usage } from '../../src/core/types.ts';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import type { Router } from '../../src/router/router.ts';
import { estimateTokens } from '../../src/routing/tokens.ts';
import { fault, type FakeOptions } from '../_kit/fake-adapter.ts';
import { failureOf, type FakeProvider, fakeRouter, hello, readAll } from '../_kit/fake-router.ts';

type Count = (estimate: number) => number | undefined;
type Options = Omit<Partial<ProviderOptions>, 'type' | 'adapter'> & { readonly cutsPrompts?: boolean };

/** A server that counts the tokens of a prompt in its own way: as a function of our estimate, or not at all. */
function counting(count: Count, { cutsPrompts = false, ...more }: Options = {}): FakeProvider {
  const usageOf = (request: ChatRequest | EmbedRequest): { usage?: Usage } => {
    const prompt = count(estimateTokens(request));
    return prompt === undefined ? {} : { usage: { prompt_tokens: prompt, completion_tokens: 1, total_tokens: prompt + 1 } };
  };
  const chat = async ({ request, model = 'm' }: Call<ChatRequest>): Promise<ChatAnswer> => {
    const choice = { index: 0, message: { role: 'assistant' as const, content: 'yes' }, finish_reason: 'stop' as const };
    return { id: 'c', object: 'chat.completion', created: 1, model, choices: [choice], ...usageOf(request) };
  };
  const stream = async (call: Call<ChatRequest>) => {
    const answer = await chat(call);
    return (async function* () {
      yield answerToChunks(answer);
    })();
  };
  const embed = async ({ request }: Call<EmbedRequest>) => {
    const data = [{ object: 'embedding' as const, index: 0, embedding: [1, 0] }];
    return { object: 'list' as const, data, model: 'm', ...usageOf(request) };
  };
  const capabilities = { vision: true, jsonSchema: true };
  return { does: 'unused', ...more, fake: { capabilities, cutsPrompts, chat, stream, embed } as FakeOptions };
}

const truthful: Count = (estimate) => estimate;
/** What is left of a prompt that is longer than the window. */
const within =
  (window: number): Count =>
  (estimate) =>
    Math.min(estimate, window);

const sentence = 'The weather in the city was fine this morning, and nobody had thought of taking an umbrella along. ';

/** A request whose prompt has about so many tokens by our estimate. */
function promptOf(tokens: number): ChatRequest {
  const perSentence = estimateTokens({ messages: [{ role: 'user', content: sentence.repeat(100) }] }) / 100;
  return { model: 'm', messages: [{ role: 'user', content: sentence.repeat(Math.round(tokens / perSentence)) }] };
}

type Verb = 'chat' | 'stream' | 'embed';
const verbs: readonly Verb[] = ['chat', 'stream', 'embed'];

async function routeOf(router: Router, verb: Verb, request: ChatRequest) {
  if (verb === 'chat') return (await router.chat(request)).route;
  const [message] = request.messages;
  if (verb === 'embed') return (await router.embed({ model: 'm', input: message?.content as string })).route;
  const stream = await router.stream(request);
  expect(await readAll(stream)).toEqual({ text: 'yes', failure: undefined });
  return stream.route;
}

describe('tools that must not be called', () => {
  const parameters = { type: 'object', properties: { text: { type: 'string', description: sentence.repeat(100) } } };
  const tools = [{ type: 'function' as const, function: { name: 'f', parameters } }];

  /** A server that leaves them out of the prompt: Ollama, text-generation-webui. */
  const leavingOut = (): FakeProvider => {
    const given = counting(() => estimateTokens(promptOf(300)), { cutsPrompts: true }) as { fake: FakeOptions };
    return { ...given, fake: { ...given.fake, capabilities: { tools: true, toolChoice: true } } } as FakeProvider;
  };

  test('are no part of what must be there: a server that leaves them out has cut nothing', async () => {
    const { router, events } = fakeRouter({ gpu: leavingOut() });
    const request = { ...promptOf(300), tools };
    const answer = await router.chat({ ...request, tool_choice: 'none' });
    expect([answer.route.truncated, events.of('model:truncated')]).toEqual([false, []]);
    // Where they may be called, they were there.
    expect((await router.chat(request)).route.truncated).toBe(true);
  });

  test('keep no prompt away from a window that holds the rest of it', async () => {
    const { router } = fakeRouter({ gpu: { ...(leavingOut() as object), contextLength: 700 } as FakeProvider });
    const request = { ...promptOf(300), tools };
    expect(router.explain({ ...request, tool_choice: 'none' }).candidates).toHaveLength(1);
    expect(router.explain(request).skipped).toMatchObject([{ code: 'context_length' }]);
  });
});

describe('a prompt', () => {
  test.each(verbs)('that surely does not fit is not sent, and the route says so (%s)', async (verb) => {
    const { router } = fakeRouter({ small: counting(truthful, { contextLength: 1_000 }), large: counting(truthful) });
    const route = await routeOf(router, verb, promptOf(3_000));
    expect(route.attempts).toMatchObject([{ provider: 'large' }]);
    expect(route.skipped).toMatchObject([
      { provider: 'small', code: 'context_length', reason: expect.stringContaining('holds 1000 tokens') },
    ]);
    expect(router.snapshot().providers[0]).toMatchObject({ successes: 0, failures: 0 });
  });

  test.each(verbs)('that surely fits nowhere fails at once, and nobody is asked (%s)', async (verb) => {
    const { router, clock, events } = fakeRouter({
      small: counting(truthful, { contextLength: 1_000 }),
      other: counting(truthful, { contextLength: 500 }),
    });
    const startMs = clock.nowMs();
    expect(await failureOf(routeOf(router, verb, promptOf(3_000)))).toMatchObject({
      code: 'context_length',
      attempts: [],
      skipped: [
        { provider: 'small', code: 'context_length' },
        { provider: 'other', code: 'context_length' },
      ],
    });
    expect(clock.nowMs()).toBe(startMs);
    expect(events.of('attempt:start')).toEqual([]);
  });

  test('that fits nowhere but where it may not go is no matter of its length', async () => {
    const { router } = fakeRouter({ small: counting(truthful, { contextLength: 1_000 }), paid: counting(truthful, { cost: 'paid' }) });
    expect(await failureOf(router.chat(promptOf(3_000)))).toMatchObject({ code: 'no_provider', attempts: [] });
  });

  test('that may fit is sent, and whoever says that it does not is followed by those that hold more', async () => {
    const { router, fakes } = fakeRouter({
      small: { does: fault('context_length', { status: 400 }), contextLength: 1_000 },
      same: { does: 'never asked', contextLength: 1_000 },
      large: { does: 'yes', contextLength: 8_000 },
    });
    expect((await router.chat(promptOf(1_500))).route.attempts).toMatchObject([{ provider: 'small' }, { provider: 'large' }]);
    expect(fakes.same.calls).toEqual([]);
  });

  test('of which nobody knows better may have half the tokens that it is estimated at', async () => {
    const { router } = fakeRouter({ small: counting(() => undefined, { contextLength: 1_000 }), large: counting(truthful) });
    const providerFor = async (tokens: number) => (await router.chat(promptOf(tokens))).route.provider;
    expect([await providerFor(1_950), await providerFor(2_050)]).toEqual(['small', 'large']);
  });

  test.each<[string, number, string]>([
    ['counts as we do', 1, 'large'],
    ['makes fewer tokens of a text', 0.5, 'small'],
    ['makes more tokens of a text', 1.6, 'large'],
  ])('is measured by what the server has counted before: one that %s', async (_, ratio, expected) => {
    const { router } = fakeRouter({
      small: counting((estimate) => Math.round(ratio * estimate), { contextLength: 1_000 }),
      large: counting(truthful),
    });
    expect((await router.chat(promptOf(1_500))).route.provider).toBe('small');
    for (let count = 0; count < 30; count++) await router.chat(promptOf(450));
    expect(router.explain(promptOf(1_500)).candidates[0]?.provider).toBe(expected);
    expect((await router.chat(promptOf(1_500))).route.provider).toBe(expected);
  });

  test('is measured against what the server serves the model with, before what is configured and what its list says', async () => {
    const report = { contextLength: 4_000, resident: [{ id: 'm', contextLength: 500 }] };
    const list = [{ id: 'm', contextLength: 50_000 }];
    const known = { load: async () => report, models: async () => list, health: async () => ({ state: 'ok' as const }) };
    const { router } = fakeRouter({
      all: { does: 'yes', contextLength: 20_000, fake: known },
      told: { does: 'yes', contextLength: 20_000, fake: { ...known, load: async () => ({ contextLength: 4_000 }) } },
      configured: { does: 'yes', contextLength: 20_000, fake: { ...known, load: async () => ({}) } },
      listed: { does: 'yes', fake: { ...known, load: async () => ({}) } },
    });
    await router.health();
    const windows = router.explain(promptOf(200_000)).skipped.map(({ provider, reason }) => [provider, /holds (\d+)/.exec(reason)?.[1]]);
    expect(windows).toEqual([
      ['all', '500'],
      ['told', '4000'],
      ['configured', '20000'],
      ['listed', '50000'],
    ]);
  });
});

describe('a server that drops the beginning of long prompts in silence', () => {
  const cutting = (count: Count, more: Options = {}): FakeProvider => counting(count, { cutsPrompts: true, ...more });

  test.each(verbs)('is found out by its own count: the call says so, and the next prompt as long goes elsewhere (%s)', async (verb) => {
    const { router, events } = fakeRouter({ cuts: cutting(within(2_000)), large: counting(truthful) });
    const first = await routeOf(router, verb, promptOf(8_000));
    expect(first).toMatchObject({ provider: 'cuts', truncated: true, attempts: [{ provider: 'cuts' }] });
    const [told] = events.of('model:truncated');
    expect(events.of('model:truncated')).toEqual([
      { requestId: first.requestId, provider: 'cuts', model: 'm', promptTokens: 2_000, leastTokens: expect.closeTo(4_000, -2) },
    ]);
    const second = await routeOf(router, verb, promptOf(8_000));
    expect(second).toMatchObject({
      provider: 'large',
      truncated: false,
      skipped: [{ provider: 'cuts', code: 'context_length', reason: expect.stringContaining(`holds ${told?.leastTokens} tokens`) }],
    });
    expect(events.of('model:truncated')).toHaveLength(1);
  });

  test('still gets prompts that it holds', async () => {
    const { router, events } = fakeRouter({ cuts: cutting(within(2_000)), large: counting(truthful) });
    await router.chat(promptOf(8_000));
    expect((await router.chat(promptOf(1_500))).route).toMatchObject({ provider: 'cuts', truncated: false });
    expect((await router.chat(hello)).route).toMatchObject({ provider: 'cuts', truncated: false });
    expect(events.of('model:truncated')).toHaveLength(1);
  });

  test('is not asked for long prompts even where there is nobody else: the call fails instead of losing its beginning', async () => {
    const { router } = fakeRouter({ cuts: cutting(within(2_000)) });
    expect((await router.chat(promptOf(8_000))).route.truncated).toBe(true);
    expect(await failureOf(router.chat(promptOf(8_000)))).toMatchObject({ code: 'context_length', attempts: [] });
  });

  test('is believed to do so for half an hour, and then asked once more: it may have been started anew', async () => {
    let window = 2_000;
    const { router, clock } = fakeRouter({ cuts: cutting((estimate) => Math.min(estimate, window)), large: counting(truthful) });
    await router.chat(promptOf(8_000));
    await clock.advance(1_799_999);
    expect((await router.chat(promptOf(8_000))).route.provider).toBe('large');
    await clock.advance(1);
    expect((await router.chat(promptOf(8_000))).route).toMatchObject({ provider: 'cuts', truncated: true });
    expect((await router.chat(promptOf(8_000))).route.provider).toBe('large');
    window = Infinity;
    await clock.advance(1_800_000);
    for (let count = 0; count < 2; count++)
      expect((await router.chat(promptOf(8_000))).route).toMatchObject({ provider: 'cuts', truncated: false });
  });

  test('is believed to cut where it did so lately, and not where it did before', async () => {
    const { router, clock } = fakeRouter({ cuts: cutting(within(500)), large: counting(truthful) });
    await router.chat(promptOf(4_000));
    await clock.advance(1_800_000);
    await router.chat(promptOf(8_000));
    expect((await router.chat(promptOf(6_000))).route).toMatchObject({ provider: 'cuts', truncated: true });
  });

  test('is found out for one model at a time', async () => {
    const { router } = fakeRouter({ cuts: cutting(within(2_000)), large: counting(truthful) });
    await router.chat(promptOf(8_000));
    expect((await router.chat({ ...promptOf(8_000), model: 'n' })).route).toMatchObject({ provider: 'cuts', truncated: true });
  });

  test('is found out anew by a shorter prompt that it cuts as well', async () => {
    const { router, events } = fakeRouter({ cuts: cutting(within(500)), large: counting(truthful) });
    await router.chat(promptOf(8_000));
    await router.chat(promptOf(4_000));
    expect((await router.chat(promptOf(4_000))).route.provider).toBe('large');
    const [first, second] = events.of('model:truncated');
    expect(second?.leastTokens).toBeLessThan(first?.leastTokens ?? 0);
  });

  test('teaches nothing of its tokens by a count of what was left', async () => {
    const { router } = fakeRouter({ cuts: cutting(within(2_000)) });
    for (let count = 0; count < 30; count++) await router.chat(promptOf(1_000));
    await router.chat(promptOf(8_000));
    // Counted as they are, 8,000 tokens have 6,800 at least; a ratio of a quarter, once believed, would make 2,000 of them.
    expect(router.explain(promptOf(8_000)).skipped).toMatchObject([{ reason: expect.stringMatching(/at least 6[78]\d\d$/) }]);
  });

  test.each<[string, Count]>([
    ['counts truthfully', truthful],
    ['counts 0, as for a prompt in its cache', () => 0],
    ['does not count', () => undefined],
    ['counts less than 0', () => -5],
    ['counts what is no number', () => Number.NaN],
    ['makes much fewer tokens of a text', (estimate) => Math.round(0.55 * estimate)],
    ['makes many more tokens of a text', (estimate) => Math.round(2.2 * estimate)],
  ])('is suspected of nothing where it %s', async (_, count) => {
    const { router, events } = fakeRouter({ cuts: cutting(count) });
    for (const tokens of [8_000, 50, 8_000, 20_000, 400, 8_000]) {
      expect((await router.chat(promptOf(tokens))).route).toMatchObject({ provider: 'cuts', truncated: false });
    }
    expect(events.of('model:truncated')).toEqual([]);
  });

  test('is suspected of nothing for a prompt so short that a count says little', async () => {
    const { router, events } = fakeRouter({ cuts: cutting(() => 20) });
    await router.chat(promptOf(300));
    expect(events.of('model:truncated')).toEqual([]);
  });

  test('is suspected of nothing by truthful counts, in whatever languages the prompts come one after the other', async () => {
    const prompt = fc.record({ tokens: fc.integer({ min: 10, max: 20_000 }), ratio: fc.double({ min: 0.52, max: 2.2, noNaN: true }) });
    await fc.assert(
      fc.asyncProperty(fc.array(prompt, { minLength: 1, maxLength: 30 }), async (prompts) => {
        let ratio = 1;
        const { router, events } = fakeRouter(
          { cuts: cutting((estimate) => Math.round(ratio * estimate)) },
          { health: false, pollMs: false },
        );
        for (const each of prompts) {
          ratio = each.ratio;
          await router.chat(promptOf(each.tokens));
        }
        expect(events.of('model:truncated')).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('what servers count in ways of their own:', () => {
  const picture = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AA==' } };
  const properties = Object.fromEntries(
    Array.from({ length: 400 }, (_, index) => [`field_number_${index}`, { type: 'string', description: sentence }]),
  );
  const schema = { name: 'answer', schema: { type: 'object', properties } };
  const withPictures = (count: number): ChatRequest => ({
    model: 'm',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Name what you see.' }, ...Array.from({ length: count }, () => picture)] }],
  });
  const withSchema: ChatRequest = { ...hello, response_format: { type: 'json_schema', json_schema: schema } };

  describe.each<[string, ChatRequest]>([
    ['a picture', withPictures(1)],
    ['many pictures', withPictures(12)],
    ['a schema, of which a grammar becomes and no part of the prompt', withSchema],
  ])('%s', (_, request) => {
    test('makes no server suspect that counts little for it', async () => {
      const { router, events } = fakeRouter({ cuts: counting(() => 60, { cutsPrompts: true }) });
      expect((await router.chat(request)).route.truncated).toBe(false);
      expect(events.of('model:truncated')).toEqual([]);
    });

    test('keeps no prompt away from a window that its text fits into', async () => {
      const { router } = fakeRouter({ box: counting(() => 60, { contextLength: 4_000 }) });
      expect((await router.chat(request)).route.provider).toBe('box');
    });

    test('teaches nothing of what texts count', async () => {
      const { router } = fakeRouter({ small: counting(truthful, { contextLength: 1_000 }), other: 'yes' });
      for (let count = 0; count < 30; count++) await router.chat(promptOf(450));
      const planned = () => router.explain(promptOf(1_500)).skipped;
      const before = planned();
      expect(before).toMatchObject([{ provider: 'small', code: 'context_length' }]);
      for (let count = 0; count < 3; count++) {
        await router.chat({ ...request, messages: [...request.messages, ...promptOf(450).messages] });
      }
      expect(planned()).toEqual(before);
    });
  });

  test('a long text beside a schema is found to be cut all the same', async () => {
    const { router, events } = fakeRouter({ cuts: counting(within(2_000), { cutsPrompts: true }) });
    expect((await router.chat({ ...withSchema, ...promptOf(8_000) })).route.truncated).toBe(true);
    expect(events.of('model:truncated')).toMatchObject([{ leastTokens: expect.closeTo(4_000, -2) }]);
  });
});

test('a server that refuses long prompts is suspected of nothing, whatever it counts', async () => {
  const { router, events } = fakeRouter({ box: counting(within(2_000)), large: counting(truthful) });
  for (let count = 0; count < 5; count++) {
    expect((await router.chat(promptOf(8_000))).route).toMatchObject({ provider: 'box', truncated: false });
  }
  expect(events.of('model:truncated')).toEqual([]);
});
