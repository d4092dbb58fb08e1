import dns, { type LookupAddress } from 'node:dns';
import { getEventListeners } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import zlib, { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { classifyFault } from '../../src/lib/classify.ts';
import type { NodeHttpOptions } from '../../src/lib/node-http.ts';
import type { Transport, TransportRequest } from '../../src/lib/transport.ts';
import { selfSignedCertificate } from '../_kit/certificate.ts';
import { failureOf } from '../_kit/fake-router.ts';
import { ask, listening, request, serving, sourceIn, textOf } from './transport-rig.ts';
import { collectGarbage } from '../_kit/collect-garbage.ts';

// What every transport of our own promises.

/** What all of them can be told. */
export type Options = NodeHttpOptions;

type Cases = (create: (options?: Options) => Transport) => void;

const connections: Cases = (create) =>
  describe('connections', () => {
    test('are kept, and used again', async () => {
      const server = await serving((_, response) => response.end('yes'));
      const transport = create();
      expect([await ask(transport, server.url), await ask(transport, `${server.url}/other?path`)]).toEqual(['yes', 'yes']);
      expect(server.connections()).toBe(1);
    });

    test('are closed when nobody has used them for a while', async () => {
      const server = await serving((_, response) => response.end('yes'));
      const transport = create({ idleMs: 30 });
      await ask(transport, server.url);
      await sleep(120);
      await ask(transport, server.url);
      expect(server.connections()).toBe(2);
    });

    test('are closed even where the server says nothing of it', async () => {
      let closed = 0;
      const server = createServer((socket) => {
        socket.on('close', () => (closed += 1));
        socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes'));
      });
      await ask(create({ idleMs: 30 }), `http://127.0.0.1:${await listening(server)}`);
      await vi.waitFor(() => expect(closed).toBe(1));
    });

    test('are not kept at all where the server says that it closes them within a second', async () => {
      const server = await serving((_, response) => response.setHeader('keep-alive', 'timeout=1').end('yes'));
      const transport = create();
      await ask(transport, server.url);
      await ask(transport, server.url);
      expect(server.connections()).toBe(2);
    });

    test('are kept until a second before the server closes them, and no longer than they were to be', async () => {
      const server = await serving((_, response) => response.setHeader('keep-alive', 'timeout=2').end('yes'));
      const transport = create();
      await ask(transport, server.url);
      await ask(transport, server.url);
      expect(server.connections()).toBe(1);
      const patient = await serving((_, response) => response.setHeader('keep-alive', 'timeout=60').end('yes'));
      const hasty = create({ idleMs: 30 });
      await ask(hasty, patient.url);
      await sleep(120);
      await ask(hasty, patient.url);
      expect(patient.connections()).toBe(2);
    });

    test('that were closed are not taken where others are kept', async () => {
      const sockets: Socket[] = [];
      const server = await serving((asked, response) => void setTimeout(() => response.end(`${sockets.indexOf(asked.socket)}`), 20));
      server.each((socket) => sockets.push(socket));
      const transport = create();
      await Promise.all([ask(transport, server.url), ask(transport, server.url)]);
      const last = Number(await ask(transport, server.url));
      sockets[last]?.destroy();
      await sleep(20);
      expect(await ask(transport, server.url)).toBe(`${1 - last}`);
      expect(server.connections()).toBe(2);
    });

    test('beyond the number that may be kept are closed', async () => {
      const server = await serving((_, response) => void setTimeout(() => response.end('yes'), 20));
      const transport = create({ maxIdle: 1 });
      await Promise.all([ask(transport, server.url), ask(transport, server.url)]);
      await Promise.all([ask(transport, server.url), ask(transport, server.url)]);
      expect(server.connections()).toBe(3);
    });

    test.each(['127.0.0.1', '::1'])('reach a server that listens at %s only by a name that stands for both', async (host) => {
      const both: LookupAddress[] = [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ];
      vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: unknown, told: (error: null, found: LookupAddress[]) => void) =>
        told(null, both)) as unknown as typeof dns.lookup);
      const port = await listening(
        createHttpServer((_, response) => response.end('yes')),
        host,
      );
      expect(await ask(create(), `http://box:${port}`)).toBe('yes');
    });
  });

/** Answers the first request on a connection, and does something else with the next one. */
async function dyingServer(then: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    let count = 0;
    socket.on('data', () => {
      count += 1;
      if (count === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes');
      else then(socket);
    });
  });
  return `http://127.0.0.1:${await listening(server)}`;
}

const keptConnections: Cases = (create) =>
  describe('a request on a kept connection', () => {
    test.each<[string, (socket: Socket) => void]>([
      ['closed', (socket) => socket.end()],
      ['reset', (socket) => socket.resetAndDestroy()],
    ])('that is %s without a word says so', async (_, then) => {
      const url = await dyingServer(then);
      const transport = create();
      await ask(transport, url);
      expect(await failureOf(transport.send(request(url)))).toMatchObject({ isKept: true });
    });

    test('that has begun to answer does not', async () => {
      const url = await dyingServer((socket) => socket.end('HTTP/1.1 20'));
      const transport = create();
      await ask(transport, url);
      expect(await failureOf(transport.send(request(url)))).toMatchObject({ isKept: false });
    });

    test('nor does one on a fresh connection', async () => {
      const port = await listening(createServer((socket) => void socket.once('data', () => socket.end())));
      const failure = await failureOf(create().send(request(`http://127.0.0.1:${port}`)));
      expect(failure).toMatchObject({ isKept: false });
      expect(classifyFault(failure)).toMatchObject({ code: 'unavailable', text: 'The connection was closed.' });
    });
  });

/** What a request tells of its connection, and the way to give that up. */
function watched() {
  const told: string[] = [];
  let giveUp: ((reason: unknown) => void) | undefined;
  const onConnecting: TransportRequest['onConnecting'] = (give) => {
    told.push('connecting');
    giveUp = give;
    return () => told.push('stands');
  };
  return { told, onConnecting, giveUp: (reason: unknown) => giveUp?.(reason) };
}

const connectionLimit: Cases = (create) =>
  describe('the limit for a connection', () => {
    test('is let go of when there is an answer, however long that lasts', async () => {
      const server = await serving((_, response) => void response.write('the first piece'));
      let isTold = false;
      let stands: (() => void) | undefined = () => void (isTold = true);
      const seen = new WeakRef(stands);
      const response = await create().send(request(server.url, { onConnecting: () => stands as () => void }));
      const source = sourceIn(response);
      await source.read();
      expect(isTold).toBe(true);
      stands = undefined;
      // What a turn of the loop has looked at, it keeps.
      await sleep(20);
      collectGarbage();
      expect(seen.deref()).toBeUndefined();
      source.cancel();
    });

    test('is told of new connections, and that they stand before there is an answer; kept ones need none', async () => {
      let answer: (() => void) | undefined;
      const server = await serving((_, response) => (answer = () => response.end('yes')));
      const { told, onConnecting } = watched();
      const transport = create();
      const sent = transport.send(request(server.url, { onConnecting }));
      await vi.waitFor(() => expect(answer).toBeDefined());
      expect(told).toEqual(['connecting', 'stands']);
      answer?.();
      await (await sent).text();
      await sleep(5);
      const again = transport.send(request(server.url, { onConnecting }));
      await sleep(20);
      answer?.();
      await (await again).text();
      expect(told.filter((what) => what === 'connecting')).toHaveLength(1);
    });

    test('gives up a server that never shakes hands', async () => {
      let closed = 0;
      const port = await listening(createServer((socket) => void socket.resume().on('close', () => (closed += 1))));
      const { told, onConnecting, giveUp } = watched();
      const sent = failureOf(create().send(request(`https://127.0.0.1:${port}`, { onConnecting })));
      await sleep(30);
      expect(told).toEqual(['connecting']);
      const reason = new Error('too late');
      giveUp(reason);
      expect(await sent).toBe(reason);
      await vi.waitFor(() => expect(closed).toBe(1));
    });

    test('is at rest once a connection is refused', async () => {
      const { told, onConnecting } = watched();
      const failure = await failureOf(create().send(request('http://127.0.0.1:9', { onConnecting })));
      expect(classifyFault(failure)).toMatchObject({ reason: 'ECONNREFUSED', phase: 'connect' });
      expect(told).toEqual(['connecting', 'stands']);
    });
  });

const tls: Cases = (create) =>
  describe('TLS', () => {
    const { key, cert } = selfSignedCertificate('localhost');
    const secure = async (): Promise<string> =>
      `https://localhost:${await listening(createHttpsServer({ key, cert }, (_, response) => response.end('secret')))}`;

    test('is always verified, whatever the environment says', async () => {
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
      const failure = await failureOf(create().send(request(await secure())));
      expect(classifyFault(failure)).toMatchObject({
        code: 'unavailable',
        phase: 'connect',
        text: 'The TLS certificate was not accepted.',
      });
    });

    test('trusts a certificate that it is given', async () => {
      expect(await ask(create({ ca: cert }), await secure())).toBe('secret');
    });
  });

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

const bodies: Cases = (create) =>
  describe('bodies', () => {
    test('come with all that one read of the network brought', async () => {
      const events = Array.from({ length: 100 }, (_, index) => chunk(`data: ${index}\n\n`)).join('');
      const port = await listening(
        createServer(
          (socket) =>
            void socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${events}0\r\n\r\n`)),
        ),
      );
      const source = sourceIn(await create().send(request(`http://127.0.0.1:${port}`)));
      expect(
        Buffer.from((await source.read()) ?? [])
          .toString()
          .split('\n\n'),
      ).toHaveLength(101);
      expect(await source.read()).toBeUndefined();
    });

    test('in crumbs are taken turn by turn, and are whole', async () => {
      const crumbs = 100_000;
      const { url } = await serving((_asked, response) => {
        response.writeHead(200, { 'transfer-encoding': 'chunked' }).flushHeaders();
        response.socket?.write(`${'1\r\na\r\n'.repeat(crumbs)}0\r\n\r\n`);
      });
      const source = sourceIn(await create().send(request(url)));
      let turn = 0;
      const next = (): unknown => (turn += 1) && (ticking = setImmediate(next));
      let ticking = setImmediate(next);
      const ofTurn = new Map<number, number>();
      for (let piece = await source.read(); piece !== undefined; piece = await source.read()) {
        ofTurn.set(turn, (ofTurn.get(turn) ?? 0) + piece.byteLength);
      }
      clearImmediate(ticking);
      const taken = [...ofTurn.values()];
      expect(taken.reduce((all, each) => all + each, 0)).toBe(crumbs);
      // One read of the network is 11,000, what waits in the stream drains by 1,024.
      expect(Math.max(...taken)).toBeLessThan(3_000);
    });

    test('that nobody reads stay with the server', async () => {
      let written = 0;
      const server = await serving((_, response) => {
        const write = (): void => {
          for (let more = true; more && written < 64; written += 1) more = response.write(Buffer.alloc(1024 * 1024));
          if (written < 64) response.once('drain', write);
          else response.end();
        };
        write();
      });
      const source = sourceIn(await create().send(request(server.url)));
      await sleep(200);
      expect(written).toBeLessThan(32);
      expect((await textOf(source)).length).toBe(64 * 1024 * 1024);
    });

    test('hand out what came before the connection broke', async () => {
      const port = await listening(
        createServer(
          (socket) => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\n')),
        ),
      );
      const response = await create().send(request(`http://127.0.0.1:${port}`));
      await sleep(20);
      const source = sourceIn(response);
      expect(Buffer.from((await source.read()) ?? []).toString()).toBe('yes');
      expect(classifyFault(await failureOf(source.read()))).toMatchObject({ code: 'unavailable', text: 'The connection was closed.' });
    });

    test.each([
      ['of a length', 'content-length: 10'],
      ['in chunks', 'transfer-encoding: chunked'],
    ])('%s that are cut short are told as closed, whatever was said of the connection', async (_, header) => {
      for (const connection of ['close', 'keep-alive']) {
        const port = await listening(
          createServer(
            (socket) =>
              void socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nconnection: ${connection}\r\n${header}\r\n\r\n1\r\n`)),
          ),
        );
        const failure = failureOf(textOf(sourceIn(await create().send(request(`http://127.0.0.1:${port}`)))));
        expect(classifyFault(await failure)).toMatchObject({ code: 'unavailable', text: 'The connection was closed.' });
      }
    });

    test('that are no HTTP are told as such, after what came before', async () => {
      const port = await listening(
        createServer(
          (socket) =>
            void socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\nno number')),
        ),
      );
      const source = sourceIn(await create().send(request(`http://127.0.0.1:${port}`)));
      expect(Buffer.from((await source.read()) ?? []).toString()).toBe('yes');
      expect(classifyFault(await failureOf(source.read()))).toMatchObject({ code: 'bad_response' });
    });

    test('that are whole are not harmed by what follows', async () => {
      const port = await listening(
        createServer(
          (socket) => void socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyesjunk\r\n\r\n')),
        ),
      );
      expect(await ask(create(), `http://127.0.0.1:${port}`)).toBe('yes');
    });

    test('that are left close the connection, and those that have ended do not', async () => {
      const server = await serving((asked, response) => (asked.url === '/whole' ? response.end('yes') : void response.write('more')));
      const transport = create();
      const source = sourceIn(await transport.send(request(`${server.url}/whole`)));
      await textOf(source);
      source.cancel();
      await sleep(5);
      const left = sourceIn(await transport.send(request(server.url)));
      await left.read();
      left.cancel();
      expect(await left.read()).toBeUndefined();
      await sleep(5);
      await ask(transport, `${server.url}/whole`);
      expect(server.connections()).toBe(2);
    });

    test('that are aborted give the reason, and nothing listens any more', async () => {
      const server = await serving((_, response) => void response.write('first'));
      const controller = new AbortController();
      const source = sourceIn(await create().send(request(server.url, { signal: controller.signal })));
      await source.read();
      const failure = failureOf(source.read());
      const reason = new Error('why');
      controller.abort(reason);
      expect(await failure).toBe(reason);
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    });

    test('leave no listener behind when they have ended', async () => {
      const server = await serving((_, response) => response.end('yes'));
      const { signal } = new AbortController();
      await (await create().send(request(server.url, { signal }))).text();
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
      await failureOf(create().send(request('http://127.0.0.1:9', { signal })));
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });

    test('without a byte order mark', async () => {
      const server = await serving((_, response) => response.end('\uFEFF{"é":1}'));
      expect(await ask(create(), server.url)).toBe('{"é":1}');
    });

    test('are none for statuses that have none', async () => {
      const server = await serving((_, response) => response.writeHead(204).end());
      const transport = create();
      expect(await transport.send(request(server.url))).toMatchObject({ status: 204, body: null });
      await sleep(5);
      await transport.send(request(server.url));
      expect(server.connections()).toBe(1);
    });
  });

const packedBodies: Cases = (create) =>
  describe('packed bodies', () => {
    const whole = 'packed '.repeat(1_000);

    test.each([
      ['gzip', gzipSync(whole)],
      ['x-gzip', gzipSync(whole)],
      ['deflate', deflateSync(whole)],
      ['br', brotliCompressSync(whole)],
    ])('of %s are unpacked', async (packing, bytes) => {
      const server = await serving((_, response) => response.setHeader('content-encoding', packing).end(bytes));
      expect(await textOf(sourceIn(await create().send(request(server.url))))).toBe(whole);
    });

    test.each(['gzip, gzip', 'unheard-of', 'constructor'])('of %j are handed on as they are', async (packing) => {
      const server = await serving((_, response) => response.setHeader('content-encoding', packing).end('bytes'));
      expect(await textOf(sourceIn(await create().send(request(server.url))))).toBe('bytes');
    });

    test.each(['gzip', 'br'])('of %s that are damaged are no answer', async (packing) => {
      const server = await serving((_, response) => response.setHeader('content-encoding', packing).end('no such thing at all'));
      const source = sourceIn(await create().send(request(server.url)));
      expect(classifyFault(await failureOf(textOf(source)))).toMatchObject({ code: 'bad_response' });
    });

    test('that are damaged and do not end close the connection', async () => {
      let closed = 0;
      const server = await serving((_, response) => {
        response.on('close', () => (closed += 1));
        response.setHeader('content-encoding', 'gzip').write('no such thing at all');
      });
      const { signal } = new AbortController();
      const source = sourceIn(await create().send(request(server.url, { signal })));
      expect(classifyFault(await failureOf(textOf(source)))).toMatchObject({ code: 'bad_response' });
      await vi.waitFor(() => expect(closed).toBe(1));
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });

    test('that are left close the connection', async () => {
      let closed = 0;
      const server = await serving((_, response) => {
        response.on('close', () => (closed += 1));
        response.setHeader('content-encoding', 'gzip').write(gzipSync(whole).subarray(0, 20));
      });
      const source = sourceIn(await create().send(request(server.url)));
      source.cancel();
      expect(await source.read()).toBeUndefined();
      await vi.waitFor(() => expect(closed).toBe(1));
    });

    test('that nobody reads stay with the server', async () => {
      const bytes = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 0 });
      const pieceBytes = 1024 * 1024;
      let written = 0;
      const server = await serving((_, response) => {
        response.setHeader('content-encoding', 'gzip');
        const write = (): void => {
          for (let more = true; more && written < bytes.length; written += pieceBytes) {
            more = response.write(bytes.subarray(written, written + pieceBytes));
          }
          if (written < bytes.length) response.once('drain', write);
          else response.end();
        };
        write();
      });
      const source = sourceIn(await create().send(request(server.url)));
      await sleep(200);
      expect(written).toBeLessThan(32 * pieceBytes);
      expect((await textOf(source)).length).toBe(64 * pieceBytes);
    });

    test('that are aborted give the reason, and their unpacker back', async () => {
      const unpackers = vi.spyOn(zlib, 'createGunzip');
      const server = await serving(
        (_, response) => void response.setHeader('content-encoding', 'gzip').write(gzipSync(whole).subarray(0, 20)),
      );
      const controller = new AbortController();
      const source = sourceIn(await create().send(request(server.url, { signal: controller.signal })));
      const failure = failureOf(textOf(source));
      const reason = new Error('why');
      controller.abort(reason);
      expect(await failure).toBe(reason);
      await vi.waitFor(() => expect(unpackers.mock.results).toMatchObject([{ value: { destroyed: true } }]));
    });

    test('that break off do so', async () => {
      const port = await listening(
        createServer(
          (socket) =>
            void socket.once('data', () => {
              socket.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 10000\r\n\r\n');
              socket.end(gzipSync(whole).subarray(0, 20));
            }),
        ),
      );
      const source = sourceIn(await create().send(request(`http://127.0.0.1:${port}`)));
      expect(classifyFault(await failureOf(textOf(source)))).toMatchObject({ code: 'unavailable', text: 'The connection was closed.' });
    });
  });

const announcing = (count: number) =>
  serving((_asked, response) => {
    response.socket?.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(count));
    setTimeout(() => response.end('at last'), 50);
  });

const announcements: Cases = (create) =>
  describe('announcements of an answer', () => {
    test('are passed over', async () => {
      const { url } = await announcing(999);
      expect(await ask(create(), url)).toBe('at last');
    });

    test('without an end are none', async () => {
      const { url } = await announcing(1_000);
      const fault = await failureOf(create().send(request(url)));
      expect(fault).toMatchObject({ message: expect.stringContaining('again and again') as string, isKept: false });
      expect(classifyFault(fault).code).toBe('unavailable');
    });
  });

const stub = (isAsked: string) => (url: string) => {
  vi.stubEnv('HTTP_PROXY', url);
  vi.stubEnv('NODE_USE_ENV_PROXY', isAsked);
  return {};
};

const proxies: Cases = (create) =>
  describe('proxies', () => {
    /** Says whom it was asked for. */
    const proxied = async (options: (url: string) => Options): Promise<string> => {
      const proxy = await serving((asked, response) => response.end(`by proxy: ${asked.url}`));
      const server = await serving((_, response) => response.end('directly'));
      const text = await ask(create(options(proxy.url)), `${server.url}/path`);
      return text.replace(/:\d+\//, '/');
    };

    test('are those of the environment that is given', async () => {
      expect(await proxied((url) => ({ proxy: { HTTP_PROXY: url } }))).toBe('by proxy: http://127.0.0.1/path');
      expect(await proxied((url) => ({ proxy: { HTTP_PROXY: url, NO_PROXY: '127.0.0.1' } }))).toBe('directly');
    });

    test('are those of the process where it says so', async () => {
      expect(await proxied(stub('1'))).toBe('by proxy: http://127.0.0.1/path');
      expect(await proxied(stub(''))).toBe('directly');
      expect(await proxied((url) => ({ ...stub('1')(url), proxy: false }))).toBe('directly');
    });

    test('of requests over TLS are asked for a tunnel', async () => {
      const asked: string[] = [];
      const server = createHttpServer().on('connect', ({ url }, socket) => {
        asked.push(url ?? '');
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      });
      const proxy = { HTTPS_PROXY: `http://127.0.0.1:${await listening(server)}` };
      await failureOf(create({ proxy }).send(request('https://models.example.com/')));
      expect(asked).toEqual(['models.example.com:443']);
    });
  });

const addressesAndHeaders: Cases = (create) => {
  test.each(['content-length: 3\r\ncontent-length: 4', 'content-length: 3\r\nx-nul: \0', 'content-length: 3\r\nx y: z', 'no header'])(
    'an answer with %j is none',
    async (headers) => {
      const port = await listening(
        createServer((socket) => void socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\nyes`))),
      );
      const failure = await failureOf(create().send(request(`http://127.0.0.1:${port}`)));
      expect(failure).toMatchObject({ isKept: false });
      expect(classifyFault(failure)).toMatchObject({ code: 'bad_response' });
    },
  );

  test('several headers of one name are one', async () => {
    const server = await serving((_, response) => response.setHeader('set-cookie', ['a', 'b']).setHeader('x-many', ['1', '2']).end());
    const { header } = await create().send(request(server.url));
    expect([header('Set-Cookie'), header('X-Many'), header('x-none')]).toEqual(['a, b', '1, 2', null]);
  });

  test.each(['ftp://box', 'file:///etc/passwd', 'no url'])('%s is no address', async (url) => {
    expect(classifyFault(await failureOf(create().send(request(url))))).toMatchObject({ code: 'invalid_config' });
  });

  test.each(['user:key@', 'user@', ':key@'])('credentials in an address (%s) are refused, and not left out', async (credentials) => {
    const server = await serving((_, response) => response.end());
    const failure = await failureOf(create().send(request(server.url.replace('//', `//${credentials}`))));
    expect(classifyFault(failure)).toMatchObject({ code: 'invalid_config' });
    expect(String(failure)).not.toContain('key');
    expect(server.connections()).toBe(0);
  });

  test('a request that was aborted before its start is not sent', async () => {
    const server = await serving((_, response) => response.end());
    const reason = new Error('why');
    expect(await failureOf(create().send(request(server.url, { signal: AbortSignal.abort(reason) })))).toBe(reason);
    await sleep(20);
    expect(server.connections()).toBe(0);
  });

  test('headers that HTTP does not allow are refused without their values', async () => {
    const failure = await failureOf(create().send(request('http://127.0.0.1:9', { headers: { 'x-key': 'secret\r\nx-more: 1' } })));
    expect(classifyFault(failure)).toMatchObject({ code: 'invalid_config' });
  });
};

export const transportCases: Cases = (create) => {
  for (const cases of [
    connections,
    keptConnections,
    connectionLimit,
    tls,
    bodies,
    packedBodies,
    announcements,
    proxies,
    addressesAndHeaders,
  ])
    cases(create);
};
