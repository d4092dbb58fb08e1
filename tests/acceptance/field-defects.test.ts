/**
 * Four defects that were measured on the most used in-process fallback library for TypeScript (ai-fallback 3.0.0), each with a
 * script that shows it. Here each must be absent, and again over real sockets.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createRouter } from '../../src/router/create-router.ts';
import { after, fault, hang, pieces, role } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { loopback } from '../_kit/loopback.ts';
import { answers, event, sse } from '../_kit/openai-bytes.ts';

const box = (url: string) => ({ type: 'openai-compatible', url }) as const;

describe('1. a stream that fails midway is not continued with another provider’s beginning', () => {
  test('scripted', async () => {
    const { router } = fakeRouter({ a: pieces(role, 'Hello ', 'wor', fault('unavailable')), b: pieces(role, 'Hello ', 'world') });
    const chunks = [];
    let failure: unknown;
    try {
      for await (const chunk of await router.stream(hello)) chunks.push(chunk);
    } catch (error) {
      failure = error;
    }
    expect(chunks.map(({ choices }) => choices[0]?.delta.content).join('')).toBe('Hello wor');
    expect(chunks.filter(({ choices }) => choices[0]?.delta.role !== undefined)).toHaveLength(1);
    expect(failure).toMatchObject({ code: 'stream_interrupted' });
  });

  test('over sockets', async () => {
    await using first = await loopback(() => ({ headers: sse, pieces: [event('Hello wor')], after: 'reset' }));
    await using second = await loopback(() => ({ headers: sse, pieces: [event('Hello world')] }));
    const router = createRouter({ health: false, providers: { first: box(first.url), second: box(second.url) } });
    expect((await readAll(await router.stream(hello))).text).toBe('Hello wor');
    expect(second.requests).toHaveLength(0);
  });
});

describe('2. concurrent calls share no position: each has all the providers', () => {
  test('two at once', async () => {
    const { router, clock } = fakeRouter({
      a: (call) => after(10 * (call + 1), fault('overloaded', { status: 503 })),
      b: after(10, 'healthy'),
    });
    const calls = [outcomeOf(router.chat(hello)), outcomeOf(router.chat(hello))];
    await clock.advance(100);
    expect(calls.map(({ value }) => value?.route.provider)).toEqual(['b', 'b']);
  });

  test('fifty at once, each failing at a moment of its own', async () => {
    const { router, clock } = fakeRouter({ a: (call) => after((call * 37) % 90, fault('model_not_found')), b: after(20, 'healthy') });
    const calls = Array.from({ length: 50 }, () => outcomeOf(router.chat(hello)));
    await clock.advance(200);
    expect(calls.filter(({ value }) => value?.route.provider === 'b')).toHaveLength(50);
  });

  test('over sockets', async () => {
    await using first = await loopback(() => ({ status: 503, pieces: ['{"error": "busy"}'] }));
    await using second = await loopback(() => answers('healthy'));
    const router = createRouter({ health: false, providers: { first: box(first.url), second: box(second.url) } });
    const all = await Promise.all(Array.from({ length: 20 }, () => router.chat(hello)));
    expect(all.map(({ route }) => route.provider)).toEqual(Array(20).fill('second'));
  });
});

describe('3. cancelling calls nobody else, and cancels the one that was called', () => {
  test.each(['chat', 'stream'] as const)('scripted, during a %s', async (verb) => {
    const { router, clock, fakes } = fakeRouter({ a: hang, b: 'never asked' });
    const controller = new AbortController();
    const call = outcomeOf<unknown>(router[verb](hello, { signal: controller.signal }));
    await clock.settle();
    controller.abort('changed my mind');
    await clock.settle();
    expect(call.error).toBe('changed my mind');
    expect(fakes.a.calls[0]?.signal.aborted).toBe(true);
    expect(fakes.b.calls).toHaveLength(0);
  });

  test('over sockets', async () => {
    await using first = await loopback(() => ({ headers: sse, pieces: [event('one')], after: 'hang' }));
    await using second = await loopback(() => answers('never asked'));
    const router = createRouter({ health: false, providers: { first: box(first.url), second: box(second.url) } });
    const controller = new AbortController();
    const iterator = (await router.stream(hello, { signal: controller.signal }))[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = failureOf(iterator.next());
    controller.abort('changed my mind');
    expect(await waiting).toBe('changed my mind');
    await first.idle();
    expect(second.requests).toHaveLength(0);
  });
});

describe('4. a stream without a reader drains nothing', () => {
  test('scripted: of 500 chunks the one that proves an answer is fetched, and no other', async () => {
    const { router, clock, fakes } = fakeRouter({ a: pieces(...Array.from({ length: 500 }, (_, index) => `${index} `)) });
    await router.stream(hello);
    await clock.advance(1_000);
    expect(fakes.a.piecesRead()).toBe(1);
  });

  test('over sockets: the server gets no further than the buffers on the way', async () => {
    const piece = event('x'.repeat(64 * 1024));
    let written = 0;
    const many = (function* () {
      for (; written < 2_000; written++) yield piece;
    })();
    // `pipe` writes no faster than the client takes.
    const server = createServer((_, response) => void Readable.from(many).pipe(response.writeHead(200, sse)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const router = createRouter({ health: false, providers: { only: box(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) } });
    const stream = await router.stream(hello);
    await sleep(300);
    const before = written;
    expect(before).toBeLessThan(400);
    await sleep(100);
    expect(written).toBe(before);
    for await (const _ of stream) break;
    server.close();
    await once(server, 'close');
  });
});
