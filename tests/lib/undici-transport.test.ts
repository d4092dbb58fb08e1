import { getEventListeners } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, MockAgent } from 'undici';
import { describe, expect, test, vi } from 'vitest';
import { classifyFault } from '../../src/lib/classify.ts';
import { type DispatchHandler, type DispatchOptions, type UndiciDispatcher, undiciTransport } from '../../src/lib/undici-transport.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { selfSignedCertificate } from '../_kit/certificate.ts';
import { runProgram } from '../_kit/child-program.ts';
import { record } from '../_kit/events.ts';
import { failureOf, hello } from '../_kit/fake-router.ts';
import { keepAliveServer } from '../_kit/keep-alive-server.ts';
import { transportCases } from './transport-cases.ts';
import { ask, listening, request, serving, sourceIn, textOf } from './transport-rig.ts';

transportCases(undiciTransport);

/** Answers every request, and lets its last connection be closed from outside. */
async function closable(): Promise<{ readonly url: string; connections(): number; last(): Socket }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes'));
  });
  const url = `http://127.0.0.1:${await listening(server)}`;
  return { url, connections: () => sockets.length, last: () => sockets.at(-1) as Socket };
}

describe('a kept connection that is found dead before the request is written', () => {
  test('by its end is opened anew, which is told', async () => {
    const server = await closable();
    const transport = undiciTransport();
    await ask(transport, server.url);
    server.last().end();
    const told: string[] = [];
    const onConnecting = () => (told.push('connecting'), () => told.push('stands'));
    expect(await (await transport.send(request(server.url, { onConnecting }))).text()).toBe('yes');
    expect(told).toEqual(['connecting', 'stands']);
    expect(server.connections()).toBe(2);
  });

  test('by its end is not taken for a kept one when the next one dies, however much came on it', async () => {
    const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes';
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      if (sockets.length === 1) socket.on('data', () => socket.write(answer));
      else socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nx-long: '.padEnd(answer.length, 'x')));
    });
    const url = `http://127.0.0.1:${await listening(server)}`;
    const transport = undiciTransport();
    await ask(transport, url);
    sockets[0]?.end();
    expect(await failureOf(transport.send(request(url)))).toMatchObject({ isKept: false });
    expect(sockets).toHaveLength(2);
  });

  test('by a reset is told as kept', async () => {
    const server = await closable();
    const transport = undiciTransport();
    await ask(transport, server.url);
    server.last().resetAndDestroy();
    expect(await failureOf(transport.send(request(server.url)))).toMatchObject({ code: 'ECONNRESET', isKept: true });
  });

  test('after the request was aborted is not opened anew', async () => {
    const server = await closable();
    const transport = undiciTransport();
    await ask(transport, server.url);
    server.last().end();
    const controller = new AbortController();
    const failure = failureOf(transport.send(request(server.url, { signal: controller.signal })));
    const reason = new Error('why');
    controller.abort(reason);
    expect(await failure).toBe(reason);
    await sleep(30);
    expect(server.connections()).toBe(1);
  });
});

test.each(['after the answer', 'at the next request'] as const)('connections that the server closes %s cost no attempt', async (closes) => {
  await using server = await keepAliveServer(closes);
  const providers = { only: { type: 'openai-compatible', url: server.url } } as const;
  await using router = createRouter({ random: () => 0, providers, transport: undiciTransport(), health: false, pollMs: false });
  const events = record(router);
  for (let count = 0; count < 100; count++) await router.chat(hello);
  expect(events.of('attempt:error')).toEqual([]);
  expect(server.connections()).toBeGreaterThanOrEqual(100);
});

test('a request that was given up while it connected is never sent', async () => {
  let asked = 0;
  const server = await serving((_, response) => ((asked += 1), response.end()));
  const { signal } = new AbortController();
  const reason = new Error('too late');
  const onConnecting = (giveUp: (reason: unknown) => void) => (queueMicrotask(() => giveUp(reason)), () => undefined);
  expect(await failureOf(undiciTransport().send(request(server.url, { onConnecting, signal })))).toBe(reason);
  await sleep(30);
  expect(asked).toBe(0);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('headers that undici refuses are refused without their values, and nothing is sent again', async () => {
  const server = await serving((_, response) => response.end('yes'));
  const transport = undiciTransport();
  for (const headers of [{ 'x-key': 'secret\r\nx-more: 1' }, { 'x key': 'secret' }, { expect: '100-continue' }]) {
    await ask(transport, server.url);
    const failure = await failureOf(transport.send(request(server.url, { headers })));
    expect(classifyFault(failure)).toMatchObject({ code: 'invalid_config' });
    expect(failure).toMatchObject({ isKept: false, message: expect.not.stringContaining('secret') as string });
  }
});

test('kept connections keep no process alive', async () => {
  const server = await serving((_, response) => response.end('yes'));
  const module = new URL('../../src/lib/undici-transport.ts', import.meta.url).href;
  const source = `
    import { undiciTransport } from ${JSON.stringify(module)};
    const transport = undiciTransport({ idleMs: 60_000 });
    const { signal } = new AbortController();
    const sent = await transport.send({ method: 'GET', url: ${JSON.stringify(server.url)}, headers: {}, signal });
    console.log(await sent.text());`;
  expect(await runProgram(source)).toEqual({ output: 'yes\n', code: 0 });
});

/** Keeps what it is given, and does nothing by itself. */
function idleDispatcher() {
  const given: { readonly options: DispatchOptions; readonly handler: DispatchHandler }[] = [];
  const dispatcher: UndiciDispatcher = { dispatch: (options, handler) => given.push({ options, handler }) > 0 };
  return { given, dispatcher };
}

describe('a dispatcher of the user', () => {
  test('answers in the place of servers: MockAgent', async () => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    const asked: unknown[] = [];
    agent
      .get('http://models.example.com')
      .intercept({ path: '/v1', method: 'POST' })
      .reply(
        200,
        ({ body }) => {
          asked.push(body);
          return { by: 'undici' };
        },
        { headers: { 'x-by': 'mock' } },
      );
    const transport = undiciTransport({ dispatcher: agent });
    const response = await transport.send(request('http://models.example.com/v1'));
    expect([response.status, response.header('X-By'), await response.text()]).toEqual([200, 'mock', '{"by":"undici"}']);
    expect(asked).toEqual(['{}']);
    const { signal } = new AbortController();
    expect(await failureOf(transport.send(request('http://models.example.com/none', { signal })))).toMatchObject({
      code: 'UND_MOCK_ERR_MOCK_NOT_MATCHED',
    });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('gets everything, without limits of time, and is not taken to be connecting while a request waits', async () => {
    const { given, dispatcher } = idleDispatcher();
    const onConnecting = vi.fn(() => () => undefined);
    const asked = request('https://box:8443/v1?a=1', { onConnecting });
    const sent = undiciTransport({ dispatcher }).send(asked);
    await sleep(20);
    const headers = { 'content-type': 'application/json' };
    const fields = { origin: 'https://box:8443', path: '/v1?a=1', method: 'POST', headers, body: '{}', headersTimeout: 0, bodyTimeout: 0 };
    expect(given.map(({ options }) => options)).toEqual([fields]);
    // Some of undici's write into them.
    expect(given[0]?.options.headers).not.toBe(asked.headers);
    expect(onConnecting).not.toHaveBeenCalled();
    given[0]?.handler.onResponseError(null, new Error('enough'));
    expect(await failureOf(sent)).toEqual(new Error('enough'));
  });

  test('is not asked for what is no address, and may throw', async () => {
    const { given, dispatcher } = idleDispatcher();
    expect(classifyFault(await failureOf(undiciTransport({ dispatcher }).send(request('ftp://box'))))).toMatchObject({
      code: 'invalid_config',
    });
    expect(given).toEqual([]);
    const thrown = new Error('thrown');
    const throwing: UndiciDispatcher = {
      dispatch() {
        throw thrown;
      },
    };
    const { signal } = new AbortController();
    expect(await failureOf(undiciTransport({ dispatcher: throwing }).send(request('http://box', { signal })))).toBe(thrown);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('that starts a request after it was aborted is told to end it', async () => {
    const { given, dispatcher } = idleDispatcher();
    const controller = new AbortController();
    const failure = failureOf(undiciTransport({ dispatcher }).send(request('http://box', { signal: controller.signal })));
    const reason = new Error('why');
    controller.abort(reason);
    expect(await failure).toBe(reason);
    const abort = vi.fn();
    given[0]?.handler.onRequestStart({ abort, pause: () => undefined, resume: () => undefined });
    expect(abort).toHaveBeenCalledTimes(1);
  });

  test('says nothing of whether its connections were kept', async () => {
    const port = await listening(createServer((socket) => void socket.once('data', () => socket.end())));
    const failure = await failureOf(undiciTransport({ dispatcher: new Agent() }).send(request(`http://127.0.0.1:${port}`)));
    expect(failure).not.toHaveProperty('isKept');
    expect(classifyFault(failure)).toMatchObject({ code: 'unavailable', text: 'The connection was closed.' });
  });
});

describe('HTTP/2', () => {
  const { key, cert } = selfSignedCertificate('localhost');
  const both = async () => {
    let sessions = 0;
    let closed = 0;
    const server = createSecureServer({ key, cert, allowHTTP1: true }, (asked, response) => {
      if (asked.url === '/left') response.on('close', () => (closed += 1)).write('first');
      else setTimeout(() => response.end(asked.httpVersion), 20);
    });
    server.on('session', () => (sessions += 1));
    return { url: `https://localhost:${await listening(server)}`, sessions: () => sessions, closed: () => closed };
  };

  test('is spoken where it was asked for', async () => {
    const server = await both();
    expect(await ask(undiciTransport({ ca: cert }), server.url)).toBe('1.1');
    const transport = undiciTransport({ ca: cert, allowH2: true });
    const onConnecting = vi.fn(() => () => undefined);
    const texts = Array.from({ length: 3 }, async () => await (await transport.send(request(server.url, { onConnecting }))).text());
    expect(await Promise.all(texts)).toEqual(['2.0', '2.0', '2.0']);
    expect(server.sessions()).toBe(1);
    // All of them waited for it.
    expect(onConnecting).toHaveBeenCalledTimes(3);
    // Nobody waits where it stands.
    expect(await (await transport.send(request(server.url, { onConnecting }))).text()).toBe('2.0');
    expect(onConnecting).toHaveBeenCalledTimes(3);
  });

  test('closes the stream of a body that is left, and not the others', async () => {
    const server = await both();
    const transport = undiciTransport({ ca: cert, allowH2: true });
    const left = sourceIn(await transport.send(request(`${server.url}/left`)));
    const other = transport.send(request(server.url));
    await left.read();
    left.cancel();
    await vi.waitFor(() => expect(server.closed()).toBe(1));
    expect(await textOf(sourceIn(await other))).toBe('2.0');
    expect(server.sessions()).toBe(1);
  });

  test('verifies certificates, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const failure = await failureOf(undiciTransport({ allowH2: true }).send(request((await both()).url)));
    expect(classifyFault(failure)).toMatchObject({ code: 'unavailable', text: 'The TLS certificate was not accepted.' });
  });

  test('gives up a server that never shakes hands', async () => {
    const port = await listening(createServer((socket) => void socket.resume()));
    let giveUp: ((reason: unknown) => void) | undefined;
    const onConnecting = (give: (reason: unknown) => void) => ((giveUp = give), () => undefined);
    const sent = failureOf(undiciTransport({ allowH2: true }).send(request(`https://127.0.0.1:${port}`, { onConnecting })));
    await vi.waitFor(() => expect(giveUp).toBeDefined());
    const reason = new Error('too late');
    giveUp?.(reason);
    expect(await sent).toBe(reason);
  });
});

describe('a proxy', () => {
  test('that refuses the request is no answer of the server', async () => {
    const proxy = createHttpServer((_, response) => response.writeHead(407).end());
    const HTTP_PROXY = `http://127.0.0.1:${await listening(proxy)}`;
    const failure = await failureOf(undiciTransport({ proxy: { HTTP_PROXY } }).send(request('http://models.example.com/')));
    expect(classifyFault(failure)).toMatchObject({ code: 'unavailable' });
  });

  test('tunnels to servers whose certificates are verified, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { key, cert } = selfSignedCertificate('localhost');
    const port = await listening(createHttpsServer({ key, cert }, (_, response) => response.end('secret')));
    const proxy = createHttpServer().on('connect', (_, socket) => {
      const onwards = connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
      onwards.on('error', () => socket.destroy());
      socket.on('error', () => onwards.destroy());
      socket.pipe(onwards).pipe(socket);
    });
    const options = { proxy: { HTTPS_PROXY: `http://127.0.0.1:${await listening(proxy)}` } };
    const told: string[] = [];
    const onConnecting = () => (told.push('connecting'), () => told.push('stands'));
    const sent = undiciTransport({ ...options, ca: cert }).send(request('https://localhost/', { onConnecting }));
    expect(await (await sent).text()).toBe('secret');
    expect(told).toEqual(['connecting', 'stands']);
    const failure = await failureOf(undiciTransport(options).send(request('https://localhost/')));
    expect(classifyFault(failure)).toMatchObject({ code: 'unavailable', text: 'The TLS certificate was not accepted.' });
  });
});
