import { once } from 'node:events';
import { createServer, type IncomingMessage, request as nodeRequest, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createHandler, type Handler } from '../../src/http/handler.ts';
import { toNodeListener } from '../../src/http/node.ts';
import { createRouter } from '../../src/index.ts';
import { hang, pieces } from '../_kit/fake-adapter.ts';
import { loopback } from '../_kit/loopback.ts';
import { answers, streams } from '../_kit/openai-bytes.ts';
import { chatBody, chatPath, type Front, front, inner, type Listening, listen, rawRequest, sendRaw, token, until } from './handler-kit.ts';

const streamBody = JSON.stringify({ ...(JSON.parse(chatBody) as object), stream: true });
const json = { 'content-type': 'application/json' };
const post = (body = chatBody): string => rawRequest('POST', chatPath, {}, body);

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serving(handler: Handler): Promise<Listening> {
  const listening = await listen(handler);
  closing.push(async () => listening[Symbol.asyncDispose]());
  return listening;
}

/** A client that has sent its request and reads nothing yet. */
async function client(port: number, bytes: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

const statusesIn = (text: string): string[] => text.match(/HTTP\/1\.1 \d+/g)?.map((line) => line.slice(9)) ?? [];

describe('an answer', () => {
  test('goes out whole, with its length', async () => {
    const gate = front();
    const { port } = await serving(gate.handler);
    const answer = await sendRaw(port, post());
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } });
    expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.text)));
    expect(JSON.parse(answer.text)).toMatchObject({ choices: [{ message: { content: 'yes' } }] });
    await until(() => gate.behind.clock.timers() === 0);
  });

  test('of megabytes goes out whole, without a torn character', async () => {
    const text = `${'😀'.repeat(700_001)}€`;
    const { port } = await serving(front({}, text).handler);
    const response = await fetch(`http://127.0.0.1:${port}${chatPath}`, { method: 'POST', headers: json, body: chatBody });
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    expect(choices[0]?.message.content === text).toBe(true);
  });

  test('to HEAD has no body', async () => {
    const { port } = await serving(front().handler);
    expect(await sendRaw(port, rawRequest('HEAD', '/v1/models'))).toMatchObject({ status: 200, text: '' });
  });

  test('comes after "100 Continue" where the client waits for that', async () => {
    const { port } = await serving(front().handler);
    const head = rawRequest('POST', chatPath, { expect: '100-continue', ...json, 'content-length': String(chatBody.length) });
    const socket = await client(port, head);
    let text = '';
    socket.on('data', (piece: Buffer) => {
      text += piece.toString();
      if (text.endsWith('Continue\r\n\r\n')) socket.write(chatBody);
    });
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  test('on a connection that is kept does not disturb the next one', async () => {
    const { port } = await serving(front({ tokens: [token], maxBodyBytes: 500_000 }).handler);
    const keep = { connection: 'keep-alive' };
    const large = 'x'.repeat(5_000);
    const unread = rawRequest('POST', chatPath, keep, large);
    const chunks = `${`1388\r\n${large}\r\n`.repeat(200)}0\r\n\r\n`;
    const inChunks = { ...keep, ...json, authorization: `Bearer ${token}`, 'transfer-encoding': 'chunked' };
    const halfRead = rawRequest('POST', chatPath, inChunks) + chunks;
    const last = rawRequest('POST', chatPath, { authorization: `Bearer ${token}` }, chatBody);
    const socket = await client(port, unread + halfRead + last);
    let text = '';
    socket.on('data', (piece: Buffer) => (text += piece.toString()));
    await once(socket, 'close');
    expect(statusesIn(text)).toEqual(['401', '413', '200']);
  });

  test('to a handler that fails is a failure without a word, and half a stream is no whole one', async () => {
    const failing = await serving(() => Promise.reject(new Error('secret')));
    expect(await sendRaw(failing.port, rawRequest('GET', '/'))).toMatchObject({ status: 500, text: '0\r\n\r\n' });
    const half = new TextEncoder().encode('half');
    const broken = await serving(async () => {
      const start = (controller: ReadableStreamDefaultController): void => {
        controller.enqueue(half);
        setTimeout(() => controller.error(new Error('secret')), 20);
      };
      return new Response(new ReadableStream({ start }));
    });
    const answer = await sendRaw(broken.port, rawRequest('GET', '/'));
    expect(answer).toMatchObject({ status: 200, text: '4\r\nhalf\r\n' });
  });
});

const contentIn = ({ text }: { text: string }): string[] => text.match(/"content":"[^"]*"|\[DONE\]/g) ?? [];

describe('a stream', () => {
  test('comes piece by piece, as it is made', async () => {
    const gate = front({}, pieces('one', 100, 'two', 100, 'three'));
    const { port } = await serving(gate.handler);
    const socket = await client(port, post(streamBody));
    let text = '';
    socket.on('data', (piece: Buffer) => (text += piece.toString()));
    await until(() => text.includes('one'));
    expect(text).not.toContain('two');
    await gate.behind.clock.advance(100);
    await until(() => text.includes('two'));
    expect(text).not.toContain('three');
    await gate.behind.clock.advance(100);
    await until(() => socket.closed);
    expect(text).toMatch(/three[^]*data: \[DONE\]\n\n\r\n0\r\n\r\n$/);
    expect(gate.entries).toMatchObject([{ status: 200, cut: false }]);
    await until(() => gate.behind.clock.timers() === 0);
  });

  test('shows its head before there is anything to say', async () => {
    const { port } = await serving(async () => new Response(new ReadableStream()));
    const socket = await client(port, rawRequest('GET', '/'));
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString()).toMatch(/^HTTP\/1\.1 200 OK/);
    socket.destroy();
  });

  test('is the same for a handler that somebody wrapped, by the web’s own streams', async () => {
    const { handler } = front({}, pieces('one', 'two'));
    const wrapped = await serving(async (request, connection) => {
      const response = await handler(request, connection);
      return new Response(response.body, response);
    });
    const plain = await serving(handler);
    const [one, other] = [await sendRaw(wrapped.port, post(streamBody)), await sendRaw(plain.port, post(streamBody))];
    expect(one.text).toContain('two');
    expect(contentIn(one)).toEqual(contentIn(other));
  });
});

describe('a client who leaves', () => {
  const phases: [string, Parameters<typeof front>[1], string][] = [
    ['while the provider thinks', hang, chatBody],
    ['before the first content', hang, streamBody],
    ['in the middle of a stream', pieces('one', 'hang'), streamBody],
    ['with his connection full', pieces(...Array.from({ length: 300 }, () => 'x'.repeat(65_536))), streamBody],
  ];

  // A busy machine may be late once.
  test.each(phases)('frees the provider within 50 ms: %s', { retry: 2 }, async (_, does, body) => {
    const gate = front({}, does);
    const { port, sockets } = await serving(gate.handler);
    const socket = await client(port, post(body));
    socket.pause();
    const { calls, piecesRead } = gate.behind.fakes[inner.provider];
    await until(() => calls.length === 1);
    // Until nothing moves any more.
    for (let before = -1; before !== piecesRead(); await new Promise((resolve) => setTimeout(resolve, 30))) before = piecesRead();
    expect(calls[0]?.signal.aborted).toBe(false);
    socket.resetAndDestroy();
    expect(await until(() => calls[0]?.signal.aborted === true)).toBeLessThan(50);
    await until(() => gate.entries.length === 1 && sockets.size === 0);
    expect(gate.entries).toMatchObject([{ cut: true }]);
    expect(gate.behind.fakes[inner.provider].openStreams()).toBe(0);
  });

  test('in the middle of his body costs nobody a call', async () => {
    const gate = front();
    const { port } = await serving(gate.handler);
    const socket = await client(port, rawRequest('POST', chatPath, { ...json, 'content-length': '100' }) + '{"model"');
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await until(() => gate.entries.length === 1);
    expect(gate.entries).toMatchObject([{ status: 499, cut: true }]);
    expect(gate.behind.fakes[inner.provider].calls).toHaveLength(0);
    await until(() => gate.behind.clock.timers() === 0);
  });

  test.each([
    ['of an answer', chatBody],
    ['of a stream', streamBody],
  ])('frees the connection to the server behind, in the middle %s', async (_, body) => {
    await using upstream = await loopback(({ body: asked }) => {
      const script = (asked as { stream?: boolean }).stream === true ? streams('one') : answers('one');
      return { ...script, pieces: [...script.pieces].slice(0, 1).map((piece) => piece.slice(0, -1)), after: 'hang' };
    });
    const router = createRouter({ health: false, providers: { box: { type: 'openai-compatible', url: upstream.url } } });
    const { port } = await serving(createHandler(router));
    const socket = await client(port, post(body));
    await until(() => upstream.requests.length === 1);
    socket.destroy();
    const startMs = performance.now();
    await upstream.idle();
    expect(performance.now() - startMs).toBeLessThan(50);
    await router.close();
  });

  test('half, and still reads, gets his answer', async () => {
    const { port } = await serving(front().handler);
    const socket = await client(port, post());
    socket.end();
    let text = '';
    for await (const piece of socket) text += String(piece);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('a client who stops reading', () => {
  const large = 'x'.repeat(65_536);
  const count = 400;
  const cases: [string, Parameters<typeof front>[1], string][] = [
    ['a stream', pieces(...Array.from({ length: count }, () => large)), streamBody],
    ['an answer', large.repeat(count / 2), chatBody],
  ];

  test.each(cases)('%s slows its source, and is cut after writeTimeoutMs', async (_, does, body) => {
    const gate = front({ writeTimeoutMs: 20_000 }, does);
    const { port, sockets } = await serving(gate.handler);
    const socket = await client(port, post(body));
    socket.pause();
    await until(() => gate.behind.fakes[inner.provider].calls.length === 1);
    const held = (): number => [...sockets][0]?.writableLength ?? 0;
    for (let before = -1; before !== held() || before === 0; await new Promise((resolve) => setTimeout(resolve, 50))) before = held();
    // What the system takes is its own; of our own memory it holds two pieces at most.
    expect(held()).toBeLessThan(4 * 65_536);
    expect(gate.behind.fakes[inner.provider].piecesRead()).toBeLessThan(count);
    await gate.behind.clock.advance(19_900);
    expect(sockets.size).toBe(1);
    await gate.behind.clock.advance(100);
    await until(() => sockets.size === 0);
    let received = '';
    for await (const piece of socket.resume()) received = `${received}${String(piece)}`.slice(-20);
    expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
    expect(gate.entries).toMatchObject([{ cut: body === streamBody }]);
  });

  test('and goes on sends the rest on its way', async () => {
    const gate = front({ writeTimeoutMs: 20_000 }, cases[0]?.[1]);
    const { port } = await serving(gate.handler);
    const socket = await client(port, post(streamBody));
    socket.pause();
    await until(() => gate.behind.fakes[inner.provider].piecesRead() > 1);
    await gate.behind.clock.advance(19_000);
    let bytes = 0;
    let end = '';
    socket.on('data', (piece: Buffer) => {
      bytes += piece.length;
      end = `${end}${piece.toString('latin1').slice(-30)}`.slice(-30);
    });
    socket.resume();
    await until(() => socket.closed);
    expect(bytes).toBeGreaterThan(count * 65_536);
    expect(end).toMatch(/data: \[DONE\]\n\n\r\n0\r\n\r\n$/);
    expect(gate.entries).toMatchObject([{ cut: false }]);
  });

  test('but sends without end after his answer is cut as well', async () => {
    const gate = front({ maxBodyBytes: 1_000 });
    const { port, sockets } = await serving(gate.handler);
    const head = rawRequest('POST', chatPath, { ...json, connection: 'keep-alive', 'content-length': '1000000000' });
    const socket = await client(port, head);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /);
    await gate.behind.clock.advance(1_999);
    expect(sockets.size).toBe(1);
    await gate.behind.clock.advance(1);
    await until(() => sockets.size === 0);
  });
});

const twice = (name: string, one: string, other: string): string =>
  rawRequest('POST', chatPath, { [name]: one }, chatBody).replace(`${name}: ${one}`, `${name}: ${one}\r\n${name.toUpperCase()}: ${other}`);

describe('a header that comes twice', () => {
  test.each([
    ['host', 'localhost', 'evil.com'],
    ['host', 'evil.com', 'localhost'],
    ['host', 'localhost', 'localhost'],
    ['authorization', `Bearer ${token}`, 'Bearer wrong'],
    ['authorization', 'Bearer wrong', `Bearer ${token}`],
    ['authorization', `Bearer ${token}`, `Bearer ${token}`],
    ['x-api-key', token, token],
    ['content-type', 'application/json', 'text/plain'],
    ['content-type', 'text/plain', 'application/json'],
    ['content-encoding', 'identity', 'gzip'],
    ['origin', 'http://localhost', 'https://evil.com'],
    ['sec-fetch-site', 'same-origin', 'cross-site'],
  ])('is refused: %s', async (name, one, other) => {
    const gate = front({ tokens: [token] });
    const { port } = await serving(gate.handler);
    const authorized = name === 'authorization' || name === 'x-api-key' ? '' : `authorization: Bearer ${token}\r\n`;
    const answer = await sendRaw(port, twice(name, one, other).replace('\r\n\r\n', `\r\n${authorized}\r\n`));
    expect(answer.status).toBe(400);
    expect(gate.behind.fakes[inner.provider].calls).toHaveLength(0);
  });

  test('and may, is read as a list', async () => {
    const { port } = await serving(front().handler);
    const answer = await sendRaw(port, twice('x-inferlane-hops', '1', '2'));
    expect(answer.status).toBe(200);
    expect((await sendRaw(port, twice('x-inferlane-hops', '1', '3'))).status).toBe(508);
  });
});

test.each([
  ['none', rawRequest('GET', '/v1/models').replace('host: localhost\r\n', '')],
  ['an empty one', rawRequest('GET', '/v1/models', { host: '' })],
  ['a path', rawRequest('GET', '/', { host: 'localhost/v1/models?' })],
  ['a user', rawRequest('GET', '/v1/models', { host: 'evil.com@localhost' })],
  ['a port too large', rawRequest('GET', '/v1/models', { host: 'localhost:99999' })],
  ['two ports', rawRequest('GET', '/v1/models', { host: 'localhost:1:2' })],
  ['a fragment', rawRequest('GET', '/v1/models', { host: 'localhost#' })],
  ['a space', rawRequest('GET', '/v1/models', { host: 'local host' })],
  ['none, in HTTP/1.0', 'GET /v1/models HTTP/1.0\r\n\r\n'],
])('a host that is %s is refused', async (_, bytes) => {
  const { port } = await serving(front({ hosts: 'any', tokens: [token] }).handler);
  expect((await sendRaw(port, bytes.replace('\r\n\r\n', `\r\nauthorization: Bearer ${token}\r\n\r\n`))).status).toBe(400);
});

type Prepare = (incoming: IncomingMessage, outgoing: ServerResponse) => unknown;

async function consume(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of incoming) text += String(piece);
  return text;
}

const strip: Prepare = (incoming) => {
  Object.assign(incoming, { originalUrl: incoming.url, url: incoming.url?.slice('/llm'.length) });
};

const hide: Prepare = ({ socket }) => Object.defineProperty(socket, 'remoteAddress', { value: undefined });

describe('what a framework leaves', () => {
  /** A framework before the listener, which does something first. */
  async function behindFramework(gate: Front, prepare: Prepare): Promise<number> {
    const listener = toNodeListener(gate.handler);
    const server = createServer(
      (incoming, outgoing) => void Promise.resolve(prepare(incoming, outgoing)).then(() => listener(incoming, outgoing)),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(async () => {
      server.close();
      server.closeAllConnections();
    });
    return (server.address() as AddressInfo).port;
  }

  test('of the target is the whole one, below a path', async () => {
    const port = await behindFramework(front({ basePath: '/llm' }), strip);
    expect((await sendRaw(port, rawRequest('GET', '/llm/v1/models'))).status).toBe(200);
    expect((await sendRaw(port, rawRequest('GET', '/llm/../v1/models'))).status).toBe(400);
    expect((await sendRaw(port, rawRequest('GET', '/xyz/v1/models'))).status).toBe(404);
  });

  test.each<[string, (text: string) => unknown]>([
    ['parsed', (text) => JSON.parse(text) as unknown],
    ['as a text', (text) => text],
    ['as bytes', (text) => Buffer.from(text)],
  ])('of a body, %s, is read as if it had just come', async (_, made) => {
    const gate = front({ maxBodyBytes: 1_000 });
    const port = await behindFramework(gate, async (incoming) => Object.assign(incoming, { body: made(await consume(incoming)) }));
    expect((await sendRaw(port, post())).status).toBe(200);
    expect(gate.behind.fakes[inner.provider].calls[0]?.request).toMatchObject({ messages: [{ content: 'Hello!' }] });
    const denied = JSON.stringify({ ...(JSON.parse(chatBody) as object), api_base: 'x' });
    expect((await sendRaw(port, post(denied))).status).toBe(400);
    expect((await sendRaw(port, post(JSON.stringify({ a: 'x'.repeat(2_000) })))).status).toBe(413);
  });

  test('of a body, nothing, is a failure that says so', async () => {
    const gate = front();
    const port = await behindFramework(gate, consume);
    const answer = await sendRaw(port, post());
    expect(answer).toMatchObject({ status: 500, text: expect.stringContaining('body_consumed') as string });
    expect(gate.entries).toMatchObject([{ status: 500 }]);
  });

  test('of a body that cannot be written again is refused', async () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const port = await behindFramework(front(), async (incoming) => Object.assign(incoming, { body: (await consume(incoming), circle) }));
    expect((await sendRaw(port, post())).status).toBe(400);
  });

  test('when the client has gone already is told as such', async () => {
    const gate = front();
    const port = await behindFramework(gate, (_, outgoing) => once(outgoing, 'close'));
    (await client(port, post())).destroy();
    await until(() => gate.entries.length === 1);
    expect(gate.entries).toMatchObject([{ status: 499, cut: true }]);
  });

  test('of an address that is gone is not taken for this machine', async () => {
    expect((await sendRaw(await behindFramework(front(), hide), rawRequest('GET', '/v1/models'))).status).toBe(403);
  });
});

test('the address of the client is what the socket says', async () => {
  const seen: unknown[] = [];
  const { port } = await serving(async (_, connection) => {
    seen.push(connection);
    return new Response('ok');
  });
  expect((await sendRaw(port, rawRequest('GET', '/', { 'x-forwarded-for': '10.0.0.1' }))).status).toBe(200);
  expect(seen).toEqual([{ remoteAddress: '127.0.0.1' }]);
});

test('a hundred calls on kept connections leave no listener and no timer', async () => {
  const gate = front({}, (call) => (call % 2 === 0 ? 'yes' : pieces('a', 'b')));
  const { port, server, sockets } = await serving(gate.handler);
  const warnings: unknown[] = [];
  const listener = (warning: unknown): void => void warnings.push(warning);
  process.on('warning', listener);
  for (let count = 0; count < 100; count++) {
    const body = count % 2 === 0 ? chatBody : streamBody;
    const response = await fetch(`http://127.0.0.1:${port}${chatPath}`, { method: 'POST', headers: json, body });
    expect(response.status).toBe(200);
    await response.text();
  }
  process.off('warning', listener);
  expect(warnings).toEqual([]);
  await until(() => gate.behind.clock.timers() === 0);
  expect([...sockets].every((socket) => socket.listenerCount('close') < 8)).toBe(true);
  expect(gate.entries).toHaveLength(100);
  server.closeAllConnections();
});

test('a thousand idle connections keep nobody waiting', async () => {
  const gate = front();
  const { port } = await serving(gate.handler);
  const idle = await Promise.all(Array.from({ length: 1_000 }, () => client(port, 'POST /v1/chat')));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    nodeRequest({ port, host: '127.0.0.1', path: '/v1/models', headers: { host: 'localhost' } }, resolve)
      .on('error', reject)
      .end();
  });
  expect(response.resume().statusCode).toBe(200);
  expect(gate.entries).toHaveLength(1);
  for (const socket of idle) socket.destroy();
});
