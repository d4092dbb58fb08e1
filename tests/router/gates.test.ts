import { describe, expect, test } from 'vitest';
import { priceTable } from '../../src/config/prices.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import { after, fault } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello } from '../_kit/fake-router.ts';

const picture: ChatRequest = {
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] }],
};

describe('what a provider can do', () => {
  test('a picture goes to a provider that sees, never to one that reads only', async () => {
    const { router, fakes } = fakeRouter({ text: 'never asked', eyes: { does: 'a cat', fake: { capabilities: { vision: true } } } });
    expect((await router.chat(picture)).route.provider).toBe('eyes');
    expect(fakes.text.calls).toHaveLength(0);
  });

  test('where nobody can, the call fails and says what is lacking', async () => {
    const { router, fakes } = fakeRouter({ a: 'never asked' });
    const error = await failureOf(router.chat({ ...hello, n: 2, tools: [{ type: 'function', function: { name: 'f' } }] }));
    expect(error).toMatchObject({ code: 'no_provider', skipped: [{ provider: 'a', code: 'unsupported', reason: 'lacks tools, choices' }] });
    expect(fakes.a.calls).toHaveLength(0);
  });
});

describe('names of models', () => {
  test('an alias becomes each provider’s own name', async () => {
    const { router, fakes } = fakeRouter({ a: fault('driver'), b: 'yes' }, { models: { llama: { a: 'llama3:8b', b: 'meta/llama-3' } } });
    expect((await router.chat({ ...hello, model: 'llama' })).route.model).toBe('meta/llama-3');
    expect(fakes.a.calls[0]?.model).toBe('llama3:8b');
  });

  test('an alias without a name for a provider makes it no candidate', async () => {
    const { router, fakes } = fakeRouter({ a: 'never asked', b: 'yes' }, { models: { llama: { b: 'meta/llama-3' } } });
    expect((await router.chat({ ...hello, model: 'llama' })).route.provider).toBe('b');
    expect(fakes.a.calls).toHaveLength(0);
  });

  test('a name that is no alias goes out as it is; no name means each provider’s default', async () => {
    const { router, fakes } = fakeRouter({ a: { does: fault('driver'), defaultModel: 'of a' }, b: { does: 'yes', defaultModel: 'of b' } });
    await router.chat({ messages: hello.messages });
    expect([fakes.a.calls[0]?.model, fakes.b.calls[0]?.model]).toEqual(['of a', 'of b']);
    await router.chat({ ...hello, model: 'exact/name:7b' });
    expect(fakes.a.calls[1]?.model).toBe('exact/name:7b');
  });

  test('a call without a model skips a provider that needs one and has no default', async () => {
    const { router } = fakeRouter({ a: { does: 'never', fake: { modelName: 'required' } }, b: 'yes' });
    expect((await router.chat({ messages: hello.messages })).route.provider).toBe('b');
  });

  test('with onModelMissing "substitute" the default model answers, and the route says so', async () => {
    const { router } = fakeRouter(
      { a: { does: 'yes', defaultModel: 'of a' }, b: 'never asked' },
      { models: { llama: { b: 'llama3' } }, onModelMissing: 'substitute' },
    );
    expect((await router.chat({ ...hello, model: 'llama' })).route).toMatchObject({ provider: 'a', model: 'of a', substituted: true });
  });
});

describe('money', () => {
  const paid = { does: 'paid for', cost: 'paid' } as const;

  test('is not spent without consent, not even when everything else failed', async () => {
    const { router, fakes } = fakeRouter({ free: fault('driver'), paid });
    expect(await failureOf(router.chat(hello))).toMatchObject({
      code: 'all_failed',
      skipped: [{ provider: 'paid', reason: expect.stringContaining('allowPaid') }],
    });
    expect(fakes.paid.calls).toHaveLength(0);
  });

  test.each([{ allowPaid: true }, { provider: 'paid' }])('is spent with the consent of a call: %j', async (options) => {
    const { router } = fakeRouter({ free: fault('driver'), paid });
    expect((await router.chat(hello, options)).route.provider).toBe('paid');
  });

  test('a call can take back the consent of the router', async () => {
    const { router, fakes } = fakeRouter({ free: fault('driver'), paid }, { allowPaid: true });
    await failureOf(router.chat(hello, { allowPaid: false }));
    expect(fakes.paid.calls).toHaveLength(0);
  });

  test.each(['false', 'true', 0, 1, null])('is not spent by a consent that is neither true nor false: %j', async (allowPaid) => {
    const { router, fakes } = fakeRouter({ paid, free: 'yes' });
    const error = await failureOf(router.chat(hello, { allowPaid: allowPaid as never }));
    expect(error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('allowPaid must be true or false') });
    expect(fakes.paid.calls).toHaveLength(0);
  });

  test('is not spent on pictures that may cost more than they are allowed to', async () => {
    const prices = priceTable({ date: '2026-11-21', models: { m: { inputPerMillionUsd: 0.15, outputPerMillionUsd: 0.6 } } });
    const sees = { ...paid, fake: { capabilities: { vision: true } } };
    const { router } = fakeRouter({ sees }, { prices, allowPaid: true });
    const content = Array.from({ length: 10 }, () => ({ type: 'image_url' as const, image_url: { url: 'https://example.com/a.png' } }));
    const request: ChatRequest = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content }] };
    // Ten large images are 481,690 tokens of GPT-4o mini: 7.2 cents.
    expect(await failureOf(router.chat(request, { maxCostUsd: 0.072 }))).toMatchObject({ code: 'no_provider' });
    expect((await router.chat(request, { maxCostUsd: 0.075 })).route.provider).toBe('sees');
  });

  test('is not spent where the provider has no place for the limit that would bound it', async () => {
    const prices = priceTable({ date: '2026-11-21', models: { m: { inputPerMillionUsd: 1, outputPerMillionUsd: 10 } } });
    const endless = { ...paid, fake: { ignores: ['max_tokens'] } } as const;
    const { router, fakes } = fakeRouter({ endless }, { prices, allowPaid: true });
    const limited = { ...hello, max_tokens: 10 };
    expect(await failureOf(router.chat(limited, { maxCostUsd: 1 }))).toMatchObject({
      code: 'no_provider',
      skipped: [{ provider: 'endless', reason: 'its cost has no bound: it has no place for max_tokens' }],
    });
    expect(fakes.endless.calls).toHaveLength(0);
    expect((await router.chat(limited)).route.provider).toBe('endless');
  });

  test('is spent last, whatever the device', async () => {
    const { router } = fakeRouter({ gpu: paid, cpu: 'free' }, { allowPaid: true });
    expect((await router.chat(hello)).route.provider).toBe('cpu');
  });
});

describe('order', () => {
  test('fast goes to the gpu first, heavy to the cpu', async () => {
    const { router } = fakeRouter({ cpu: 'c', gpu: 'g' });
    expect((await router.chat(hello)).route).toMatchObject({ provider: 'gpu', intent: 'fast' });
    expect((await router.chat(hello, { intent: 'heavy' })).route).toMatchObject({ provider: 'cpu', intent: 'heavy' });
  });

  test('priority stands before everything, and the order of the registry decides between equals', async () => {
    const { router } = fakeRouter({ gpu: 'g', b: { does: 'b', priority: -1 }, c: { does: 'c', priority: -1 } });
    expect((await router.chat(hello)).route.provider).toBe('b');
  });

  test('an intent of one’s own has its own order', async () => {
    const { router } = fakeRouter({ gpu: 'g', cpu: 'c' }, { intents: { night: { order: ['cpu'] } } });
    expect((await router.chat(hello, { intent: 'night' })).route.provider).toBe('cpu');
  });

  test('the provider option leaves nobody else, for failover neither', async () => {
    const { router, fakes } = fakeRouter({ gpu: 'never asked', cpu: fault('driver') });
    expect(await failureOf(router.chat(hello, { provider: 'cpu' }))).toMatchObject({ code: 'all_failed', attempts: [{ provider: 'cpu' }] });
    expect(fakes.gpu.calls).toHaveLength(0);
  });

  test('explain gives the plan and asks nobody', async () => {
    const { router, fakes, events } = fakeRouter({ gpu: 'g', cpu: { does: 'c', cost: 'paid' } });
    expect(router.explain(hello)).toMatchObject({ intent: 'fast', candidates: [{ provider: 'gpu' }], skipped: [{ provider: 'cpu' }] });
    expect(fakes.gpu.calls).toHaveLength(0);
    expect(events.all).toEqual([]);
  });
});

describe('what cannot be carried out', () => {
  test.each([
    [{ intent: 'fats' }, 'there is no intent "fats"; did you mean "fast"?'],
    [{ provider: 'gpuu' }, 'there is no provider "gpuu"; did you mean "gpu"?; configured: gpu, cpu'],
  ])('%j is refused with the nearest name', async (options, text) => {
    const { router } = fakeRouter({ gpu: 'g', cpu: 'c' });
    const error = await failureOf(router.chat(hello, options));
    expect(error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining(text) });
  });

  test.each([
    null,
    'Hello!',
    {},
    { messages: [] },
    { messages: ['Hello!'] },
    { messages: [{ role: 'robot', content: 'x' }] },
    { messages: hello.messages, model: 3 },
  ])('%j is no request: nothing is sent, nothing is counted', async (request) => {
    const { router, fakes, events } = fakeRouter({ a: 'never asked' });
    expect(await failureOf(router.chat(request as never))).toMatchObject({ code: 'invalid_request' });
    expect(fakes.a.calls).toHaveLength(0);
    expect(events.all).toEqual([]);
    expect(router.snapshot().inFlight).toBe(0);
  });

  test('a very long name of an intent is not repeated whole', async () => {
    const { router } = fakeRouter({ a: 'x' });
    expect(((await failureOf(router.chat(hello, { intent: 'x'.repeat(10_000) }))) as Error).message.length).toBeLessThan(300);
  });
});

test('a request that the caller changes while it is under way stays as it was', async () => {
  const { router, clock, fakes } = fakeRouter({ a: after(100, fault('driver')), b: 'yes' });
  const messages = [{ role: 'user' as const, content: 'first' }];
  const call = router.chat({ messages });
  await clock.settle();
  Object.assign(messages[0] ?? {}, { content: 'second' });
  messages.push({ role: 'user', content: 'third' });
  await clock.advance(100);
  await call;
  expect(fakes.b.calls).toMatchObject([{ request: { messages: [{ role: 'user', content: 'first' }] } }]);
});

test('lists inside a request that grow while it is under way stay as they were', async () => {
  const all = { capabilities: { tools: true, vision: true } };
  const { router, clock, fakes } = fakeRouter({ a: { does: after(100, fault('driver')), fake: all }, b: { does: 'yes', fake: all } });
  const content = [{ type: 'text' as const, text: 'first' }];
  const tools = [{ type: 'function' as const, function: { name: 'one' } }];
  const stop = ['first'];
  const call = router.chat({ messages: [{ role: 'user', content }], tools, stop });
  await clock.settle();
  content.push({ type: 'text', text: 'second' });
  tools.pop();
  stop.push('second');
  await clock.advance(100);
  await call;
  expect(fakes.b.calls[0]?.request).toEqual({
    messages: [{ role: 'user', content: [{ type: 'text', text: 'first' }] }],
    tools: [{ type: 'function', function: { name: 'one' } }],
    stop: ['first'],
  });
});

describe('an adapter that gives out one and the same frozen answer', () => {
  test('does not mix up the routes of two chats', async () => {
    const choices = [{ index: 0, message: { role: 'assistant', content: 'same' }, finish_reason: 'stop' }];
    const answer = Object.freeze({ id: 'x', object: 'chat.completion', created: 0, model: 'm', choices });
    const { router } = fakeRouter({ a: { does: 'unused', fake: { chat: async () => answer } as never } });
    const [first, second] = await Promise.all([router.chat(hello), router.chat(hello)]);
    expect(first.route.requestId).not.toBe(second.route.requestId);
    expect(first.created).toBeGreaterThan(0);
  });

  test('does not mix up the routes of two embeddings', async () => {
    const answer = Object.freeze({ object: 'list', model: 'm', data: [{ object: 'embedding', index: 0, embedding: [1] }] });
    const { router } = fakeRouter({ a: { does: 'unused', fake: { embed: async () => answer } as never } });
    const [first, second] = await Promise.all([router.embed({ input: 'x' }), router.embed({ input: 'x' })]);
    expect(first.route.requestId).not.toBe(second.route.requestId);
  });
});
