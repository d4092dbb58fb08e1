import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { httpStatusOf, isRouterError } from '../../src/core/errors.ts';
import { type ProviderType, providerTypes } from '../../src/core/provider-types.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { hopsOf } from '../../src/router/own-headers.ts';
import type { Router } from '../../src/router/router.ts';
import { failureOf, hello } from '../_kit/fake-router.ts';
import { loopback } from '../_kit/loopback.ts';

const types = (Object.keys(providerTypes) as ProviderType[]).filter((type) => providerTypes[type].runs === 'network');

describe('a request to a server', () => {
  test.each(types)('of type %s says how many routers the call has passed, and which attempt of it this is', async (type) => {
    await using box = await loopback(() => ({ status: 500, pieces: ['{}'] }));
    // Left to find out its dialect, this type asks first.
    const dialect = type === 'remote-gpu' && ({ dialect: 'notebook' } as const);
    const provider = { type, url: box.url, apiKey: 'key', cost: 'free', ...dialect } as const;
    const router = createRouter({ checkModels: false, health: false, pollMs: false, providers: { one: provider, two: provider } });
    const verbs = {
      chat: () => router.chat(hello, { hops: 1 }),
      stream: () => router.stream(hello, { hops: 1 }),
      embed: () => router.embed({ model: 'm', input: 'Hello!' }, { hops: 1 }),
    };
    let sent = 0;
    for (const [verb, call] of Object.entries(verbs)) {
      const from = box.requests.length;
      const failure = (await failureOf(call())) as { attempts: unknown[] };
      // Questions about the server itself are no part of a call.
      const posts = box.requests.slice(from).filter(({ method }) => method === 'POST');
      const told = posts.map(({ headers }) => [headers['x-inferlane-hops'], headers['x-inferlane-attempt']]);
      if (failure.attempts.length === 0) expect(told, verb).toEqual([]);
      expect(told, verb).toEqual(failure.attempts.map((_attempt, index) => ['2', String(index + 1)]));
      sent += told.length;
    }
    expect(sent).toBeGreaterThan(0);
  });

  test('holds it for each part of a long list of texts', async () => {
    await using box = await loopback(({ body }) => {
      const { input } = body as { input: string[] };
      const data = input.map((_text, index) => ({ object: 'embedding', index, embedding: [index] }));
      return { pieces: [JSON.stringify({ object: 'list', model: 'm', data })] };
    });
    const router = createRouter({
      checkModels: false,
      health: false,
      pollMs: false,
      providers: { box: { type: 'openai', url: box.url, apiKey: 'key' } },
    });
    await router.embed({ model: 'm', input: Array.from({ length: 5_000 }, (_, index) => `text ${index}`) });
    expect(box.requests.length).toBeGreaterThan(1);
    for (const { headers } of box.requests) {
      expect(headers).toMatchObject({ 'x-inferlane-hops': '1', 'x-inferlane-attempt': '1' });
    }
  });

  test('cannot be made to say less by a header of the provider', async () => {
    await using box = await loopback(() => ({ status: 500, pieces: ['{}'] }));
    const headers = { 'x-inferlane-hops': '0' };
    const router = createRouter({
      checkModels: false,
      health: false,
      pollMs: false,
      providers: { box: { type: 'vllm', url: box.url, headers } },
    });
    await failureOf(router.chat(hello, { hops: 2, maxAttempts: 1 }));
    expect(box.requests.map(({ headers: { 'x-inferlane-hops': hops } }) => hops)).toEqual(['3']);
  });
});

interface Served extends AsyncDisposable {
  readonly url: string;
  /** The hops of every call that arrived. */
  readonly arrived: readonly number[];
  router?: Router;
}

/** A router behind a server of its own, as an application would put it there. */
async function serve(): Promise<Served> {
  const arrived: number[] = [];
  const answer = async (request: IncomingMessage): Promise<{ status: number; body: unknown }> => {
    const hops = hopsOf(request.headers);
    arrived.push(hops);
    try {
      return { status: 200, body: await served.router?.chat((await json(request)) as ChatRequest, { hops }) };
    } catch (error) {
      if (!isRouterError(error)) throw error;
      return { status: httpStatusOf(error), body: { error: { message: error.message, code: error.code } } };
    }
  };
  const server = createServer((request, response) => {
    void answer(request).then(({ status, body }) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const served: Served = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return served;
}

function routerBefore(url: string): Router {
  return createRouter({
    checkModels: false,
    health: false,
    pollMs: false,
    random: () => 0,
    providers: { other: { type: 'openai-compatible', url } },
  });
}

test('two routers in front of each other end a call that goes in circles', async () => {
  await using first = await serve();
  await using second = await serve();
  first.router = routerBefore(second.url);
  second.router = routerBefore(first.url);
  const failure = await failureOf(first.router.chat(hello, { maxAttempts: 1 }));
  expect(String(failure)).toContain('has passed 3 routers already');
  expect([Math.max(...first.arrived), Math.max(...second.arrived)]).toEqual([2, 3]);
  // Each of them may try again what it takes for a failure of the other, and then it is over.
  expect(first.arrived.length + second.arrived.length).toBeLessThanOrEqual(1 + 3 + 9);
  expect([first.router.snapshot().inFlight, second.router.snapshot().inFlight]).toEqual([0, 0]);
  await first.router.close();
  await second.router.close();
});
