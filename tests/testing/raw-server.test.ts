import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  cutAfter,
  fakeBackend,
  inWrites,
  type ListeningBackend,
  reply,
  type Script,
  stallAfter,
  stallBeforeHeaders,
  testClock,
  type Wire,
} from '../../src/testing/index.ts';
import { ask } from '../_kit/backend-forms.ts';
import { plainWire } from '../_kit/plain-wire.ts';

const listen = (script: Script = reply('yes')): Promise<ListeningBackend> => fakeBackend(plainWire, script).listen();

const body = '{"model":"é"}';
const length = `content-length: ${Buffer.byteLength(body)}\r\n`;
const chat = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n`;

interface Client extends Disposable {
  readonly socket: Socket;
  /** What has come so far. */
  received(): string;
  /** How the connection ended: undefined while it stands. */
  ending(): 'fin' | 'rst' | undefined;
}

/** A client that knows no HTTP. */
async function client(url: string): Promise<Client> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).setNoDelay(true);
  let received = '';
  let ending: 'fin' | 'rst' | undefined;
  socket.on('data', (bytes) => (received += bytes.toString()));
  socket.on('error', () => (ending = 'rst'));
  socket.on('end', () => (ending ??= 'fin'));
  await once(socket, 'connect');
  return { socket, received: () => received, ending: () => ending, [Symbol.dispose]: () => void socket.destroy() };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setImmediate();
}

test('a request that comes byte by byte is read whole', async () => {
  await using server = await listen();
  using asking = await client(server.url);
  for (const byte of Buffer.from(`${chat}${length}\r\n${body}`)) {
    asking.socket.write(Uint8Array.of(byte));
    await setImmediate();
  }
  await until(() => asking.received().endsWith('}]}'));
  expect(server.calls.map(({ body: read }) => read)).toEqual([{ model: 'é' }]);
});

test('a body in chunks is put together', async () => {
  await using server = await listen();
  using asking = await client(server.url);
  const [head, tail] = [body.slice(0, 5), body.slice(5)];
  const chunks = [head, tail].map((part) => `${Buffer.byteLength(part).toString(16)};note=x\r\n${part}\r\n`);
  for (const character of `${chat}Transfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`.repeat(2)) {
    asking.socket.write(character);
    await setImmediate();
  }
  await until(() => asking.received().split('}]}').length === 3);
  expect(server.calls.map(({ body: read }) => read)).toEqual([{ model: 'é' }, { model: 'é' }]);
});

test('requests that come at once on one connection are answered one after the other', async () => {
  const backend = fakeBackend(plainWire, [reply('first'), reply('second'), reply('third')]);
  await using server = await backend.listen();
  using asking = await client(server.url);
  asking.socket.write(`${chat}${length}\r\n${body}`.repeat(3));
  await until(() => asking.received().includes('third'));
  expect(asking.received().match(/first|second|third|HTTP\/1\.1 200 OK/g)).toEqual([
    'HTTP/1.1 200 OK',
    'first',
    'HTTP/1.1 200 OK',
    'second',
    'HTTP/1.1 200 OK',
    'third',
  ]);
});

test('a request that comes while another is answered waits for its turn', async () => {
  const backend = fakeBackend(plainWire, [inWrites('bytes', reply('first')), reply('second')]);
  await using server = await backend.listen();
  using asking = await client(server.url);
  asking.socket.write(`${chat}${length}\r\n${body}`);
  await until(() => asking.received().includes('{'));
  asking.socket.write(`${chat}${length}\r\n${body}`);
  await until(() => asking.received().includes('second'));
  expect(asking.received().match(/first.*?\]\}|HTTP/g)).toEqual(['HTTP', expect.stringMatching(/^first/), 'HTTP']);
});

test('each write goes out by itself', async () => {
  await using server = await listen(inWrites('bytes'));
  using asking = await client(server.url);
  let reads = 0;
  asking.socket.on('data', () => (reads += 1));
  asking.socket.write(`${chat}${length}\r\n${body}`);
  await until(() => asking.received().endsWith('}]}'));
  expect(reads).toBeGreaterThan(100);
});

test('a stream that opens with nothing is not over before its first piece', async () => {
  const wire: Wire = { ...plainWire, answer: (answer, call) => ({ ...plainWire.answer(answer, call), opening: '' }) };
  await using server = await fakeBackend(wire, reply('yes')).listen();
  expect(await (await ask(server.url, 'stream')).text()).toContain('yes');
});

test('a connection is kept for the next request, behind a stream as well', async () => {
  await using server = await listen();
  using asking = await client(server.url);
  for (const asked of ['{}', '{"stream":true}', '{}']) {
    const before = asking.received().length;
    asking.socket.write(`${chat}content-length: ${asked.length}\r\n\r\n${asked}`);
    await until(() => /(?:\}\]\}|0\r\n\r\n)$/.test(asking.received().slice(before)));
  }
  expect([server.calls.map(({ verb }) => verb), server.openSockets()]).toEqual([['chat', 'stream', 'chat'], 1]);
});

test.each(['connection: close\r\n', ''])('a connection is closed behind the answer when the client wants that', async (header) => {
  await using server = await listen();
  using asking = await client(server.url);
  const request = header === '' ? chat.replace('1.1', '1.0') : chat + header;
  asking.socket.write(`${request}${length}\r\n${body}`);
  await until(() => asking.ending() !== undefined);
  await until(() => server.openSockets() === 0);
  expect([asking.ending(), asking.received().endsWith('}]}'), server.aborted]).toEqual(['fin', true, 0]);
});

test('a stream goes over the wire in chunks, each piece as one', async () => {
  await using server = await listen(reply('', { pieces: ['é'] }));
  using asking = await client(server.url);
  const asked = '{"stream":true}';
  asking.socket.write(`${chat}content-length: ${asked.length}\r\n\r\n${asked}`);
  await until(() => asking.received().endsWith('0\r\n\r\n'));
  const [, ...chunks] = asking.received().split('\r\n\r\n', 2)[1] === undefined ? [] : asking.received().split('\r\n');
  const sizes = chunks.filter((line) => /^[0-9a-f]{2}$/.test(line)).map((line) => Number.parseInt(line, 16));
  const pieces = chunks.filter((line) => line.startsWith('data:')).map((line) => Buffer.byteLength(line));
  expect(sizes).toEqual(pieces);
});

test.each([
  ['fin', 'chunked'],
  ['rst', 'chunked'],
  ['fin', 'length'],
  ['rst', 'length'],
] as const)('a cut with %s ends the connection so, a body by %s in the middle', async (how, framing) => {
  await using server = await listen(cutAfter(1, how));
  using asking = await client(server.url);
  const asked = JSON.stringify({ stream: framing === 'chunked' });
  asking.socket.write(`${chat}content-length: ${asked.length}\r\n\r\n${asked}`);
  await until(() => asking.ending() !== undefined);
  await until(() => server.openSockets() === 0);
  expect([asking.ending(), asking.received().includes('200 OK'), asking.received().includes('0\r\n\r\n')]).toEqual([how, true, false]);
});

test('a status without a name of its own is sent without one', async () => {
  await using server = await listen({ answer: {}, failure: { kind: 'status', status: 529 }, faults: {} });
  expect((await ask(server.url)).status).toBe(529);
});

test.each([
  ['a header of more than 64 KiB', `${chat}x: ${'y'.repeat(64 * 1024)}\r\n\r\n`, 431],
  ['a header without end', `${chat}x: ${'y'.repeat(65 * 1024)}`, 431],
  ['what is no HTTP', 'hello there\r\n\r\n', 400],
  ['a proxy request', 'GET http://x/ HTTP/1.1\r\n\r\n', 400],
  ['a length that is none', `${chat}content-length: -1\r\n\r\n`, 400],
  ['a chunk without size', `${chat}transfer-encoding: chunked\r\n\r\nzz\r\n`, 400],
])('%s is refused and the connection closed', async (_name, bytes, code) => {
  await using server = await listen();
  using asking = await client(server.url);
  asking.socket.write(bytes);
  await until(() => asking.ending() !== undefined);
  expect(asking.received()).toMatch(new RegExp(`^HTTP/1.1 ${code} `));
  expect(server.requests).toEqual([]);
});

test('a header of nearly 64 KiB is read', async () => {
  await using server = await listen();
  using asking = await client(server.url);
  asking.socket.write(`${chat}x: ${'y'.repeat(63 * 1024)}\r\n${length}\r\n${body}`);
  await until(() => asking.received() !== '');
  expect(server.calls[0]?.headers.x?.length).toBe(63 * 1024);
});

test('a header that comes twice has both values', async () => {
  await using server = await listen();
  using asking = await client(server.url);
  asking.socket.write(`${chat}x: a\r\nX:b\r\n${length}\r\n${body}`);
  await until(() => asking.received() !== '');
  expect(server.calls[0]?.headers.x).toBe('a, b');
});

test('a client that resets the connection has left, and the server goes on', async () => {
  await using server = await listen([stallAfter(1), reply('yes')]);
  const leaving = await client(server.url);
  leaving.socket.write(`${chat}${length}\r\n${body}`);
  await until(() => leaving.received() !== '');
  leaving.socket.resetAndDestroy();
  await until(() => server.openSockets() === 0);
  expect([server.aborted, (await ask(server.url)).status]).toEqual([1, 200]);
});

test('closing ends every connection, leaves none, and is no abort of the client', async () => {
  const backend = fakeBackend(plainWire, stallBeforeHeaders());
  const server = await backend.listen();
  const asked = [ask(server.url), ask(server.url)].map((call) => call.catch((error: Error) => error.message));
  await until(() => server.calls.length === 2);
  expect(server.openSockets()).toBe(2);
  await server.close();
  expect(await Promise.all(asked)).toEqual(['fetch failed', 'fetch failed']);
  expect([backend.openSockets(), backend.aborted]).toEqual([0, 0]);
  await expect(ask(server.url)).rejects.toThrow('fetch failed');
});

test('closing just before a cut is no abort of the client either', async () => {
  const clock = testClock();
  const server = await listen(cutAfter(0, 'fin', inWrites('one')));
  using asking = await client(server.url);
  const headed = once(asking.socket, 'data');
  asking.socket.write(`${chat}${length}\r\n${body}`);
  await headed;
  await server.close();
  await clock.settle();
  expect([server.calls.length, server.aborted]).toEqual([1, 0]);
});

test('closing twice is fine, and another server can be opened', async () => {
  const backend = fakeBackend(plainWire);
  const server = await backend.listen();
  await Promise.all([server.close(), server.close()]);
  await server.close();
  await using next = await backend.listen();
  expect((await ask(next.url)).status).toBe(200);
});

test('sockets are counted over every server of a backend', async () => {
  const backend = fakeBackend(plainWire);
  await using first = await backend.listen();
  await using second = await backend.listen();
  using one = await client(first.url);
  using two = await client(second.url);
  await until(() => backend.openSockets() === 2);
  one.socket.destroy();
  two.socket.destroy();
  await until(() => backend.openSockets() === 0);
  expect(first.openSockets()).toBe(0);
});
