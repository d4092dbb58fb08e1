import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, vi } from 'vitest';
import { type Body, type ByteSource, sourceOf } from '../../src/lib/byte-source.ts';
import type { TransportRequest, TransportResponse } from '../../src/lib/transport.ts';

// Servers for the tests of transports, closed after each test, and requests to them.

const closing: (() => void)[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  for (const close of closing.splice(0)) close();
});

export async function listening<Listener extends Server>(server: Listener, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, host);
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface Served {
  readonly url: string;
  /** How often somebody has connected. */
  connections(): number;
  /** Is called with each connection from now on. */
  each(told: (socket: Socket) => void): void;
}

/** A server of HTTP. */
export async function serving(answer: Answer): Promise<Served> {
  let connections = 0;
  const server = createHttpServer({ keepAliveTimeout: 60_000 }, answer).on('connection', () => (connections += 1));
  const url = `http://127.0.0.1:${await listening(server)}`;
  return { url, connections: () => connections, each: (told) => void server.on('connection', told) };
}

export const request = (url: string, more: Partial<TransportRequest> = {}): TransportRequest => ({
  method: 'POST',
  url,
  headers: { 'content-type': 'application/json' },
  body: '{}',
  signal: new AbortController().signal,
  ...more,
});

export const sourceIn = ({ body }: TransportResponse): ByteSource => sourceOf(body as Body);
export async function textOf(source: ByteSource): Promise<string> {
  const pieces: Uint8Array[] = [];
  for (let piece = await source.read(); piece !== undefined; piece = await source.read()) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** Reads the answer, so that its connection is free. */
export async function ask(transport: { send(asked: TransportRequest): Promise<TransportResponse> }, url: string): Promise<string> {
  const text = await (await transport.send(request(url))).text();
  await sleep(5);
  return text;
}
