import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createRouter } from '../../src/router/create-router.ts';
import { record } from '../_kit/events.ts';
import { failureOf, hello, readAll } from '../_kit/fake-router.ts';
import { loopback, type Script } from '../_kit/loopback.ts';
import { answers, event, roleEvent, sse, streams } from '../_kit/openai-bytes.ts';
import { keepAliveServer } from '../_kit/keep-alive-server.ts';

const openai = (url: string) => ({ type: 'openai-compatible', url }) as const;

/** A port on which nobody listens. */
async function deadUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

/** Two servers, the first of which does what the script says. */
async function pair(script: Script) {
  const first = await loopback(() => script);
  const second = await loopback(({ body }) =>
    (body as { stream: boolean }).stream ? streams('from the second') : answers('from the second'),
  );
  const router = createRouter({ health: false, providers: { first: openai(first.url), second: openai(second.url) } });
  return {
    router,
    first,
    second,
    [Symbol.asyncDispose]: async () => void (await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()])),
  };
}

describe('a server that is not there', () => {
  test('is passed over, and the error names the host and nothing more of the address', async () => {
    const url = `${await deadUrl()}/secret/path?key=canary`.replace('?key=canary', '');
    const router = createRouter({ providers: { gone: openai(url) }, maxAttempts: 1 });
    const error = (await failureOf(router.chat(hello))) as Error;
    expect(error).toMatchObject({
      code: 'all_failed',
      attempts: [{ error: { code: 'unavailable', phase: 'connect', reason: 'ECONNREFUSED' } }],
    });
    expect(error.message).not.toMatch(/secret|path|http:/);
  });

  test('costs the call no pause', async () => {
    await using second = await loopback(() => answers('yes'));
    const router = createRouter({ providers: { gone: openai(await deadUrl()), second: openai(second.url) } });
    expect((await router.chat(hello)).route).toMatchObject({ provider: 'second', attempts: [{ error: { code: 'unavailable' } }, {}] });
  });
});

describe('what is no answer of the API', () => {
  test.each<[string, Script]>([
    ['a web page with status 200', { headers: { 'content-type': 'text/html' }, pieces: ['<!doctype html><p>Welcome'] }],
    ['JSON that was cut short', { pieces: ['{"choices": [{"mess'] }],
    ['an error inside a good status', { pieces: ['{"error": {"message": "boom", "type": "server_error"}}'] }],
    ['an empty body', { pieces: [] }],
    ['no choice', { pieces: ['{"choices": []}'] }],
    ['status 204', { status: 204, pieces: [] }],
    ['a body whose connection breaks', { pieces: ['{"choices'], after: 'reset' }],
    ['a server error', { status: 500, pieces: ['{"error": "boom"}'] }],
  ])('%s: the next provider answers', async (_, script) => {
    await using both = await pair(script);
    expect((await both.router.chat(hello)).choices[0].message.content).toBe('from the second');
  });

  test.each<[string, Script]>([
    ['ends before content', { headers: sse, pieces: [roleEvent] }],
    ['breaks before content', { headers: sse, pieces: [roleEvent], after: 'reset' }],
    ['begins with an error', { headers: sse, pieces: ['data: {"error": {"message": "CUDA out of memory"}}\n\n'] }],
    ['is a web page', { headers: { 'content-type': 'text/html' }, pieces: ['<html>'] }],
  ])('a stream that %s: the next provider answers, and no chunk of the first is seen', async (_, script) => {
    await using both = await pair(script);
    expect(await readAll(await both.router.stream(hello))).toEqual({ text: 'from the second', failure: undefined });
  });

  test.each<[string, Script, string]>([
    ['is reset', { headers: sse, pieces: [event('Hello wor')], after: 'reset' }, 'unavailable'],
    ['is cut off', { headers: sse, pieces: [event('Hello wor')], after: 'cut' }, 'unavailable'],
    ['ends without its end', { headers: sse, pieces: [event('Hello wor')] }, 'bad_response'],
  ])('a stream that %s after content is interrupted; the second server hears nothing', async (_, script, code) => {
    await using both = await pair(script);
    const { text, failure } = await readAll(await both.router.stream(hello));
    expect(text).toBe('Hello wor');
    expect(failure).toMatchObject({ code: 'stream_interrupted', cause: { code } });
    expect(both.second.requests).toHaveLength(0);
  });

  test('a redirect is not followed: the place it points to hears nothing', async () => {
    await using target = await loopback(() => answers('from elsewhere'));
    await using both = await pair({ status: 307, headers: { location: `${target.url}/v1/chat/completions` }, pieces: [] });
    expect((await both.router.chat(hello)).route.attempts).toMatchObject([{ error: { code: 'bad_response' } }, { provider: 'second' }]);
    expect(target.requests).toHaveLength(0);
  });

  test('an endless answer is left at the limit, and the memory it took is bounded', async () => {
    const piece = Buffer.alloc(1024 * 1024, 'x');
    let sent = 0;
    const endless = (function* () {
      while (sent < 200) {
        sent++;
        yield piece;
      }
    })();
    await using both = await pair({ pieces: endless });
    const before = process.memoryUsage().rss;
    expect((await both.router.chat(hello)).route.attempts).toMatchObject([{ error: { code: 'limit_exceeded' } }, { provider: 'second' }]);
    await both.first.idle();
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
  });
});

describe('connections', () => {
  test('that the server closes after each answer cost no attempt', async () => {
    await using server = await keepAliveServer('after the answer');
    const router = createRouter({ providers: { only: openai(server.url) } });
    const events = record(router);
    for (let count = 0; count < 200; count++) await router.chat(hello);
    expect(events.of('attempt:error')).toEqual([]);
  });

  test('that the server closes at the moment of the next request cost no attempt', async () => {
    await using server = await keepAliveServer('at the next request');
    // A pause after each failed attempt would be real time.
    const router = createRouter({ random: () => 0, providers: { only: openai(server.url) } });
    const events = record(router);
    for (let count = 0; count < 200; count++) await router.chat(hello);
    expect(events.of('attempt:error').map(({ error }) => String(error))).toEqual([]);
    expect(events.of('breaker:open')).toEqual([]);
  });

  test('that were dead are told as a retry of the same attempt', async () => {
    await using server = await keepAliveServer('at the next request');
    const router = createRouter({
      checkModels: false,
      health: false,
      pollMs: false,
      random: () => 0,
      providers: { only: openai(server.url) },
    });
    const events = record(router);
    const { route } = await router.chat(hello);
    expect(events.of('retry')).toEqual([]);
    const requestIds: string[] = [];
    // The platform may need a turn before it keeps a connection.
    while (events.of('retry').length === 0) requestIds.push((await router.chat(hello)).route.requestId);
    expect(events.of('retry')).toEqual([
      { requestId: requestIds.at(-1), provider: 'only', model: undefined, reason: 'stale_socket', delayMs: 0 },
    ]);
    expect(requestIds).not.toContain(route.requestId);
    expect(events.lines().slice(-5)).toEqual(['request:start', 'attempt:start only', 'retry only', 'attempt:end only', 'request:end only']);
    await router.close();
  });

  test('are closed when the reader leaves a stream', async () => {
    await using server = await loopback(() => ({ headers: sse, pieces: [event('one')], after: 'hang' }));
    const router = createRouter({ providers: { only: openai(server.url) } });
    for await (const _ of await router.stream(hello)) break;
    const startMs = performance.now();
    await server.idle();
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });

  test.each(['chat', 'stream'] as const)('are closed when the caller aborts a %s', async (verb) => {
    await using server = await loopback(() => ({ headers: sse, pieces: [], after: 'hang' }));
    const router = createRouter({ providers: { only: openai(server.url) } });
    const controller = new AbortController();
    const failure = failureOf(router[verb](hello, { signal: controller.signal }));
    while (server.requests.length === 0) await new Promise((resolve) => void setTimeout(resolve, 1));
    controller.abort('enough');
    expect(await failure).toBe('enough');
    await server.idle();
  });

  test('are closed when an attempt runs out of time, and the next server answers', async () => {
    await using both = await pair({ pieces: [], after: 'hang' });
    const answer = await both.router.chat(hello, { timeouts: { totalMs: 100 } });
    expect(answer.route.attempts).toMatchObject([{ error: { code: 'timeout' } }, { provider: 'second' }]);
    await both.first.idle();
  });
});
