import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { anthropicRoutes } from '../../src/http/anthropic-routes.ts';
import { ollamaRoutes } from '../../src/http/ollama-routes.ts';
import { openaiRoutes } from '../../src/http/openai-routes.ts';
import { routes } from '../../src/http/routes.ts';
import type { Router } from '../../src/index.ts';
import { fault, hang, pieces, refused } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, outcomeOf } from '../_kit/fake-router.ts';

const chatUrl = 'https://api.openai.com/v1/chat/completions';
const messages = [{ role: 'user', content: 'Hello!' }];
const asked = JSON.stringify({ model: 'm', messages });

function post(body: RequestInit['body'] = asked, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: body ?? null };
}

async function textOf(answer: Promise<Response>): Promise<string | undefined> {
  const { choices } = (await (await answer).json()) as { choices?: { message: { content: string } }[] };
  return choices?.[0]?.message.content;
}

const streamed = post(JSON.stringify({ model: 'm', messages, stream: true }));

describe('the end of the path decides', () => {
  const bases = ['https://api.openai.com', 'http://127.0.0.1:11434', 'https://gateway.example/openai', 'http://user:password@box/a/b/c'];

  test.each(bases)('below %s every route of the three APIs is found', async (base) => {
    const { fetch } = fakeRouter({ gpu: 'yes' }).router;
    for (const { method, path, errors } of [...openaiRoutes, ...anthropicRoutes, ...ollamaRoutes]) {
      const url = `${base}${path.replace('{id}', 'nobody')}`;
      const response = await fetch(url, method === 'POST' ? post('{') : {});
      const text = await response.text();
      // One that is found reads the body, or answers.
      if (method === 'POST') expect([url, response.status, text]).toEqual([url, 400, expect.stringContaining('no valid JSON')]);
      else expect([url, response.status]).toEqual([url, path.includes('{') ? 404 : 200]);
      if (errors === 'ollama' && method === 'POST') expect(JSON.parse(text)).toEqual({ error: expect.any(String) as string });
    }
  });

  test.each([
    'https://api.perplexity.ai/chat/completions',
    'https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=1',
  ])('of OpenAI the base may have no version: %s', async (url) => {
    const { router } = fakeRouter({ gpu: 'yes' });
    expect(await textOf(router.fetch(url, post()))).toBe('yes');
  });

  test('a base that ends with /models is no list of models', async () => {
    const { router } = fakeRouter({ gpu: { does: '1', embeddingModel: 'e' } });
    const response = await router.fetch('https://gateway.example/models/embeddings', post(JSON.stringify({ model: 'e', input: 'a' })));
    expect(response.status).toBe(200);
  });

  test.each([
    ['https://api.openai.com/v1/responses', 'openai'],
    ['https://api.openai.com/v1/threads/t/messages', 'openai'],
    ['https://api.openai.com/v1/chat/completions/abc', 'openai'],
    ['https://api.openai.com/v1/chat/xcompletions', 'openai'],
    ['https://api.anthropic.com/v1/messages/batches', 'anthropic'],
    ['http://127.0.0.1:11434/api/pull', 'ollama'],
    ['https://api.openai.com/', 'openai'],
  ])('%s is refused in the shape of its API, and nothing leaves the process', async (url, shape) => {
    const network = vi.spyOn(globalThis, 'fetch');
    const { router, fakes } = fakeRouter({ gpu: 'yes' });
    const response = await router.fetch(url, post(asked, shape === 'anthropic' ? { 'anthropic-version': '2023-06-01' } : {}));
    const told = (await response.json()) as { error: { message: string } | string; type?: string };
    const words = typeof told.error === 'string' ? told.error : told.error.message;
    expect(response.status).toBe(404);
    expect([typeof told.error, told.type]).toEqual([shape === 'ollama' ? 'string' : 'object', shape === 'anthropic' ? 'error' : undefined]);
    expect(words).toContain('nothing is sent anywhere');
    expect(words).not.toContain(new URL(url).host);
    expect([network.mock.calls.length, fakes.gpu.calls.length]).toEqual([0, 0]);
  });

  test('no other route of the handler is served', async () => {
    const { fetch } = fakeRouter({ gpu: 'yes' }).router;
    const others = routes.filter((route) => ![...openaiRoutes, ...anthropicRoutes, ...ollamaRoutes].includes(route));
    expect(others.length).toBeGreaterThan(5);
    // Below a base without version it is OpenAI's list.
    for (const { method, path } of others.filter(({ path }) => path !== '/models')) {
      const response = await fetch(`http://localhost${path}`, method === 'POST' ? post('{}') : {});
      expect([path, response.status]).toEqual([path, 404]);
    }
  });

  test('another method is refused with those that there are', async () => {
    const { fetch } = fakeRouter({ gpu: 'yes' }).router;
    for (const method of ['GET', 'DELETE', 'OPTIONS']) {
      const response = await fetch(chatUrl, { method });
      expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'POST']);
    }
  });
});

describe('what is given is taken as fetch takes it', () => {
  const bytes = new TextEncoder().encode(asked);
  const flowing = (): ReadableStream<Uint8Array> => new Blob([bytes]).stream();

  test.each<[string, (fetch: Router['fetch']) => Promise<Response>]>([
    ['a text', (fetch) => fetch(chatUrl, post())],
    ['bytes', (fetch) => fetch(chatUrl, post(bytes))],
    ['a blob', (fetch) => fetch(chatUrl, post(new Blob([bytes])))],
    ['a stream', (fetch) => fetch(chatUrl, post(flowing()))],
    ['a URL', (fetch) => fetch(new URL(chatUrl), post())],
    ['a Request', (fetch) => fetch(new Request(chatUrl, post()))],
    ['a Request with more', (fetch) => fetch(new Request(chatUrl, { method: 'POST' }), post())],
  ])('%s', async (_what, ask) => {
    const { router } = fakeRouter({ gpu: 'yes' });
    expect(await textOf(ask(router.fetch))).toBe('yes');
  });

  test('a form is refused, and so is a body above the limit of the handler', async () => {
    const { fetch } = fakeRouter({ gpu: 'yes' }).router;
    const form = await fetch(chatUrl, { method: 'POST', body: new FormData() });
    const large = await fetch(chatUrl, post(' '.repeat(4_194_305)));
    expect([form.status, large.status]).toEqual([415, 413]);
  });

  test('what is no URL is a TypeError that does not repeat it', async () => {
    const { fetch } = fakeRouter({ gpu: 'yes' }).router;
    const error = (await failureOf(fetch('/v1/models?key=canary'))) as Error;
    expect(error).toBeInstanceOf(TypeError);
    expect(inspect(error, { showHidden: true })).not.toContain('canary');
  });

  test('headers say how a call is routed, a paid provider included', async () => {
    const { router, fakes } = fakeRouter({ gpu: 'the gpu', cloud: { does: 'the cloud', cost: 'paid' } });
    const response = await router.fetch(chatUrl, post(asked, { 'x-inferlane-provider': 'cloud', 'x-inferlane-session': 's1' }));
    expect(response.headers.get('x-inferlane-provider')).toBe('cloud');
    expect([fakes.gpu.calls.length, fakes.cloud.calls.length]).toEqual([0, 1]);
  });

  test('more calls at once than a server takes are all answered', async () => {
    const { router } = fakeRouter({ gpu: 'yes' });
    const answers = await Promise.all(Array.from({ length: 300 }, () => router.fetch(chatUrl, post())));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });

  test("the client's key appears nowhere, and no adapter sees it", async () => {
    const { router, events, fakes } = fakeRouter({ gpu: [refused(), 'yes'], cpu: 'yes' });
    const response = await router.fetch(chatUrl, post(asked, { authorization: 'Bearer canary-key', 'x-api-key': 'canary-key' }));
    const seen = JSON.stringify([[...response.headers], await response.text(), events.all, router.snapshot(), fakes.gpu.calls]);
    expect(seen).not.toContain('canary-key');
  });
});

describe('a failure', () => {
  test('is told once: clients are asked not to try again what the router has tried', async () => {
    const { router } = fakeRouter({ gpu: fault('rate_limited', { retryAfterMs: 60_000 }) });
    const response = await router.fetch(chatUrl, post());
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([429, 'false']);
    const well = await fakeRouter({ gpu: 'yes' }).router.fetch(chatUrl, post());
    expect(well.headers.has('x-should-retry')).toBe(false);
  });

  test('of one provider is another one’s turn', async () => {
    const { router } = fakeRouter({ gpu: refused(), cpu: 'the cpu' });
    const response = await router.fetch(chatUrl, post());
    expect(await textOf(Promise.resolve(response))).toBe('the cpu');
    expect(response.headers.get('x-inferlane-attempts')).toBe('2');
  });
});

describe('an abort', () => {
  test.each<[string, unknown]>([
    ['its own reason', new Error('enough')],
    ['an AbortError', undefined],
  ])('rejects with %s, and the provider is left at once', async (_what, reason) => {
    const { router, clock, fakes } = fakeRouter({ gpu: hang });
    const controller = new AbortController();
    const outcome = outcomeOf(router.fetch(chatUrl, { ...post(), signal: controller.signal }));
    await vi.waitFor(() => expect(fakes.gpu.calls).toHaveLength(1));
    controller.abort(reason);
    await clock.advance(0);
    expect(fakes.gpu.calls[0]?.signal.aborted).toBe(true);
    expect(outcome.error).toBe(controller.signal.reason);
    if (reason === undefined) expect(outcome.error).toMatchObject({ name: 'AbortError' });
  });

  test('of the signal of a Request does the same', async () => {
    const { router, clock, fakes } = fakeRouter({ gpu: hang });
    const controller = new AbortController();
    const outcome = outcomeOf(router.fetch(new Request(chatUrl, { ...post(), signal: controller.signal })));
    await vi.waitFor(() => expect(fakes.gpu.calls).toHaveLength(1));
    controller.abort();
    await clock.advance(0);
    expect(fakes.gpu.calls[0]?.signal.aborted).toBe(true);
    expect(outcome.error).toMatchObject({ name: 'AbortError' });
  });

  test('before the call asks nobody', async () => {
    const { router, fakes } = fakeRouter({ gpu: 'yes' });
    const reason = new Error('before');
    expect(await failureOf(router.fetch(chatUrl, { ...post(), signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(fakes.gpu.calls).toEqual([]);
  });

  test('in the middle of a stream errors its body with the reason and closes the source', async () => {
    const { router, clock, fakes } = fakeRouter({ gpu: pieces('one', 'hang') });
    const controller = new AbortController();
    const response = await router.fetch(chatUrl, { ...streamed, signal: controller.signal });
    const reader = response.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('one');
    const outcome = outcomeOf(reader.read());
    const reason = new Error('enough');
    controller.abort(reason);
    await clock.advance(0);
    expect(outcome.error).toBe(reason);
    expect(fakes.gpu.openStreams()).toBe(0);
    expect(router.snapshot().inFlight).toBe(0);
  });

  test('between two reads of a stream frees the provider as well', async () => {
    const { router, clock, fakes } = fakeRouter({ gpu: pieces('one', 'two', 'hang') });
    const controller = new AbortController();
    const response = await router.fetch(chatUrl, { ...streamed, signal: controller.signal });
    const reader = response.body!.getReader();
    await reader.read();
    controller.abort();
    await clock.advance(0);
    expect([fakes.gpu.openStreams(), router.snapshot().inFlight]).toEqual([0, 0]);
    expect(await failureOf(reader.read())).toBe(controller.signal.reason);
  });

  test('after the end changes nothing', async () => {
    const { router } = fakeRouter({ gpu: pieces('one') });
    const controller = new AbortController();
    const response = await router.fetch(chatUrl, { ...streamed, signal: controller.signal });
    const text = await response.text();
    controller.abort();
    expect(text).toContain('[DONE]');
  });
});

describe('a stream', () => {
  test('is left when its reader leaves', async () => {
    const { router, clock, fakes } = fakeRouter({ gpu: pieces('one', 'hang') });
    const response = await router.fetch(chatUrl, { ...streamed, signal: new AbortController().signal });
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await clock.advance(0);
    expect([fakes.gpu.openStreams(), router.snapshot().inFlight]).toEqual([0, 0]);
  });

  test('may be left unread for as long as its reader likes', async () => {
    const { router, clock } = fakeRouter({ gpu: pieces('one', 'two') }, { deadlineMs: 3_600_000 });
    const response = await router.fetch(chatUrl, streamed);
    const reader = response.body!.getReader();
    await reader.read();
    await clock.advance(600_000);
    let rest = '';
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) rest += new TextDecoder().decode(piece.value);
    expect(rest).toContain('two');
    expect(rest).toContain('[DONE]');
  });
});
