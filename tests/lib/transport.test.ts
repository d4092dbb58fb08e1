import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { classifyFault } from '../../src/lib/classify.ts';
import { type Body, sourceOf } from '../../src/lib/byte-source.ts';
import { nodeHttpTransport } from '../../src/lib/node-http.ts';
import { ofetchTransport, type TransportRequest } from '../../src/lib/transport.ts';
import { undiciTransport } from '../../src/lib/undici-transport.ts';
import { failureOf } from '../_kit/fake-router.ts';
import { loopback, type Script } from '../_kit/loopback.ts';

const post = (url: string, signal: AbortSignal = new AbortController().signal): TransportRequest => ({
  method: 'POST',
  url,
  headers: { 'content-type': 'application/json', 'x-own': 'yes' },
  body: '{"a":1}',
  signal,
});

describe.each([
  ['ofetch', ofetchTransport()],
  ['node:http', nodeHttpTransport()],
  ['undici', undiciTransport()],
])('over %s', (name, transport) => {
  test.each([200, 204, ...(name === 'ofetch' ? [] : [302]), 400, 404, 429, 500, 503])(
    'status %i is given as it is, after one request',
    async (status) => {
      await using server = await loopback(() => ({ status, headers: { 'x-said': 'this' }, pieces: status === 204 ? [] : ['text'] }));
      const response = await transport.send(post(server.url));
      expect(response.status).toBe(status);
      expect(response.header('X-Said')).toBe('this');
      expect(response.header('not-there')).toBeNull();
      expect(server.requests).toHaveLength(1);
    },
  );

  test('what is sent arrives: method, headers, body', async () => {
    await using server = await loopback(() => ({ pieces: ['ok'] }));
    const response = await transport.send(post(`${server.url}/path`));
    expect(await response.text()).toBe('ok');
    expect(server.requests).toMatchObject([{ method: 'POST', path: '/path', headers: { 'x-own': 'yes' }, body: { a: 1 } }]);
  });

  test('a redirect is not followed', async () => {
    await using target = await loopback(() => ({ pieces: ['elsewhere'] }));
    await using server = await loopback(() => ({ status: 308, headers: { location: target.url }, pieces: [] }));
    const sent = transport.send(post(server.url));
    if (name === 'ofetch') expect(classifyFault(await failureOf(sent))).toMatchObject({ code: 'bad_response', reason: 'redirect' });
    else expect((await sent).status).toBe(308);
    expect([server.requests.length, target.requests.length]).toEqual([1, 0]);
  });

  test('the body is handed over while it comes, and cancelling it closes the connection', async () => {
    await using server = await loopback(() => ({ pieces: ['first'], after: 'hang' }));
    const { body } = await transport.send(post(server.url));
    const source = sourceOf(body as Body);
    expect(new TextDecoder().decode(await source.read())).toBe('first');
    source.cancel();
    await expect(server.idle()).resolves.toBeUndefined();
  });

  test('an abort rejects and closes the connection', async () => {
    await using server = await loopback(() => ({ pieces: [], after: 'hang' }) satisfies Script);
    const controller = new AbortController();
    const { body } = await transport.send(post(server.url, controller.signal));
    const failure = failureOf(sourceOf(body as Body).read());
    controller.abort(new Error('why'));
    expect(await failure).toMatchObject({ message: 'why' });
    await server.idle();
  });

  test.each(['GET', 'POST'] as const)('a %s whose connection is reset is sent once', async (method) => {
    let count = 0;
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        count++;
        socket.resetAndDestroy();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { body, ...request } = post(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await failureOf(transport.send({ ...request, method, ...(method === 'POST' && { body: body ?? '' }) }));
    server.close();
    expect(count).toBe(1);
  });

  test('a connection that does not come about rejects with the system’s code within', async () => {
    const server = await loopback(() => ({ pieces: [] }));
    await server[Symbol.asyncDispose]();
    expect(classifyFault(await failureOf(transport.send(post(server.url))))).toMatchObject({ reason: 'ECONNREFUSED', phase: 'connect' });
  });

  test('what it rejects with does not say where a request went', async () => {
    const server = await loopback(() => ({ pieces: [] }));
    await server[Symbol.asyncDispose]();
    const failure = await failureOf(transport.send(post(`${server.url}/path?key=secret`)));
    expect(String(failure)).toMatch(/^\w*Error: /);
    expect(String(failure)).not.toMatch(/path|secret/);
  });
});
