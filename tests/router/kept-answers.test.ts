import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { collect } from '../../src/router/chat-stream.ts';
import type { CallOptions } from '../../src/config/call-options.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { ChatChoice, ChatCompletion, ChatRequest } from '../../src/core/types.ts';
import { defineAdapter } from '../../src/core/adapter.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { formatRoute } from '../../src/routing/format-plan.ts';
import { testClock } from '../_kit/test-clock.ts';
import { fault } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, readAll } from '../_kit/fake-router.ts';
import { question, scene, type Scene, settled, until } from './kept-kit.ts';

const contentOf = (answer: ChatCompletion): string | null => answer.choices[0].message.content;

/** Asks, and waits until the answer is kept. */
async function ask(made: Scene, fields: Partial<ChatRequest> = {}, options: CallOptions = {}): Promise<ChatCompletion> {
  const answer = await made.router.chat({ ...question, ...fields }, options);
  await settled(made);
  return answer;
}

describe('an answer that is kept', () => {
  test('is given again, with a route of its own and nobody asked', async () => {
    const made = scene();
    const first = await ask(made);
    const second = await ask(made, {}, { requestId: 'second' });
    expect(made.asked).toHaveLength(1);
    const { route, ...answer } = second;
    const { route: _first, ...kept } = first;
    expect(answer).toEqual(kept);
    expect(route).toMatchObject({ requestId: 'second', provider: 'gpu', model: 'm', intent: 'fast', attempts: [], cached: true });
    expect([first.route.cached, first.route.attempts.length]).toEqual([false, 1]);
    expect(made.router.snapshot().cache).toEqual({ hits: 1, misses: 1, shared: 0 });
  });

  test('is told as the end of a call without attempts, and says so in words', async () => {
    const made = scene();
    await ask(made);
    const before = made.events.all.length;
    await ask(made, {}, { requestId: 'second' });
    const told = made.events.all.slice(before);
    expect(formatRoute((await ask(made)).route)).toBe('gpu (m) answered before (intent fast)');
    expect(told.map(({ name }) => name)).toEqual(['request:start', 'request:end']);
    expect(told[1]?.payload).toEqual({
      requestId: 'second',
      provider: 'gpu',
      model: 'm',
      ms: 0,
      attempts: 0,
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
      costUsd: undefined,
      cached: true,
      abandoned: false,
    });
    expect(made.router.snapshot().inFlight).toBe(0);
  });

  test('is nobody else’s: whoever changes what he got changes nothing', async () => {
    const made = scene();
    const first = made.router.chat(question);
    (await first).choices[0].message.content = 'changed';
    await settled(made);
    const second = await ask(made);
    expect(contentOf(second)).toBe('answer 1');
    second.choices[0].message.content = 'changed';
    expect(contentOf(await ask(made))).toBe('answer 1');
  });

  test('comes where all providers are down, behind breakers', async () => {
    const made = scene({ answers: (n) => (n === 1 ? {} : fault('unavailable', { phase: 'connect' })) });
    await ask(made);
    for (let call = 0; call < 3; call++) await made.clock.run(failureOf(made.router.chat({ ...question, temperature: 1 })));
    expect(made.router.snapshot().providers[0]?.breaker).toBe('open');
    expect((await ask(made)).route.cached).toBe(true);
  });

  test('comes at once where its provider has no slot free', async () => {
    const made = scene({ afterMs: 1_000, provider: { maxConcurrent: 1 } });
    const first = made.router.chat(question);
    await until(() => made.asked.length === 1);
    await made.clock.run(first);
    await settled(made);
    const busy = made.router.chat({ ...question, temperature: 1 });
    await settled(made);
    const answer = await ask(made);
    expect([answer.route.cached, answer.route.queuedMs]).toEqual([true, 0]);
    await made.clock.run(busy);
  });

  test('is forgotten when its time is over, whatever the store thinks', async () => {
    const made = scene({ cache: { ttlMs: 1_000 } });
    await ask(made);
    await made.clock.advance(1_000);
    expect((await ask(made)).route.cached).toBe(true);
    await made.clock.advance(1);
    expect(contentOf(await ask(made))).toBe('answer 2');
  });

  test('leaves nothing of the prompt in the store', async () => {
    const made = scene();
    await ask(made, {}, { caller: 'alice' });
    const [[key, value] = []] = made.store;
    expect(key).toMatch(/^inferlane:answer:1:[0-9a-f]{64}$/);
    expect(`${key}${String(value)}`).not.toMatch(/box|alice/);
    expect(String(value)).toContain('answer 1');
  });
});

describe('which requests', () => {
  test.each<[string, Partial<ChatRequest>, CallOptions, number]>([
    ['left to chance: not by themselves', { temperature: 0.7 }, {}, 2],
    ['without a temperature: not by themselves', { temperature: undefined }, {}, 2],
    ['several answers at once: not by themselves', { n: 2 }, {}, 2],
    ['left to chance, where the call says so', { temperature: 0.7 }, { cache: true }, 1],
    ['not where the call says so', {}, { cache: false }, 2],
    ['never from what was kept where the call wants it anew', {}, { cache: 'refresh' }, 2],
  ])('%s', async (_what, fields, options, times) => {
    const made = scene();
    await ask(made, fields, options);
    await ask(made, fields, options);
    expect(made.asked).toHaveLength(times);
  });

  test('an answer that was asked for anew takes the place of the kept one', async () => {
    const made = scene();
    await ask(made);
    await ask(made, {}, { cache: 'refresh' });
    expect(contentOf(await ask(made))).toBe('answer 2');
  });

  test('a call that wants none of it neither reads nor writes', async () => {
    const made = scene();
    await ask(made, {}, { cache: false });
    expect(made.store.size).toBe(0);
  });

  test('anything else than the three words is refused', async () => {
    const made = scene();
    const error = await failureOf(made.router.chat(question, { cache: 'yes' as 'refresh' }));
    expect(error).toMatchObject({ code: 'invalid_request' });
    expect(String(error)).toContain("cache must be true, false or 'refresh'");
  });

  test('a request that cannot be written as JSON goes its own way', async () => {
    const made = scene();
    await ask(made, { extra: { custom: { big: 1n } } });
    expect([made.asked.length, made.store.size]).toEqual([1, 0]);
  });

  test.each<[string, CallOptions, CallOptions]>([
    ['caller', { caller: 'alice' }, { caller: 'bob' }],
    ['caller, where one has none', { caller: 'alice' }, {}],
    ['intent', { intent: 'fast' }, { intent: 'heavy' }],
    ['provider that is named', { provider: 'gpu' }, {}],
  ])('another %s gets an answer of its own', async (_what, one, other) => {
    const made = scene();
    await ask(made, {}, one);
    expect((await ask(made, {}, other)).route.cached).toBe(false);
    expect((await ask(made, {}, one)).route.cached).toBe(true);
  });

  test('callers share what is kept only where they are told to', async () => {
    const made = scene({ cache: { shared: true } });
    await ask(made, {}, { caller: 'alice' });
    expect((await ask(made, {}, { caller: 'bob' })).route.cached).toBe(true);
    expect((await ask(made)).route.cached).toBe(true);
  });

  test.each<[string, CallOptions]>([
    ['may pay nobody', { allowPaid: false }],
    ['stays in this process', { maxLocality: 'process' }],
    ['may cost next to nothing', { maxCostUsd: 0.000_001 }],
    ['has next to no time', { deadlineMs: 100 }],
  ])('a call that %s gets what was kept: it goes nowhere and costs nothing', async (_what, options) => {
    const made = scene();
    await ask(made);
    expect((await ask(made, {}, options)).route.cached).toBe(true);
  });

  test('a call without a provider gets nothing that this one gave', async () => {
    const made = scene();
    await ask(made);
    await failureOf(made.router.chat(question, { without: ['gpu'] }));
    expect(made.router.snapshot().cache?.hits).toBe(0);
  });

  test('drills ask the providers', async () => {
    let asked = 0;
    const data = [{ object: 'embedding' as const, index: 0, embedding: [1] }];
    const adapter = defineAdapter({
      name: 'vectors',
      modelName: 'optional',
      embed: async () => ((asked += 1), { object: 'list', model: 'e', data }),
    });
    const router = createRouter({ providers: { gpu: { type: 'custom', adapter } }, cache: { store: new Map() }, health: false });
    for (let call = 0; call < 2; call++) {
      expect((await router.testProvider('gpu')).ok).toBe(true);
      await settled({ clock: testClock() });
    }
    expect(asked).toBe(2);
  });
});

describe('only good answers are kept', () => {
  test.each<[string, Partial<ChatChoice>, Partial<ChatRequest>, boolean]>([
    ['a whole one', {}, {}, true],
    [
      'the call of a tool',
      { message: { role: 'assistant', content: null, tool_calls: [toolCall()] }, finish_reason: 'tool_calls' },
      {},
      true,
    ],
    ['one that the server cut', { finish_reason: 'length' }, {}, false],
    ['one that ends at the limit of the request', { finish_reason: 'length' }, { max_tokens: 2 }, true],
    ['one that was filtered', { finish_reason: 'content_filter' }, {}, false],
    ['one that ended nobody knows how', { finish_reason: 'unknown' }, {}, false],
    ['a refusal', { message: { role: 'assistant', content: null, refusal: 'No.' } }, {}, false],
  ])('%s', async (_what, choice, fields, isKept) => {
    for (const verb of ['chat', 'stream'] as const) {
      const made = scene({ answers: () => choice });
      if (verb === 'chat') await ask(made, fields);
      else await readAll(await made.router.stream({ ...question, ...fields }));
      await settled(made);
      expect([verb, made.store.size]).toEqual([verb, isKept ? 1 : 0]);
    }
  });

  test('not one that is larger than the bound', async () => {
    const made = scene({ answers: () => ({ message: { role: 'assistant', content: 'x'.repeat(1_000_000) } }) });
    await ask(made);
    expect(made.store.size).toBe(0);
  });

  test('not the words of a stand-in', async () => {
    const store = new Map<string, unknown>();
    const router = createRouter({ providers: { stub: { type: 'stub' } }, cache: { store }, health: false });
    const answer = await router.chat({ messages: question.messages, temperature: 0 });
    await settled({ clock: testClock() });
    expect([answer.route.degraded, store.size]).toEqual([true, 0]);
  });

  test('not the vectors of a stand-in', async () => {
    const data = [{ object: 'embedding', index: 0, embedding: [0] }];
    const fake = { embed: async () => ({ object: 'list', model: 'm', data, degraded: true }) } as object;
    const store = new Map<string, unknown>();
    const made = fakeRouter({ gpu: { does: 'unused', fake } }, { cache: { store } });
    const { route } = await made.router.embed({ input: 'x' });
    await settled(made);
    expect([route.degraded, store.size]).toEqual([true, 0]);
  });

  test('not one to a prompt that the server has probably cut', async () => {
    const made = scene();
    const answer = await ask(made, { messages: [{ role: 'user', content: 'word '.repeat(20_000) }] });
    expect([answer.route.truncated, made.store.size]).toEqual([true, 0]);
  });

  test('not one of a model that was put in the place of the one asked for', async () => {
    const made = scene({
      onModelMissing: 'substitute',
      models: { m: { gpu: 'gone' } },
      provider: { defaultModel: 'other' },
      answers: (n) => (n === 1 ? fault('model_not_found') : {}),
    });
    await failureOf(made.router.chat(question));
    const answer = await ask(made);
    expect([answer.route.substituted, made.store.size]).toEqual([true, 0]);
  });
});

function toolCall(): { id: string; type: 'function'; function: { name: string; arguments: string } } {
  return { id: 't', type: 'function', function: { name: 'look', arguments: '{"at":"box"}' } };
}

describe('another configuration', () => {
  test.each<[string, Partial<RouterOptions>, boolean]>([
    ['that means the same model by the name', { models: { m: { gpu: 'one' } } }, true],
    ['that means another model by the name', { models: { m: { gpu: 'two' } } }, false],
  ])('%s', async (_what, options, isKept) => {
    const store = new Map<string, unknown>();
    const one = scene({ cache: { store }, models: { m: { gpu: 'one' } } });
    await ask(one);
    const other = scene({ cache: { store }, ...options });
    expect((await ask(other)).route.cached).toBe(isKept);
  });

  test('without the provider that answered has no use for its answers', async () => {
    const store = new Map<string, unknown>();
    await ask(scene({ cache: { store } }));
    const { router } = fakeRouter({ cpu: 'mine' }, { cache: { store } });
    expect((await router.chat(question)).route).toMatchObject({ provider: 'cpu', cached: false });
  });

  test('an update may begin to keep, and stop', async () => {
    const made = scene({ cache: false });
    expect(made.router.snapshot().cache).toBeUndefined();
    const providers = { gpu: { type: 'custom' as const, device: 'gpu' as const, adapter: made.fakes.gpu.adapter } };
    made.router.update({ providers, cache: { store: made.store } });
    await ask(made);
    expect((await ask(made)).route.cached).toBe(true);
    made.router.update({ providers });
    expect((await ask(made)).route.cached).toBe(false);
  });
});

function inSpace(embeddingSpace: string): { gpu: { does: string; embeddingSpace: string } } {
  return { gpu: { does: 'unused', embeddingSpace } };
}

describe('embeddings', () => {
  test('are kept by themselves, as many as were asked for', async () => {
    const made = fakeRouter({ gpu: 'unused' }, { cache: { store: new Map() } });
    const first = await made.router.embed({ model: 'e', input: ['a', 'b'] });
    await settled(made);
    const second = await made.router.embed({ model: 'e', input: ['a', 'b'] });
    const other = await made.router.embed({ model: 'e', input: ['a', 'c'] });
    expect([second.data, second.route.cached, other.route.cached]).toEqual([first.data, true, false]);
    expect(made.fakes.gpu.calls).toHaveLength(2);
  });

  test('of another space are none', async () => {
    const store = new Map<string, unknown>();
    const one = fakeRouter(inSpace('here'), { cache: { store } });
    await one.router.embed({ model: 'e', input: 'a' });
    await one.clock.settle();
    const again = await fakeRouter(inSpace('here'), { cache: { store } }).router.embed({ model: 'e', input: 'a' });
    const other = await fakeRouter(inSpace('there'), { cache: { store } }).router.embed({ model: 'e', input: 'a' });
    expect([again.route.cached, other.route.cached]).toEqual([true, false]);
  });
});

function says(content: string): Partial<ChatChoice> {
  return { message: { role: 'assistant', content } };
}

describe('a schema as response_format', () => {
  const weather = z.object({ high: z.number() });
  const asked = { model: 'm', temperature: 0, messages: question.messages, response_format: weather };

  test('a value that fits is given again', async () => {
    const made = scene({ answers: () => says('{"high":1}') });
    await made.router.chat(asked);
    await settled(made);
    const { parsed, route } = await made.router.chat(asked);
    expect([parsed, route.cached]).toEqual([{ high: 1 }, true]);
  });

  test('a kept answer that does not fit is asked for anew, and the new one kept', async () => {
    const made = scene({ answers: (n) => says(n === 1 ? '{"high":"much"}' : '{"high":1}') });
    await failureOf(made.router.chat(asked));
    await settled(made);
    expect((await made.router.chat(asked)).parsed).toEqual({ high: 1 });
    await settled(made);
    expect((await made.router.chat(asked)).route.cached).toBe(true);
    expect(made.asked).toHaveLength(2);
  });
});

describe('a caller who leaves', () => {
  test('before the store has answered gets his own reason, and nothing is asked', async () => {
    const made = scene({ cache: { store: { get: () => new Promise(() => undefined), set: () => undefined }, timeoutMs: 5_000 } });
    const controller = new AbortController();
    const asking = failureOf(made.router.chat(question, { signal: controller.signal }));
    const reason = new Error('Enough.');
    await settled(made);
    controller.abort(reason);
    expect(await asking).toBe(reason);
    expect([made.asked.length, made.router.snapshot().inFlight]).toEqual([0, 0]);
    expect(made.events.of('request:error')).toHaveLength(1);
  });

  test('while a kept answer is read gets his own reason', async () => {
    const made = scene();
    await ask(made);
    const controller = new AbortController();
    const stream = await made.router.stream(question, { signal: controller.signal });
    const reason = new Error('Enough.');
    controller.abort(reason);
    await expect(collect(stream)).rejects.toBe(reason);
  });
});
