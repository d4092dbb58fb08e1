import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createHandler, type Handler } from '../../src/http/handler.ts';
import type { AccessEntry, HandlerOptions } from '../../src/http/handler-options.ts';
import { toNodeListener } from '../../src/http/node.ts';
import { type FakeRouter, fakeRouter } from '../_kit/fake-router.ts';

export const token = 'Jp4kW9-tZq2_x7Lr';
export const otherToken = 'b8Yh3.Vn6=Qm1+Ds';
export const adminToken = 'Zr6Tq0-Lk2Wv9_Xs4Hb8Nc';

/** What no answer to strangers may hold: the names of what stands behind. */
export const inner = { provider: 'hidden-box', model: 'hidden-model', url: 'http://hidden.internal:9001' } as const;

export const chatPath = '/v1/chat/completions';
export const chatBody: string = JSON.stringify({ model: inner.model, messages: [{ role: 'user', content: 'Hello!' }] });

export interface Front {
  readonly handler: Handler;
  readonly behind: FakeRouter<'hidden-box'>;
  /** What the access log heard. */
  readonly entries: readonly AccessEntry[];
}

/** A handler over one provider that answers "yes"; on the clock of the router where none is given. */
export function front(options: HandlerOptions = {}, does: Parameters<typeof fakeRouter>[0][string] = 'yes'): Front {
  const behind = fakeRouter({ [inner.provider]: does } as Record<'hidden-box', typeof does>);
  const entries: AccessEntry[] = [];
  const onAccess = (entry: AccessEntry): void => {
    entries.push(entry);
    return options.onAccess?.(entry);
  };
  return { behind, entries, handler: createHandler(behind.router, { clock: behind.clock, ...options, onAccess }) };
}

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  readonly signal?: AbortSignal;
  readonly remoteAddress?: string;
}

/** One request as a server of the web's kind hands it on. A header that is '' is left out. */
export function ask(handler: Handler, asked: Asked = {}): Promise<Response> {
  const { method = 'GET', path = '/v1/models', headers = {}, body = null, signal, remoteAddress } = asked;
  const given = Object.entries({ host: 'localhost:8080', ...(body !== null && { 'content-type': 'application/json' }), ...headers });
  const init: RequestInit & { duplex: 'half' } = { method, headers: given.filter(([, value]) => value !== ''), body, duplex: 'half' };
  if (signal !== undefined) init.signal = signal;
  return handler(new Request(`http://localhost:8080${path}`, init), { remoteAddress });
}

export function askChat(handler: Handler, { headers = {}, ...asked }: Asked = {}): Promise<Response> {
  return ask(handler, {
    method: 'POST',
    path: chatPath,
    body: chatBody,
    ...asked,
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
}

/** Status and code of a refusal in OpenAI's shape. */
export async function refusalIn(response: Response): Promise<{ status: number; code: string; text: string; param: string | null }> {
  const text = await response.text();
  const { error } = JSON.parse(text) as { error: { code: string; param: string | null } };
  return { status: response.status, code: error.code, param: error.param, text };
}

export interface Listening extends AsyncDisposable {
  readonly port: number;
  readonly server: Server;
  readonly sockets: ReadonlySet<Socket>;
}

/** Node's own server before a handler. */
export async function listen(handler: Handler): Promise<Listening> {
  const server = createServer(toNodeListener(handler));
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    server,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Sends bytes and reads to the end of the connection. */
export async function sendRaw(port: number, ...pieces: readonly string[]): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => (text += piece));
  socket.on('error', () => undefined);
  for (const piece of pieces) socket.write(piece, 'latin1');
  await once(socket, 'close');
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => [line.split(':', 1)[0]?.toLowerCase() ?? '', line.slice(line.indexOf(':') + 2)]));
  return { status: Number(first.split(' ')[1]), headers, text: rest.join('\r\n\r\n') };
}

/** A request as bytes, after which the connection is to be closed. */
export function rawRequest(method: string, target: string, headers: Readonly<Record<string, string>> = {}, body = ''): string {
  const all = { host: 'localhost', connection: 'close', ...(body !== '' && { 'content-type': 'application/json' }), ...headers };
  const lines = Object.entries({ ...all, ...(body !== '' && { 'content-length': String(Buffer.byteLength(body)) }), ...headers });
  return `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

/** Waits for something that happens outside of the test's own clock. */
export async function until(holds: () => boolean, withinMs = 3_000): Promise<number> {
  const startMs = performance.now();
  while (!holds()) {
    if (performance.now() - startMs > withinMs) throw new Error(`It did not happen within ${withinMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return performance.now() - startMs;
}
